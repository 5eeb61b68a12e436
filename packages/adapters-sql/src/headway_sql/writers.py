"""The connections that write, kept open: a pool would cost a tenth of a transaction each time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from headway_sql.database import Database
from headway_sql.errors import translating


def roll_back(connection: Connection) -> None:
    """End what is open. A connection that died is dropped, and made anew at its next use.

    Who used it knows by an error of its own, or has read all that it wanted.
    """
    try:
        connection.rollback()
    except SQLAlchemyError:
        connection.invalidate()


class Writers:
    """As many connections as units of work run at once. One that died is made anew at its next use."""

    def __init__(self, database: Database) -> None:
        engine = database.writer_engine()
        self._all: list[Connection] = []
        try:
            with translating():
                for _ in range(database.writers):
                    self._all.append(engine.connect())
        except BaseException:
            self.close()
            raise
        self._free = list(self._all)

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """One that nobody else uses meanwhile. What it has not committed is rolled back."""
        connection = self._free.pop()
        try:
            yield connection
        finally:
            roll_back(connection)
            self._free.append(connection)

    def in_transaction(self) -> int:
        return sum(connection.in_transaction() for connection in self._all)

    def close(self) -> None:
        for connection in self._all:
            with suppress(SQLAlchemyError):
                connection.close()
