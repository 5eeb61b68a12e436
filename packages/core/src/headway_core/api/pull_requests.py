"""Pull requests: read anew, attached, detached; and what the forge tells of its limits."""

from typing import TYPE_CHECKING

from headway_core.pull_requests.limits import ForgeBudget
from headway_core.pull_requests.outcomes import FetchOutcome, RefreshOutcome
from headway_core.workspaces.model import Workspace

if TYPE_CHECKING:
    from headway_core.operations.branches import BranchService
    from headway_core.pull_requests.service import PRSnapshotService


class PullRequests:
    """Everything that is asked of pull requests: `hw.pull_requests`. What is known of them: `hw.board`."""

    def __init__(self, *, pull_requests: "PRSnapshotService", branches: "BranchService") -> None:
        self._pull_requests = pull_requests
        self._branches = branches

    async def refresh(self, workspace_id: str, *, insist: bool = False) -> RefreshOutcome:
        """Read the workspace's pull request now, or look for one of its branch, and store what is believed.

        Args:
            workspace_id: The workspace's id.
            insist: Read it again although a fetch is under way, because something happened after that began.
                Otherwise its outcome is shared, also that of another process.

        Returns:
            `Refreshed`, `Unchanged`, `NoPullRequest`, `PullRequestGone`, `RefreshFailed` or `Superseded`;
            or `Shared` with the one of these that another caller's fetch had. What a forge answers is never
            an error.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._pull_requests.refresh_workspace(workspace_id, insist=insist)

    async def refresh_all(self, *, actor: str = "people") -> int:
        """Have the pull requests of all live workspaces read anew; merged ones stay as they are.

        Nothing is asked of a forge here: runners read them, and what is new arrives as events.

        Args:
            actor: Who asks, as the events tell it.

        Returns:
            How many workspaces it concerns.
        """
        return await self._pull_requests.refresh_all(actor=actor)

    async def attach_number(self, workspace_id: str, number: int, *, actor: str = "headway") -> FetchOutcome:
        """Make a pull request of the project's repository the workspace's own, in place of what was.

        Args:
            workspace_id: The workspace's id.
            number: The pull request's number.
            actor: Who asks, as the events tell it.

        Returns:
            How its first read ended.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `number`: the repository has no such pull request.
            PermissionDenied: The token may not read it.
            Unavailable: The forge can't be asked.
        """
        return await self._pull_requests.attach_number(workspace_id, number, actor=actor)

    async def attach_url(self, workspace_id: str, url: str, *, actor: str = "headway") -> FetchOutcome:
        """Make a pull request the workspace's own, by its address.

        Args:
            workspace_id: The workspace's id.
            url: The address of a pull request of the project's repository.
            actor: Who asks, as the events tell it.

        Returns:
            How its first read ended.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `url` is no address of a pull request of the repository; or `number`: there is no
                such pull request.
            PermissionDenied: The token may not read it.
            Unavailable: The forge can't be asked.
        """
        return await self._pull_requests.attach_url(workspace_id, url, actor=actor)

    async def detach(self, workspace_id: str, *, actor: str = "headway") -> bool:
        """Take the pull request away from the workspace. It is not attached again by itself.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            False when the workspace had none.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._pull_requests.detach(workspace_id, actor=actor)

    async def adopt_branch(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Take the branch of the attached pull request's head as the workspace's own.

        The worktree is left as it is: until somebody switches it, the ratchet says branch mismatch.

        Args:
            workspace_id: The workspace's id.
            actor: Who asks, as the events tell it.

        Returns:
            The workspace on its new branch.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `branch`: no pull request was read yet, its head is in a fork, or git does not take
                the branch's name.
            Conflict: Another workspace is on that branch.
            Unavailable: Git can't be asked.
        """
        return await self._branches.adopt(workspace_id, actor=actor)

    async def budgets(self) -> tuple[ForgeBudget, ...]:
        """Say what the forges last told of their limits.

        Returns:
            One for each kind of question at each host.
        """
        return await self._pull_requests.budgets()
