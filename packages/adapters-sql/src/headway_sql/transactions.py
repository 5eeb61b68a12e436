"""The two kinds of transaction in SQL, each on its connection."""

from datetime import datetime

from sqlalchemy import Connection

from headway_core.kernel.clock import Clock
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.ledger import ReadTransaction, Transaction
from headway_core.kernel.scope import Draws, TransactionScope


class SqlReadTransaction(ReadTransaction):
    """A view on one connection, that of the moment of its first statement."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self.connection = connection
        self._now = clock.now()

    def now(self) -> datetime:
        return self._now


class SqlTransaction(TransactionScope):
    """A unit of work on one connection."""

    def __init__(self, connection: Connection, draws: Draws, catalog: EventCatalog) -> None:
        super().__init__(draws, catalog)
        self.connection = connection


def connection_of(tx: ReadTransaction) -> Connection:
    """The connection of a transaction of this ledger."""
    if not isinstance(tx, (SqlReadTransaction, SqlTransaction)):
        raise TypeError("this transaction belongs to another ledger")
    return tx.connection


def writing(tx: Transaction) -> SqlTransaction:
    """The same transaction, known to be able to write here."""
    if not isinstance(tx, SqlTransaction):
        raise TypeError("a write needs a transaction of its own ledger")
    return tx
