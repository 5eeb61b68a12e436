"""A host in a fake world: the real services of the container, on a ledger that runs work twice."""

from typing import Any

import attrs
import pytest

from headway_core import pull_requests, ratchet, sessions, workspaces
from headway_core.kernel.tables import TableSpec
from headway_core.operations import GitHubIssue, Issue, Manual
from headway_core.projects import Project
from headway_core.schema import ALL_TABLES
from headway_core.sessions import Prompt, Session
from headway_core.workspaces import Workspace
from headway_testing.crash_points import Point, no_point
from headway_testing.harness import Harness, World

REPO = "/src/demo"


class Host(Harness):
    """One process: services built anew on what is stored and on what is there."""

    def __init__(self, world: World, *, host_id: str = "host-1", point: Point = no_point) -> None:
        root = "/wt" if host_id == "host-1" else f"/wt-of-{host_id}"
        super().__init__(world, host_id=host_id, point=point, worktrees_root=root)
        self.projects = self.core.projects.service()
        self.settings = self.core.settings.service()
        self.lifecycle = self.core.workspaces.service()
        self.workspaces = self.core.workspaces.steps()
        self.sessions = self.core.sessions.service()
        self.executor = self.core.sessions.executor()
        self.creation = self.core.operations.creation()
        self.provisioning = self.core.operations.provisioning()
        self.archive = self.core.operations.archive(patience_s=0.0)  # one for all: who needs patience sets it
        self.recovery = self.core.operations.recovery()

    async def register(self, **fields: Any) -> Project:
        return await self.projects.register(REPO, **fields)

    async def create(self, name: str = "Fix login", **fields: Any) -> Workspace:
        return await self.creation.create(Manual(project_id="demo", name=name, **fields))

    async def ready(self, name: str = "Fix login", **fields: Any) -> Workspace:
        """A workspace that was created and provisioned."""
        made = await self.create(name, **fields)
        await self.provisioning.provision(made.id)
        return await self.lifecycle.get(made.id)


@attrs.define(kw_only=True)
class RepositoryWorld(World):
    """With one repository; a test looks at its tables."""

    def __attrs_post_init__(self) -> None:
        self.git.add_repository(REPO, branches=("feature", "held"))

    def host(self, host_id: str = "host-1", point: Point = no_point) -> Host:
        return Host(self, host_id=host_id, point=point)

    async def rows(self, spec: TableSpec[Any]) -> list[Any]:
        """Every row, whatever the queries of the table are."""
        return self.store.every_row(spec)

    async def everything(self) -> dict[str, list[Any]]:
        return {spec.name: await self.rows(spec) for spec in ALL_TABLES}

    async def workspaces(self) -> list[Workspace]:
        return await self.rows(workspaces.WORKSPACES)

    async def sessions(self) -> list[Session]:
        return await self.rows(sessions.SESSIONS)

    async def prompts(self) -> list[Prompt]:
        return await self.rows(sessions.PROMPTS)

    async def ratcheted(self, workspace_id: str) -> bool:
        return any(r.enabled for r in await self.rows(ratchet.RATCHETS) if r.workspace_id == workspace_id)

    async def has_snapshot(self, workspace_id: str) -> bool:
        return any(r.workspace_id == workspace_id for r in await self.rows(pull_requests.SNAPSHOTS))

    async def statuses(self, workspace_id: str) -> list[str]:
        """The statuses that a workspace has come to, from the log."""
        log = await self.store.ledger.read(
            lambda tx: self.store.events.after(tx, 0, limit=10_000, workspace_id=workspace_id)
        )
        return [e.payload.status for e in log if isinstance(e.payload, workspaces.WorkspaceStatusChanged)]

    def add_issue(self, number: int = 7, **fields: Any) -> GitHubIssue:
        """An issue on GitHub, and the command that works on it."""
        url = f"https://github.com/octo/demo/issues/{number}"
        given = {"title": "Login fails", "body": "It says 500.", "author": "ada", "trusted": True, **fields}
        self.issues.issues[number] = Issue(number=number, url=url, **given)
        return GitHubIssue(project_id="demo", number=number, url=url)


@pytest.fixture
def worlds() -> type[RepositoryWorld]:
    """For tests that go through many."""
    return RepositoryWorld


@pytest.fixture
def world() -> RepositoryWorld:
    return RepositoryWorld()


@pytest.fixture
async def host(world: RepositoryWorld) -> Host:
    """A host that knows one project."""
    host = world.host()
    await host.register()
    return host
