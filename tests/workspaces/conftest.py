"""The room over a ledger that runs every unit of work twice."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import Transaction
from headway_core.workspaces import (
    EVENTS,
    GIT_FACTS,
    INIT_OUTPUT,
    WORKSPACES,
    InitOutputSteps,
    ManualSource,
    SessionPolicy,
    Workspace,
    WorkspaceLifecycleService,
    WorkspaceStatus,
    WorkspaceSteps,
)
from headway_testing.clock import ManualClock, SequentialIds

S = WorkspaceStatus


@attrs.frozen
class Room:
    """The steps and the service, and what a test looks at beside them."""

    store: MemoryStore
    steps: WorkspaceSteps
    output: InitOutputSteps
    service: WorkspaceLifecycleService

    async def do(self, step: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Run one step in a transaction of its own."""
        return await self.store.ledger.transact(lambda tx: step(tx, *arguments, **named))

    async def create(self, name: str = "Fix login", **fields: Any) -> Workspace:
        def work(tx: Transaction) -> Workspace:
            given = {
                "project_id": "project",
                "name": name,
                "description": None,
                "source": ManualSource(initial_prompt=None),
                "session_policy": SessionPolicy.NONE,
                "branch": f"headway/{name.lower().replace(' ', '-')}",
                "branch_is_generated": True,
                "base_branch": "main",
                "claims_issue": None,
                "idempotency_key": None,
                **fields,
            }
            return self.steps.create(tx, **given)

        return await self.store.ledger.transact(work)

    async def put(self, status: WorkspaceStatus, **fields: Any) -> Workspace:
        """A workspace in this status, however it came there: for tables of single steps."""
        workspace = await self.create(fields.pop("name", "Fix login"))

        def work(tx: Transaction) -> Workspace:
            tx.lock(workspace.id)
            return self.store.writer(WORKSPACES).replace(tx, attrs.evolve(workspace, status=status, **fields))

        return await self.store.ledger.transact(work)

    async def get(self, workspace_id: str) -> Workspace:
        return await self.service.get(workspace_id)

    async def payloads(self, after: int = 0) -> list[Any]:
        found = await self.store.ledger.read(lambda tx: self.store.events.after(tx, after, limit=1000))
        return [event.payload for event in found]

    async def position(self) -> int:
        return await self.store.ledger.read(self.store.events.last_position)


def make_room() -> Room:
    store = MemoryStore(
        clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(EVENTS), run_twice=True
    )
    steps = WorkspaceSteps(store.writer(WORKSPACES), store.writer(GIT_FACTS))
    output = InitOutputSteps(store.writer(INIT_OUTPUT), steps)
    return Room(store, steps, output, WorkspaceLifecycleService(store.ledger, steps, output))


@pytest.fixture
def room() -> Room:
    return make_room()
