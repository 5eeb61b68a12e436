"""The duty that has the ratchet look at workspaces when their time has come."""

import logging

import anyio

from headway_core.hosts import is_lost
from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.ratchet.decision import Stalled, StallReason, Wait, WaitReason
from headway_core.ratchet.model import DUE_WAKES, NEXT_WAKE, WAKES_PLANNED_AHEAD, RatchetWake
from headway_core.ratchet.service import RatchetService
from headway_core.ratchet.tables import RatchetTables
from headway_core.ratchet.view import read_view
from headway_core.ratchet.worktree_facts import WorktreeFacts
from headway_core.settings import SettingsSteps

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE_S = 0.05
POSTPONED_S = 30.0
"""When a look that failed is repeated."""
_AT_ONCE = 4
"""Workspaces that are looked at at the same time: a look waits for git."""


class RatchetDuty(Duty):
    """Looks at every workspace whose time has come: at this host's, at those of no host, and at those of a
    host that can't look itself. It is the host that asks git before it decides.
    """

    name = "ratchet"
    interval_s = 5.0
    """Another host may have taken the event that makes a workspace of ours due, and nothing wakes us then."""
    wakes_on_events = True

    def __init__(
        self,
        *,
        ledger: Ledger,
        ratchet: RatchetService,
        settings: SettingsSteps,
        tables: RatchetTables,
        wakes: ReadTable[RatchetWake],
        worktree_facts: WorktreeFacts,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._ratchet = ratchet
        self._settings = settings
        self._tables = tables
        self._wakes = wakes
        self._worktree_facts = worktree_facts
        self._locks = locks

    async def run(self) -> float | None:
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        async with anyio.create_task_group() as group:
            for workspace_id in await self._ledger.read(self._due):
                group.start_soon(self._guarded, limiter, workspace_id)
        return await self._ledger.read(self._pause_s)

    async def _guarded(self, limiter: anyio.CapacityLimiter, workspace_id: str) -> None:
        async with limiter:
            try:
                await self.look(workspace_id)
            except HeadwayError as error:
                log_failure(logger, f"the ratchet could not look at workspace {workspace_id}", error)
                await self._ratchet.postpone(workspace_id, POSTPONED_S)

    async def look(self, workspace_id: str) -> None:
        """Ask git if need be, then decide; bring the worktree forward when that was decided."""
        view = await self._ledger.read(
            lambda tx: read_view(tx, self._tables, self._settings.current(tx), workspace_id)
        )
        if view is not None:
            await self._worktree_facts.refresh(view)
            match await self._ratchet.check(workspace_id):
                case Wait(reason=WaitReason.FAST_FORWARD) | Stalled(reason=StallReason.OTHER_COMMIT):
                    await self._worktree_facts.fast_forward(workspace_id)
                    await self._ratchet.check(workspace_id)
                case _:
                    pass

    def _due(self, tx: ReadTransaction) -> list[str]:
        ahead = self._wakes.query(tx, WAKES_PLANNED_AHEAD, planned_at=tx.now())
        due = [
            *self._wakes.query(tx, DUE_WAKES, due_at=tx.now()),
            *(wake for wake in ahead if wake.due_at is not None),
        ]
        found = dict.fromkeys(wake.workspace_id for wake in due)
        return [workspace_id for workspace_id in found if self._is_ours(tx, workspace_id)]

    def _is_ours(self, tx: ReadTransaction, workspace_id: str) -> bool:
        workspace = self._tables.workspaces.get(tx, workspace_id)
        if workspace is None or workspace.host_id in {None, self._locks.host_id}:
            return True
        return is_lost(tx, self._tables.hosts, workspace.host_id)

    def _pause_s(self, tx: ReadTransaction) -> float:
        """Seconds until the next wake-up, at most `interval_s`."""
        if self._due(tx):
            return _SHORTEST_PAUSE_S
        for wake in self._wakes.query(tx, NEXT_WAKE, due_at=tx.now()):
            if wake.due_at is not None:
                return min(max((wake.due_at - tx.now()).total_seconds(), _SHORTEST_PAUSE_S), self.interval_s)
        return self.interval_s
