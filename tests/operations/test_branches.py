"""The workspace's branch follows its pull request's head where that is safe; else people adopt it (S16)."""

from typing import Any

import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput, NotFound
from headway_core.processes import Exited
from headway_core.pull_requests.model import Head
from headway_core.sessions import run_of
from headway_core.workspaces import Workspace, WorkspaceBranchChanged
from headway_core.workspaces.model import GIT_FACTS, WORKSPACES, GitFacts, branch_claim
from headway_testing.clock import EPOCH
from headway_testing.harness import Harness
from headway_testing.observations import a_candidate, an_observation
from headway_testing.records import a_project, a_workspace

pytestmark = [pytest.mark.anyio, pytest.mark.lesson("S16")]

MINE, AGENTS = "headway/fix", "agent/other"
A = "a" * 40


def _workspace(workspace_id: str, branch: str) -> Workspace:
    return a_workspace(
        workspace_id,
        branch=branch,
        branch_claim=branch_claim(a_project().repository_key, branch),
        host_id="host-1",
        worktree_path=f"/worktrees/{workspace_id}",
    )


@attrs.define
class Place:
    harness: Harness

    async def worktree_on(self, branch: str) -> None:
        facts = GitFacts(workspace_id="w1", branch=branch, head=A, dirty=False, unpushed=0, at=EPOCH)
        table = self.harness.store.writer(GIT_FACTS)
        await self.harness.store.ledger.transact(lambda tx: table.put(tx, facts))

    async def attach(self, ref: str = AGENTS, repository: str | None = "octo/demo", **changes: Any) -> None:
        """A person attaches the pull request that was opened from this branch."""
        head = Head(ref=ref, commit=A, repository=repository, tip=A)
        self.harness.forge.numbers[7] = "PR_1"
        self.harness.forge.observations["PR_1"] = an_observation(head=head, **changes)
        await self.harness.core.pull_requests.service().attach_number("w1", 7)

    async def consume(self) -> None:
        core = self.harness.core
        await core.events.reader().catch_up(core.operations.branch_consumer())

    async def workspace(self) -> Workspace:
        return await self.harness.core.workspaces.service().get("w1")

    async def events(self) -> list[Any]:
        return [event.payload for event in await self.harness.log()]


@pytest.fixture
async def place() -> Place:
    harness = Harness()
    await harness.add_workspace(_workspace("w1", MINE))
    return Place(harness)


async def test_the_branch_follows_when_the_worktree_is_on_it(place: Place) -> None:
    """Name, flag and claim in one write, with one event (L17)."""
    await place.worktree_on(AGENTS)
    await place.attach()
    await place.consume()
    workspace = await place.workspace()
    assert (workspace.branch, workspace.branch_is_generated) == (AGENTS, False)
    assert workspace.branch_claim == "github.com/octo/demo:agent/other"
    assert len([e for e in await place.events() if isinstance(e, WorkspaceBranchChanged)]) == 1


@pytest.mark.parametrize("why", ["worktree elsewhere", "a fork", "gone fork", "bad name", "taken"])
async def test_else_it_stays_and_the_mismatch_is_told(place: Place, why: str) -> None:
    """The worktree is on another branch, the head is a fork's, git takes no such name, another has it."""
    ref = "-bad" if why == "bad name" else AGENTS
    await place.worktree_on(MINE if why == "worktree elsewhere" else ref)
    if why == "taken":
        table = place.harness.store.writer(WORKSPACES)
        await place.harness.store.ledger.transact(lambda tx: table.add(tx, _workspace("w2", AGENTS)))
    repositories = {"a fork": "eve/demo", "gone fork": None}
    await place.attach(ref, repositories.get(why, "octo/demo"))
    await place.consume()
    assert (await place.workspace()).branch == MINE
    error = InvalidInput if why in (*repositories, "bad name") else Conflict
    if why == "worktree elsewhere":
        await place.harness.core.operations.branches().adopt("w1", actor="mia")
        assert (await place.workspace()).branch == AGENTS
    else:
        with pytest.raises(error):
            await place.harness.core.operations.branches().adopt("w1")
        assert (await place.workspace()).branch == MINE


async def test_it_follows_in_a_repository_that_was_renamed(place: Place) -> None:
    """Head and pull request are named in one answer: a head of the same repository is in no fork."""
    await place.worktree_on(AGENTS)
    await place.attach(repository="octo/renamed", url="https://github.com/octo/renamed/pull/7")
    await place.consume()
    assert (await place.workspace()).branch == AGENTS


async def test_it_follows_when_an_agent_that_switched_has_ended(place: Place) -> None:
    """The pull request was attached before; the worktree came to its branch later."""
    await place.worktree_on(MINE)
    await place.attach()
    await place.consume()
    session: Any = await place.harness.core.sessions.service().start_chat("w1", "switch")
    await place.harness.core.sessions.executor().round()
    await place.worktree_on(AGENTS)
    place.harness.processes.end(session.id, Exited(exit_code=1))
    await place.harness.core.sessions.executor().round()
    await place.consume()
    assert (await place.workspace()).branch == AGENTS


async def test_what_can_not_be_adopted_is_an_error_that_says_why(place: Place) -> None:
    """No workspace, no pull request."""
    with pytest.raises(NotFound):
        await place.harness.core.operations.branches().adopt("nobody")
    with pytest.raises(InvalidInput, match="no pull request"):
        await place.harness.core.operations.branches().adopt("w1")


@pytest.mark.lesson("S14")
@pytest.mark.parametrize("exit_code", [0, 1])
async def test_a_pull_request_that_an_agent_printed_is_attached_and_followed(
    place: Place, exit_code: int
) -> None:
    """Whatever its exit: read on its host, vouched for by the worktree's commit, then followed."""
    harness = place.harness
    session: Any = await harness.core.sessions.service().start_chat("w1", "open it")
    await harness.core.sessions.executor().round()
    await place.worktree_on(AGENTS)
    head = Head(ref=AGENTS, commit=A, repository="octo/demo", tip=A)
    harness.forge.numbers[7] = "PR_7"
    harness.forge.observations["PR_7"] = an_observation("PR_7", head=head)
    harness.forge.candidates[AGENTS] = (a_candidate(7),)
    said = b'[{"thread": "T", "text": "see https://github.com/octo/demo/pull/7"}]'
    harness.processes.files[run_of(session.id, 1), "replies.json"] = said
    harness.processes.end(session.id, Exited(exit_code=exit_code))
    await harness.core.sessions.executor().round()
    await harness.core.events.reader().catch_up(harness.core.pull_requests.named_consumer())
    await harness.core.pull_requests.service().refresh_due()
    await place.consume()
    assert (await place.workspace()).branch == AGENTS
