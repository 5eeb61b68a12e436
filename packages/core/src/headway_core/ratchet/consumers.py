"""What events mean to the ratchet: which workspaces are to be looked at."""

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.transactions import Transaction
from headway_core.ratchet.steps import RatchetSteps
from headway_core.sessions import Purpose
from headway_core.sessions.events import SessionEnded

_TOUCH_ALL = ("settings.", "host.")
"""Events of these are of every workspace."""


class RatchetConsumer(EventConsumer[None]):
    """Makes the ratchet look at a workspace after each of its events, and at all after a change of settings
    or hosts.

    A fixer's end makes it look at those who wait for its slot.
    """

    name = "ratchet"

    def __init__(self, ratchet: RatchetSteps) -> None:
        self._ratchet = ratchet

    def wants(self, event: DomainEvent) -> bool:
        """Whether the event is news to the ratchet, which its own decisions are not."""
        return event.payload.event != "ratchet.decided" and (
            event.workspace_id is not None or event.payload.event.startswith(_TOUCH_ALL)
        )

    async def prepare(self, event: DomainEvent) -> None:
        """Nothing but the event is needed."""

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        if event.payload.event.startswith(_TOUCH_ALL):
            self._ratchet.wake_all(tx)
        elif event.workspace_id is not None:
            freed = isinstance(event.payload, SessionEnded) and event.payload.purpose is Purpose.FIXER
            self._ratchet.wake(tx, event.workspace_id, *(self._ratchet.next_in_line(tx) if freed else ()))
