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


class ConsumerDuty(Duty, Generic[P]):
    """Brings one consumer up to date, an event a transaction, so that one failure blocks only itself."""

    wakes_on_events = True

    def __init__(
        self,
        consumer: EventConsumer[P],
        ledger: Ledger,
        events: EventLog,
        positions: OwnedTable[ConsumerPosition],
    ) -> None:
        self.name = f"consume {consumer.name}"
        self._consumer = consumer
        self._ledger = ledger
        self._events = events
        self._positions = positions

    async def run(self) -> float | None:
        while (event := await self._ledger.read(self._next)) is not None:
            await self._react(event)
        return None

    async def _react(self, event: DomainEvent) -> None:
        prepared = await self._consumer.prepare(event)

        def work(tx: Transaction) -> None:
            if self._position(tx) >= event.position:
                return  # another process of this database was first
            self._consumer.handle(tx, event, prepared)
            self._positions.put(tx, ConsumerPosition(name=self._consumer.name, position=event.position))

        await self._ledger.transact(work)

    def _position(self, tx: ReadTransaction) -> int:
        stored = self._positions.get(tx, self._consumer.name)
        return stored.position if stored else 0

    def _next(self, tx: ReadTransaction) -> DomainEvent | None:
        return next(iter(self._events.after(tx, self._position(tx), limit=1)), None)
