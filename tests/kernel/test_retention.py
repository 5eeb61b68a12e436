"""How long events are kept: by age, by count, and for whoever lives and has yet to read them."""

from datetime import timedelta
from typing import Any

import pytest

from headway_core.kernel.consumers import (
    CONSUMER_POSITIONS,
    ConsumerExpired,
    EventConsumer,
    EventReader,
)
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.retention import Retention, RetentionDuty
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger.samples import Colour, Painted

pytestmark = pytest.mark.anyio

DAY_S = 86_400.0


class Reads(EventConsumer[None]):
    """Remembers the positions that it was given."""

    name = ""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[int] = []

    async def prepare(self, event: DomainEvent) -> None:
        self.seen.append(event.position)

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        """Nothing but the position is stored."""


class Desk:
    """A log of one event a day."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(
            clock=self.clock,
            ids=SequentialIds(),
            catalog=EventCatalog([Painted, ConsumerExpired]),
            run_twice=True,
        )
        self.reader = EventReader(self.store.ledger, self.store.events, self.store.writer(CONSUMER_POSITIONS))

    async def days(self, count: int) -> None:
        for _ in range(count):
            await self.store.ledger.transact(lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED)))
            self.clock.advance(DAY_S)

    async def read(self, name: str) -> Reads:
        """A consumer reads everything, once."""
        consumer = Reads(name)
        await self.reader.catch_up(consumer)
        return consumer

    async def prune(self, *alive: Reads, **kept: Any) -> list[int]:
        """What is left of the log."""
        duty = RetentionDuty(
            self.store.ledger,
            events=self.store.events,
            pruner=self.store.pruner,
            reader=self.reader,
            consumers=alive,
            retention=Retention(**{"batch": 3, **kept}),
        )
        assert await duty.run() is None
        log = await self.store.ledger.read(lambda tx: self.store.events.after(tx, 0, limit=1000))
        return [event.position for event in log]

    async def names(self) -> list[str]:
        positions = await self.store.ledger.read(self.reader.positions)
        return [position.name for position in positions]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("days", "left"),
    [(1, [20]), (5, [16, 17, 18, 19, 20]), (19, list(range(2, 21))), (100, list(range(1, 21)))],
)
async def test_age(desk: Desk, days: int, left: list[int]) -> None:
    """An event goes when it is older than the age, in batches; not before, and the newest never."""
    await desk.days(20)
    assert await desk.prune(age=timedelta(days=days)) == left
    assert await desk.prune(age=timedelta(days=days)) == left


async def test_the_newest_stays(desk: Desk) -> None:
    """However old it is."""
    await desk.days(3)
    desk.clock.advance(DAY_S * 1000)
    assert await desk.prune() == [3]
    assert await Desk().prune() == []


async def test_count(desk: Desk) -> None:
    """As many as are allowed stay, however young the others are."""
    await desk.days(20)
    assert await desk.prune(count=7) == list(range(14, 21))
    assert await desk.prune(count=100) == list(range(14, 21))


async def test_what_is_unread_is_kept(desk: Desk) -> None:
    """The slowest live consumer holds back both limits, until it has read."""
    await desk.days(5)
    await desk.read("slow")
    await desk.days(5)
    fast = await desk.read("fast")
    assert fast.seen == list(range(1, 11))
    assert await desk.prune(count=1, age=timedelta(days=1)) == [6, 7, 8, 9, 10]
    again = await desk.read("slow")
    assert again.seen == [6, 7, 8, 9, 10]
    assert await desk.prune(count=1, age=timedelta(days=1)) == [10]


async def test_the_dead_hold_back_nothing(desk: Desk) -> None:
    """Whoever left an event unread for too long expires, which is told; who has read all of it never does."""
    await desk.days(5)
    await desk.read("dead")
    await desk.days(15)
    await desk.read("lives")
    assert await desk.prune(count=3, unread=timedelta(days=16)) == list(range(6, 21))
    assert await desk.names() == ["dead", "lives"]
    assert await desk.prune(count=3, unread=timedelta(days=14)) == [18, 19, 20, 21]
    assert await desk.names() == ["lives"]
    [*_, told] = await desk.store.ledger.read(lambda tx: desk.store.events.after(tx, 0))
    assert told.payload == ConsumerExpired(name="dead", position=5)
    desk.clock.advance(DAY_S * 1000)
    await desk.read("lives")
    await desk.prune(unread=timedelta(days=14))
    assert await desk.names() == ["lives"]


async def test_who_comes_back_goes_on_with_what_is_kept(desk: Desk) -> None:
    """An expired consumer begins anew with the oldest event, and is not dead any more."""
    await desk.days(5)
    await desk.read("dead")
    await desk.days(15)
    left = await desk.prune(count=3, unread=timedelta(days=1))
    back = await desk.read("dead")
    assert back.seen == left
    assert await desk.names() == ["dead"]


async def test_after_a_long_time_off_nothing_is_lost(desk: Desk) -> None:
    """What runs beside the duty counts as alive, before it has caught up with what is old by now."""
    await desk.days(2)
    consumer = await desk.read("here")
    await desk.days(3)
    desk.clock.advance(DAY_S * 1000)
    assert await desk.prune(consumer) == [3, 4, 5]
    assert (await desk.read("here")).seen == [3, 4, 5]
    assert await desk.prune(consumer) == [5]
