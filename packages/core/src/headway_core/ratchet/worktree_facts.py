"""What git says of a worktree, asked again before it is judged by, and a worktree that is brought forward."""

from datetime import datetime, timedelta

import attrs

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.ratchet.tables import RatchetTables
from headway_core.ratchet.view import View, read_view
from headway_core.sessions import Purpose
from headway_core.settings import SettingsSteps
from headway_core.workspaces import GitReader, WorkspaceSteps
from headway_core.workspaces.ports import Worktrees

_LEFT_WITHIN = timedelta(seconds=60)
"""What lies there so soon after a fixer ended is what it left."""


class WorktreeFacts:
    """Asks git about a worktree when what is known of it is older than what happened, or would stall."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        git_reader: GitReader,
        worktrees: Worktrees,
        workspaces: WorkspaceSteps,
        settings: SettingsSteps,
        tables: RatchetTables,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._git_reader = git_reader
        self._worktrees = worktrees
        self._workspaces = workspaces
        self._settings = settings
        self._tables = tables
        self._locks = locks

    async def refresh(self, view: View) -> None:
        """Read and store the git facts, if there is a reason and the worktree is on this host."""
        if view.git_is_stale or view.git_concludes:
            await self._look(view, refused=None)

    async def _look(self, view: View, *, refused: str | None) -> None:
        facts = await self._git_reader.read(view.workspace, view.project)
        if facts is not None:
            left = facts.changes if _is_ours(view, facts.at) else None
            found = attrs.evolve(facts, left=left, refused=refused)
            await self._ledger.transact(lambda tx: self._workspaces.record_git_facts(tx, found))

    async def fast_forward(self, workspace_id: str) -> None:
        """Bring the worktree forward to the head of its pull request, as was decided, and store what git says
        then.

        The decision is the intent. Nothing is done while somebody else acts on the workspace, and while a
        session is at work in it.
        """
        async with self._locks.workspace(workspace_id) as mine:
            view = await self._ledger.read(
                lambda tx: read_view(tx, self._tables, self._settings.current(tx), workspace_id)
            )
            if not mine or view is None or view.facts is None or not self._may_forward(view):
                return
            path, head = view.workspace.worktree_path or "", view.facts.head
            done = await self._worktrees.fast_forward(path, head.ref, head.commit)
            await self._look(view, refused=None if done else head.commit)

    def _may_forward(self, view: View) -> bool:
        workspace = view.workspace
        return (
            workspace.accepts_sessions
            and workspace.host_id == self._locks.host_id
            and view.other_commit
            and not view.forward_refused
            and not any(map(view.is_busy, view.sessions))
        )


def _is_ours(view: View, now: datetime) -> bool:
    """What is not committed is what the set-up left, or the last fixer, and nobody was at work since."""
    if any(map(view.is_busy, view.sessions)):
        return False
    before = view.git.at if view.git is not None else None
    ended = [(s.ended_at, s.purpose) for s in view.sessions if s.ended_at is not None]
    if not ended:
        return before is None and not view.turns
    last, purpose = max(ended, key=lambda each: each[0])
    return purpose is Purpose.FIXER and (before is None or before < last or now <= last + _LEFT_WITHIN)
