"""The ledger on SQLite: one file, many processes, one writer at a time."""

import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy import Engine, MetaData, bindparam, create_engine, event, func, insert, select

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.kernel.events import DomainEvent, EventCatalog, EventLog
from headway_core.kernel.ledger import Ledger, ReadTransaction, Store, Transaction
from headway_core.kernel.scope import Draws, once_more_after_clash, perform, port_of
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec
from headway_sql.errors import committing, translating
from headway_sql.filesystems import refuse_network_file_system
from headway_sql.metadata import EVENTS, metadata_of
from headway_sql.migrating import bring_up_to_date
from headway_sql.rows import json_text, time_text
from headway_sql.tables import SqlReader, SqlReadTransaction, SqlTransaction, SqlWriter, connection_of
from headway_sql.threads import run_to_end

T = TypeVar("T")
R = TypeVar("R")

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for the writers of other processes."""
READERS = 4


class SqlStore(Store):
    """Tables, events and the ledger over them, in one SQLite file."""

    def __init__(
        self, engine: Engine, metadata: MetaData, *, catalog: EventCatalog, clock: Clock, ids: Ids
    ) -> None:
        self._metadata = metadata
        self._ledger = SqlLedger(engine, metadata, catalog=catalog, clock=clock, ids=ids)
        self._events = SqlEventLog(metadata, catalog)

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

        `InvalidInput("database")` for a URL, folder, file or file system that can't be used or a file of
        another application; `Unavailable("database")` when it is locked, damaged or can't be written.
        Nothing is written then. Without `migrate` the tables are made from the specs (for tests).
        """
        metadata = metadata_of(specs)
        engine = await anyio.to_thread.run_sync(partial(_opened, url, metadata, migrate=migrate))
        try:
            yield cls(engine, metadata, catalog=catalog, clock=clock, ids=ids)
        finally:
            engine.dispose()

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def events(self) -> EventLog:
        return self._events

    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        return SqlReader(spec, self._metadata.tables[spec.name])

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return SqlWriter(spec, self._metadata.tables[spec.name])


class SqlLedger(Ledger):
    """Runs each unit of work whole on one worker thread (decision 1)."""

    def __init__(
        self, engine: Engine, metadata: MetaData, *, catalog: EventCatalog, clock: Clock, ids: Ids
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._clock = clock
        self._ids = ids
        self._append = insert(metadata.tables[EVENTS])
        self._writing = anyio.CapacityLimiter(1)  # SQLite has one writer: ours wait here, in order
        self._reading = anyio.CapacityLimiter(READERS)

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        result, emitted = await run_to_end(partial(self._unit, work), self._writing)
        if emitted:
            self._announce()
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        return await run_to_end(partial(self._view, query), self._reading)

    def _unit(self, work: Callable[[Transaction], T]) -> tuple[T, bool]:
        draws = Draws(self._clock, self._ids)
        return once_more_after_clash(lambda: self._attempt(work, draws))

    def _attempt(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, bool]:
        with translating(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            tx = SqlTransaction(connection, draws, self._catalog)
            result = perform(tx, work)
            if tx.emitted:
                rows = [
                    {
                        "workspace_id": emitted.workspace_id,
                        "at": time_text(draws.now()),
                        "actor": emitted.actor,
                        "event": emitted.event,
                        "version": emitted.version,
                        "data": json_text(emitted.data),
                    }
                    for emitted in tx.emitted
                ]
                connection.execute(self._append, rows)
            with committing():
                connection.commit()
            return result, bool(tx.emitted)

    def _view(self, query: Callable[[ReadTransaction], T]) -> T:
        with translating(), self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
            connection.exec_driver_sql("BEGIN")
            try:
                return perform(SqlReadTransaction(connection, self._clock.now), query)
            finally:
                connection.rollback()
                connection.exec_driver_sql("PRAGMA query_only = OFF")


class SqlEventLog(EventLog):
    """Reads the log."""

    def __init__(self, metadata: MetaData, catalog: EventCatalog) -> None:
        table = metadata.tables[EVENTS]
        self._catalog = catalog
        self._after = (
            select(
                table.c.position,
                table.c.workspace_id,
                table.c.at,
                table.c.actor,
                table.c.event,
                table.c.version,
                table.c.data,
            )
            .where(table.c.position > bindparam("after"))
            .order_by(table.c.position)
            .limit(bindparam("most"))
        )
        self._after_of = self._after.where(table.c.workspace_id == bindparam("workspace"))
        self._last = select(func.coalesce(func.max(table.c.position), 0))

    def after(
        self, tx: ReadTransaction, position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        with port_of(tx), translating():
            parameters: dict[str, object] = {"after": position, "most": limit}
            statement = self._after
            if workspace_id is not None:
                statement, parameters = self._after_of, {**parameters, "workspace": workspace_id}
            found = connection_of(tx).execute(statement, parameters)
            return [
                DomainEvent(
                    position=row[0],
                    workspace_id=row[1],
                    at=datetime.fromisoformat(row[2]),
                    actor=row[3],
                    payload=self._catalog.decode(row[4], row[5], json.loads(row[6])),
                )
                for row in found
            ]

    def last_position(self, tx: ReadTransaction) -> int:
        with port_of(tx), translating():
            return int(connection_of(tx).execute(self._last).scalar_one())


def _opened(url: str, metadata: MetaData, *, migrate: bool) -> Engine:
    path = _path(url)
    refuse_network_file_system(path)
    if not path.parent.is_dir():
        raise InvalidInput("database", f"the folder {path.parent} does not exist")
    if path.is_dir():
        raise InvalidInput("database", f"{path} is a folder")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise Unavailable("database", f"can't be written: {error.strerror}") from error
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None, "check_same_thread": False},
        pool_size=READERS + 1,
        max_overflow=0,
    )
    event.listen(engine, "connect", _prepare)
    try:
        with translating():
            bring_up_to_date(engine, metadata, migrate=migrate)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _path(url: str) -> Path:
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path or path == ":memory:":
        raise InvalidInput("database", "is not sqlite:/// and the path of a file")
    return Path(path).absolute()


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    """WAL: readers never wait. NORMAL: what was committed survives the death of any process."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
