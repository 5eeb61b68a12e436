"""What git says of a worktree now, for whoever stores it or judges by it."""

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.projects.model import Project
from headway_core.workspaces.model import GitFacts, Workspace
from headway_core.workspaces.ports import Worktrees


class GitReader:
    """Asks git about the worktrees of this host."""

    def __init__(self, *, ledger: Ledger, worktrees: Worktrees, locks: HostLocks) -> None:
        self._ledger = ledger
        self._worktrees = worktrees
        self._locks = locks

    async def read(self, workspace: Workspace, project: Project) -> GitFacts | None:
        """The facts as of the moment at which git was asked. None for a worktree of another host, for one
        that is gone, and before there is one. `Unavailable` when git fails.
        """
        if workspace.worktree_path is None or workspace.host_id != self._locks.host_id:
            return None
        began_at = await self._ledger.read(lambda tx: tx.now())
        state = await self._worktrees.state(project.repo_path, workspace.worktree_path, workspace.base_branch)
        if state is None:
            return None
        return GitFacts(
            workspace_id=workspace.id,
            branch=state.branch,
            head=state.head,
            dirty=state.dirty,
            unpushed=state.unpushed,
            overruled=state.overruled,
            changes=state.changes,
            at=began_at,
            made=state.made,
        )
