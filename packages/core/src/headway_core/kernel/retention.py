"""How long the log of events is kept: by age and by count, and for whoever has yet to read it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from headway_core.kernel.consumers import ConsumerPosition, EventConsumer, EventReader
from headway_core.kernel.duties import Duty
from headway_core.kernel.events import EventLog, EventPruner
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction, Transaction


@attrs.frozen(kw_only=True)
class Retention:
    """What is kept. An event goes when it is too old or there are too many after it."""

    age: timedelta = timedelta(days=30)
    count: int = 500_000
    """Positions, which may have holes: at most so many events."""
    unread: timedelta = timedelta(days=30)
    """A consumer that has left an event unread for so long is dead: it expires, and holds back nothing."""
    batch: int = 5_000
    """Positions that one transaction removes at most."""


class RetentionDuty(Duty):
    """Removes what nobody will read, and the positions of consumers that are dead."""

    name = "event retention"
    interval_s = 600.0

    def __init__(
        self,
        ledger: Ledger,
        *,
        events: EventLog,
        pruner: EventPruner,
        reader: EventReader,
        consumers: Sequence[EventConsumer[Any]],
        retention: Retention,
    ) -> None:
        """`consumers` run beside this duty and never count as dead: after a long time off they have yet to
        catch up.
        """
        self._ledger = ledger
        self._events = events
        self._pruner = pruner
        self._reader = reader
        self._consumers = tuple(consumers)
        self._retention = retention

    async def run(self) -> float | None:
        goal = await self._ledger.transact(self._goal)
        while await self._ledger.transact(lambda tx: self._prune(tx, goal)):
            pass
        return None

    def _goal(self, tx: Transaction) -> int:
        """The position up to which events go. Expires the dead first, so that they hold back nothing."""
        positions = self._live(tx)
        by_age = self._last_before(tx, tx.now() - self._retention.age)
        by_count = self._events.last_position(tx) - self._retention.count
        return min([max(by_age, by_count), *(consumer.position for consumer in positions)])

    def _live(self, tx: Transaction) -> Sequence[ConsumerPosition]:
        alive, live = {consumer.name for consumer in self._consumers}, []
        for consumer in self._reader.positions(tx):
            if consumer.name in alive or not self._is_dead(tx, consumer):
                live.append(consumer)
            else:
                self._reader.expire(tx, consumer)
        return live

    def _is_dead(self, tx: ReadTransaction, consumer: ConsumerPosition) -> bool:
        unread = self._events.after(tx, consumer.position, limit=1)
        return bool(unread) and unread[0].at < tx.now() - self._retention.unread

    def _last_before(self, tx: ReadTransaction, moment: datetime) -> int:
        """The last position whose event is older, found by halving: times grow with positions."""
        low, high = self._events.pruned_up_to(tx), self._events.last_position(tx)
        while low < high:
            middle = (low + high) // 2
            following = self._events.after(tx, middle, limit=1)
            if following and following[0].at < moment:
                low = following[0].position
            else:
                high = middle
        return low

    def _prune(self, tx: Transaction, goal: int) -> bool:
        """Remove one batch; whether there is more."""
        done = self._events.pruned_up_to(tx)
        up_to = min(goal, self._events.last_position(tx) - 1, done + self._retention.batch)
        if up_to <= done:
            return False
        self._pruner.prune(tx, up_to)
        return up_to < goal
