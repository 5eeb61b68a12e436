"""The watching that a runner or a server does: what is due is refreshed, what happens is a hint."""

from typing import ClassVar

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.duties import Duty
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.ledger import Transaction
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.sessions.events import SessionEnded
from headway_core.workspaces.events import WorkspaceBranchChanged, WorkspaceStatusChanged
from headway_core.workspaces.model import WorkspaceStatus

SHORTEST_WAIT_S = 0.2


class WatchDuty(Duty):
    """Refreshes what is due, and asks to be run again when the next is."""

    name = "watch pull requests"
    interval = 5.0
    wakes_on_events: ClassVar[bool] = True

    def __init__(self, service: PRSnapshotService) -> None:
        self._service = service

    async def run(self) -> float | None:
        await self._service.refresh_due()
        due = await self._service.next_due_in()
        return None if due is None else min(max(due, SHORTEST_WAIT_S), self.interval)


class PullRequestConsumer(EventConsumer[None]):
    """A session's end, a workspace that became READY and a renamed branch are hints (S14)."""

    name: ClassVar[str] = "pull_requests"

    def __init__(self, service: PRSnapshotService) -> None:
        self._service = service

    async def prepare(self, event: DomainEvent) -> None:
        """Nothing is read."""

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        if event.workspace_id is not None and _is_hint(event):
            self._service.hint(tx, event.workspace_id, happened_at=event.at)


def _is_hint(event: DomainEvent) -> bool:
    match event.payload:
        case SessionEnded(attempt=attempt):
            return attempt > 0
        case WorkspaceStatusChanged(status=status):
            return status is WorkspaceStatus.READY
        case WorkspaceBranchChanged():
            return True
        case _:
            return False
