"""What the drivers raise comes out as ours; what is ours, or of the work, passes as it is."""

from datetime import datetime

import pytest

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore
from headway_sql.errors import translating
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger.samples import ITEMS, NOTES, ROOMS, Item, Note, Room


def test_own_errors() -> None:
    """What is ours already, or of the work, passes as it is."""
    for error in (InvalidInput("branch", "is empty"), ZeroDivisionError()):
        with pytest.raises(type(error)) as raised, translating():
            raise error
        assert raised.value is error


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("note", "words"),
    [
        (Note(topic="t", number=2**63, text="x"), "64 bits"),
        (Note(topic="t", number=1, text="half of a pair: \ud83d"), "surrogate"),
        (Note(topic="t", number=1, text=None), "lacks a value"),  # type: ignore[arg-type]  # wrong on purpose
    ],
    ids=["large number", "no Unicode", "None"],
)
async def test_values_that_cannot_be_stored(store: SqlStore, note: Note, words: str) -> None:
    """A value that no database can hold is `InvalidInput`, and nothing of the transaction is stored."""
    notes = store.writer(NOTES)

    def work(tx: Transaction) -> None:
        notes.add(tx, Note(topic="t", number=0, text="first"))
        notes.add(tx, note)

    with pytest.raises(InvalidInput, match=words):
        await store.ledger.transact(work)
    assert await store.ledger.read(lambda tx: notes.get(tx, "t", 0)) is None


@pytest.mark.anyio
async def test_time_without_zone(store: SqlStore) -> None:
    """A time without a zone is refused: it names no instant."""
    items, rooms = store.writer(ITEMS), store.writer(ROOMS)

    def work(tx: Transaction) -> None:
        rooms.add(tx, Room(id="room", name="kitchen"))
        items.add(tx, Item(id="a", workspace_id="room", due_at=datetime(2026, 1, 1)))  # noqa: DTZ001  naive on purpose

    with pytest.raises(ValueError, match="no time zone"):
        await store.ledger.transact(work)
    assert await store.ledger.read(lambda tx: rooms.get(tx, "room")) is None


@pytest.mark.anyio
async def test_other_ledger(store: SqlStore) -> None:
    """A table refuses the transaction of another kind of ledger."""
    memory = MemoryStore(clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(()))
    with pytest.raises(TypeError, match="another ledger"):
        await memory.ledger.read(lambda tx: store.reader(NOTES).get(tx, "t", 1))
