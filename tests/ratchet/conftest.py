"""The whole of core over fakes, with a READY workspace whose pull request a test makes up."""

from typing import Any

import attrs
import pytest

from headway_core.kernel.transactions import Transaction
from headway_core.processes import Exited, Vanished
from headway_core.pull_requests.model import CheckOutcome
from headway_core.ratchet import RATCHETS, FixerDispatch, RatchetRecord
from headway_core.ratchet.decision import Decision
from headway_core.sessions import Session
from headway_core.workspaces import GitFacts
from headway_core.workspaces.model import WORKSPACES
from headway_testing.harness import Harness
from headway_testing.observations import a_check, an_observation
from headway_testing.records import a_workspace

FAILED = (a_check(outcome=CheckOutcome.FAILED),)


class RatchetHarness(Harness):
    """Drives one pass of each part by hand: the forge, the fixers, the ratchet."""

    async def workspace(self, workspace_id: str = "w1", *, enabled: bool = True) -> None:
        """READY, with a pull request `PR_<its id>` attached and not read yet."""
        workspace = a_workspace(
            workspace_id,
            host_id="host-1",
            worktree_path=f"/worktrees/{workspace_id}",
            created_at=self.clock.now(),
            status_changed_at=self.clock.now(),
        )
        await self.add_workspace(workspace, ratchet=enabled)
        steps = self.core.pull_requests.steps()
        await self.store.ledger.transact(lambda tx: steps.attach(tx, workspace_id, f"PR_{workspace_id}"))

    async def see(self, workspace_id: str = "w1", **changes: Any) -> None:
        """A fetch finds a failed check, or what `changes` say; git agrees with it."""
        observation = an_observation(f"PR_{workspace_id}", **{"checks": FAILED} | changes)
        self.forge.observations[f"PR_{workspace_id}"] = observation
        await self.core.pull_requests.service().refresh_workspace(workspace_id)
        await self.git_says(workspace_id, head=observation.state.head.commit)

    async def git_says(self, workspace_id: str = "w1", **changes: Any) -> None:
        """What git was last heard to say of the worktree."""
        told: dict[str, Any] = {
            "branch": "headway/fix-login",
            "head": "a" * 40,
            "dirty": False,
            "unpushed": 0,
        }
        facts = GitFacts(workspace_id=workspace_id, at=self.clock.now(), **told | changes)
        await self.store.ledger.transact(lambda tx: self.core.workspaces.steps().record_git_facts(tx, facts))

    async def detach(self, workspace_id: str = "w1") -> None:
        """A person takes the pull request away."""
        await self.core.pull_requests.service().detach(workspace_id)

    async def check(self, workspace_id: str = "w1") -> Decision:
        found: Decision = await self.core.ratchet.service().check(workspace_id)
        return found

    async def judge(self, workspace_id: str = "w1", **changes: Any) -> Decision:
        """See it, let its quiet time pass, see it again and check."""
        await self.see(workspace_id, **changes)
        self.clock.advance(100)
        await self.see(workspace_id, **changes)
        return await self.check(workspace_id)

    async def fixer(self, workspace_id: str = "w1") -> Session:
        """The newest session of the workspace."""
        sessions: list[Session] = await self.core.sessions.service().list(workspace_id)
        return sessions[-1]

    async def run(self) -> None:
        """One round of the executor."""
        await self.core.sessions.executor().round()

    async def end(self, found: Exited | Vanished, workspace_id: str = "w1", *, after_s: int = 120) -> None:
        """The fixer's process ends like this, and the executor notices."""
        await self.run()
        self.clock.advance(after_s)
        self.processes.end((await self.fixer(workspace_id)).id, found)
        await self.run()

    async def record(self, workspace_id: str = "w1") -> RatchetRecord:
        found = await self.store.ledger.read(lambda tx: self.store.reader(RATCHETS).get(tx, workspace_id))
        assert found is not None
        return found

    async def dispatches(self, workspace_id: str = "w1") -> tuple[FixerDispatch, ...]:
        found: tuple[FixerDispatch, ...] = (
            await self.core.ratchet.service().explain(workspace_id)
        ).dispatches
        return found

    async def change_workspace(self, workspace_id: str = "w1", **changes: Any) -> None:
        table = self.store.writer(WORKSPACES)

        def work(tx: Transaction) -> None:
            tx.lock(workspace_id)
            stored = table.get(tx, workspace_id)
            assert stored is not None
            table.replace(tx, attrs.evolve(stored, **changes))

        await self.store.ledger.transact(work)


@pytest.fixture
def harness() -> RatchetHarness:
    return RatchetHarness()


@pytest.fixture(scope="session")
def new_harness() -> type[RatchetHarness]:
    """For a test that takes many."""
    return RatchetHarness
