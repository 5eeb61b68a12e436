"""Every error of SQLite is one of ours, by the table, and names the database."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import attrs
import pytest
from sqlalchemy.exc import OperationalError

from headway_core.kernel.errors import HeadwayError, InvalidInput, OutcomeUnknown, Unavailable
from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore
from headway_sql.codes.sqlite import TRANSLATIONS
from headway_sql.errors import committing, translated, translating
from headway_testing.contracts.ledger.samples import NOTES, Note

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def driver_error(code: int | None, name: str = "SQLITE_SOMETHING") -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("secret text of the driver")
    if code is not None:
        error.sqlite_errorcode = code
        error.sqlite_errorname = name
    return error


EXPECTED: dict[str, tuple[type[HeadwayError], str]] = {
    "SQLITE_BUSY": (Unavailable, "locked"),
    "SQLITE_BUSY_SNAPSHOT": (Unavailable, "locked"),
    "SQLITE_LOCKED": (Unavailable, "locked"),
    "SQLITE_READONLY": (Unavailable, "read-only"),
    "SQLITE_READONLY_DIRECTORY": (Unavailable, "read-only"),
    "SQLITE_FULL": (Unavailable, "full"),
    "SQLITE_IOERR": (Unavailable, "disk"),
    "SQLITE_IOERR_WRITE": (Unavailable, "disk"),
    "SQLITE_CORRUPT": (Unavailable, "damaged"),
    "SQLITE_PERM": (Unavailable, "permission"),
    "SQLITE_CANTOPEN": (Unavailable, "permission"),
    "SQLITE_NOTADB": (InvalidInput, "another kind"),
    "SQLITE_TOOBIG": (InvalidInput, "larger"),
    "SQLITE_CONSTRAINT_NOTNULL": (InvalidInput, "lacks a value"),
    "SQLITE_SCHEMA": (Unavailable, "SQLITE_SCHEMA"),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_table(name: str) -> None:
    """Each result code has its class and its words; extended codes follow their primary one."""
    kind, words = EXPECTED[name]
    with pytest.raises(HeadwayError) as raised, translating():
        raise OperationalError("SELECT", {}, driver_error(getattr(sqlite3, name), name))
    assert isinstance(raised.value, kind)
    assert words in str(raised.value)
    assert str(raised.value).startswith("database: ")
    assert "secret" not in str(raised.value)


def test_driver_itself() -> None:
    """An error that the driver raises past SQLAlchemy, while it connects, is translated as well."""
    with pytest.raises(Unavailable, match="damaged"), translating():
        raise driver_error(sqlite3.SQLITE_CORRUPT)


def test_table_is_tried_whole() -> None:
    """No row of the table is without its expectation."""
    assert {getattr(sqlite3, name) & 0xFF for name in EXPECTED} >= set(TRANSLATIONS)


def test_unknown_error() -> None:
    """An error without a code is named by its class."""
    assert str(translated(driver_error(None))) == "database: failed: OperationalError"


def test_commit_that_fails() -> None:
    """An input-output error at COMMIT leaves the outcome unknown; a full disk does not."""
    with pytest.raises(OutcomeUnknown), translating(), committing():
        raise OperationalError("COMMIT", {}, driver_error(sqlite3.SQLITE_IOERR_FSYNC))
    with pytest.raises(Unavailable, match="full") as raised, translating(), committing():
        raise OperationalError("COMMIT", {}, driver_error(sqlite3.SQLITE_FULL))
    assert not isinstance(raised.value, OutcomeUnknown)


@pytest.mark.anyio
async def test_file_that_went_away(path: Path, opening: Opening) -> None:
    """When the file is gone the store says so, and makes no empty one in its place."""
    async with opening() as store:
        await anyio.Path(path).unlink()
        with pytest.raises(Unavailable, match="can't be opened"):
            await store.ledger.read(store.events.last_position)
        assert not await anyio.Path(path).exists()


@pytest.mark.anyio
async def test_full_disk(store: SqlStore) -> None:
    """A disk that fills up is said clearly; the transaction is undone and the store goes on."""
    notes = store.writer(NOTES)

    def limit(tx: Transaction, pages: int) -> None:
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]  # looks inside

    large = Note(topic="t", number=1, text="x" * 1_000_000)
    await store.ledger.transact(lambda tx: limit(tx, 20))
    with pytest.raises(Unavailable, match="disk is full"):
        await store.ledger.transact(lambda tx: notes.add(tx, large))
    await store.ledger.transact(lambda tx: limit(tx, 100_000))
    await store.ledger.transact(lambda tx: notes.add(tx, attrs.evolve(large, text="small")))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    path.write_bytes(content)


@pytest.mark.anyio
async def test_damaged_file(path: Path, opening: Opening) -> None:
    """A damaged file is said to be one."""
    async with opening():
        pass
    damage(path)
    with pytest.raises(Unavailable, match="damaged"):
        async with opening():
            pass
