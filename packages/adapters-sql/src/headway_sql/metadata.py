"""From tables as data to SQLAlchemy's metadata: one `Table` a `TableSpec`, and the log of events."""

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String, Table, Text, text
from sqlalchemy import Index as SqlIndex
from sqlalchemy.types import TypeEngine

from headway_core.kernel.claims import CLAIMS
from headway_core.kernel.events import PRUNED
from headway_core.kernel.tables import ColumnSpec, Index, Kind, TableSpec

EVENTS = "events"

TEXT = String().with_variant(String(collation="C"), "postgresql")
"""Compared and sorted by code points on every database, as Python does it."""
POSITION = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts on by itself in a column that is INTEGER to the letter."""

_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: TEXT,
    Kind.INTEGER: BigInteger(),
    Kind.FLAG: Boolean(),
    Kind.TIME: TEXT,
    Kind.JSON: Text(),
}


DIALECTS = ("sqlite", "postgresql")


def metadata_of(specs: Iterable[TableSpec[Any]], dialects: Iterable[str] = DIALECTS) -> MetaData:
    """The tables of these specs, and what every ledger keeps itself: claims and the log of events.

    Conditions of indexes are those of `dialects`: each that is named is imported, which takes longer than
    all the rest.
    """
    dialects = tuple(dialects)
    metadata = MetaData()
    for spec in (*specs, CLAIMS, PRUNED):
        columns = [_column(column, key=column.name in spec.key) for column in spec.columns()]
        Table(spec.name, metadata, *columns, *(_index(index, dialects) for index in spec.indexes))
    Table(
        EVENTS,
        metadata,
        Column("position", POSITION, primary_key=True),
        Column("workspace_id", TEXT, nullable=True),
        Column("at", TEXT, nullable=False),
        Column("actor", TEXT, nullable=False),
        Column("event", TEXT, nullable=False),
        Column("version", Integer, nullable=False),
        Column("data", Text, nullable=False),
        SqlIndex("events_workspace", "workspace_id", "position"),
        sqlite_autoincrement=True,  # a position is never given twice, also when the newest rows are removed
    )
    return metadata


def rendered(kind: str, item: object, _: object) -> str | Literal[False]:
    """How Alembic writes the two types of ours into a migration, which has them at its top."""
    if kind == "type" and isinstance(item, String) and not isinstance(item, Text):
        return "TEXT"
    if kind == "type" and item is POSITION:
        return "POSITION"
    return False


def workspaces_of(specs: Iterable[TableSpec[Any]], metadata: MetaData) -> Table | None:
    """The table of the workspaces themselves, if the specs have one."""
    return next((metadata.tables[spec.name] for spec in specs if spec.of_workspaces), None)


def _column(column: ColumnSpec, *, key: bool) -> Column[Any]:
    return Column(column.name, _TYPES[column.kind], primary_key=key, nullable=column.nullable)


def _index(index: Index, dialects: Iterable[str]) -> SqlIndex:
    if not index.only:
        return SqlIndex(index.name, *index.columns, unique=index.unique)
    where = text(" AND ".join(_among(column, values) for column, values in index.only.items()))
    conditions: dict[str, Any] = {f"{dialect}_where": where for dialect in dialects}
    return SqlIndex(index.name, *index.columns, unique=index.unique, **conditions)


def _among(column: str, values: tuple[str, ...]) -> str:
    """`column IN ('A', 'B')`: constants of our own code, which an index can't take as parameters."""
    if not all(value.isidentifier() for value in (column, *values)):
        raise ValueError(f"{column} IN {values}: not plain words")
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
