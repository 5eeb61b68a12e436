"""A face over fakes, on which operations are provoked."""

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from headway_core.api import (
    FailureKind,
    FetchFailed,
    Head,
    Headway,
    Manual,
    Unavailable,
    Workspace,
    WorkspaceStatus,
)
from headway_core.workspaces.model import WORKSPACES
from headway_testing.harness import Harness
from headway_testing.observations import an_observation

REPO = "/src/demo"
DOWN = Unavailable("git", "it does not answer")
PULL = "https://github.com/octo/demo/pull/{}"
DENIED, AWAY = 8, 9
"""Numbers of pull requests that the token may not read, and that the forge does not answer for."""


class Stage:
    """A project, and a workspace of it that is READY on this host."""

    def __init__(self) -> None:
        self.harness = Harness()
        self.hw: Headway = self.harness.core.api()
        self.ready = ""
        """Its id."""

    async def build(self) -> "Stage":
        self.harness.git.add_repository(REPO)
        self.harness.forge.numbers = {
            DENIED: FetchFailed(kind=FailureKind.FORBIDDEN, problem="no"),
            AWAY: FetchFailed(kind=FailureKind.UNAVAILABLE, problem="no"),
        }
        await self.hw.projects.register(REPO)
        self.ready = await self.new("Fix login")
        await self.harness.run_duties()
        assert (await self.hw.workspaces.get(self.ready)).status is WorkspaceStatus.READY
        return self

    async def new(self, name: str) -> str:
        """The id of a workspace in NEW."""
        return (await self.hw.workspaces.create(Manual(project_id="demo", name=name))).id

    async def change(self, **fields: Any) -> None:
        """Have the workspace as it may be one day."""
        table = self.harness.store.writer(WORKSPACES)

        def work(tx: Any) -> None:
            tx.lock(self.ready)
            row = table.get(tx, self.ready)
            assert isinstance(row, Workspace)
            table.replace(tx, attrs.evolve(row, **fields))

        await self.harness.store.ledger.transact(work)

    async def elsewhere(self) -> Headway:
        """Another host, after this one was lost and retired."""
        self.harness.clock.advance(300)
        other = self.harness.again(host_id="host-2").core.api()
        await other.hosts.retire("host-1")
        return other

    async def attached(self, *, branch: str) -> None:
        """The workspace has a pull request whose head is this branch."""
        self.harness.forge.numbers[1] = "PR_1"
        head = Head(ref=branch, commit="a" * 40, repository="octo/demo", tip="a" * 40)
        self.harness.forge.observations["PR_1"] = an_observation(
            "PR_1", number=1, url=PULL.format(1), head=head
        )
        await self.hw.pull_requests.attach_number(self.ready, 1)


Case = Callable[[Stage], Awaitable[object]]
CASES: dict[str, Case] = {}
"""By operation and error: `Workspaces.get NotFound`."""


def case(*names: str) -> Callable[[Case], Case]:
    """The provocation of these errors of these operations: `Workspaces.get NotFound`."""

    def keep(provoke: Case) -> Case:
        CASES.update(dict.fromkeys(names, provoke))
        return provoke

    return keep
