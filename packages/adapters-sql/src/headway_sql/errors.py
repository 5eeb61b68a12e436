"""Every error of the driver as one of ours, by one table."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from headway_core.kernel.errors import HeadwayError, InvalidInput, OutcomeUnknown, Unavailable

BUSY_AGAIN_S = 1.0


class Busy(Unavailable):
    """Another process writes, longer than one wait. The ledger tries again before a caller sees it."""

    def __init__(self) -> None:
        super().__init__("database", "is locked by another process", retry_after=BUSY_AGAIN_S)


def _unavailable(problem: str) -> Callable[[], HeadwayError]:
    return lambda: Unavailable("database", problem)


def _refused(problem: str) -> Callable[[], HeadwayError]:
    return lambda: InvalidInput("database", problem)


TRANSLATIONS: dict[int, Callable[[], HeadwayError]] = {
    sqlite3.SQLITE_BUSY: Busy,
    sqlite3.SQLITE_LOCKED: Busy,
    sqlite3.SQLITE_READONLY: _unavailable("can't be written: the file or its folder is read-only"),
    sqlite3.SQLITE_FULL: _unavailable("can't be written: the disk is full"),
    sqlite3.SQLITE_IOERR: _unavailable("can't be read or written: the disk reports an error"),
    sqlite3.SQLITE_CORRUPT: _unavailable("is damaged: restore it from a backup"),
    sqlite3.SQLITE_PERM: _unavailable("can't be opened: permission denied"),
    sqlite3.SQLITE_CANTOPEN: _unavailable("can't be opened: no such folder, or permission denied"),
    sqlite3.SQLITE_NOTADB: _refused("is a file of another kind, not an SQLite database"),
    sqlite3.SQLITE_TOOBIG: _refused("a value is larger than the database takes"),
    sqlite3.SQLITE_CONSTRAINT: _refused("a record lacks a value that its table needs"),
}
"""By SQLite's primary result code; extended codes are folded onto it."""

PRIMARY = 0xFF


def translated(error: BaseException | None) -> HeadwayError:
    """Ours for the driver's. A code that the table does not know is `Unavailable`, and named."""
    code = getattr(error, "sqlite_errorcode", None)
    known = TRANSLATIONS.get(code & PRIMARY) if isinstance(code, int) else None
    if known is not None:
        return known()
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    return Unavailable("database", f"failed: {name}")


class translating:  # noqa: N801  reads as a function, and is a class because it is around every statement
    """Around everything that talks to the database."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case None | HeadwayError():
                return
            case exc.DBAPIError():
                raise translated(error.orig) from error
            case sqlite3.Error():
                raise translated(error) from error
            case UnicodeEncodeError():
                problem = "a text has half of a surrogate pair, which is no Unicode"
                raise InvalidInput("database", problem) from error
            case OverflowError():
                raise InvalidInput("database", "a number has more than 64 bits") from error


@contextmanager
def committing() -> Iterator[None]:
    """Around COMMIT: an input-output error there leaves the outcome open."""
    try:
        yield
    except exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0)
        if code & PRIMARY == sqlite3.SQLITE_IOERR:
            raise OutcomeUnknown("database", "failed while it committed") from error
        raise
