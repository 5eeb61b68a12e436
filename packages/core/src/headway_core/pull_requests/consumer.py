"""What happens in a workspace that may have changed its pull request: look at it at once (S14, S15)."""

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.ledger import Transaction
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.sessions.events import SessionEnded
from headway_core.workspaces.events import WorkspaceBranchChanged, WorkspaceStatusChanged
from headway_core.workspaces.model import WorkspaceStatus


class PullRequestConsumer(EventConsumer[None]):
    """A session's end, a new branch and a workspace that became ready are hints."""

    name = "pull requests"

    def __init__(self, pull_requests: PRSnapshotService) -> None:
        self._pull_requests = pull_requests

    async def prepare(self, event: DomainEvent) -> None:
        """Nothing but the event is needed."""

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        if event.workspace_id is None:
            return
        match event.payload:
            case (
                SessionEnded()
                | WorkspaceBranchChanged()
                | WorkspaceStatusChanged(status=WorkspaceStatus.READY)
            ):
                self._pull_requests.hint(tx, event.workspace_id)
            case _:
                return
