"""Headway's ledger on SQLite and PostgreSQL."""

from headway_sql.metadata import metadata_of
from headway_sql.store import SqlStore

__all__ = ["SqlStore", "metadata_of"]
