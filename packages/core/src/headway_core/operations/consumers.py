"""What reacts to events: a workspace follows the branch of its pull request's head."""

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.errors import NotFound
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.transactions import Transaction
from headway_core.operations.branch_steps import BranchSteps
from headway_core.operations.branches import BranchService
from headway_core.pull_requests import PullRequestAttached, PullRequestChanged
from headway_core.sessions.events import SessionEnded


class BranchConsumer(EventConsumer[str | None]):
    """Lets a workspace follow when a pull request is attached, its head moves, or an agent ended that may
    have switched branches.
    """

    name = "branches"

    def __init__(self, branches: BranchService, steps: BranchSteps) -> None:
        self._branches = branches
        self._steps = steps

    def wants(self, event: DomainEvent) -> bool:
        """Whether the workspace may be on another branch than its pull request's head from now on."""
        match event.payload:
            case PullRequestAttached() | SessionEnded():
                return event.workspace_id is not None
            case PullRequestChanged(fields=fields):
                return event.workspace_id is not None and "head" in fields
            case _:
                return False

    async def prepare(self, event: DomainEvent) -> str | None:
        """The branch that it is to be on; None when it is there already."""
        try:
            return await self._branches.branch_to_follow(event.workspace_id or "")
        except NotFound:
            return None

    def handle(self, tx: Transaction, event: DomainEvent, prepared: str | None) -> None:
        if prepared is not None and event.workspace_id is not None:
            self._steps.follow(tx, event.workspace_id, prepared)
