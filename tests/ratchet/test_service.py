"""The ratchet over real sessions and real snapshots: from a failed check to a fixer, and every way back."""

from typing import Any

import anyio
import attrs
import pytest

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
from headway_core.ratchet.model import DEATH_LIMIT, DispatchStatus, HoldKind
from headway_core.sessions import EndReason, SessionStatus
from headway_core.sessions.ports import Exited, Vanished
from headway_core.testing.fakes_forge import a_check
from headway_core.workspaces.model import WorkspaceStatus

pytestmark = pytest.mark.anyio
HouseT = Any
WELL, BADLY = Exited(exit_code=0), Exited(exit_code=1)


async def _statuses(house: HouseT) -> list[DispatchStatus]:
    return [dispatch.status for dispatch in await house.dispatches()]


async def _retry(house: HouseT) -> object:
    """After a fixer's end: close its dispatch, see the pull request again, decide."""
    await house.check()
    house.clock.advance(1)
    await house.see()
    return await house.check()


@pytest.mark.lesson("R5", "R10", "R11", "R33")
async def test_a_failed_check_is_dispatched_run_and_handled(house: HouseT) -> None:
    """PENDING with the start's intent, RUNNING when it runs, COMPLETED by its end; then it is handled."""
    await house.workspace()
    assert isinstance(await house.judge(), Dispatch)
    assert await _statuses(house) == [DispatchStatus.PENDING]
    await house.run()
    assert isinstance(await house.check(), FixerActive)
    assert await _statuses(house) == [DispatchStatus.RUNNING]
    assert (await house.record()).handled == ()
    await house.end(WELL)
    decision = await house.check()
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.REFRESH  # what was seen is older than what the fixer did
    assert await _statuses(house) == [DispatchStatus.COMPLETED]
    (handled,) = (await house.record()).handled
    assert handled.done
    house.clock.advance(1)
    await house.see()
    unchanged = await house.check()
    assert isinstance(unchanged, Stalled)
    assert unchanged.reason is StallReason.UNCHANGED
    assert isinstance(await house.judge(commit="c" * 40, checks=(a_check(run_id="2"),)), Ready)


@pytest.mark.lesson("R1")
async def test_a_second_failure_after_a_fix_gets_another_fixer(house: HouseT) -> None:
    """A new run of the same check is a new thing to fix."""
    await house.workspace()
    await house.judge()
    await house.end(WELL)
    await house.check()
    (check,) = house.forge.observations["PR_w1"].checks.checks
    assert isinstance(await house.judge(commit="c" * 40, checks=(attrs.evolve(check, run_id="2"),)), Dispatch)


@pytest.mark.recovers("dispatch-pending")
async def test_a_dispatch_whose_start_died_goes_on_as_itself(house: HouseT) -> None:
    """The runner died before anything started: recovery begins the next attempt, within the same dispatch."""
    await house.workspace()
    await house.judge()
    await house.core.executor().recover()
    assert isinstance(await house.check(), FixerActive)
    (pending,) = await house.dispatches()
    assert (pending.status, pending.attempts) == (DispatchStatus.PENDING, 2)
    await house.end(WELL)
    await house.check()
    (over,) = await house.dispatches()
    assert (over.id, over.status) == (pending.id, DispatchStatus.COMPLETED)
    assert [launch.attempt for launch in house.processes.executed] == [2]


@pytest.mark.recovers("dispatch-running")
@pytest.mark.lesson("R5", "R6", "R24")
@pytest.mark.parametrize("death", [BADLY, Exited(signal=9), Vanished()], ids=repr)
async def test_a_fixer_that_dies_is_tried_three_times(house: HouseT, death: Exited | Vanished) -> None:
    """Each death is one start; after the third the ratchet says that it stalls."""
    await house.workspace()
    decision: object = await house.judge()
    for _ in range(DEATH_LIMIT):
        assert isinstance(decision, Dispatch)
        await house.end(death)
        decision = await _retry(house)
    assert isinstance(decision, Stalled)
    assert decision.reason is StallReason.RETRIES
    assert await _statuses(house) == [DispatchStatus.DIED] * DEATH_LIMIT


@pytest.mark.lesson("R14", "R34")
@pytest.mark.parametrize("phase", ["before", "pending", "running", "stopping", "ended"])
async def test_switching_off_ends_everything_in_one_write(house: HouseT, phase: str) -> None:
    """In every phase: nothing is live or remembered, the fixer is asked to stop, and none comes later."""
    await house.workspace()
    if phase != "before":
        await house.judge()
    if phase in ("running", "stopping"):
        await house.run()
        await house.check()
    if phase == "stopping":
        await house.core.sessions().stop((await house.fixer()).id)
    if phase == "ended":
        await house.end(WELL)
    record = await house.core.ratchet().switch("w1", enabled=False)
    assert record.decision == Disabled()
    assert (record.handled, record.dispatch_times, record.since_progress) == ((), (), 0)
    assert (record.seen, record.hold) == (None, None)
    assert not [d for d in await house.dispatches() if d.ended_at is None]
    await house.run()
    assert house.processes.running == []
    assert await house.check() == Disabled()
    assert all(not session.is_live for session in await house.core.sessions().list("w1"))
    again = await house.core.ratchet().switch("w1", enabled=True)
    assert again.decision is None
    house.clock.advance(1)
    assert isinstance(await house.judge(), Dispatch)


async def test_a_person_who_stops_the_fixer_holds_the_ratchet(house: HouseT) -> None:
    """CANCELLED marks nothing; nothing starts until the hold is released."""
    await house.workspace()
    await house.judge()
    await house.run()
    await house.check()
    await house.core.sessions().stop((await house.fixer()).id)
    await house.run()
    held = await house.check()
    assert isinstance(held, Held)
    assert held.by == HoldKind.STOPPED_FIXER
    assert await _statuses(house) == [DispatchStatus.CANCELLED]
    assert (await house.record()).handled == ()
    await house.core.ratchet().release("w1")
    house.clock.advance(1)
    assert isinstance(await house.judge(), Dispatch)


@pytest.mark.lesson("R12", "R20", "R22", "R23")
@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("change", ["merged", "closed", "switched", "archiving"])
async def test_a_dispatch_without_its_reason_is_cancelled(
    house: HouseT, change: str, *, running: bool
) -> None:
    """Merged, closed, switched or not READY: CANCELLED with the intent of the stop in one transaction."""
    await house.workspace()
    await house.judge()
    if running:
        await house.run()
        await house.check()
    house.clock.advance(1)
    match change:
        case "merged":
            await house.see(state=GitHubState.MERGED)
        case "closed":
            await house.see(state=GitHubState.CLOSED)
        case "switched":
            await house.store.ledger.transact(lambda tx: house.core.pull_requests().attach(tx, "w1", "PR_2"))
        case _:
            await house.change_workspace(status=WorkspaceStatus.ARCHIVING)
    decision = await house.check()
    assert await _statuses(house) == [DispatchStatus.CANCELLED]
    fixer = await house.fixer()
    assert (fixer.status, fixer.stop_reason) == (SessionStatus.STOPPING, EndReason.STOPPED_BY_HEADWAY)
    assert isinstance(decision, Done if change == "merged" else Wait)
    await house.run()
    assert house.processes.running == []
    assert (await house.record()).hold is None
    assert (await house.record()).handled == ()


async def test_the_budget_is_spent_and_refilled_by_progress(house: HouseT) -> None:
    """So many fixers between two marks of progress; red to green on a new head is one."""
    await house.workspace()
    await house.core.settings().change(budget_between_progress=1)
    await house.judge()
    await house.end(BADLY)
    spent = await _retry(house)
    assert isinstance(spent, Stalled)
    assert spent.reason is StallReason.BUDGET
    assert isinstance(await house.judge(commit="c" * 40, checks=(a_check(run_id="2"),)), Ready)
    assert isinstance(await house.judge(commit="d" * 40), Dispatch)


async def test_capacity_is_counted_over_workspaces(house: HouseT) -> None:
    """No more fixers at a time than allowed; the next starts when one ended."""
    await house.core.settings().change(capacity_all=1)
    await house.workspace("w1")
    await house.workspace("w2")
    assert isinstance(await house.judge("w1"), Dispatch)
    full = await house.judge("w2")
    assert isinstance(full, Wait)
    assert full.reason is WaitReason.CAPACITY
    await house.end(WELL)
    assert isinstance(await house.judge("w2"), Dispatch)


@pytest.mark.lesson("R8", "R21", "R33")
async def test_ten_checks_at_once_make_one_dispatch(house: HouseT) -> None:
    """One fixer, one dispatch, one event of it; all other checks find it active."""
    await house.workspace()
    await house.see()
    house.clock.advance(100)
    await house.see()
    decisions: list[object] = []

    async def look() -> None:
        decisions.append(await house.check())

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(look)
    assert sorted(type(decision).__name__ for decision in decisions) == ["Dispatch"] + ["FixerActive"] * 9
    assert len(await house.dispatches()) == 1
    assert len(await house.core.sessions().list("w1")) == 1
    assert len(await house.payloads("ratchet.dispatch_changed")) == 1


@pytest.mark.lesson("R21")
async def test_every_change_emits_one_event(house: HouseT) -> None:
    """A dispatch tells each status once; a decision that stays the same tells nothing."""
    await house.workspace()
    await house.judge()
    await house.run()
    for _ in range(3):
        await house.check()
    await house.end(WELL)
    for _ in range(3):
        await house.check()
    told = [payload.status for payload in await house.payloads("ratchet.dispatch_changed")]
    assert told == [DispatchStatus.PENDING, DispatchStatus.RUNNING, DispatchStatus.COMPLETED]
    decided = await house.payloads("ratchet.decided")
    assert [type(payload.decision) for payload in decided] == [Dispatch, FixerActive, Wait]
    assert all(payload.before != payload.decision for payload in decided)


@pytest.mark.lesson("R30")
async def test_no_check_asks_the_forge(house: HouseT) -> None:
    """Disabled or not, a decision reads what is stored."""
    await house.workspace(enabled=False)
    assert await house.check() == Disabled()
    assert house.forge.asked == []
    await house.core.ratchet().switch("w1", enabled=True)
    await house.judge()
    asked = len(house.forge.asked)
    await house.check()
    assert len(house.forge.asked) == asked


@pytest.mark.lesson("R30")
async def test_a_merged_pull_request_is_not_looked_at_again(house: HouseT) -> None:
    """Merged is final: only an event wakes it."""
    await house.workspace()
    assert await house.judge(state=GitHubState.MERGED) == Done()
    for duty in house.core.duties():
        if isinstance(duty, RatchetDuty):
            house.clock.advance(3600)
            assert await duty.run() == duty.interval
    assert len(await house.payloads("ratchet.decided")) == 1


@pytest.mark.lesson("R7")
async def test_the_end_of_a_session_wakes_the_ratchet(house: HouseT) -> None:
    """The event of the end makes the workspace due at once, and the duty closes the dispatch."""
    await house.workspace()
    await house.judge()
    await house.end(WELL)
    for duty in house.core.duties():
        if duty.name == "consume ratchet":
            await duty.run()
    for duty in house.core.duties():
        if isinstance(duty, RatchetDuty):
            await duty.run()
    assert await _statuses(house) == [DispatchStatus.COMPLETED]


@pytest.mark.lesson("R9")
async def test_a_working_chat_blocks_and_an_idle_one_does_not(house: HouseT) -> None:
    """A turn in flight comes first; a session that has nothing to do never blocks."""
    await house.workspace()
    await house.core.sessions().start_chat("w1", "hello")
    await house.run()
    busy = await house.judge()
    assert isinstance(busy, Wait)
    assert busy.reason is WaitReason.SESSION
    await house.end(WELL)
    await house.core.sessions().start_chat("w1", None)
    house.clock.advance(1)
    assert isinstance(await house.judge(), Dispatch)
