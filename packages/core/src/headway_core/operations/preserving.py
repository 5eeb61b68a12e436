"""What archives and retries have kept on this host: listed, brought back, dropped by a person's word."""

from headway_core.kernel.errors import Conflict, HeadwayError
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.operations.creation import WorkspaceCreationService
from headway_core.operations.model import PreservedOf, ResumeBranch
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.model import ALL_PROJECTS, Project
from headway_core.workspaces.model import Workspace
from headway_core.workspaces.ports import Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


class PreservingService:
    """Looks after what is kept. It lies in git and on the disk; whose it is, the database knows."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: WorkspaceSteps,
        projects: ReadTable[Project],
        creation: WorkspaceCreationService,
        locks: HostLocks,
        worktrees: Worktrees,
        worktree_paths: WorktreePaths,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._projects = projects
        self._creation = creation
        self._locks = locks
        self._worktrees = worktrees
        self._worktree_paths = worktree_paths

    async def preserved(self) -> tuple[PreservedOf, ...]:
        """What is kept of the workspaces that this database knows, the oldest first."""
        workspaces, projects = await self._ledger.read(self._known)
        found = []
        for project in projects:
            base = self._worktree_paths.base(project)
            try:
                kept = await self._worktrees.preserved(project.repo_path, base)
            except HeadwayError:
                if project.archived:
                    continue  # its repository may be gone, and hides nothing of the others
                raise
            for each in kept:
                workspace = workspaces.get(each.workspace_id)
                if workspace is not None and workspace.project_id == project.id:
                    found.append(PreservedOf(workspace=workspace, preserved=each))
        return tuple(sorted(found, key=lambda each: each.preserved.since))

    def _known(self, tx: ReadTransaction) -> tuple[dict[str, Workspace], list[Project]]:
        known = {workspace.id: workspace for workspace in self._workspaces.all(tx)}
        return known, self._projects.query(tx, ALL_PROJECTS)

    async def restore(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """A new workspace on the branch of an archived one, with what is preserved of it; it stays preserved.

        `NotFound`; `Conflict` when it is not archived, belongs to another host, or its branch is in use.
        """
        workspace = await self._here(workspace_id)
        if workspace.is_live:
            raise Conflict("workspace", workspace_id, "it is not archived")
        await self._have_branch(workspace)
        command = ResumeBranch(
            project_id=workspace.project_id,
            branch=workspace.branch,
            restores=workspace.id,
            name=workspace.name,
            description=workspace.description,
        )
        return await self._creation.create(command, actor=actor)

    async def _have_branch(self, workspace: Workspace) -> None:
        """Make its branch again when somebody deleted it; a branch that nothing tells of stays unknown."""
        project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
        if project is None or await self._worktrees.find_branch(project.repo_path, workspace.branch):
            return
        base = self._worktree_paths.base(project)
        await self._worktrees.make_preserved_branch(project.repo_path, base, workspace.branch, workspace.id)

    async def drop(self, workspace_id: str) -> None:
        """Lose what is preserved of a workspace, for good: a person's word alone.

        `NotFound`; `Conflict` when it belongs to another host, or somebody acts on it now.
        """
        workspace = await self._here(workspace_id)
        project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
        if project is None:
            return
        async with self._locks.workspace(workspace_id) as mine:
            if not mine:
                raise Conflict("workspace", workspace_id, "somebody else acts on it now")
            base = self._worktree_paths.base(project)
            await self._worktrees.drop_preserved(project.repo_path, base, workspace_id)

    async def _here(self, workspace_id: str) -> Workspace:
        workspace = await self._ledger.read(lambda tx: self._workspaces.known(tx, workspace_id))
        if workspace.host_id not in {None, self._locks.host_id}:
            raise Conflict("workspace", workspace_id, f"what is kept of it is on host {workspace.host_id}")
        return workspace
