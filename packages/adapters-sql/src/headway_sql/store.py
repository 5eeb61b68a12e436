"""The store in SQL: one database, many processes."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar, cast

import anyio
import anyio.to_thread
from sqlalchemy import Engine, MetaData, QueuePool, Table

from headway_core.kernel.claims import Claims
from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import EventCatalog, EventLog, EventPruner
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec
from headway_sql.claims import SqlClaims
from headway_sql.database import Database
from headway_sql.events import SqlEventLog
from headway_sql.ledger import SqlLedger
from headway_sql.metadata import metadata_of, workspaces_of
from headway_sql.opening import database_of
from headway_sql.patience import patiently
from headway_sql.pruning import SqlEventPruner
from headway_sql.tables import SqlReader, SqlWriter
from headway_sql.writers import Writers

R = TypeVar("R")


class SqlStore(Store):
    """Tables, events and the ledger over them."""

    def __init__(
        self,
        *,
        database: Database,
        writers: Writers,
        reader: Engine,
        metadata: MetaData,
        specs: tuple[TableSpec[Any], ...],
        catalog: EventCatalog,
        clock: Clock | None,
        ids: Ids,
    ) -> None:
        self._database = database
        self._writers = writers
        self._readers = cast("QueuePool", reader.pool)
        self._metadata = metadata
        self._events = SqlEventLog(self._metadata, catalog)
        self._ledger = SqlLedger(
            database=database,
            writers=writers,
            reader=reader,
            locks=database.locks(workspaces_of(specs, self._metadata)),
            events=self._events,
            catalog=catalog,
            clock=clock,
            ids=ids,
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        specs: Iterable[TableSpec[Any]],
        catalog: EventCatalog,
        ids: Ids,
        clock: Clock | None = None,
        migrate: bool = True,
    ) -> AsyncIterator["SqlStore"]:
        """Open the database of `sqlite:///<path>` (made with mode 0600 when it is missing) or of
        `postgresql://user:password@host:port/name`.

        `InvalidInput("database")` for a URL, folder, file or file system that can't be used, and for what
        another application or a newer Headway wrote; `PermissionDenied("database")` when the server
        refuses the user; `Unavailable("database")` when it is locked, damaged, out of reach or can't be
        written. Nothing is written then. No error holds a password.

        The time of transactions is the database's: one for all hosts; `clock` goes before it. Without
        `migrate` the tables are made from the specs: for tables that are not the product's, as those of
        the contract suite.
        """
        specs = tuple(specs)
        database = database_of(url)
        metadata = metadata_of(specs, (database.dialect,))
        ready = partial(database.prepare, metadata, migrate=migrate)
        await patiently(partial(anyio.to_thread.run_sync, ready))
        writers = await anyio.to_thread.run_sync(Writers, database)
        reader = database.reader_engine()
        try:
            store = cls(
                database=database,
                writers=writers,
                reader=reader,
                metadata=metadata,
                specs=specs,
                catalog=catalog,
                clock=clock,
                ids=ids,
            )
            try:
                async with _beside(store._ledger):
                    yield store
            finally:
                store._ledger.close()
        finally:
            writers.close()
            reader.dispose()

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def events(self) -> EventLog:
        return self._events

    @property
    def pruner(self) -> EventPruner:
        return SqlEventPruner(self._metadata, self._events)

    def claims(self, kind: str) -> Claims:
        return SqlClaims(kind, self._metadata, self._database)

    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        return SqlReader(spec, self._table(spec))

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return SqlWriter(spec, self._table(spec), self._database)

    def open_transactions(self) -> int:
        """How many transactions are open: none, when no unit of work is running."""
        return self._writers.in_transaction() + self._readers.checkedout()

    def _table(self, spec: TableSpec[Any]) -> Table:
        return self._metadata.tables[spec.name]


@asynccontextmanager
async def _beside(ledger: SqlLedger) -> AsyncIterator[None]:
    """Watch beside what is done inside; errors come out as they are, since only one side has any."""
    error = None
    try:
        async with anyio.create_task_group() as group:
            await group.start(ledger.watch)
            try:
                yield
            finally:
                group.cancel_scope.cancel()
    except BaseExceptionGroup as errors:
        if len(errors.exceptions) > 1:
            raise
        [error] = errors.exceptions
    if error is not None:
        raise error
