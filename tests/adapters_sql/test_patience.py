"""Who is held up by another process waits with patience, and is cancelled promptly meanwhile."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from functools import partial
from typing import Any

import anyio
import psycopg
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql import SqlStore, patience
from headway_testing.contracts.ledger.samples import NOTES, ROOMS, Note, Room

pytestmark = pytest.mark.anyio

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]


@contextmanager
def another(url: str) -> Iterator[Any]:
    """A connection of another process, as its driver gives it; each statement is a transaction."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            yield file
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


HOLD = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "postgresql": ("BEGIN", "SELECT * FROM sample_rooms WHERE id = 'room' FOR UPDATE"),
}
"""What holds up whoever writes in the room."""


@pytest.fixture
def attempt(url: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """How long one attempt waits, shortened where the server says so."""
    if url.startswith("sqlite"):
        return patience.ATTEMPT_S
    monkeypatch.setattr("headway_sql.postgresql.database.LOCK_MS", 300)
    return 0.3


def hold(url: str, other: Any) -> None:
    for statement in HOLD[url.partition(":")[0]]:
        other.execute(statement)


def put(store: SqlStore, number: int) -> Callable[[Transaction], None]:
    notes = store.writer(NOTES)

    def work(tx: Transaction) -> None:
        tx.lock("room")
        notes.put(tx, Note(topic="t", number=number, text=f"{number}"))

    return work


async def test_patience(url: str, attempt: float, opening: Opening) -> None:
    """A writer waits while another process holds what it needs, and is cancelled promptly meanwhile."""
    async with opening() as store:
        notes = store.reader(NOTES)
        await store.ledger.transact(lambda tx: store.writer(ROOMS).add(tx, Room(id="room", name="kitchen")))
        with another(url) as other:
            hold(url, other)
            with anyio.move_on_after(0.1) as scope:
                await store.ledger.transact(put(store, 1))
            assert scope.cancelled_caught
            async with anyio.create_task_group() as group:
                group.start_soon(store.ledger.transact, put(store, 2))
                await anyio.sleep(attempt * 1.5)
                other.execute("COMMIT")
        assert await store.ledger.read(lambda tx: notes.get(tx, "t", 1)) is None
        assert await store.ledger.read(lambda tx: notes.get(tx, "t", 2)) is not None


async def test_end_of_patience(
    url: str, attempt: float, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When patience ends it is `Unavailable`, with the time after which to come again; readers never wait."""
    monkeypatch.setattr(patience, "PATIENCE_S", 0.1)
    async with opening() as store:
        await store.ledger.transact(lambda tx: store.writer(ROOMS).add(tx, Room(id="room", name="kitchen")))
        with another(url) as other:
            hold(url, other)
            with pytest.raises(Unavailable, match="locked by another process") as raised:
                await store.ledger.transact(put(store, 1))
            assert raised.value.retry_after_s == 1
            assert await store.ledger.read(lambda tx: store.reader(ROOMS).get(tx, "room")) is not None


async def test_one_view(url: str, opening: Opening) -> None:
    """A view is of one moment, whatever other processes commit while it is read."""
    async with opening() as store:

        def view(tx: ReadTransaction) -> tuple[list[Note], list[Note]]:
            before = store.reader(NOTES).query(tx, NOTES.queries[0], topic="t")
            with another(url) as other:
                other.execute("INSERT INTO sample_notes VALUES ('t', 1, 'x')")
            return before, store.reader(NOTES).query(tx, NOTES.queries[0], topic="t")

        assert await store.ledger.read(view) == ([], [])
        assert await store.ledger.read(lambda tx: store.reader(NOTES).get(tx, "t", 1)) is not None


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_other_workspaces_are_free(url: str, opening: Opening) -> None:
    """On PostgreSQL who holds one workspace holds up nobody in another."""
    async with opening() as store:
        rooms = store.writer(ROOMS)
        for name in ("room", "other"):
            await store.ledger.transact(partial(rooms.add, record=Room(id=name, name=name)))
        with another(url) as other, anyio.fail_after(1):
            hold(url, other)
            await store.ledger.transact(lambda tx: tx.lock("other"))
