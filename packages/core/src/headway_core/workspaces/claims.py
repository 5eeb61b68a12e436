"""What a live workspace holds alone: a branch and an issue of a repository, whatever the clone.

A query in the transaction names who holds it; the unique indexes decide between transactions.
"""

from headway_core.kernel.errors import Conflict
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.model import Project
from headway_core.workspaces.model import (
    BY_BRANCH_CLAIM,
    BY_ISSUE_CLAIM,
    Workspace,
    branch_claim,
    issue_claim,
)


class WorkspaceClaims:
    """Reads and names the claims of workspaces; for `WorkspaceSteps`, which alone writes them."""

    def __init__(self, workspaces: ReadTable[Workspace], projects: ReadTable[Project]) -> None:
        self._workspaces = workspaces
        self._projects = projects

    def of_branch(self, tx: ReadTransaction, project_id: str, branch: str) -> str:
        """The claim on a branch of the project's repository."""
        return branch_claim(self._repository(tx, project_id), branch)

    def of_issue(self, tx: ReadTransaction, project_id: str, number: int | None) -> str | None:
        """The claim on an issue of the project's repository; None for none."""
        return None if number is None else issue_claim(self._repository(tx, project_id), number)

    def holder_of_branch(self, tx: ReadTransaction, project_id: str, branch: str) -> Workspace | None:
        """The live workspace on this branch of the project's repository, in whatever clone of it."""
        claim = self.of_branch(tx, project_id, branch)
        return next(iter(self._workspaces.query(tx, BY_BRANCH_CLAIM, branch_claim=claim)), None)

    def holder_of_issue(self, tx: ReadTransaction, project_id: str, number: int) -> Workspace | None:
        """The live workspace of this issue of the repository: an archived one holds nothing (L21)."""
        claim = issue_claim(self._repository(tx, project_id), number)
        return next(iter(self._workspaces.query(tx, BY_ISSUE_CLAIM, issue_claim=claim)), None)

    def expect_branch(
        self, tx: ReadTransaction, project_id: str, branch: str, *, but: str | None = None
    ) -> None:
        """`Conflict` when a live workspace other than `but` is on the branch."""
        holder = self.holder_of_branch(tx, project_id, branch)
        if holder is not None and holder.id != but:
            raise Conflict("branch", branch, f"{self._named(tx, holder, project_id)} is on it")

    def expect_issue(self, tx: ReadTransaction, project_id: str, number: int) -> None:
        """`Conflict` when a live workspace works on the issue."""
        holder = self.holder_of_issue(tx, project_id, number)
        if holder is not None:
            raise Conflict("issue", str(number), f"{self._named(tx, holder, project_id)} works on it")

    def _repository(self, tx: ReadTransaction, project_id: str) -> str:
        """What claims begin with: the same for every clone of a repository."""
        project = self._projects.get(tx, project_id)
        return project_id if project is None else project.repository_key

    def _named(self, tx: ReadTransaction, holder: Workspace, project_id: str) -> str:
        """The holder, with its project when that is another clone."""
        project = self._projects.get(tx, holder.project_id)
        if project is None or project.id == project_id:
            return f"workspace {holder.id}"
        return f"workspace {holder.id} of project {project.slug} (another clone of the repository)"
