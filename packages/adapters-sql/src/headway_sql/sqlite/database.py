"""A database file: looked at first, made or migrated then, with nothing written when refused."""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy import Connection, Engine, MetaData, NullPool, QueuePool, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError

from headway_core.kernel.errors import HeadwayError, InvalidInput, Unavailable
from headway_core.kernel.tables import TableSpec
from headway_sql.database import PRIMARY_KEY, Database, Locks, Watcher
from headway_sql.errors import translating
from headway_sql.metadata import EVENTS
from headway_sql.migrating import bring_up_to_date, is_up_to_date
from headway_sql.patience import ATTEMPT_S
from headway_sql.sqlite.filesystems import refuse_network_file_system

APPLICATION_ID = 0x48647779
"""`Hdwy`, in the header of each of our files: how SQLite tells whose a file is."""

WATCH_S = 0.25
"""How often it is asked whether another process wrote."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_SIZE = 100
_APPLICATION_ID_AT = slice(68, 72)


class SqliteDatabase(Database):
    """The file that `sqlite:///<path>` names; made with mode 0600 when it is missing."""

    writers = 1
    readers = 4
    dialect = "sqlite"
    version_table = "alembic_version"

    def __init__(self, url: str) -> None:
        self.path = path_of(url)

    def prepare(self, metadata: MetaData, *, migrate: bool) -> None:
        refuse_network_file_system(self.path)
        if not self.path.parent.is_dir():
            raise InvalidInput("database", f"the folder {self.path.parent} does not exist")
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with self.path.open("rb") as file:
                _refuse_foreign(file.read(_HEADER_SIZE))
        except IsADirectoryError as error:
            raise InvalidInput("database", f"{self.path} is a folder") from error
        except OSError as error:
            raise Unavailable("database", f"can't be opened: {error.strerror}") from error
        engine = self._engine(poolclass=NullPool)
        with translating(), engine.connect() as connection:
            if not (migrate and is_up_to_date(connection, self.version_table)):
                connection.rollback()
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # two processes do not migrate at once
                bring_up_to_date(connection, metadata, self.version_table, migrate=migrate)
                _sign(connection)
            connection.commit()
            # Only now, so that the signature is in the file itself and not in its log.
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def writer_engine(self) -> Engine:
        """`synchronous = FULL`: a commit is on the disk before an effect follows it, so that an intent
        survives the loss of power too; NORMAL would keep it over the death of a process only.
        """
        engine = self._engine(poolclass=NullPool)
        event.listen(engine, "connect", _always("PRAGMA synchronous = FULL"))
        return engine

    def reader_engine(self) -> Engine:
        engine = self._engine(poolclass=QueuePool, pool_size=self.readers, max_overflow=0)
        event.listen(engine, "connect", _always("PRAGMA query_only = ON"))
        return engine

    def begin(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def begin_view(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    def now(self, connection: Connection) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)  # the database is in this process

    def insert(self, table: Table) -> Any:
        return insert(table)

    def clash(self, spec: TableSpec[Any], error: IntegrityError) -> str | None:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
            return PRIMARY_KEY
        return _index_of(spec, str(error.orig)) if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE else None

    def locks(self, workspaces: Table | None) -> Locks | None:
        return None

    def before_events(self, connection: Connection) -> None:
        """Nothing: who writes at all is alone."""

    async def watch(self, watcher: Watcher) -> None:
        # On the writer's own connection, for which its own commits do not count.
        seen, newest = await watcher.on_writer(_versions)
        watcher.begun()
        while True:
            await anyio.sleep(WATCH_S)
            if watcher.awaited():
                with suppress(HeadwayError):
                    now, position = await watcher.on_writer(_versions)
                    if now != seen and position > newest:
                        watcher.wake()
                    seen, newest = now, position

    def _engine(self, **pool: Any) -> Engine:
        def connect() -> sqlite3.Connection:
            return sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",  # a file that went away is not made again, empty
                uri=True,
                timeout=ATTEMPT_S,
                isolation_level=None,
                check_same_thread=False,  # a connection wanders from thread to thread, one at a time
            )

        return create_engine("sqlite://", creator=connect, hide_parameters=True, **pool)


def path_of(url: str) -> Path:
    """The file of `sqlite:///<path>`; `InvalidInput("database")` for any other URL."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path or path.startswith((":memory:", "file:")):
        raise InvalidInput("database", "is not sqlite:/// and the path of a file")
    if "\0" in path:
        raise InvalidInput("database", "the path has a NUL character")
    return Path(path).absolute()


def _always(pragma: str) -> Callable[[sqlite3.Connection, object], None]:
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(pragma)

    return on_connect


def _refuse_foreign(header: bytes) -> None:
    if not header:
        return
    if not header.startswith(_MAGIC):
        raise InvalidInput("database", "is a file of another kind, not an SQLite database")
    if int.from_bytes(header[_APPLICATION_ID_AT], "big") != APPLICATION_ID:
        raise InvalidInput("database", "is the database of another application")


def _sign(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA application_id").scalar_one() != APPLICATION_ID:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _index_of(spec: TableSpec[Any], message: str) -> str:
    """SQLite names the columns: `UNIQUE constraint failed: workspaces.branch_claim`."""
    columns = message.partition(": ")[2].replace(f"{spec.name}.", "").split(", ")
    found = [index.name for index in spec.indexes if index.unique and list(index.columns) == columns]
    return found[0] if found else "unique"


def _versions(connection: Connection) -> tuple[int, int]:
    """A number that other connections' commits change, and the newest position; no transaction is begun."""
    driver: Any = connection.connection.driver_connection
    [(version,)] = driver.execute("PRAGMA data_version")
    [(position,)] = driver.execute(f"SELECT coalesce(max(position), 0) FROM {EVENTS}")  # noqa: S608  our table
    return version, position
