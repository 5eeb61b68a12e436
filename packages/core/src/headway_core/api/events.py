"""The log of events: everything that happened, in order."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from headway_core.kernel.events import DomainEvent
from headway_core.kernel.feed import POLL_S

if TYPE_CHECKING:
    from headway_core.kernel.feed import EventFeed


class Events:
    """The log of events as a stream: `hw.events`."""

    def __init__(self, *, feed: "EventFeed") -> None:
        self._feed = feed

    async def position(self) -> int:
        """Say where the log is now: what follows this position is still to come.

        Returns:
            The position of the newest event; 0 when there is none.
        """
        return await self._feed.position()

    async def follow(
        self, after: int, *, workspace_id: str | None = None, poll_s: float = POLL_S
    ) -> AsyncGenerator[DomainEvent, None]:
        """Follow the log: every event after a position, and then each as it is committed. It never ends.

        Nothing is skipped and nothing comes twice: who was interrupted follows on after the last position
        that they have dealt with. Close the generator when you leave it early (`contextlib.aclosing`).

        Args:
            after: A position of which everything up to it was dealt with; 0 is before the first event.
            workspace_id: Only the events of this workspace; None: all.
            poll_s: Seconds after which it looks without being woken, for the commits of other processes.

        Yields:
            One event after the other, in the order of their commits.

        Raises:
            EventsPruned: Events after the position are not kept any more: read anew what was made of them.
        """
        async with aclosing(self._feed.follow(after, workspace_id=workspace_id, poll_s=poll_s)) as events:
            async for event in events:
                yield event
