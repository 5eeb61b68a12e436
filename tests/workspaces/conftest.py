"""The room over a ledger that runs every unit of work twice."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.workspaces import (
    GIT_FACTS,
    INIT_OUTPUT,
    WORKSPACES,
    InitOutputSteps,
    ManualSource,
    SessionPolicy,
    Workspace,
    WorkspaceClaims,
    WorkspaceLifecycleService,
    WorkspaceStatus,
    WorkspaceSteps,
)
from headway_testing.harness import Harness

S = WorkspaceStatus


class Room(Harness):
    """The steps and the service, and what a test looks at beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = WorkspaceSteps(
            self.store.writer(WORKSPACES),
            self.store.writer(GIT_FACTS),
            WorkspaceClaims(self.store.reader(WORKSPACES), self.store.reader(PROJECTS)),
        )
        self.output = InitOutputSteps(self.store.writer(INIT_OUTPUT), self.steps)
        self.service = WorkspaceLifecycleService(self.store.ledger, self.steps, self.output)

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

    async def told(self, after: int = 0) -> list[Any]:
        return [event.payload for event in await self.log() if event.position > after]

    async def position(self) -> int:
        return await self.store.ledger.read(self.store.events.last_position)


@pytest.fixture
def room() -> Room:
    return Room()
