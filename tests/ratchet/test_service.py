"""The ratchet over real sessions and real snapshots: from a failed check to a fixer, and every way back."""

from typing import Any

import anyio
import attrs
import pytest

from headway_core.processes import Exited, Vanished
from headway_core.pull_requests.model import GitHubState
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
    WaitReason,
)
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.events import DispatchChanged, RatchetDecided
from headway_core.ratchet.model import DEATH_LIMIT, DispatchStatus, HoldKind
from headway_core.sessions import EndReason, SessionStatus
from headway_core.workspaces.model import WorkspaceStatus
from headway_testing.observations import a_check

pytestmark = pytest.mark.anyio
HouseT = Any
WELL, BADLY = Exited(exit_code=0), Exited(exit_code=1)


async def _statuses(harness: HouseT) -> list[DispatchStatus]:
    return [dispatch.status for dispatch in await harness.dispatches()]


async def _retry(harness: HouseT) -> object:
    """After a fixer's end: close its dispatch, see the pull request again after a pause, decide."""
    await harness.check()
    harness.clock.advance(300)
    await harness.see()
    return await harness.check()


@pytest.mark.lesson("R5", "R10", "R11", "R33")
async def test_a_failed_check_is_dispatched_run_and_handled(harness: HouseT) -> None:
    """PENDING with the start's intent, RUNNING when it runs, COMPLETED by its end; then it is handled."""
    await harness.workspace()
    assert isinstance(await harness.judge(), Dispatch)
    assert await _statuses(harness) == [DispatchStatus.PENDING]
    await harness.run()
    assert isinstance(await harness.check(), FixerActive)
    assert await _statuses(harness) == [DispatchStatus.RUNNING]
    assert (await harness.record()).handled == ()
    await harness.end(WELL)
    decision = await harness.check()
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.REFRESH  # what was seen is older than what the fixer did
    assert await _statuses(harness) == [DispatchStatus.COMPLETED]
    (handled,) = (await harness.record()).handled
    assert handled.done
    harness.clock.advance(1)
    await harness.see()
    unchanged = await harness.check()
    assert isinstance(unchanged, Stalled)
    assert unchanged.reason is StallReason.UNCHANGED
    assert isinstance(await harness.judge(commit="c" * 40, checks=(a_check(run_id="2"),)), Ready)


@pytest.mark.lesson("L14")
async def test_no_fixer_is_started_where_the_set_up_failed(harness: HouseT) -> None:
    """It waits for a person, and says what to do; what is green is told as ever; after a retry it goes on."""
    await harness.workspace()
    await harness.change_workspace(warning="the start-up script exited with 3")
    decision = await harness.judge()
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.SETUP
    assert await harness.dispatches() == ()
    assert await harness.core.sessions.service().list("w1") == []
    told = await harness.core.ratchet.service().explain("w1")
    assert "start-up script failed" in told.why
    assert "retry the set-up" in told.next_step
    await harness.change_workspace(warning=None)
    assert isinstance(await harness.check(), Dispatch)


@pytest.mark.lesson("R1")
async def test_a_second_failure_after_a_fix_gets_another_fixer(harness: HouseT) -> None:
    """A new run of the same check is a new thing to fix."""
    await harness.workspace()
    await harness.judge()
    await harness.end(WELL)
    await harness.check()
    (check,) = harness.forge.observations["PR_w1"].checks.checks
    assert isinstance(
        await harness.judge(commit="c" * 40, checks=(attrs.evolve(check, run_id="2"),)), Dispatch
    )


@pytest.mark.recovers("dispatch-pending")
async def test_a_dispatch_whose_start_died_goes_on_as_itself(harness: HouseT) -> None:
    """The runner died before anything started: recovery begins the next attempt, within the same dispatch."""
    await harness.workspace()
    await harness.judge()
    await harness.core.sessions.executor().recover()
    assert isinstance(await harness.check(), FixerActive)
    (pending,) = await harness.dispatches()
    assert (pending.status, pending.attempts) == (DispatchStatus.PENDING, 2)
    await harness.end(WELL)
    await harness.check()
    (over,) = await harness.dispatches()
    assert (over.id, over.status) == (pending.id, DispatchStatus.COMPLETED)
    assert [launch.run.attempt for launch in harness.processes.executed] == [2]


@pytest.mark.recovers("dispatch-running")
@pytest.mark.lesson("R5", "R6", "R24")
@pytest.mark.parametrize("death", [BADLY, Exited(signal=9), Vanished()], ids=repr)
async def test_a_fixer_that_dies_is_tried_three_times(harness: HouseT, death: Exited | Vanished) -> None:
    """Each death at work is one start; after the third the ratchet says that it stalls."""
    await harness.workspace()
    decision: object = await harness.judge()
    for _ in range(DEATH_LIMIT):
        assert isinstance(decision, Dispatch)
        await harness.end(death)
        decision = await _retry(harness)
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.RETRIES
    assert await _statuses(harness) == [DispatchStatus.DIED] * DEATH_LIMIT


@pytest.mark.lesson("R14", "R34")
@pytest.mark.parametrize("phase", ["before", "pending", "running", "stopping", "ended"])
async def test_switching_off_ends_everything_in_one_write(harness: HouseT, phase: str) -> None:
    """In every phase: nothing is live or remembered, the fixer is asked to stop, and none comes later."""
    await harness.workspace()
    if phase != "before":
        await harness.judge()
    if phase in ("running", "stopping"):
        await harness.run()
        await harness.check()
    if phase == "stopping":
        await harness.core.sessions.service().stop((await harness.fixer()).id)
    if phase == "ended":
        await harness.end(WELL)
    record = await harness.core.ratchet.service().switch("w1", enabled=False)
    assert record.decision == Disabled()
    assert (record.handled, record.dispatch_times, record.since_progress) == ((), (), 0)
    assert (record.seen, record.hold) == (None, None)
    assert not [d for d in await harness.dispatches() if d.ended_at is None]
    await harness.run()
    assert harness.processes.running == []
    assert await harness.check() == Disabled()
    assert all(not session.is_live for session in await harness.core.sessions.service().list("w1"))
    again = await harness.core.ratchet.service().switch("w1", enabled=True)
    assert again.decision is None
    harness.clock.advance(1)
    assert isinstance(await harness.judge(), Dispatch)


async def test_a_person_who_stops_the_fixer_holds_the_ratchet(harness: HouseT) -> None:
    """CANCELLED marks nothing; nothing starts until the hold is released."""
    await harness.workspace()
    await harness.judge()
    await harness.run()
    await harness.check()
    await harness.core.sessions.service().stop((await harness.fixer()).id)
    await harness.run()
    held = await harness.check()
    assert isinstance(held, Held)
    assert held.by == HoldKind.STOPPED_FIXER
    assert await _statuses(harness) == [DispatchStatus.CANCELLED]
    assert (await harness.record()).handled == ()
    await harness.core.ratchet.service().release("w1")
    harness.clock.advance(1)
    assert isinstance(await harness.judge(), Dispatch)


@pytest.mark.lesson("R12", "R20", "R22", "R23")
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("change", ["merged", "closed", "switched", "archiving"])
async def test_a_dispatch_without_its_reason_is_cancelled(
    harness: HouseT, change: str, *, running: bool
) -> None:
    """Merged, closed, switched or not READY: CANCELLED with the intent of the stop in one transaction."""
    await harness.workspace()
    await harness.judge()
    if running:
        await harness.run()
        await harness.check()
    harness.clock.advance(1)
    match change:
        case "merged":
            await harness.see(state=GitHubState.MERGED)
        case "closed":
            await harness.see(state=GitHubState.CLOSED)
        case "switched":
            await harness.store.ledger.transact(
                lambda tx: harness.core.pull_requests.steps().attach(tx, "w1", "PR_2")
            )
        case _:
            await harness.change_workspace(status=WorkspaceStatus.ARCHIVING)
    decision = await harness.check()
    assert await _statuses(harness) == [DispatchStatus.CANCELLED]
    fixer = await harness.fixer()
    assert (fixer.status, fixer.stop_reason) == (SessionStatus.STOPPING, EndReason.STOPPED_BY_HEADWAY)
    assert isinstance(decision, Done if change == "merged" else Wait)
    await harness.run()
    assert harness.processes.running == []
    assert (await harness.record()).hold is None
    assert (await harness.record()).handled == ()


async def test_the_budget_is_spent_and_refilled_by_progress(harness: HouseT) -> None:
    """So many fixers between two marks of progress; red to green on a new head is one."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_between_progress=1)
    await harness.judge()
    await harness.end(BADLY)
    spent = await _retry(harness)
    assert isinstance(spent, Stalled)
    assert spent.reason is StallReason.BUDGET
    assert isinstance(await harness.judge(commit="c" * 40, checks=(a_check(run_id="2"),)), Ready)
    assert isinstance(await harness.judge(commit="d" * 40), Dispatch)


async def test_capacity_is_counted_over_workspaces(harness: HouseT) -> None:
    """No more fixers at a time than allowed; the next starts when one ended."""
    await harness.core.settings.service().change(capacity_all=1)
    await harness.workspace("w1")
    await harness.workspace("w2")
    assert isinstance(await harness.judge("w1"), Dispatch)
    full = await harness.judge("w2")
    assert isinstance(full, Wait)
    assert full.reason is WaitReason.CAPACITY
    await harness.end(WELL)
    assert isinstance(await harness.judge("w2"), Dispatch)


@pytest.mark.lesson("R8", "R21", "R33")
async def test_ten_checks_at_once_make_one_dispatch(harness: HouseT) -> None:
    """One fixer, one dispatch, one event of it; all other checks find it active."""
    await harness.workspace()
    await harness.see()
    harness.clock.advance(100)
    await harness.see()
    decisions: list[object] = []

    async def look() -> None:
        decisions.append(await harness.check())

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(look)
    assert sorted(type(decision).__name__ for decision in decisions) == ["Dispatch"] + ["FixerActive"] * 9
    assert len(await harness.dispatches()) == 1
    assert len(await harness.core.sessions.service().list("w1")) == 1
    assert len(await harness.payloads(DispatchChanged)) == 1


@pytest.mark.lesson("R21")
async def test_every_change_emits_one_event(harness: HouseT) -> None:
    """A dispatch tells each status once; a decision that stays the same tells nothing."""
    await harness.workspace()
    await harness.judge()
    await harness.run()
    for _ in range(3):
        await harness.check()
    await harness.end(WELL)
    for _ in range(3):
        await harness.check()
    told = [payload.status for payload in await harness.payloads(DispatchChanged)]
    assert told == [DispatchStatus.PENDING, DispatchStatus.RUNNING, DispatchStatus.COMPLETED]
    decided = await harness.payloads(RatchetDecided)
    assert [type(payload.decision) for payload in decided] == [Dispatch, FixerActive, Wait]
    assert all(payload.before != payload.decision for payload in decided)


@pytest.mark.lesson("R30")
async def test_no_check_asks_the_forge(harness: HouseT) -> None:
    """Disabled or not, a decision reads what is stored."""
    await harness.workspace(enabled=False)
    assert await harness.check() == Disabled()
    assert harness.forge.asked == []
    await harness.core.ratchet.service().switch("w1", enabled=True)
    await harness.judge()
    asked = len(harness.forge.asked)
    await harness.check()
    assert len(harness.forge.asked) == asked


@pytest.mark.lesson("R30")
async def test_a_merged_pull_request_is_not_looked_at_again(harness: HouseT) -> None:
    """Merged is final: only an event wakes it."""
    await harness.workspace()
    assert await harness.judge(state=GitHubState.MERGED) == Done()
    for duty in harness.core.duties():
        if isinstance(duty, RatchetDuty):
            harness.clock.advance(3600)
            assert await duty.run() == duty.interval_s
    assert len(await harness.payloads(RatchetDecided)) == 1


@pytest.mark.lesson("R7")
async def test_the_end_of_a_session_wakes_the_ratchet(harness: HouseT) -> None:
    """The event of the end makes the workspace due at once, and the duty closes the dispatch."""
    await harness.workspace()
    await harness.judge()
    await harness.end(WELL)
    for duty in harness.core.duties():
        if duty.name == "consume ratchet":
            await duty.run()
    for duty in harness.core.duties():
        if isinstance(duty, RatchetDuty):
            await duty.run()
    assert await _statuses(harness) == [DispatchStatus.COMPLETED]


@pytest.mark.lesson("R9")
async def test_a_working_chat_blocks_and_an_idle_one_does_not(harness: HouseT) -> None:
    """A turn in flight comes first; a session that has nothing to do never blocks."""
    await harness.workspace()
    await harness.core.sessions.service().start_chat("w1", "hello")
    await harness.run()
    busy = await harness.judge()
    assert isinstance(busy, Wait)
    assert busy.reason is WaitReason.SESSION
    await harness.end(WELL)
    await harness.core.sessions.service().start_chat("w1", None)
    harness.clock.advance(1)
    assert isinstance(await harness.judge(), Dispatch)
