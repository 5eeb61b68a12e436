"""A room with one project, a forge that is scripted and a clock that stands still."""

from typing import Any

import attrs
import pytest

from headway_core.pull_requests import SNAPSHOTS, WATCHES
from headway_core.pull_requests.model import PullRequestSnapshot, PullRequestWatch
from headway_core.settings.model import SETTINGS, SettingsRecord
from headway_core.workspaces.model import (
    WORKSPACES,
    Workspace,
)
from headway_testing.crash_points import Point, no_point
from headway_testing.harness import Harness, World
from headway_testing.pull_requests import pull_requests_room
from headway_testing.records import a_workspace


class Room(Harness):
    """The service and the steps, joined without the rest of core."""

    def __init__(
        self, world: World | None = None, *, host_id: str = "host-1", point: Point = no_point
    ) -> None:
        super().__init__(world, host_id=host_id, point=point)
        room = pull_requests_room(self.own_store, self.forge, locks=self.locks, decoder=self.webhook_decoder)
        self.service, self.steps, self.webhooks = room.service(), room.steps(), room.webhooks()

    async def add(self, workspace_id: str = "w1", **changes: Any) -> Workspace:
        """A READY workspace on headway/fix-login with its records."""
        workspace = a_workspace(
            workspace_id, **{"created_at": self.clock.now(), "status_changed_at": self.clock.now(), **changes}
        )
        await self.add_workspace(workspace)
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
        return [event.payload for event in await self.log()]

    def asked(self, what: str) -> list[tuple[str, ...]]:
        return [call.about for call in self.forge.asked if call.what == what]


@pytest.fixture
def room() -> Room:
    """A room with the project octo/demo, a second after the beginning."""
    room = Room()
    room.clock.advance(1)
    return room
