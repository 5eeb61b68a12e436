"""The two kinds of transaction in SQL, each on its connection."""

from datetime import datetime

from sqlalchemy import Connection

from headway_core.kernel.clock import Clock
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.scope import Draws, TransactionScope, port_of
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql.database import Database, Locks
from headway_sql.errors import translating


class DatabaseClock(Clock):
    """The database's time, asked on the connection at hand; a given clock goes before it."""

    def __init__(self, database: Database, given: Clock | None, connection: Connection | None = None) -> None:
        self._database = database
        self._given = given
        self.connection = connection

    def now(self) -> datetime:
        if self._given is not None:
            return self._given.now()
        if self.connection is None:
            raise RuntimeError("the database's time is known within a transaction only")
        with translating():
            return self._database.now(self.connection)


class SqlReadTransaction(ReadTransaction):
    """A view on one connection, that of the moment of its first statement."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self._clock = clock
        self._now: datetime | None = None

    def now(self) -> datetime:
        if self._now is None:
            with port_of(self):
                self._now = self._clock.now()
        return self._now


class SqlTransaction(TransactionScope):
    """A unit of work on one connection."""

    def __init__(
        self, connection: Connection, draws: Draws, catalog: EventCatalog, locks: Locks | None = None
    ) -> None:
        super().__init__(draws, catalog)
        self.connection = connection
        self._locks = locks

    def now(self) -> datetime:
        with port_of(self):
            return super().now()

    def lock(self, *workspace_ids: str) -> None:
        wanted = sorted(set(workspace_ids) - self._locked)
        super().lock(*workspace_ids)
        if wanted and self._locks is not None:
            with port_of(self), translating():
                self._locks.workspaces(self.connection, wanted)

    def lock_missing(self, name: str) -> bool:
        """Lock the name of a row that is not there; whether others may have added the row meanwhile."""
        if self._locks is None:
            return False
        self._locks.name(self.connection, name)
        return True


def connection_of(tx: ReadTransaction) -> Connection:
    """The connection of a transaction of this ledger."""
    if not isinstance(tx, (SqlReadTransaction, SqlTransaction)):
        raise TypeError("this transaction belongs to another ledger")
    return tx.connection


def sql_transaction(tx: Transaction) -> SqlTransaction:
    """The same transaction, known to be able to write here."""
    if not isinstance(tx, SqlTransaction):
        raise TypeError("a write needs a transaction of its own ledger")
    return tx
