"""Whether the worktrees of READY workspaces are there: looked for when a runner begins, and while it runs."""

from typing import assert_never

from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.model import ALL_PROJECTS, Project
from headway_core.workspaces.model import WORKTREE_BROKEN, WORKTREE_MISSING, Workspace, WorkspaceStatus
from headway_core.workspaces.ports import Standing, Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


class WorktreeLook:
    """Looks at the disk, and records what it finds as the workspace's warning."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: WorkspaceSteps,
        worktrees: Worktrees,
        worktree_paths: WorktreePaths,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._worktrees = worktrees
        self._worktree_paths = worktree_paths

    async def standing(self, workspace: Workspace, project: Project) -> Standing:
        """What is where the worktree is to be."""
        path = self._worktree_paths.worktree(project, workspace)
        return await self._worktrees.standing(project.repo_path, path)

    async def look(self, workspace: Workspace, project: Project) -> Workspace:
        """Warn of a worktree that is missing or broken; take the warning back when it is there again."""
        warning = _warning(await self.standing(workspace, project))
        if (warning is not None) != workspace.worktree_lost or warning not in {None, workspace.warning}:
            return await self._ledger.transact(
                lambda tx: self._workspaces.worktree_seen(tx, workspace.id, warning)
            )
        return workspace


def _warning(standing: Standing) -> str | None:
    match standing:
        case Standing.STANDS:
            return None
        case Standing.MISSING:
            return WORKTREE_MISSING
        case Standing.BROKEN:
            return WORKTREE_BROKEN
        case _:
            assert_never(standing)


class WorktreeDuty(Duty):
    """Looks for the worktrees of this host's READY workspaces: an agent may delete its own."""

    name = "worktrees"
    interval_s = 30.0

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: WorkspaceSteps,
        projects: ReadTable[Project],
        look: WorktreeLook,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._projects = projects
        self._look = look
        self._locks = locks

    async def run(self) -> float | None:
        workspaces, projects = await self._ledger.read(self._ready_here)
        for workspace in workspaces:
            project = projects.get(workspace.project_id)
            if project is not None:
                try:
                    await self._look.look(workspace, project)
                except HeadwayError:
                    continue  # it moved on meanwhile: the next run looks again
        return None

    def _ready_here(self, tx: ReadTransaction) -> tuple[list[Workspace], dict[str, Project]]:
        ready = [
            each
            for each in self._workspaces.live(tx)
            if each.status is WorkspaceStatus.READY and each.host_id == self._locks.host_id
        ]
        return ready, {project.id: project for project in self._projects.query(tx, ALL_PROJECTS)}
