"""A database on a PostgreSQL server: READ COMMITTED, held rows, NOTIFY at commit."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.to_thread
import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import make_conninfo
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    NullPool,
    QueuePool,
    Table,
    create_engine,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from headway_core.kernel.errors import HeadwayError, InvalidInput
from headway_core.kernel.tables import TableSpec
from headway_sql.codes.postgresql import while_connecting
from headway_sql.database import PRIMARY_KEY, Database, Locks, Watcher
from headway_sql.errors import translating
from headway_sql.migrating import bring_up_to_date, is_up_to_date
from headway_sql.postgresql.locks import EVENTS_KEY, MIGRATION_KEY, RowLocks, take_lock
from headway_sql.postgresql.texts import hold_every_text
from headway_sql.postgresql.urls import parameters_of

logger = logging.getLogger(__name__)

CHANNEL = "headway_events"
LOCK_MS = 2_000
"""How long one attempt waits for a lock, on a thread, where nothing can cancel it. Longer than the server
takes to notice a deadlock (1 s)."""
STATEMENT_MS = 30_000
IDLE_MS = 60_000
"""How long a transaction may stand still: a unit of work is short, so its process is suspended or gone."""
RECONNECT_S = 1.0

_UNIQUE_VIOLATION = "23505"
_NOW = select(func.statement_timestamp())


class PostgresqlDatabase(Database):
    """The database that a URL `postgresql://…` names, in the schema that its user writes to."""

    writers = 2
    readers = 4
    dialect = "postgresql"
    version_table = "headway_version"

    def __init__(self, url: str) -> None:
        self._parameters = parameters_of(url)
        self._token = secrets.token_hex(8)
        """Tells our own wake-ups from those of other processes."""
        self._notify = text(f"SELECT pg_advisory_xact_lock({EVENTS_KEY}), pg_notify('{CHANNEL}', :token)")

    def prepare(self, metadata: MetaData, *, migrate: bool) -> None:
        engine = self._engine(limited=False, poolclass=NullPool)  # a migration takes its time
        with translating(), engine.connect() as connection:
            if not (migrate and is_up_to_date(connection, self.version_table)):
                connection.rollback()
                take_lock(connection, MIGRATION_KEY)  # two processes do not migrate at once
                self._refuse_foreign(connection)
                bring_up_to_date(connection, metadata, self.version_table, migrate=migrate)
            connection.commit()

    def writer_engine(self) -> Engine:
        return self._engine(poolclass=NullPool)

    def reader_engine(self) -> Engine:
        return self._engine(reads=True, poolclass=QueuePool, pool_size=self.readers, max_overflow=0)

    def begin(self, connection: Connection) -> None:
        """Nothing: the driver begins with the first statement."""

    def begin_view(self, connection: Connection) -> None:
        """Nothing, as above."""

    def now(self, connection: Connection) -> datetime:
        moment: datetime = connection.execute(_NOW).scalar_one()
        return moment.astimezone(UTC)

    def insert(self, table: Table) -> Any:
        return insert(table)

    def clash(self, spec: TableSpec[Any], error: IntegrityError) -> str | None:
        driver = error.orig
        if not isinstance(driver, psycopg.Error) or driver.sqlstate != _UNIQUE_VIOLATION:
            return None
        name = driver.diag.constraint_name or "unique"
        return PRIMARY_KEY if name == f"{spec.name}_pkey" else name

    def locks(self, workspaces: Table | None) -> Locks | None:
        return RowLocks(workspaces)

    def before_events(self, connection: Connection) -> None:
        # In a statement of its own, before the sequence is used; NOTIFY takes effect with the commit.
        connection.execute(self._notify, {"token": self._token})

    async def watch(self, watcher: Watcher) -> None:
        begun = told = False
        while True:
            try:
                async with self._listening() as connection:
                    told = False
                    if begun:
                        watcher.wake()  # for what was missed meanwhile
                    else:
                        watcher.begun()
                        begun = True
                    while True:
                        await anyio.wait_readable(connection.fileno())
                        if any(notice.payload != self._token for notice in connection.notifies(timeout=0)):
                            watcher.wake()
            except (HeadwayError, psycopg.Error, OSError) as error:
                if not begun:
                    raise
                if not told:
                    logger.warning("not told of other processes' commits for now: %s", type(error).__name__)
                    told = True
            await anyio.sleep(RECONNECT_S)

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator["psycopg.Connection"]:
        connection = await anyio.to_thread.run_sync(self._listener)
        try:
            yield connection
        finally:
            connection.close()

    def _listener(self) -> "psycopg.Connection":
        connection = self._connect()
        connection.autocommit = True
        connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def _engine(self, *, reads: bool = False, limited: bool = True, **pool: Any) -> Engine:
        def connect() -> "psycopg.Connection":
            connection = self._connect(limited=limited)
            connection.isolation_level = IsolationLevel.READ_COMMITTED
            if reads:
                connection.isolation_level = IsolationLevel.REPEATABLE_READ  # one view
                connection.read_only = True
            return connection

        return create_engine(
            "postgresql+psycopg://", creator=connect, hide_parameters=True, use_native_hstore=False, **pool
        )

    def _connect(self, *, limited: bool = True) -> "psycopg.Connection":
        limits = {
            "statement_timeout": STATEMENT_MS if limited else 0,
            "lock_timeout": LOCK_MS,
            "idle_in_transaction_session_timeout": IDLE_MS,
            "TimeZone": "UTC",
            "client_encoding": "UTF8",
        }
        try:
            connection = psycopg.connect(make_conninfo(**self._parameters), autocommit=True)
        except psycopg.Error as error:
            raise while_connecting(str(error)) from error
        try:
            for name, value in limits.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, str(value)))
            connection.autocommit = False
            hold_every_text(connection)
        except psycopg.Error as error:
            connection.close()
            raise while_connecting(str(error)) from error
        return connection

    def _refuse_foreign(self, connection: Connection) -> None:
        """`InvalidInput` unless the schema is ours or empty, and the encoding holds every text."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
        if encoding != "UTF8":
            raise InvalidInput("database", f"has the encoding {encoding}: create it with UTF8")
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
        if schema is None:
            raise InvalidInput("database", "this user has no schema there to write to")
        relations = set(connection.execute(_RELATIONS, {"schema": schema}).scalars())
        if relations and self.version_table not in relations:
            raise InvalidInput("database", "is the database of another application: its schema is not empty")


_RELATIONS = text(
    "SELECT relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema"
)
