"""A room with one project, a forge that is scripted and a clock that stands still."""

from typing import Any

import attrs
import pytest

from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import EVENTS, SNAPSHOTS, WATCHES, PRSnapshotService, PullRequestSteps
from headway_core.pull_requests.model import PullRequestSnapshot, PullRequestWatch
from headway_core.settings.model import SETTINGS, SettingsRecord
from headway_core.workspaces.model import (
    WORKSPACES,
    Workspace,
)
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.fakes import FakeForgeReader
from headway_testing.pull_requests import pull_request_steps_on, pull_requests_on
from headway_testing.records import a_project, a_workspace


@attrs.define
class Room:
    """The service on a ledger in memory that runs every unit of work twice."""

    clock: ManualClock
    store: MemoryStore
    forge: FakeForgeReader
    service: PRSnapshotService
    steps: PullRequestSteps

    async def add_workspace(self, workspace_id: str = "w1", **changes: Any) -> Workspace:
        """A READY workspace on headway/fix-login with its records."""
        workspace = a_workspace(
            workspace_id, **{"created_at": self.clock.now(), "status_changed_at": self.clock.now(), **changes}
        )
        table, projects = self.store.writer(WORKSPACES), self.store.writer(PROJECTS)

        def work(tx: Any) -> None:
            if projects.get(tx, "p1") is None:
                projects.add(tx, a_project())
            table.add(tx, workspace)
            self.steps.open_record(tx, workspace)

        await self.store.ledger.transact(work)
        return workspace

    async def change_workspace(self, workspace_id: str = "w1", **changes: Any) -> None:
        table = self.store.writer(WORKSPACES)

        def work(tx: Any) -> None:
            tx.lock(workspace_id)
            stored = table.get(tx, workspace_id)
            assert stored is not None
            table.replace(tx, attrs.evolve(stored, **changes))

        await self.store.ledger.transact(work)

    async def set(self, **settings: Any) -> None:
        """Write the row of settings."""
        table = self.store.writer(SETTINGS)

        def work(tx: Any) -> None:
            stored = table.get(tx, "settings")
            if stored is None:
                table.add(tx, SettingsRecord(**settings))
            else:
                table.replace(tx, attrs.evolve(stored, **settings))

        await self.store.ledger.transact(work)

    async def attach(self, workspace_id: str = "w1", node_id: str = "PR_1") -> None:
        await self.store.ledger.transact(lambda tx: self.steps.attach(tx, workspace_id, node_id))

    async def hint(self, workspace_id: str = "w1") -> None:
        await self.store.ledger.transact(lambda tx: self.steps.hint(tx, workspace_id))

    async def snapshot(self, workspace_id: str = "w1") -> PullRequestSnapshot:
        found = await self.store.ledger.read(lambda tx: self.store.reader(SNAPSHOTS).get(tx, workspace_id))
        assert found is not None
        return found

    async def watch(self, workspace_id: str = "w1") -> PullRequestWatch:
        found = await self.store.ledger.read(lambda tx: self.store.reader(WATCHES).get(tx, workspace_id))
        assert found is not None
        return found

    async def due_in(self, workspace_id: str = "w1") -> float | None:
        """Seconds until the workspace is due."""
        due = (await self.watch(workspace_id)).due_at
        return None if due is None else (due - self.clock.now()).total_seconds()

    async def events(self) -> list[Any]:
        """The payloads of the log."""
        log = await self.store.ledger.read(lambda tx: self.store.events.after(tx, 0, limit=1000))
        return [event.payload for event in log]

    def asked(self, what: str) -> list[tuple[str, ...]]:
        return [call.about for call in self.forge.asked if call.what == what]


@pytest.fixture
def room() -> Room:
    """A room with the project octo/demo, a second after the beginning."""
    clock = ManualClock()
    clock.advance(1)
    store = MemoryStore(clock=clock, ids=SequentialIds(), catalog=EventCatalog(EVENTS), run_twice=True)
    forge = FakeForgeReader()
    return Room(clock, store, forge, pull_requests_on(store, forge), pull_request_steps_on(store))
