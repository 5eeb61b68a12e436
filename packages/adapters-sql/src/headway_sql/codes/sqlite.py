"""SQLite's result codes as our errors."""

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from headway_sql.failures import DatabaseBusy, Failure, refused, unavailable

TRANSLATIONS: Mapping[int, Failure] = MappingProxyType(
    {
        sqlite3.SQLITE_BUSY: DatabaseBusy,
        sqlite3.SQLITE_LOCKED: DatabaseBusy,
        sqlite3.SQLITE_READONLY: unavailable("can't be written: the file or its folder is read-only"),
        sqlite3.SQLITE_FULL: unavailable("can't be written: the disk is full"),
        sqlite3.SQLITE_IOERR: unavailable(
            "can't be read or written: the disk reports an error, look whether it is full"
        ),
        sqlite3.SQLITE_CORRUPT: unavailable("is damaged: restore it from a backup"),
        sqlite3.SQLITE_PERM: unavailable("can't be opened: permission denied"),
        sqlite3.SQLITE_CANTOPEN: unavailable("can't be opened: no such folder, or permission denied"),
        sqlite3.SQLITE_NOTADB: refused("is a file of another kind, not an SQLite database"),
        sqlite3.SQLITE_TOOBIG: refused("a value is larger than the database takes"),
        sqlite3.SQLITE_CONSTRAINT: refused("a record lacks a value that its table needs"),
    }
)
"""By primary result code."""

_PRIMARY = 0xFF


def failure_of(code: int) -> Failure | None:
    """What a result code means; extended codes are folded onto their primary one."""
    return TRANSLATIONS.get(code & _PRIMARY)


def leaves_commit_open(code: int) -> bool:
    """Whether COMMIT may have happened all the same."""
    return code & _PRIMARY == sqlite3.SQLITE_IOERR
