"""Opening the database file: looked at first, made or migrated then, with nothing written when refused."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, NullPool, QueuePool, create_engine, event

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_sql.errors import translating
from headway_sql.filesystems import refuse_network_file_system
from headway_sql.migrating import bring_up_to_date, is_up_to_date
from headway_sql.patience import ATTEMPT_S

APPLICATION_ID = 0x48647779
"""`Hdwy`, in the header of each of our files: how SQLite tells whose a file is."""

READERS = 4

_MAGIC = b"SQLite format 3\x00"
_HEADER_SIZE = 100
_APPLICATION_ID_AT = slice(68, 72)


def path_of(url: str) -> Path:
    """The file of `sqlite:///<path>`; `InvalidInput("database")` for any other URL."""
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path or path.startswith((":memory:", "file:")):
        raise InvalidInput("database", "is not sqlite:/// and the path of a file")
    if "\0" in path:
        raise InvalidInput("database", "the path has a NUL character")
    return Path(path).absolute()


def prepare(path: Path, metadata: MetaData, *, migrate: bool) -> None:
    """Leave a file of ours there, up to date, in mode WAL; made with mode 0600 when it is missing.

    `InvalidInput("database")` and `Unavailable("database")` as `SqlStore.open` says. `Busy` also while
    another process opens the file for the first time: then it is to be called again.
    """
    refuse_network_file_system(path)
    if not path.parent.is_dir():
        raise InvalidInput("database", f"the folder {path.parent} does not exist")
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with path.open("rb") as file:
            _refuse_foreign(file.read(_HEADER_SIZE))
    except IsADirectoryError as error:
        raise InvalidInput("database", f"{path} is a folder") from error
    except OSError as error:
        raise Unavailable("database", f"can't be opened: {error.strerror}") from error
    engine = _engine(path, poolclass=NullPool)
    with translating(), engine.connect() as connection:
        if not (migrate and is_up_to_date(connection)):
            connection.rollback()
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # two processes do not migrate at once
            bring_up_to_date(connection, metadata, migrate=migrate)
            _sign(connection)
        connection.commit()
        # Only now, so that the signature is in the file itself and not in its log.
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def writer_connection(path: Path) -> Connection:
    """The one connection that writes, kept: a pool would cost a tenth of a transaction each time.

    `synchronous = FULL`: a commit is on the disk before an effect follows it, so that an intent survives
    the loss of power too; NORMAL would keep it over the death of a process only.
    """
    engine = _engine(path, poolclass=NullPool)
    event.listen(engine, "connect", _always("PRAGMA synchronous = FULL"))
    with translating():
        return engine.connect()


def reader_engine(path: Path) -> Engine:
    """Connections that can't write."""
    engine = _engine(path, poolclass=QueuePool, pool_size=READERS, max_overflow=0)
    event.listen(engine, "connect", _always("PRAGMA query_only = ON"))
    return engine


def _engine(path: Path, **pool: Any) -> Engine:
    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"{path.as_uri()}?mode=rw",  # a file that went away is not made again, empty
            uri=True,
            timeout=ATTEMPT_S,
            isolation_level=None,
            check_same_thread=False,  # a connection wanders from thread to thread, one at a time
        )

    return create_engine("sqlite://", creator=connect, **pool)


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
