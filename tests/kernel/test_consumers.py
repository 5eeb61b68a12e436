"""Consumers are handed every event once and in order, many in one transaction, each failure at its own."""

from functools import partial

import pytest

from headway_core.kernel.consumers import BATCH, CONSUMER_POSITIONS, EventConsumer, EventReader
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.scope import TransactionScope
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS
from headway_testing.contracts.ledger.samples import NOTES, Colour, Note, Painted
from headway_testing.crash_points import PointedLedger

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


class Painter(EventConsumer[None]):
    """Wants what is painted blue; counts what is asked of it."""

    name = "copyist"

    def __init__(self) -> None:
        self.prepared: list[int] = []
        self.handled: list[int] = []

    def wants(self, event: DomainEvent) -> bool:
        return isinstance(event.payload, Painted) and event.payload.colour is Colour.BLUE

    async def prepare(self, event: DomainEvent) -> None:
        self.prepared.append(event.position)

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        self.handled.append(event.position)


class Counted:
    """A reader of events whose transactions, locks of workspaces and waking are counted."""

    def __init__(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.transactions = 0
        self.locked: list[str] = []
        self.ledger = PointedLedger(store.ledger, self._point)
        self.reader = EventReader(self.ledger, store.events, store.writer(CONSUMER_POSITIONS))
        lock = TransactionScope.lock

        def counted(scope: TransactionScope, *workspace_ids: str) -> None:
            self.locked += workspace_ids
            lock(scope, *workspace_ids)

        monkeypatch.setattr(TransactionScope, "lock", counted)

    async def _point(self, name: str) -> None:
        self.transactions += name == "before transact"

    async def paint(self, colour: Colour, times: int = 1) -> None:
        for number in range(times):
            await self.store.ledger.transact(partial(_paint, colour, f"w{number % 7}"))

    async def spent(self, consumer: Painter) -> tuple[int, list[str], bool]:
        """Catch up; how many transactions it took, which workspaces they locked, and whether others woke."""
        self.transactions, self.locked = 0, []
        changed = self.ledger.changed()
        await self.reader.catch_up(consumer)
        return self.transactions, sorted(set(self.locked)), changed.is_set()


def _paint(colour: Colour, workspace_id: str, tx: Transaction) -> None:
    tx.emit(Painted(item_id="i", colour=colour), workspace_id=workspace_id)


@pytest.fixture
def counted(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(store, monkeypatch)


async def test_what_nobody_wants_locks_nothing_and_opens_no_transaction(
    store: MemoryStore, counted: Counted
) -> None:
    """One by one as they come: each costs a read, wakes nobody, and is looked at once."""
    consumer = Painter()
    for _ in range(BATCH - 1):
        await counted.paint(Colour.RED)
        assert await counted.spent(consumer) == (0, [], False)
    assert await _position(store) == 0
    assert consumer.prepared == []


async def test_the_position_moves_over_what_nobody_wants_in_batches(
    store: MemoryStore, counted: Counted
) -> None:
    """When there are fifty, by one transaction that locks no workspace."""
    consumer = Painter()
    await counted.paint(Colour.RED, BATCH - 1)
    assert await counted.spent(consumer) == (0, [], False)
    await counted.paint(Colour.RED)
    assert await counted.spent(consumer) == (1, [], False)
    assert await _position(store) == BATCH
    await counted.paint(Colour.RED, 3 * BATCH)
    assert await counted.spent(consumer) == (3, [], False)
    assert await _position(store) == 4 * BATCH


async def test_at_rest_the_position_is_that_of_the_newest_event(store: MemoryStore, counted: Counted) -> None:
    """A look that finds nothing new stores how far the consumer has come, once."""
    consumer = Painter()
    await counted.paint(Colour.RED, 3)
    assert await counted.spent(consumer) == (0, [], False)
    assert await counted.spent(consumer) == (1, [], False)
    assert await _position(store) == 3
    assert await counted.spent(consumer) == (0, [], False)


async def test_what_is_wanted_takes_the_position_over_what_is_not(
    store: MemoryStore, counted: Counted
) -> None:
    """One transaction, which locks the workspace of what is wanted alone, and wakes the duties."""
    consumer = Painter()
    await counted.paint(Colour.RED, 4)
    assert await counted.spent(consumer) == (0, [], False)
    await counted.paint(Colour.BLUE)
    await counted.paint(Colour.RED, 4)
    assert await counted.spent(consumer) == (1, ["w0"], True)
    assert await _position(store) == 9
    assert consumer.prepared == consumer.handled == [5]


async def test_what_was_passed_over_is_read_again_after_a_restart_and_never_handled(
    store: MemoryStore, counted: Counted
) -> None:
    """Nothing is lost with the memory of a reader, and two readers of one consumer do no harm."""
    consumer, other = Painter(), EventReader(store.ledger, store.events, store.writer(CONSUMER_POSITIONS))
    await counted.paint(Colour.RED, 4)
    await counted.reader.catch_up(consumer)
    await counted.paint(Colour.BLUE)
    await other.catch_up(consumer)
    assert (await _position(store), consumer.handled) == (5, [5])
    assert await counted.spent(consumer) == (1, [], False)  # to learn that the other one was first
    await counted.paint(Colour.BLUE)
    await counted.reader.catch_up(consumer)
    await other.catch_up(consumer)
    assert (await _position(store), consumer.handled) == (6, [5, 6])
