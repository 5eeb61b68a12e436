"""Provisioning: the worktree and the start-up script, between an intent and an outcome (law 4).

The first run, a retry and the continuation after a crash are the same path (L13). Whoever walks it holds
the workspace's lock, so a PROVISIONING workspace whose lock is free was left by a process that died.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
import attrs

from headway_core.hosts import Host
from headway_core.kernel.errors import Conflict, HeadwayError, NotFound
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import Transaction
from headway_core.operations.branch_names import branch_words, free_branch
from headway_core.operations.model import Busy, NotDue, ProvisionResult, Settled
from headway_core.operations.worktree_look import WorktreeLook
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.model import Project
from headway_core.sessions.model import LIVE_OF, Session, SessionStatus
from headway_core.workspaces.model import ResumeBranchSource, Workspace, WorkspaceStatus
from headway_core.workspaces.output import InitOutputSteps
from headway_core.workspaces.ports import (
    PutAwayOrder,
    ScriptOrder,
    ScriptResult,
    Scripts,
    Standing,
    WorktreeOrder,
    WorktreeOutcome,
    Worktrees,
)
from headway_core.workspaces.steps import CANCELLED, WorkspaceSteps

T = TypeVar("T")

CANCEL_POLL_S = 1.0
"""How late a cancellation that another process wrote is seen; one of this process is seen at once."""
AT_ONCE = 4
"""Workspaces that a host provisions at the same time."""
BRANCH_TRIES = 50


@attrs.frozen(kw_only=True)
class _Begun:
    """A provisioning whose intent is stored."""

    workspace: Workspace
    project: Project


class ProvisioningService:
    """Makes workspaces READY on this host."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        projects: ReadTable[Project],
        sessions: ReadTable[Session],
        workspaces: WorkspaceSteps,
        output: InitOutputSteps,
        locks: HostLocks,
        worktrees: Worktrees,
        scripts: Scripts,
        hosts: ReadTable[Host],
        worktree_paths: WorktreePaths,
        look: WorktreeLook,
    ) -> None:
        self._ledger = ledger
        self._projects = projects
        self._sessions = sessions
        self._workspaces = workspaces
        self._output = output
        self._locks = locks
        self._hosts = hosts
        self._worktree_paths = worktree_paths
        self._worktrees = worktrees
        self._look = look
        self._scripts = scripts

    async def retry(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Ask for another run; `provision` carries it out.

        `IllegalTransition` when there is nothing to repeat, `RetriesUsed`, and `Conflict` while an agent
        runs. An idle session is no hindrance: its prompt waits for this very run (L15). Without a warning it
        is looked first whether the worktree is there: nobody need wait for the next round.
        """
        workspace = await self._workspace(workspace_id)
        ready = workspace.status is WorkspaceStatus.READY and workspace.warning is None
        if ready and workspace.host_id == self._locks.host_id:
            project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
            if project is not None:
                await self._look.look(workspace, project)

        def work(tx: Transaction) -> Workspace:
            tx.lock(workspace_id)
            for session in self._sessions.query(tx, LIVE_OF, workspace_id=workspace_id):
                if session.status is not SessionStatus.IDLE:
                    raise Conflict("workspace", workspace_id, f"session {session.id} runs in it")
            return self._workspaces.retry(tx, workspace_id, actor=actor)

        return await self._ledger.transact(work)

    async def provision(self, workspace_id: str) -> ProvisionResult:
        """Take a workspace in NEW, or one left in PROVISIONING, to READY or FAILED.

        A start that is refused (`Busy`, `NotDue`) has no effect at all (L3). What git or a script
        cannot do ends in the workspace's error or warning; an exception means that the ledger failed or
        the task was cancelled, and the next call goes on.
        """
        async with self._locks.workspace(workspace_id) as mine:
            if not mine:
                return Busy(workspace_id=workspace_id)
            begun = await self._ledger.transact(partial(self._begin, workspace_id))
            if isinstance(begun, NotDue):
                return begun
            return Settled(workspace=await self._carry_out(begun))

    def _begin(self, workspace_id: str, tx: Transaction) -> _Begun | NotDue:
        tx.lock(workspace_id)
        workspace = self._workspaces.known(tx, workspace_id)
        if workspace.host_id not in {None, self._locks.host_id}:
            return NotDue(workspace=workspace, reason=f"it belongs to host {workspace.host_id}")
        project = self._projects.get(tx, workspace.project_id)
        if project is None:
            raise NotFound("project", workspace.project_id)
        host = self._hosts.get(tx, self._locks.host_id)
        match workspace.status:
            case WorkspaceStatus.NEW if host is not None and host.retired_at is not None:
                return NotDue(workspace=workspace, reason="this host is retired")
            case WorkspaceStatus.NEW:
                workspace = self._workspaces.begin_provisioning(tx, workspace_id, self._locks.host_id)
            case WorkspaceStatus.PROVISIONING:
                pass  # a retry, or a run that died: the intent stands
            case status:
                return NotDue(workspace=workspace, reason=f"it is {status}")
        return _Begun(workspace=workspace, project=project)

    async def _carry_out(self, begun: _Begun) -> Workspace:
        project, path = begun.project, self._worktree_paths.worktree(begun.project, begun.workspace)
        try:
            await self._put_aside(begun.workspace, project, path)
            made = await self._make_worktree(begun.workspace, project, path)
            if not isinstance(made, str):
                await self._bring_back(made, project, path)
        except HeadwayError as error:
            made = str(error)
        if isinstance(made, str):
            return await self._fail(begun.workspace.id, project, path, made)
        warning = await self._run_script(made, project, path)
        settle = partial(self._settle, made.id, path, warning, required=project.startup_required)
        return await self._ledger.transact(settle)

    def _settle(
        self, workspace_id: str, path: str, warning: str | None, tx: Transaction, *, required: bool
    ) -> Workspace:
        self._workspaces.expect_host(tx, workspace_id, self._locks.host_id)
        if self._workspaces.known(tx, workspace_id).cancel_asked:
            return self._workspaces.provisioning_failed(tx, workspace_id, CANCELLED)
        if warning is not None and required:
            return self._workspaces.provisioning_failed(tx, workspace_id, warning)
        return self._workspaces.provisioned(tx, workspace_id, path, warning)

    async def _put_aside(self, workspace: Workspace, project: Project, path: str) -> None:
        """Keep what lies where the workspace's worktree was: nothing is written over."""
        if workspace.worktree_path is None:
            return
        if await self._look.standing(workspace, project) is not Standing.BROKEN:
            return
        order = PutAwayOrder(
            workspace_id=workspace.id,
            repo_path=project.repo_path,
            base_path=self._worktree_paths.base(project),
            path=path,
            lose_ignored=False,
        )
        for place in (await self._worktrees.put_away(order)).kept:
            await self._append(workspace.id, f"headway: what lay at {path} is kept at {place}\n")

    async def _bring_back(self, workspace: Workspace, project: Project, path: str) -> None:
        """Let the worktree have what is preserved of the workspace that this one restores."""
        source = workspace.source
        if not isinstance(source, ResumeBranchSource) or source.restores is None:
            return
        back = await self._worktrees.bring_back(
            project.repo_path, self._worktree_paths.base(project), path, source.restores
        )
        for line in back.told:
            await self._append(workspace.id, f"headway: {line}\n")

    async def _make_worktree(self, workspace: Workspace, project: Project, path: str) -> Workspace | str:
        """The workspace with its worktree, or why there is none."""
        tried: frozenset[str] = frozenset()
        while len(tried) < BRANCH_TRIES:
            order = self._order(workspace, project, path)
            try:
                outcome = await self._unless_cancelled(workspace.id, partial(self._worktrees.create, order))
            except HeadwayError as error:
                return str(error)
            if outcome is None:
                return CANCELLED
            if outcome is not WorktreeOutcome.BRANCH_TAKEN:
                return await self._ledger.transact(partial(self._register, workspace.id, path))
            if not workspace.branch_is_generated:
                break
            tried |= {workspace.branch}
            workspace = await self._ledger.transact(partial(self._next_branch, workspace, tried))
        return f"branch {workspace.branch} exists with other work"

    def _register(self, workspace_id: str, path: str, tx: Transaction) -> Workspace:
        self._workspaces.expect_host(tx, workspace_id, self._locks.host_id)
        return self._workspaces.worktree_made(tx, workspace_id, path)

    def _order(self, workspace: Workspace, project: Project, path: str) -> WorktreeOrder:
        # A worktree that once stood has made the branch: another run takes it up, and never picks a new name.
        has_branch = isinstance(workspace.source, ResumeBranchSource) or workspace.branch_made
        return WorktreeOrder(
            workspace_id=workspace.id,
            repo_path=project.repo_path,
            base_path=self._worktree_paths.base(project),
            path=path,
            branch=workspace.branch,
            new_branch=not has_branch,
            base_branch=workspace.base_branch,
        )

    def _next_branch(self, workspace: Workspace, tried: frozenset[str], tx: Transaction) -> Workspace:
        self._workspaces.expect_host(tx, workspace.id, self._locks.host_id)
        branch = free_branch(
            tx,
            self._workspaces,
            project_id=workspace.project_id,
            prefix=workspace.branch.rpartition("/")[0],
            name=branch_words(workspace),
            taken=tried,
        )
        return self._workspaces.choose_branch(tx, workspace.id, branch)

    async def _run_script(self, workspace: Workspace, project: Project, path: str) -> str | None:
        """Run the start-up script to its end; what is wrong with it, None for nothing (L14)."""
        if project.startup_script is None:
            return None
        order = ScriptOrder(
            workspace_id=workspace.id,
            command=project.startup_script,
            cwd=path,
            timeout_s=project.startup_timeout_s,
        )
        try:
            result = await self._unless_cancelled(
                workspace.id, partial(self._scripts.run, order, partial(self._append, workspace.id))
            )
        except HeadwayError as error:
            return f"the start-up script did not run: {error}"
        return None if result is None else _complaint(result, project.startup_timeout_s)

    async def _append(self, workspace_id: str, text: str) -> None:
        await self._ledger.transact(lambda tx: self._output.append(tx, workspace_id, text))

    async def _fail(self, workspace_id: str, project: Project, path: str, problem: str) -> Workspace:
        """Make it FAILED, and before that remove what this or a dead run made and git has not registered
        (L9).
        """
        workspace = await self._workspace(workspace_id)
        # Read again: a worktree that the workspace owns by now is not ours to remove (L10).
        if workspace.worktree_path is None:
            try:
                await self._worktrees.remove(
                    project.repo_path, self._worktree_paths.base(project), path, lose_ignored=False
                )
            except HeadwayError as error:
                problem = f"{problem}; what was made of its worktree is still there: {error}"

        def failed(tx: Transaction) -> Workspace:
            self._workspaces.expect_host(tx, workspace_id, self._locks.host_id)
            return self._workspaces.provisioning_failed(tx, workspace_id, problem)

        return await self._ledger.transact(failed)

    async def _workspace(self, workspace_id: str) -> Workspace:
        return await self._ledger.read(lambda tx: self._workspaces.known(tx, workspace_id))

    async def _unless_cancelled(self, workspace_id: str, act: Callable[[], Awaitable[T]]) -> T | None:
        """Do it, and end it when somebody asks for the end of the provisioning: None then."""
        if (await self._workspace(workspace_id)).cancel_asked:
            return None
        done: list[T] = []
        failed: list[Exception] = []
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, workspace_id, group.cancel_scope)
            try:
                done.append(await act())
            except Exception as error:  # noqa: BLE001  raised below: the group would wrap it
                failed.append(error)
            group.cancel_scope.cancel()
        if failed:
            raise failed[0]
        return done[0] if done else None

    async def _watch(self, workspace_id: str, scope: anyio.CancelScope) -> None:
        while True:
            changed = self._ledger.changed()
            if (await self._workspace(workspace_id)).cancel_asked:
                scope.cancel()
                return
            with anyio.move_on_after(CANCEL_POLL_S):
                await changed.wait()


def _complaint(result: ScriptResult, timeout_s: int) -> str | None:
    if result.succeeded:
        return None
    if result.timed_out:
        return f"the start-up script was ended after {timeout_s} s"
    if result.signal is not None:
        return f"the start-up script was ended by signal {result.signal}"
    return f"the start-up script exited with {result.exit_code}"
