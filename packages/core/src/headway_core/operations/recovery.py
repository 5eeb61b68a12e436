"""Recovery of a host: every intent of a workspace without an outcome is closed (law 4, I7, L5).

Judged by liveness alone (L11): a free lock means that nobody acts. Age means nothing.
"""

import posixpath
from typing import assert_never

import anyio
import attrs

from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.operations.archive import ArchiveService
from headway_core.operations.model import ArchiveResult, ProvisionResult, Recovered, Settled
from headway_core.operations.provisioning import AT_ONCE, ProvisioningService
from headway_core.operations.worktree_look import WorktreeLook
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.model import ALL_PROJECTS, Project
from headway_core.sessions import SessionExecutor
from headway_core.sessions.model import LIVE_OF, Session
from headway_core.workspaces.model import Workspace, WorkspaceStatus
from headway_core.workspaces.ports import StrayWorktree, Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


@attrs.frozen
class _Found:
    """What recovery has seen and done so far."""

    settled: list[Workspace] = attrs.field(factory=list)
    missing: list[Workspace] = attrs.field(factory=list)
    removed: list[str] = attrs.field(factory=list)
    strays: list[StrayWorktree] = attrs.field(factory=list)
    problems: list[str] = attrs.field(factory=list)


class RecoveryService:
    """Run once when a runner starts; repeating it does no harm."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: WorkspaceSteps,
        projects: ReadTable[Project],
        provisioning: ProvisioningService,
        archive: ArchiveService,
        executor: SessionExecutor,
        sessions: ReadTable[Session],
        locks: HostLocks,
        worktrees: Worktrees,
        worktree_paths: WorktreePaths,
        worktree_look: WorktreeLook,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._projects = projects
        self._provisioning = provisioning
        self._archive = archive
        self._executor = executor
        self._sessions = sessions
        self._locks = locks
        self._worktrees = worktrees
        self._worktree_paths = worktree_paths
        self._worktree_look = worktree_look

    async def recover(self) -> Recovered:
        """Bring what this host left half done to an end, by the paths that began it (docs/recovery.md).

        | found | evidence | closure |
        |---|---|---|
        | NEW, ours or nobody's | its row | provisioned |
        | PROVISIONING | the lock is free | provisioning goes on |
        | ARCHIVING | the lock is free | the archive goes on, or goes back |
        | a project's path | what its worktrees point at | they are repaired |
        | READY | its worktree is not there, or its `.git` is gone | a warning, which a retry answers |
        | a worktree folder | no live workspace knows it; an archived one of this host does | removed when it
        holds no work, else reported; one that no workspace of this database knows is only reported |

        Sessions come first, by the executor's own table: what runs is adopted before anything takes its
        time. One workspace that can't be settled keeps none of the others from it.
        """
        await self._executor.recover()
        workspaces, projects = await self._ledger.read(self._ours)
        found = _Found()
        for project_id in dict.fromkeys(workspace.project_id for workspace in workspaces):
            if project_id in projects:
                await self._repair(projects[project_id], found)
        limiter = anyio.CapacityLimiter(AT_ONCE)
        async with anyio.create_task_group() as group:
            for workspace in workspaces:
                project = projects.get(workspace.project_id)
                if project is not None:
                    group.start_soon(self._recover, workspace, project, found, limiter)
        for project in projects.values():
            await self._look_for_strays(project, found)
        return Recovered(
            settled=tuple(found.settled),
            missing=tuple(found.missing),
            removed=tuple(found.removed),
            strays=tuple(found.strays),
            problems=tuple(found.problems),
        )

    def _ours(self, tx: ReadTransaction) -> tuple[list[Workspace], dict[str, Project]]:
        live = self._workspaces.live(tx)
        ours = [w for w in live if w.host_id in {None, self._locks.host_id}]
        return ours, {project.id: project for project in self._projects.query(tx, ALL_PROJECTS)}

    async def _repair(self, project: Project, found: _Found) -> None:
        """Have the worktrees belong to the repository where the project says that it lies now."""
        try:
            await self._worktrees.repair(project.repo_path)
        except (HeadwayError, OSError) as error:
            found.problems.append(f"repository of project {project.slug}: {error}")

    async def _recover(
        self, workspace: Workspace, project: Project, found: _Found, limiter: anyio.CapacityLimiter
    ) -> None:
        async with limiter:
            try:
                match workspace.status:
                    case WorkspaceStatus.NEW | WorkspaceStatus.PROVISIONING:
                        _note(await self._provisioning.provision(workspace.id), found)
                    case WorkspaceStatus.ARCHIVING:
                        _note(await self._archive.resume(workspace.id), found)
                    case WorkspaceStatus.READY:
                        await self._look_at_worktree(workspace, project, found)
                    case WorkspaceStatus.FAILED | WorkspaceStatus.ARCHIVED:
                        pass  # at rest
                    case _:
                        assert_never(workspace.status)
            except (HeadwayError, OSError) as error:
                found.problems.append(f"workspace {workspace.id}: {error}")

    async def _look_at_worktree(self, workspace: Workspace, project: Project, found: _Found) -> None:
        looked = await self._worktree_look.look(workspace, project)
        if looked.worktree_lost:
            found.missing.append(looked)

    async def _look_for_strays(self, project: Project, found: _Found) -> None:
        base = self._worktree_paths.base(project)
        try:
            strays = await self._worktrees.strays(project.repo_path, base, await self._known_paths(project))
            # Asked again, after the look: the row of a workspace is older than its folder, so whatever was
            # made meanwhile, by another host in a folder of both too, is known by now.
            known = {posixpath.basename(path) for path in await self._known_paths(project)}
            for stray in strays:
                if posixpath.basename(stray.path) not in known:  # by name: a base may be a link
                    await self._clear_away(project, base, stray, found)
        except (HeadwayError, OSError) as error:
            found.problems.append(f"worktrees of project {project.slug}: {error}")

    async def _known_paths(self, project: Project) -> frozenset[str]:
        """Where worktrees of live workspaces are or will be, whichever host has them."""
        live = await self._ledger.read(self._workspaces.live)
        return frozenset(
            self._worktree_paths.worktree(project, w) for w in live if w.project_id == project.id
        )

    async def _clear_away(self, project: Project, base: str, stray: StrayWorktree, found: _Found) -> None:
        """Remove what a workspace of this database left without work; git is asked once more by the removal
        itself (I12). What nobody here made is a person's, or another database's: it is only told.
        """
        if not stray.holds_work and (owner := await self._who_left(project, stray)) is not None:
            async with self._locks.workspace(owner) as mine:
                if mine and await self._who_left(project, stray) == owner:
                    try:
                        await self._worktrees.remove(project.repo_path, base, stray.path, lose_ignored=False)
                    except HeadwayError:
                        pass  # somebody works in it now: a person looks
                    else:
                        found.removed.append(stray.path)
                        return
        found.strays.append(stray)

    async def _who_left(self, project: Project, stray: StrayWorktree) -> str | None:
        """The archived workspace of this host whose folder it was, while nothing of it runs."""

        def look(tx: ReadTransaction) -> str | None:
            for workspace in self._workspaces.all(tx):
                path = self._worktree_paths.worktree(project, workspace)
                its = stray.owner == workspace.id or (
                    stray.owner is None
                    and workspace.project_id == project.id
                    and posixpath.basename(path) == posixpath.basename(stray.path)
                )
                if its and workspace.host_id == self._locks.host_id and not workspace.is_live:
                    runs = self._sessions.query(tx, LIVE_OF, workspace_id=workspace.id)
                    return None if runs else workspace.id
            return None

        return await self._ledger.read(look)


def _note(result: ProvisionResult | ArchiveResult, found: _Found) -> None:
    if isinstance(result, Settled):
        found.settled.append(result.workspace)
