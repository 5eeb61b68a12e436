"""Consumers of the event log: each stores its position, so it survives a restart and misses nothing."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Generic, TypeVar

import attrs

from headway_core.kernel.duties import Duty
from headway_core.kernel.events import DomainEvent, EventLog
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import Lock, OwnedTable, Query, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction

P = TypeVar("P")

BATCH = 50
"""Events that are handed over in one transaction."""


@attrs.frozen(kw_only=True)
class ConsumerPosition:
    """How far a consumer has read."""

    name: str
    version: int = 0
    position: int


ALL_POSITIONS = Query(name="all")
CONSUMER_POSITIONS = TableSpec(
    name="consumer_positions",
    record=ConsumerPosition,
    key=("name",),
    lock=Lock.ROW,
    queries=(ALL_POSITIONS,),
)


@attrs.frozen(kw_only=True)
class ConsumerExpired:
    """A consumer did not read for so long that events are no longer kept for it."""

    event: ClassVar[str] = "consumer.expired"
    version: ClassVar[int] = 1

    name: str
    """The name under which it stored its position."""
    position: int
    """How far it had read."""


EVENTS = (ConsumerExpired,)


@attrs.frozen(kw_only=True)
class _Passed:
    """Events that a consumer passed over since its position was stored."""

    position: int
    """Of the last of them."""
    count: int


class EventConsumer(ABC, Generic[P]):
    """Reacts to events inside a transaction: what it writes and its position are stored together."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Names its position: to consumers of one name, in whatever processes, each event is given once."""

    def wants(self, event: DomainEvent) -> bool:
        """Whether it reacts to such an event at all. Pure.

        Others are passed over, and so are payloads that this code does not know: they lock nothing, and open
        no transaction.
        """
        return True

    @abstractmethod
    async def prepare(self, event: DomainEvent) -> P:
        """Read, outside of the database, what `handle` will need; may be called again for the same event."""

    @abstractmethod
    def handle(self, tx: Transaction, event: DomainEvent, prepared: P) -> None:
        """React by composing steps of rooms. Only what it wants comes here."""


class EventReader:
    """The owner of the consumers' positions: brings consumers up to date, some events a transaction.

    Events that a consumer does not want cost a read. Its stored position moves over them in batches: with the
    next event that it wants, when there are `BATCH` of them, or when a later look finds nothing new.
    """

    def __init__(self, ledger: Ledger, events: EventLog, positions: OwnedTable[ConsumerPosition]) -> None:
        self._ledger = ledger
        self._events = events
        self._positions = positions
        self._passed: dict[str, _Passed] = {}
        """By consumer, what its stored position does not say yet: read again after a restart."""

    async def catch_up(self, consumer: EventConsumer[P]) -> None:
        """Hand over every event that the consumer has not seen. An exception leaves its position as it was.

        Whoever waits for `Ledger.changed` in this process is woken afterwards when it reacted to something:
        what it wrote (a wake-up, a hint) is work for duties, and need not have written an event.
        """
        found = reacted = False
        while events := await self._ledger.read(partial(self._following, consumer.name)):
            found = True
            try:
                reacted |= await self._hand_over(consumer, events)
            except Exception:
                if len(events) == 1:
                    raise
                reacted |= await self._hand_over(consumer, events[:1])  # up to the one that fails
        if not found and (passed := self._passed.get(consumer.name)) is not None:
            await self._react(consumer, [], passed.position)
        if reacted:
            self._ledger.wake()

    # Steps for the retention of events

    def positions(self, tx: ReadTransaction) -> list[ConsumerPosition]:
        """How far each consumer has read."""
        return self._positions.query(tx, ALL_POSITIONS)

    def expire(self, tx: Transaction, consumer: ConsumerPosition) -> None:
        """Forget a consumer that is dead. Should it come back, it begins with the oldest event kept."""
        self._positions.remove(tx, consumer.name)
        tx.emit(ConsumerExpired(name=consumer.name, position=consumer.position))

    # Inside

    def _following(self, name: str, tx: ReadTransaction) -> Sequence[DomainEvent]:
        stored, passed = self._positions.get(tx, name), self._passed.get(name)
        position = max(stored.position if stored else 0, passed.position if passed else 0)
        return self._events.after(tx, position, limit=BATCH)

    async def _hand_over(self, consumer: EventConsumer[P], events: Sequence[DomainEvent]) -> bool:
        """Let the consumer react to what it wants of these; whether there was something."""
        wanted = [event for event in events if consumer.wants(event)]
        last = events[-1].position
        if not wanted:
            before = self._passed.get(consumer.name)
            count = len(events) + (before.count if before else 0)
            if count < BATCH:
                self._passed[consumer.name] = _Passed(position=last, count=count)
                return False
        await self._react(consumer, [(event, await consumer.prepare(event)) for event in wanted], last)
        return bool(wanted)

    async def _react(
        self, consumer: EventConsumer[P], prepared: Sequence[tuple[DomainEvent, P]], last: int
    ) -> None:
        """React and move the position, in one transaction."""

        def work(tx: Transaction) -> None:
            stored = self._positions.lock_row(tx, consumer.name)
            before = stored.position if stored else 0
            if last <= before:
                return  # another process of this database was first
            due = [each for each in prepared if each[0].position > before]
            tx.lock(*sorted({event.workspace_id for event, _ in due if event.workspace_id is not None}))
            for event, ready in due:
                consumer.handle(tx, event, ready)
            if stored is None:
                self._positions.add(tx, ConsumerPosition(name=consumer.name, position=last))
            else:
                self._positions.replace(tx, attrs.evolve(stored, position=last))

        await self._ledger.transact(work)
        self._passed.pop(consumer.name, None)


class ConsumerDuty(Duty, Generic[P]):
    """Keeps one consumer up to date; its failures back off it alone."""

    wakes_on_events = True

    def __init__(self, consumer: EventConsumer[P], reader: EventReader) -> None:
        self.name = f"consume {consumer.name}"
        self._consumer = consumer
        self._reader = reader

    async def run(self) -> float | None:
        await self._reader.catch_up(self._consumer)
        return None
