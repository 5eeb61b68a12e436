"""The ratchet over the real rooms and faked ports: dispatches, their ends, and what is remembered."""

from datetime import timedelta
from typing import Any

import anyio
import pytest

from headway_core.operations import Manual
from headway_core.pull_requests.model import CheckOutcome, GitHubState, Head, Mergeability
from headway_core.ratchet.decision import (
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    Ready,
    Stalled,
    StallReason,
    Wait,
)
from headway_core.ratchet.events import DispatchChanged
from headway_core.ratchet.model import DISPATCHES_OF, DispatchStatus, FixerDispatch
from headway_core.sessions import EndReason, SessionStatus
from headway_core.sessions.ports import Exited
from headway_core.testing.fakes_forge import a_candidate, a_check, an_observation
from headway_core.testing.house import FakeHouse

pytestmark = pytest.mark.anyio

BRANCH = "headway/fix-login"


class Story:
    """One ratcheted workspace with an open pull request, and a runner's duties at the caller's pace."""

    def __init__(self) -> None:
        self.house = FakeHouse()
        self.core: Any = self.house.core
        self.clock = self.house.clock
        self.node = "PR_7"
        self.head = "a" * 40
        self.id = ""

    async def begin(self) -> "Story":
        self.house.git.add_repository("/repo")
        project = await self.core.projects().register("/repo")
        made = await self.core.creation().create(
            Manual(project_id=project.id, name="Fix login", branch=BRANCH, ratchet=True)
        )
        self.id = made.id
        self.house.forge.candidates[BRANCH] = (a_candidate(),)
        await self.core.provisioning().provision(self.id)
        return self

    def sees(self, **changes: Any) -> None:
        """What GitHub answers from now on."""
        self.house.forge.observations[self.node] = an_observation(
            self.node, **{"commit": self.head, "updated_at": self.clock.now(), **changes}
        )

    def red(self, run: str = "1", **changes: Any) -> None:
        self.sees(checks=(a_check(outcome=CheckOutcome.FAILED, run_id=run),), **changes)

    async def look(self) -> Any:
        """Refresh after the quiet time, and decide as the duty does."""
        await self.core.pull_requests().refresh_workspace(self.id, insist=True)
        self.clock.advance(100)
        await self.core.pull_requests().refresh_workspace(self.id, insist=True)
        self.clock.advance(1)
        return await self.decide()

    async def decide(self) -> Any:
        for duty in self.core.duties():
            if duty.name == "ratchet":
                await duty.look(self.id)
        record = await self.house.store.ledger.read(lambda tx: self.core.read_ratchets().get(tx, self.id))
        return record.decision

    async def run_fixer(self, outcome: Exited) -> None:
        """Let the executor start the fixer, the fixer end like this, and the executor see it."""
        await self.core.executor().round()
        session = await self.fixer()
        self.house.processes.end(session.id, outcome)
        self.clock.advance(5)
        await self.core.executor().round()

    async def fixer(self) -> Any:
        return (await self.core.sessions().list(self.id))[-1]

    async def dispatches(self) -> list[FixerDispatch]:
        found: list[FixerDispatch] = await self.house.store.ledger.read(
            lambda tx: self.core.read_dispatches().query(tx, DISPATCHES_OF, workspace_id=self.id)
        )
        return found


@pytest.fixture
async def story() -> Story:
    return await Story().begin()


@pytest.mark.lesson("R1", "R5", "R7", "R33")
async def test_a_red_check_gets_one_fixer_and_is_handled_by_its_end(story: Story) -> None:
    """PENDING with the decision, RUNNING with the session, COMPLETED with its end; then not again."""
    story.red()
    assert isinstance(await story.look(), Dispatch)
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.PENDING]
    await story.core.executor().round()
    assert isinstance(await story.decide(), FixerActive)
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.RUNNING]
    await story.run_fixer(Exited(exit_code=0))
    assert isinstance(await story.decide(), Wait)
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.COMPLETED]
    decision = await story.look()
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.UNCHANGED
    story.red(run="2")  # a re-run of the same check is a new cause
    assert isinstance(await story.look(), Dispatch)


@pytest.mark.lesson("R5", "R6")
async def test_a_died_fixer_is_repeated_three_times_at_most(story: Story) -> None:
    """Each death leaves the cause actionable, until the limit: then the ratchet says so."""
    story.red()
    for _ in range(3):
        assert isinstance(await story.look(), Dispatch)
        await story.run_fixer(Exited(signal=9))
        await story.decide()
    decision = await story.look()
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.RETRIES
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.DIED] * 3


@pytest.mark.lesson("R8", "R33", "S17")
async def test_many_checks_at_once_dispatch_once(story: Story) -> None:
    """Ten callers on the same facts: one dispatch, one session."""
    story.red()
    await story.look()
    await story.core.ratchet().switch(story.id, enabled=False)
    await story.core.ratchet().switch(story.id, enabled=True)
    await story.core.executor().round()  # the fixer of the first period stops
    await story.core.executor().round()
    await story.core.pull_requests().refresh_workspace(story.id, insist=True)
    before = len(await story.dispatches())
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(story.core.ratchet().check, story.id)
    fresh = (await story.dispatches())[before:]
    assert [d.status for d in fresh] == [DispatchStatus.PENDING]


@pytest.mark.lesson("R14", "R20", "R34")
@pytest.mark.parametrize("phase", ["pending", "running"])
async def test_switching_off_stops_the_fixer_and_forgets(story: Story, phase: str) -> None:
    """In one transaction: CANCELLED, the stop asked for, the decision rewritten; on again tries again."""
    story.red()
    await story.look()
    if phase == "running":
        await story.core.executor().round()
        await story.decide()
    record = await story.core.ratchet().switch(story.id, enabled=False)
    assert record.decision == Disabled()
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.CANCELLED]
    await story.core.executor().round()
    await story.core.executor().round()
    fixer = await story.fixer()
    assert fixer.status in (SessionStatus.COMPLETED, SessionStatus.FAILED)
    assert fixer.end_reason is EndReason.STOPPED_BY_HEADWAY
    await story.core.ratchet().switch(story.id, enabled=True)
    assert isinstance(await story.look(), Dispatch)


async def test_a_fixer_that_a_person_stops_holds_the_ratchet(story: Story) -> None:
    """Who stops it means it: held until released."""
    story.red()
    await story.look()
    await story.core.executor().round()
    await story.core.sessions().stop((await story.fixer()).id, actor="person")
    await story.core.executor().round()
    assert isinstance(await story.decide(), (Held, Wait))
    assert isinstance(await story.look(), Held)
    await story.core.ratchet().release(story.id)
    assert isinstance(await story.look(), Dispatch)


@pytest.mark.lesson("R12", "R22", "R23")
@pytest.mark.parametrize("state", [GitHubState.MERGED, GitHubState.CLOSED])
async def test_an_end_of_the_pull_request_ends_the_fixer(story: Story, state: GitHubState) -> None:
    """Merged or closed: the dispatch is CANCELLED and the stop asked for in the same transaction."""
    story.red()
    await story.look()
    await story.core.executor().round()
    await story.decide()
    story.red(state=state)
    decision = await story.look()
    assert isinstance(decision, Done if state is GitHubState.MERGED else Wait)
    assert [d.status for d in await story.dispatches()] == [DispatchStatus.CANCELLED]
    assert (await story.fixer()).status is SessionStatus.STOPPING


async def test_progress_refills_the_budget(story: Story) -> None:
    """Without progress five fixers are all; red to green on a new head begins anew."""
    for run in range(5):
        story.red(run=str(run))
        assert isinstance(await story.look(), Dispatch)
        await story.run_fixer(Exited(exit_code=0))
        await story.decide()
    story.red(run="9")
    decision = await story.look()
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.BUDGET
    story.head = "c" * 40
    story.sees()
    assert isinstance(await story.look(), Ready)
    story.red(run="10")
    assert isinstance(await story.look(), Dispatch)


async def test_a_clean_view_forgets_the_conflict(story: Story) -> None:
    """A conflict is handled for its base and head; after a clean view the next one is new."""
    story.sees(mergeability=Mergeability.CONFLICT)
    assert isinstance(await story.look(), Dispatch)
    await story.run_fixer(Exited(exit_code=0))
    await story.decide()
    assert isinstance(await story.look(), Stalled)
    story.sees()
    assert isinstance(await story.look(), Ready)
    story.sees(mergeability=Mergeability.CONFLICT)
    assert isinstance(await story.look(), Dispatch)


@pytest.mark.lesson("R21")
async def test_every_change_of_a_dispatch_is_one_event(story: Story) -> None:
    """PENDING, RUNNING, COMPLETED: three events, in order."""
    story.red()
    await story.look()
    await story.core.executor().round()
    await story.decide()
    await story.run_fixer(Exited(exit_code=0))
    await story.decide()
    events = await story.house.store.ledger.read(lambda tx: story.house.store.events.after(tx, 0, limit=999))
    told = [e.payload.status for e in events if isinstance(e.payload, DispatchChanged)]
    assert told == [DispatchStatus.PENDING, DispatchStatus.RUNNING, DispatchStatus.COMPLETED]


@pytest.mark.lesson("R30")
async def test_a_disabled_ratchet_asks_nobody(story: Story) -> None:
    """Off: a check reads no forge and decides nothing."""
    await story.core.ratchet().switch(story.id, enabled=False)
    asked = len(story.house.forge.asked)
    assert await story.core.ratchet().check(story.id) == Disabled()
    assert len(story.house.forge.asked) == asked


async def test_a_worktree_on_another_branch_stalls(story: Story) -> None:
    """The worktree must be on the pull request's head before anything is fixed."""
    story.red(head=Head(ref="elsewhere", commit=story.head, repository="octo/demo", tip=story.head))
    decision = await story.look()
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.BRANCH_MISMATCH


async def test_explain_tells_what_was_seen_and_why(story: Story) -> None:
    """The explanation names the decision, its reason, the causes and the age of every part."""
    story.red()
    await story.look()
    why = await story.core.ratchet().explain(story.id)
    assert isinstance(why.decision, Dispatch)
    assert "CI" in why.why
    assert [cause.id for cause in why.causes] == ["CI"]
    assert why.state_at
    assert why.checks_at
    assert story.clock.now() - why.state_at < timedelta(minutes=5)
