"""The log of events as a stream, for followers who store their position themselves, or need none."""

from collections.abc import AsyncGenerator

import anyio
import attrs

from headway_core.kernel.errors import EventsPruned
from headway_core.kernel.events import DomainEvent, EventLog
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction

PAGE = 100
POLL_S = 2.0
"""How often it is looked without being woken: the safety net for the commits of other processes."""


@attrs.frozen(kw_only=True)
class _Page:
    events: list[DomainEvent]
    read_up_to: int
    """Every event up to here was looked at, the filtered ones too."""


class EventFeed:
    """What applications and streams of server-sent events follow."""

    def __init__(self, ledger: Ledger, events: EventLog) -> None:
        self._ledger = ledger
        self._events = events

    def changes(self) -> anyio.Event:
        """Set at the next commit in this process that people can see."""
        return self._ledger.changed()

    async def position(self) -> int:
        """The position of the newest event: what follows it is still to come."""
        return await self._ledger.read(self._events.last_position)

    async def follow(
        self, after: int, *, workspace_id: str | None = None, poll_s: float = POLL_S
    ) -> AsyncGenerator[DomainEvent, None]:
        """Every event after this position, in the order of the commits, and then each as it is committed.

        Nothing is skipped and nothing comes twice: who was interrupted follows on after the last position
        that it has dealt with. With `workspace_id` the events of that workspace alone. Never ends by
        itself. `EventsPruned` when events after the position are not kept any more, at the start or
        because the follower was too slow: what it has built from them is to be read anew.
        """
        while True:
            changed = self._ledger.changed()
            page = await self._page(after, workspace_id)
            for event in page.events:
                yield event
            after = page.read_up_to
            if not page.events:
                with anyio.move_on_after(poll_s):
                    await changed.wait()

    async def _page(self, after: int, workspace_id: str | None) -> _Page:
        def query(tx: ReadTransaction) -> _Page:
            pruned = self._events.pruned_up_to(tx)
            if after < pruned:
                raise EventsPruned(after, pruned)
            last = self._events.last_position(tx)
            found = self._events.after(tx, after, limit=PAGE, workspace_id=workspace_id)
            whole = len(found) < PAGE
            return _Page(events=found, read_up_to=max(last, after) if whole else found[-1].position)

        return await self._ledger.read(query)
