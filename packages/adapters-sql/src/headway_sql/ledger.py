"""The ledger on SQLite: each unit of work whole on one worker thread."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, Engine

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.ledger import Ledger, ReadTransaction, Transaction
from headway_core.kernel.scope import Draws, once_more_after_clash, perform
from headway_sql.errors import committing, translating
from headway_sql.events import SqlEventLog
from headway_sql.opening import READERS
from headway_sql.patience import patiently
from headway_sql.threads import WorkerThreads
from headway_sql.transactions import SqlReadTransaction, SqlTransaction

T = TypeVar("T")


class SqlLedger(Ledger):
    """Writers of this process wait for each other in order; those of other processes are waited for in
    short attempts, between which a cancellation is delivered. `changed` knows of this process only.
    """

    def __init__(
        self,
        *,
        writer: Connection,
        reader: Engine,
        events: SqlEventLog,
        catalog: EventCatalog,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._events = events
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._writing = WorkerThreads(1)
        self._reading = WorkerThreads(READERS)

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        draws = Draws(self._clock, self._ids)
        result, emitted = await patiently(partial(self._writing.run, partial(self._unit, work, draws)))
        if emitted:
            self._announce()
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        return await patiently(partial(self._reading.run, partial(self._view, query)))

    def _unit(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, bool]:
        return once_more_after_clash(partial(self._attempt, work, draws))

    def _attempt(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, bool]:
        connection = self._writer
        try:
            with translating():
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            tx = SqlTransaction(connection, draws, self._catalog)
            result = perform(tx, work)
            with translating(), committing():
                self._events.append(connection, draws.now(), tx.emitted)
                connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return result, bool(tx.emitted)

    def _view(self, query: Callable[[ReadTransaction], T]) -> T:
        with translating():
            connection = self._reader.connect()
        with connection:  # ends the view
            with translating():
                connection.exec_driver_sql("BEGIN")
            return perform(SqlReadTransaction(connection, self._clock), query)
