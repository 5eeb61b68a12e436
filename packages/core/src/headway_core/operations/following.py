"""The workspace's branch follows its pull request, where that is safe; else a person adopts it (S16)."""

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.errors import InvalidInput, NotFound
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests import PullRequestAttached, PullRequestChanged, PullRequestSnapshot
from headway_core.pull_requests.derive import own_head
from headway_core.pull_requests.model import Head
from headway_core.sessions.events import SessionEnded
from headway_core.workspaces.model import GitFacts, Workspace, WorkspaceStatus
from headway_core.workspaces.ports import Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


class BranchService:
    """Lets a workspace be on the branch of its pull request's head."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: WorkspaceSteps,
        snapshots: ReadTable[PullRequestSnapshot],
        git_facts: ReadTable[GitFacts],
        worktrees: Worktrees,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._snapshots = snapshots
        self._git_facts = git_facts
        self._worktrees = worktrees

    async def adopt(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Take the branch of the attached pull request's head as the workspace's, by a person's word.

        The worktree is left as it is: until somebody switches it, the ratchet says branch mismatch.
        `NotFound` for the workspace, `InvalidInput("branch")` without a pull request that was read, for
        a head in a fork and a name that git does not take, `Conflict` when another workspace has it.
        """
        head = await self._ledger.read(lambda tx: self._head(tx, workspace_id))
        if head is None:
            raise InvalidInput("branch", "the workspace has no pull request with a head in its repository")
        if not await self._worktrees.valid_branch_name(head.ref):
            raise InvalidInput("branch", f"{head.ref!r} is no branch name that git takes")

        def work(tx: Transaction) -> Workspace:
            tx.lock(workspace_id)
            if self._head(tx, workspace_id) != head:
                raise InvalidInput("branch", "the pull request has another head by now")
            return self._workspaces.follow_branch(tx, workspace_id, head.ref, actor=actor)

        return await self._ledger.transact(work)

    async def branch_to_follow(self, workspace_id: str) -> str | None:
        """The head's branch, when the workspace is not on it and git takes its name."""
        head = await self._ledger.read(lambda tx: self._head(tx, workspace_id))
        workspace = await self._ledger.read(lambda tx: self._workspaces.known(tx, workspace_id))
        if head is None or head.ref == workspace.branch:
            return None
        return head.ref if await self._worktrees.valid_branch_name(head.ref) else None

    def follow(self, tx: Transaction, workspace_id: str, branch: str) -> None:
        """Be on this branch, if the worktree already is, it is still the head's, and nobody else has it."""
        tx.lock(workspace_id)
        workspace, head = self._workspaces.known(tx, workspace_id), self._head(tx, workspace_id)
        git = self._git_facts.get(tx, workspace_id)
        if workspace.status is not WorkspaceStatus.READY or head is None or git is None:
            return
        holder = self._workspaces.holder_of_branch(tx, workspace.project_id, branch)
        if branch == head.ref == git.branch and holder is None:
            self._workspaces.follow_branch(tx, workspace_id, branch)

    def _head(self, tx: ReadTransaction, workspace_id: str) -> Head | None:
        """The head of the attached pull request, if it lies in its own repository and in no fork."""
        self._workspaces.known(tx, workspace_id)
        snapshot = self._snapshots.get(tx, workspace_id)
        facts = None if snapshot is None else snapshot.facts
        return facts.head if facts is not None and own_head(facts) else None


class BranchConsumer(EventConsumer[str | None]):
    """Follows when a pull request is attached, its head moves, or an agent that may have switched ended."""

    name = "branches"

    def __init__(self, branches: BranchService) -> None:
        self._branches = branches

    async def prepare(self, event: DomainEvent) -> str | None:
        if event.workspace_id is None or not _may_lead(event):
            return None
        try:
            return await self._branches.branch_to_follow(event.workspace_id)
        except NotFound:
            return None

    def handle(self, tx: Transaction, event: DomainEvent, prepared: str | None) -> None:
        if prepared is not None and event.workspace_id is not None:
            self._branches.follow(tx, event.workspace_id, prepared)


def _may_lead(event: DomainEvent) -> bool:
    match event.payload:
        case PullRequestAttached() | SessionEnded():
            return True
        case PullRequestChanged(fields=fields):
            return "head" in fields
        case _:
            return False
