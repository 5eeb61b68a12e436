"""Archive: sessions stopped, work preserved, the worktree removed; or everything as it was (L4, L6, L7)."""

import logging
from functools import partial

import anyio

from headway_core.kernel.errors import HeadwayError, NotFound
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import Transaction
from headway_core.operations.model import ArchiveResult, Busy, HoldsIgnored, NotDue, Settled
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.model import Project
from headway_core.pull_requests.steps import PullRequestSteps
from headway_core.sessions import EndReason, SessionExecutor, SessionSteps
from headway_core.workspaces.model import Workspace, WorkspaceStatus
from headway_core.workspaces.ports import PutAwayOrder, Worktrees
from headway_core.workspaces.steps import WorkspaceSteps

logger = logging.getLogger(__name__)

LOCK_POLL_S = 0.1


class ArchiveService:
    """Archives workspaces of this host. The branch stays, and everything that was not committed is kept."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        projects: ReadTable[Project],
        workspaces: WorkspaceSteps,
        pull_requests: PullRequestSteps,
        sessions: SessionSteps,
        executor: SessionExecutor,
        locks: HostLocks,
        worktrees: Worktrees,
        worktree_paths: WorktreePaths,
        patience_s: float = 15.0,
    ) -> None:
        """`patience_s`: how long it waits for a runner that starts or stops a session just now."""
        self._ledger = ledger
        self._projects = projects
        self._workspaces = workspaces
        self._pull_requests = pull_requests
        self._sessions = sessions
        self._executor = executor
        self._locks = locks
        self._worktrees = worktrees
        self._worktree_paths = worktree_paths
        self._patience_s = patience_s

    async def archive(
        self, workspace_id: str, *, lose_ignored: bool = False, actor: str = "headway"
    ) -> ArchiveResult:
        """Archive it, or go on with an archive whose process died. Safe to repeat.

        `Settled` with status ARCHIVED; or with the status it came from, and why in its error: nothing is
        lost then. `HoldsIgnored` when files that no commit keeps would be lost: nothing was touched.
        `IllegalTransition` when it is neither READY nor FAILED.
        """
        until = anyio.current_time() + self._patience_s
        while True:
            async with self._locks.workspace(workspace_id) as mine:
                if mine:
                    return await self._archive(workspace_id, lose_ignored=lose_ignored, actor=actor)
            if anyio.current_time() >= until:
                return Busy(workspace_id=workspace_id)
            await anyio.sleep(LOCK_POLL_S)

    async def resume(self, workspace_id: str) -> ArchiveResult:
        """Go on with an archive whose process died: the workspace's lock is free. `Busy` when it is not.

        Permission to lose ignored files ends with the process that had it: a workspace with some goes back to
        where it was.
        """
        async with self._locks.workspace(workspace_id) as mine:
            if not mine:
                return Busy(workspace_id=workspace_id)
            workspace = await self._workspace(workspace_id)
            if workspace.status is not WorkspaceStatus.ARCHIVING:
                return NotDue(workspace=workspace, reason=f"it is {workspace.status}")
            return await self._archive(workspace_id, lose_ignored=False, actor="headway")

    async def _archive(self, workspace_id: str, *, lose_ignored: bool, actor: str) -> ArchiveResult:
        workspace = await self._workspace(workspace_id)
        if workspace.host_id not in {None, self._locks.host_id}:
            return NotDue(workspace=workspace, reason=f"it belongs to host {workspace.host_id}")
        if workspace.status is WorkspaceStatus.ARCHIVED:
            return Settled(workspace=workspace)
        project = await self._project(workspace)
        if workspace.status is not WorkspaceStatus.ARCHIVING:
            ignored = () if lose_ignored else await self._ignored(workspace, project)
            if ignored:
                return HoldsIgnored(workspace=workspace, files=ignored)
            workspace = await self._ledger.transact(partial(self._begin, workspace_id, actor))
        return Settled(workspace=await self._carry_out(workspace, project, lose_ignored=lose_ignored))

    def _begin(self, workspace_id: str, actor: str, tx: Transaction) -> Workspace:
        """Store the intents of the archive and of the end of every session, in one write."""
        workspace = self._workspaces.begin_archive(tx, workspace_id, host_id=self._locks.host_id, actor=actor)
        self._stop_sessions(tx, workspace_id)
        return workspace

    async def _carry_out(self, workspace: Workspace, project: Project, *, lose_ignored: bool) -> Workspace:
        try:
            await self._executor.settle_all(workspace.id)
            await self._put_away(workspace, project, lose_ignored=lose_ignored)
        except HeadwayError as error:
            return await self._ledger.transact(partial(self._back, workspace.id, str(error)))
        archived = await self._ledger.transact(partial(self._finish, workspace.id))
        try:
            await self._executor.settle_all(workspace.id)
        except HeadwayError as error:
            # The intent to stop is stored; the runner's rounds carry it out.
            logger.warning("workspace %s is archived, but %s", workspace.id, error)
        return archived

    async def _put_away(self, workspace: Workspace, project: Project, *, lose_ignored: bool) -> None:
        if workspace.worktree_path is None:
            return
        order = PutAwayOrder(
            workspace_id=workspace.id,
            repo_path=project.repo_path,
            base_path=self._worktree_paths.base(project),
            path=self._worktree_paths.worktree(project, workspace),
            lose_ignored=lose_ignored,
        )
        kept = (await self._worktrees.put_away(order)).kept
        if kept:
            # It tells the same when it is asked again after a crash.
            places = ", ".join(kept)
            await self._ledger.transact(lambda tx: self._workspaces.note_preserved(tx, workspace.id, places))

    def _back(self, workspace_id: str, problem: str, tx: Transaction) -> Workspace:
        self._workspaces.expect_host(tx, workspace_id, self._locks.host_id)
        return self._workspaces.archive_failed(tx, workspace_id, problem)

    def _finish(self, workspace_id: str, tx: Transaction) -> Workspace:
        self._workspaces.expect_host(tx, workspace_id, self._locks.host_id)
        archived = self._workspaces.archived(tx, workspace_id)
        self._pull_requests.release(tx, workspace_id)
        self._stop_sessions(tx, workspace_id)  # once more: nothing outlives it (L6)
        return archived

    def _stop_sessions(self, tx: Transaction, workspace_id: str) -> None:
        self._sessions.request_stop_all(tx, workspace_id, EndReason.STOPPED_BY_HEADWAY)

    async def _ignored(self, workspace: Workspace, project: Project) -> tuple[str, ...]:
        if workspace.worktree_path is None:
            return ()
        state = await self._worktrees.state(project.repo_path, workspace.worktree_path, workspace.base_branch)
        return () if state is None else state.ignored

    async def _workspace(self, workspace_id: str) -> Workspace:
        return await self._ledger.read(lambda tx: self._workspaces.known(tx, workspace_id))

    async def _project(self, workspace: Workspace) -> Project:
        project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
        if project is None:
            raise NotFound("project", workspace.project_id)
        return project
