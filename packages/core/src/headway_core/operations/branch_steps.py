"""The branch of a workspace and that of its pull request's head: where they meet, as steps."""

from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests import PullRequestSnapshot
from headway_core.pull_requests.derive import own_head
from headway_core.pull_requests.model import Head
from headway_core.workspaces.model import GitFacts, Workspace, WorkspaceStatus
from headway_core.workspaces.steps import WorkspaceSteps


class BranchSteps:
    """Lets a workspace be on the branch of its pull request's head. Owns no table."""

    def __init__(
        self,
        *,
        workspaces: WorkspaceSteps,
        snapshots: ReadTable[PullRequestSnapshot],
        git_facts: ReadTable[GitFacts],
    ) -> None:
        self._workspaces = workspaces
        self._snapshots = snapshots
        self._git_facts = git_facts

    def adopt(self, tx: Transaction, workspace_id: str, head: Head, *, actor: str = "headway") -> Workspace:
        """Put the workspace on the branch of this head, as a person asks. `InvalidInput("branch")` when the
        head is another one by now.
        """
        tx.lock(workspace_id)
        if self.head(tx, workspace_id) != head:
            raise InvalidInput("branch", "the pull request has another head by now")
        return self._workspaces.follow_branch(tx, workspace_id, head.ref, actor=actor)

    def follow(self, tx: Transaction, workspace_id: str, branch: str) -> None:
        """Put the workspace on this branch if its worktree is on it, it is still the head's, and no other
        workspace has it.
        """
        tx.lock(workspace_id)
        workspace, head = self._workspaces.known(tx, workspace_id), self.head(tx, workspace_id)
        git = self._git_facts.get(tx, workspace_id)
        if workspace.status is not WorkspaceStatus.READY or head is None or git is None:
            return
        holder = self._workspaces.holder_of_branch(tx, workspace.project_id, branch)
        if branch == head.ref == git.branch and holder is None:
            self._workspaces.follow_branch(tx, workspace_id, branch)

    def to_follow(self, tx: ReadTransaction, workspace_id: str) -> str | None:
        """The head's branch, when the workspace is not on it. `NotFound` for an unknown workspace."""
        head = self.head(tx, workspace_id)
        if head is None or head.ref == self._workspaces.known(tx, workspace_id).branch:
            return None
        return head.ref

    def head(self, tx: ReadTransaction, workspace_id: str) -> Head | None:
        """The head of the attached pull request, if it lies in its own repository and in no fork."""
        self._workspaces.known(tx, workspace_id)
        snapshot = self._snapshots.get(tx, workspace_id)
        facts = None if snapshot is None else snapshot.facts
        return facts.head if facts is not None and own_head(facts) else None
