"""The store on SQLite: one file, many processes, one writer at a time."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar, cast

import anyio.to_thread
from sqlalchemy import Connection, Engine, MetaData, QueuePool, Table

from headway_core.kernel.claims import Claims
from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import EventCatalog, EventLog, EventPruner
from headway_core.kernel.ledger import Ledger, Store
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec
from headway_sql.claims import SqlClaims
from headway_sql.events import SqlEventLog
from headway_sql.ledger import SqlLedger
from headway_sql.metadata import metadata_of
from headway_sql.opening import path_of, prepare, reader_engine, writer_connection
from headway_sql.patience import patiently
from headway_sql.pruning import SqlEventPruner
from headway_sql.tables import SqlReader, SqlWriter

R = TypeVar("R")


class SqlStore(Store):
    """Tables, events and the ledger over them, in one SQLite file."""

    def __init__(
        self,
        *,
        writer: Connection,
        reader: Engine,
        metadata: MetaData,
        catalog: EventCatalog,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._writer = writer
        self._readers = cast("QueuePool", reader.pool)
        self._metadata = metadata
        self._events = SqlEventLog(metadata, catalog)
        self._ledger = SqlLedger(
            writer=writer, reader=reader, events=self._events, catalog=catalog, clock=clock, ids=ids
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        specs: Iterable[TableSpec[Any]],
        catalog: EventCatalog,
        clock: Clock,
        ids: Ids,
        migrate: bool = True,
    ) -> AsyncIterator["SqlStore"]:
        """Open the database file of `sqlite:///<path>`, made with mode 0600 when it is missing.

        `InvalidInput("database")` for a URL, folder, file or file system that can't be used, a file of
        another application or of a newer Headway; `Unavailable("database")` when it is locked, damaged
        or can't be written. Nothing is written then. Without `migrate` the tables are made from the
        specs: for tables that are not the product's, as those of the contract suite.
        """
        metadata = metadata_of(specs)
        path = path_of(url)
        ready = partial(prepare, path, metadata, migrate=migrate)
        await patiently(partial(anyio.to_thread.run_sync, ready))
        writer = await anyio.to_thread.run_sync(writer_connection, path)
        reader = reader_engine(path)
        try:
            yield cls(writer=writer, reader=reader, metadata=metadata, catalog=catalog, clock=clock, ids=ids)
        finally:
            writer.close()
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
        return SqlClaims(kind, self._metadata, self._writer.dialect.name)

    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        return SqlReader(spec, self._table(spec))

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return SqlWriter(spec, self._table(spec))

    def open_transactions(self) -> int:
        """How many transactions are open: none, when no unit of work is running."""
        return self._writer.in_transaction() + self._readers.checkedout()

    def _table(self, spec: TableSpec[Any]) -> Table:
        return self._metadata.tables[spec.name]
