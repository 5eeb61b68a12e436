"""What git says of a worktree, asked again before it is judged by."""

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.ratchet.view import View
from headway_core.workspaces import GitFacts, WorkspaceSteps
from headway_core.workspaces.ports import Worktrees


class WorktreeFacts:
    """Asks git about a worktree when what is known of it is older than what happened, or would stall."""

    def __init__(
        self, *, ledger: Ledger, worktrees: Worktrees, workspaces: WorkspaceSteps, locks: HostLocks
    ) -> None:
        self._ledger = ledger
        self._worktrees = worktrees
        self._workspaces = workspaces
        self._locks = locks

    async def refresh(self, view: View) -> None:
        """Read and store the git facts, if there is a reason and the worktree is on this host."""
        workspace = view.workspace
        if (
            workspace.worktree_path is None
            or workspace.host_id != self._locks.host_id
            or not (view.git_is_stale or view.git_concludes)
        ):
            return
        began = view.now
        state = await self._worktrees.state(
            view.project.repo_path, workspace.worktree_path, workspace.base_branch
        )
        if state is not None:
            facts = GitFacts(
                workspace_id=workspace.id,
                branch=state.branch,
                head=state.head,
                dirty=state.dirty,
                unpushed=state.unpushed,
                at=began,
            )
            await self._ledger.transact(lambda tx: self._workspaces.record_git_facts(tx, facts))
