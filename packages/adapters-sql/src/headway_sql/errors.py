"""Every error of a driver as one of ours, by one table a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from headway_core.kernel.errors import HeadwayError, InvalidInput, OutcomeUnknown, Unavailable
from headway_sql.codes import postgresql, sqlite
from headway_sql.failures import SERVICE, Failure, Lost


def translated(error: BaseException | None) -> HeadwayError:
    """Ours for the driver's. A code that no table knows is `Unavailable`, and named."""
    found, name = _found(error)
    return Unavailable(SERVICE, f"failed: {name}") if found is None else found()


def _found(error: BaseException | None) -> tuple[Failure | None, str]:
    match getattr(error, "sqlite_errorcode", None), getattr(error, "sqlstate", None):
        case int(code), _:
            return sqlite.failure_of(code), getattr(error, "sqlite_errorname", str(code))
        case _, str(sqlstate):
            return postgresql.failure_of(sqlstate), f"SQLSTATE {sqlstate}"
        case _:
            return None, type(error).__name__


class translating:  # noqa: N801  reads as a function, and is a class because it is around every statement
    """Around everything that talks to the database."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        match error:
            case None | HeadwayError():
                return
            case exc.StatementError(orig=HeadwayError() as ours):  # from connecting anew, on the way
                raise ours from ours.__cause__
            case exc.DBAPIError() if error.connection_invalidated:
                raise Lost from error
            case exc.DBAPIError():
                raise translated(error.orig) from error
            case sqlite3.Error():
                raise translated(error) from error
            case UnicodeEncodeError():
                problem = "a text has half of a surrogate pair, which is no Unicode"
                raise InvalidInput(SERVICE, problem) from error
            case OverflowError():
                raise InvalidInput(SERVICE, "a number has more than 64 bits") from error


@contextmanager
def committing() -> Iterator[None]:
    """Around COMMIT: when the disk or the connection fails there, the outcome is open."""
    try:
        yield
    except exc.DBAPIError as error:
        lost = error.connection_invalidated and not postgresql.ended_before(
            getattr(error.orig, "sqlstate", None)
        )
        if lost or sqlite.leaves_commit_open(getattr(error.orig, "sqlite_errorcode", 0)):
            raise OutcomeUnknown(SERVICE, "failed while it committed") from error
        raise
