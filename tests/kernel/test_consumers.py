"""Consumers are handed every event once and in order, many in one transaction, each failure at its own."""

import pytest

from headway_core.kernel.consumers import BATCH, CONSUMER_POSITIONS, EventConsumer, EventReader
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS
from headway_testing.contracts.ledger.samples import NOTES, Colour, Note, Painted

pytestmark = pytest.mark.anyio


class Copyist(EventConsumer[str]):
    """Copies what is painted into notes, a note an event; stumbles over one colour."""

    name = "copyist"

    def __init__(self, store: MemoryStore) -> None:
        self._notes = store.writer(NOTES)
        self.stumbles_at: int | None = None
        self.handled: list[int] = []

    async def prepare(self, event: DomainEvent) -> str:
        return f"note {event.position}"

    def handle(self, tx: Transaction, event: DomainEvent, prepared: str) -> None:
        if event.position == self.stumbles_at:
            raise ValueError(prepared)
        self.handled.append(event.position)
        self._notes.add(tx, Note(topic="copied", number=event.position, text=prepared))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(SAMPLE_EVENTS))


async def _emit(store: MemoryStore, count: int) -> None:
    for _ in range(count):
        await store.ledger.transact(lambda tx: tx.emit(Painted(item_id="i", colour=Colour.RED)))


async def _position(store: MemoryStore) -> int:
    reader = store.reader(CONSUMER_POSITIONS)
    stored = await store.ledger.read(lambda tx: reader.get(tx, "copyist"))
    return stored.position if stored else 0


async def test_every_event_once_and_in_order(store: MemoryStore) -> None:
    """However many there are, and however often it catches up."""
    await _emit(store, 2 * BATCH + 7)
    consumer = Copyist(store)
    reader = EventReader(store.ledger, store.events, store.writer(CONSUMER_POSITIONS))
    await reader.catch_up(consumer)
    await reader.catch_up(consumer)
    await _emit(store, 1)
    await reader.catch_up(consumer)
    assert consumer.handled == list(range(1, 2 * BATCH + 9))


@pytest.mark.parametrize("stumbles_at", [1, 2, BATCH, BATCH + 1])
async def test_one_that_fails_holds_up_what_follows_and_nothing_before(
    store: MemoryStore, stumbles_at: int
) -> None:
    """The position stands right before it; nothing of it is stored; it is handed over again later."""
    await _emit(store, BATCH + 3)
    consumer = Copyist(store)
    consumer.stumbles_at = stumbles_at
    reader = EventReader(store.ledger, store.events, store.writer(CONSUMER_POSITIONS))
    for _ in range(2):
        with pytest.raises(ValueError, match=f"note {stumbles_at}$"):
            await reader.catch_up(consumer)
        assert await _position(store) == stumbles_at - 1
    consumer.stumbles_at = None
    await reader.catch_up(consumer)
    assert await _position(store) == BATCH + 3
    notes = store.reader(NOTES)
    stored = await store.ledger.read(
        lambda tx: [notes.get(tx, "copied", number) for number in range(1, BATCH + 4)]
    )
    assert None not in stored
