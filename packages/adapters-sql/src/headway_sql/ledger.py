"""The ledger in SQL: each unit of work whole on one thread."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus
from sqlalchemy import Connection, Engine

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.scope import Draws, once_more_after_clash, perform
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql.database import Database, Locks, Watcher
from headway_sql.errors import committing, translating
from headway_sql.events import SqlEventLog
from headway_sql.patience import patiently
from headway_sql.threads import WorkerThreads
from headway_sql.transactions import DatabaseClock, SqlReadTransaction, SqlTransaction
from headway_sql.writers import Writers, roll_back

T = TypeVar("T")


_SWITCH = threading.Lock()
"""Held by the one view that has switched the collector off, and will switch it on."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cycles: a view may make records by the ten thousand, none of them in a cycle,
    and it would go through all of them again and again, for a third of the time.
    """
    if not _SWITCH.acquire(blocking=False):
        yield
        return
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()
        _SWITCH.release()


class SqlLedger(Ledger):
    """Writers of this process wait for each other in order; those of other processes are waited for in
    short attempts, between which a cancellation is delivered.
    """

    def __init__(
        self,
        *,
        database: Database,
        writers: Writers,
        reader: Engine,
        locks: Locks | None,
        events: SqlEventLog,
        catalog: EventCatalog,
        clock: Clock | None,
        ids: Ids,
    ) -> None:
        self._database = database
        self._writers = writers
        self._reader = reader
        self._locks = locks
        self._events = events
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._writing = WorkerThreads(database.writers, "writer")
        self._reading = WorkerThreads(database.readers, "reader")

    def close(self) -> None:
        """End its threads, when no unit of work is left."""
        self._writing.close()
        self._reading.close()

    async def watch(self, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        """Set what `changed` gave after commits of other processes too, until cancelled."""
        watcher = Watcher(
            on_writer=self._on_writer,
            awaited=lambda: self._waited_for is not None,
            wake=self._announce,
            begun=task_status.started,
        )
        await self._database.watch(watcher)

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        clock = DatabaseClock(self._database, self._clock)
        draws = Draws(clock, self._ids)
        unit = partial(self._unit, work, clock, draws)
        result, emitted = await patiently(partial(self._writing.run, unit))
        if emitted:
            self._announce()
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        return await patiently(partial(self._reading.run, partial(self._view, query)))

    async def _on_writer(self, look: Callable[[Connection], T]) -> T:
        def looking() -> T:
            with self._writers.one() as connection, translating():
                return look(connection)

        return await self._writing.run(looking)

    def _unit(self, work: Callable[[Transaction], T], clock: DatabaseClock, draws: Draws) -> tuple[T, bool]:
        return once_more_after_clash(partial(self._attempt, work, clock, draws))

    def _attempt(
        self, work: Callable[[Transaction], T], clock: DatabaseClock, draws: Draws
    ) -> tuple[T, bool]:
        with self._writers.one() as connection:
            clock.connection = connection
            with translating():
                self._database.begin(connection)
            tx = SqlTransaction(connection, draws, self._catalog, self._locks)
            result = perform(tx, work)
            with translating():
                if tx.emitted:
                    at = draws.now()
                    self._database.before_events(connection)
                    self._events.append(connection, at, tx.emitted)
                with committing():
                    connection.commit()
            return result, bool(tx.emitted)

    def _view(self, query: Callable[[ReadTransaction], T]) -> T:
        with _reading(self._reader) as connection, uncollected():
            with translating():
                self._database.begin_view(connection)
            clock = DatabaseClock(self._database, self._clock, connection)
            return perform(SqlReadTransaction(connection, clock), query)


@contextmanager
def _reading(reader: Engine) -> Iterator[Connection]:
    """A connection whose view ends with the block."""
    with translating():
        connection = reader.connect()
    try:
        yield connection
    finally:
        roll_back(connection)
        connection.close()
