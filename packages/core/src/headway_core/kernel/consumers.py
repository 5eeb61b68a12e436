"""Consumers of the event log: each stores its position, so it survives a restart and misses nothing."""

from abc import ABC, abstractmethod
from typing import ClassVar

import attrs

from headway_core.kernel.duties import Duty
from headway_core.kernel.events import DomainEvent, EventLog
from headway_core.kernel.ledger import Ledger, Transaction
from headway_core.kernel.tables import Lock, OwnedTable, TableSpec


@attrs.frozen(kw_only=True)
class ConsumerPosition:
    """How far a consumer has read."""

    name: str
    position: int


CONSUMER_POSITIONS = TableSpec(
    name="consumer_positions", record=ConsumerPosition, key=("name",), lock=Lock.APPEND
)


class EventConsumer(ABC):
    """Reacts to events inside a transaction: what it writes and its position are stored together."""

    name: ClassVar[str]

    @abstractmethod
    def handle(self, tx: Transaction, event: DomainEvent) -> None:
        """React by composing steps of services. Unknown payloads are to be passed over."""


class ConsumerDuty(Duty):
    """Brings one consumer up to date, an event a transaction, so that one failure blocks only itself."""

    wakes_on_events = True

    def __init__(
        self,
        consumer: EventConsumer,
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
        while await self._ledger.transact(self._step):
            pass
        return None

    def _step(self, tx: Transaction) -> bool:
        stored = self._positions.get(tx, self._consumer.name)
        events = self._events.after(tx, stored.position if stored else 0, limit=1)
        for event in events:
            self._consumer.handle(tx, event)
            self._positions.put(tx, ConsumerPosition(name=self._consumer.name, position=event.position))
        return bool(events)
