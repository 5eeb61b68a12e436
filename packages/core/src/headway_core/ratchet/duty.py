"""What keeps the ratchet looking: events wake a workspace, time wakes it, and its host asks git first."""

import logging

import anyio

from headway_core.hosts import is_lost
from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.ratchet.decision_inputs import RatchetTables, View, git_concludes, git_is_stale, read_view
from headway_core.ratchet.model import DUE_WAKES, NEXT_WAKE, RatchetWake
from headway_core.ratchet.service import RatchetService
from headway_core.sessions import Purpose
from headway_core.sessions.events import SessionEnded
from headway_core.settings import SettingsSteps
from headway_core.workspaces import GitFacts, WorkspaceLifecycleService
from headway_core.workspaces.ports import Worktrees

logger = logging.getLogger(__name__)

_SHORTEST_PAUSE_S = 0.05
_TOUCH_ALL = ("settings.", "host.")
"""Events of these are of every workspace."""
POSTPONED_S = 30.0
"""When a look that failed is repeated."""
_AT_ONCE = 4
"""Workspaces that are looked at at the same time: a look waits for git."""


class RatchetConsumer(EventConsumer[None]):
    """Every event of a workspace makes the ratchet look at it; a change of settings or of a host at all.

    A fixer's end makes it look at those who wait for its place.
    """

    name = "ratchet"

    def __init__(self, ratchet: RatchetService) -> None:
        self._ratchet = ratchet

    def wants(self, event: DomainEvent) -> bool:
        """Its own decisions are no news to it."""
        return event.payload.event != "ratchet.decided" and (
            event.workspace_id is not None or event.payload.event.startswith(_TOUCH_ALL)
        )

    async def prepare(self, event: DomainEvent) -> None:
        """Nothing but the event is needed."""

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        if event.payload.event.startswith(_TOUCH_ALL):
            self._ratchet.wake_all(tx)
        elif event.workspace_id is not None:
            freed = isinstance(event.payload, SessionEnded) and event.payload.purpose is Purpose.FIXER
            self._ratchet.wake(tx, event.workspace_id, *(self._ratchet.next_in_line(tx) if freed else ()))


class WorktreeFacts:
    """Asks git about a worktree when what is known of it is older than what happened, or would stall."""

    def __init__(
        self, *, ledger: Ledger, worktrees: Worktrees, lifecycle: WorkspaceLifecycleService, locks: HostLocks
    ) -> None:
        self._ledger = ledger
        self._worktrees = worktrees
        self._lifecycle = lifecycle
        self._locks = locks

    async def refresh(self, view: View) -> None:
        """Read and store the git facts, if there is a reason and the worktree is on this host."""
        workspace = view.workspace
        if (
            workspace.worktree_path is None
            or workspace.host_id != self._locks.host_id
            or not (git_is_stale(view) or git_concludes(view))
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
            await self._ledger.transact(lambda tx: self._lifecycle.record_git_facts(tx, facts))


class RatchetDuty(Duty):
    """Looks at every workspace whose time has come: at this host's, at those of no host, and at those of a
    host that can't look itself. It is the host that asks git before it decides.
    """

    name = "ratchet"
    interval = 5.0
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
        return await self._ledger.read(self._pause)

    async def _guarded(self, limiter: anyio.CapacityLimiter, workspace_id: str) -> None:
        async with limiter:
            try:
                await self.look(workspace_id)
            except HeadwayError:
                logger.exception("the ratchet could not look at workspace %s", workspace_id)
                await self._ratchet.postpone(workspace_id, POSTPONED_S)

    async def look(self, workspace_id: str) -> None:
        """Ask git if need be, then decide."""
        view = await self._ledger.read(
            lambda tx: read_view(tx, self._tables, self._settings.current(tx), workspace_id)
        )
        if view is not None:
            await self._worktree_facts.refresh(view)
            await self._ratchet.check(workspace_id)

    def _due(self, tx: ReadTransaction) -> list[str]:
        due = self._wakes.query(tx, DUE_WAKES, due_at=tx.now())
        return [wake.workspace_id for wake in due if self._is_ours(tx, wake.workspace_id)]

    def _is_ours(self, tx: ReadTransaction, workspace_id: str) -> bool:
        workspace = self._tables.workspaces.get(tx, workspace_id)
        if workspace is None or workspace.host_id in {None, self._locks.host_id}:
            return True
        return is_lost(tx, self._tables.hosts, workspace.host_id)

    def _pause(self, tx: ReadTransaction) -> float:
        """Seconds until the next wake-up, at most `interval`; that of another host is a look for nothing."""
        if self._due(tx):
            return _SHORTEST_PAUSE_S
        for wake in self._wakes.query(tx, NEXT_WAKE, due_at=tx.now()):
            if wake.due_at is not None:
                return min(max((wake.due_at - tx.now()).total_seconds(), _SHORTEST_PAUSE_S), self.interval)
        return self.interval
