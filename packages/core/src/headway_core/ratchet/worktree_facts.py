"""What git says of a worktree, asked again before it is judged by."""

from headway_core.kernel.ledger import Ledger
from headway_core.ratchet.view import View
from headway_core.workspaces import GitReader, WorkspaceSteps


class WorktreeFacts:
    """Asks git about a worktree when what is known of it is older than what happened, or would stall."""

    def __init__(self, *, ledger: Ledger, git_reader: GitReader, workspaces: WorkspaceSteps) -> None:
        self._ledger = ledger
        self._git_reader = git_reader
        self._workspaces = workspaces

    async def refresh(self, view: View) -> None:
        """Read and store the git facts, if there is a reason and the worktree is on this host."""
        if not (view.git_is_stale or view.git_concludes):
            return
        facts = await self._git_reader.read(view.workspace, view.project)
        if facts is not None:
            await self._ledger.transact(lambda tx: self._workspaces.record_git_facts(tx, facts))
