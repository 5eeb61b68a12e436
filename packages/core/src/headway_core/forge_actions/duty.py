"""The duty that carries the actions out at the forge."""

import logging

from headway_core.forge_actions.model import (
    DUE_ACTIONS,
    NEXT_ACTION,
    ForgeAction,
    OpenPullRequest,
    UnusableFile,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.forge_actions.steps import ForgeActionSteps
from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import (
    HeadwayError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.model import Project
from headway_core.workspaces.model import Workspace

logger = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 0.1


class ForgeActionDuty(Duty):
    """Carries out the actions of this host's workspaces, in the order in which they were asked for."""

    name = "forge actions"
    wakes_on_events = True

    def __init__(
        self,
        *,
        ledger: Ledger,
        steps: ForgeActionSteps,
        actions: ReadTable[ForgeAction],
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        writer: ForgeWriter,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._steps = steps
        self._actions = actions
        self._workspaces = workspaces
        self._projects = projects
        self._writer = writer
        self._locks = locks

    async def run(self) -> float | None:
        pauses: dict[str, float] = {}
        for action, project in await self._ledger.read(self._due):
            pause_s = pauses.get(project.github_host)
            if pause_s is None:
                pause_s = await self._carry_out(action, project)
                if pause_s is not None:
                    pauses[project.github_host] = pause_s
            else:
                await self._put_off(action, pause_s)
        return await self._ledger.read(self._pause_s)

    def _due(self, tx: ReadTransaction) -> list[tuple[ForgeAction, Project]]:
        found = []
        for action in self._actions.query(tx, DUE_ACTIONS, due_at=tx.now()):
            workspace = self._workspaces.get(tx, action.workspace_id)
            project = self._projects.get(tx, workspace.project_id) if workspace else None
            if workspace is not None and project is not None and workspace.host_id == self._locks.host_id:
                found.append((action, project))
        return found

    async def _carry_out(self, action: ForgeAction, project: Project) -> float | None:
        """Do it. Seconds for which GitHub asks to be left alone then (S11); None when it does not."""
        order = action.order
        assert not isinstance(order, UnusableFile)  # it is never due
        try:
            # An attempt without an outcome, or somebody else's pull request: look before writing (S14).
            found = None
            if action.attempts or isinstance(order, OpenPullRequest):
                found = await self._writer.find(project, order, action.mark)
            if found is None:
                if await self._begin(action) is None:
                    return None
                found = await self._writer.write(project, order, action.mark)
            await self._done(action, found)
        except Unavailable as error:
            await self._failed(action, error.problem, pause_s=error.retry_after_s)
            return error.retry_after_s
        except PermissionDenied as error:
            await self._failed(action, error.problem)
        except InvalidInput as error:
            if isinstance(action.order, OpenPullRequest):
                problem = str(error)
                await self._ledger.transact(lambda tx: self._steps.refused_opening(tx, action.id, problem))
            else:
                await self._failed(action, str(error), final=True)
        except NotFound as error:
            await self._failed(action, str(error), final=True)
        except HeadwayError as error:
            log_failure(logger, f"forge action {action.id}", error)
        return None

    async def _begin(self, action: ForgeAction) -> ForgeAction | None:
        return await self._ledger.transact(lambda tx: self._steps.begin(tx, action.id))

    async def _done(self, action: ForgeAction, written: Written) -> None:
        await self._ledger.transact(lambda tx: self._steps.done(tx, action.id, written))

    async def _failed(
        self, action: ForgeAction, problem: str, *, final: bool = False, pause_s: float | None = None
    ) -> None:
        await self._ledger.transact(
            lambda tx: self._steps.failed(tx, action.id, problem, final=final, pause_s=pause_s)
        )

    async def _put_off(self, action: ForgeAction, pause_s: float) -> None:
        await self._ledger.transact(lambda tx: self._steps.put_off(tx, action.id, pause_s))

    def _pause_s(self, tx: ReadTransaction) -> float:
        if self._due(tx):
            return SHORTEST_PAUSE_S
        for action in self._actions.query(tx, NEXT_ACTION, due_at=tx.now()):
            if action.due_at is not None:
                return min(max((action.due_at - tx.now()).total_seconds(), SHORTEST_PAUSE_S), self.interval_s)
        return self.interval_s
