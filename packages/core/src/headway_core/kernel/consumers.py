"""Consumers of the event log: each stores its position, so it survives a restart and misses nothing."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import attrs

from headway_core.kernel.duties import Duty
from headway_core.kernel.events import DomainEvent, EventLog
from headway_core.kernel.ledger import Ledger, ReadTransaction, Transaction
from headway_core.kernel.tables import Lock, OwnedTable, TableSpec

P = TypeVar("P")


@attrs.frozen(kw_only=True)
class ConsumerPosition:
    """How far a consumer has read."""

    name: str
    position: int


CONSUMER_POSITIONS = TableSpec(
    name="consumer_positions", record=ConsumerPosition, key=("name",), lock=Lock.APPEND
)


class EventConsumer(ABC, Generic[P]):
    """Reacts to events inside a transaction: what it writes and its position are stored together."""

    name: ClassVar[str]

    @abstractmethod
    async def prepare(self, event: DomainEvent) -> P:
        """Read from the world what `handle` will need; may be called again for the same event."""

    @abstractmethod
    def handle(self, tx: Transaction, event: DomainEvent, prepared: P) -> None:
        """React by composing steps of services. Unknown payloads are to be passed over."""


class EventReader:
    """The owner of the consumers' positions: brings consumers up to date, an event a transaction."""

    def __init__(self, ledger: Ledger, events: EventLog, positions: OwnedTable[ConsumerPosition]) -> None:
        self._ledger = ledger
        self._events = events
        self._positions = positions

    async def catch_up(self, consumer: EventConsumer[P]) -> None:
        """Hand over every event that the consumer has not seen. An exception leaves its position."""

        def following(tx: ReadTransaction) -> DomainEvent | None:
            after = self._position(tx, consumer.name)
            return next(iter(self._events.after(tx, after, limit=1)), None)

        while (event := await self._ledger.read(following)) is not None:
            await self._hand_over(consumer, event)

    async def _hand_over(self, consumer: EventConsumer[P], event: DomainEvent) -> None:
        prepared = await consumer.prepare(event)

        def work(tx: Transaction) -> None:
            if self._position(tx, consumer.name) >= event.position:
                return  # another process of this database was first
            consumer.handle(tx, event, prepared)
            self._positions.put(tx, ConsumerPosition(name=consumer.name, position=event.position))

        await self._ledger.transact(work)

    def _position(self, tx: ReadTransaction, name: str) -> int:
        stored = self._positions.get(tx, name)
        return stored.position if stored else 0


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
