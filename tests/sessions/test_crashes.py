"""The process dies at every point of a dispatch, and dies again at every point of what follows (I3, I7)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import pytest

from headway_core.processes import Exited, NeverStarted, Probe, Vanished
from headway_core.sessions import PromptStatus, Purpose, SessionStatus
from headway_testing.crash_points import Crash, CrashPoints

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

pytestmark = pytest.mark.anyio
NewHarness = Callable[[], "SessionsHarness"]
NEVER = 10_000


async def incarnation(
    harness: "SessionsHarness", workspace_id: str, crash: CrashPoints, prompt: str, *, late: bool
) -> bool:
    """One process: recover, ask for a fixer, work for a while. False when it died.

    A new harness shares the store and the processes; the locks of a dead one are gone with it. A supervisor
    that was on its way goes on without its runner: at once, or `late`, after the next one has recovered.
    """
    process = harness.again(point=crash)

    async def live() -> None:
        await process.executor.recover()
        harness.processes.wake()
        await process.fixers.acquire_and_dispatch(harness.request(workspace_id, prompt=prompt), wait_s=0)
        await process.executor.round()
        await process.executor.round()

    died = False
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(live)
    except BaseExceptionGroup as raised:
        if raised.split(Crash)[1] is not None:
            raise
        died = True
    assert one_live_fixer(harness), f"after {crash.passed}"
    if not late:
        harness.processes.wake()
    return not died


def one_live_fixer(harness: "SessionsHarness") -> bool:
    return len(harness.processes.running) <= 1


async def check(harness: "SessionsHarness", workspace_id: str) -> None:
    """Let the agent that runs end, and judge the whole history."""
    harness.processes.outcomes.clear()
    for run in harness.processes.running:
        harness.processes.end(run.subject, Exited(exit_code=0))
    await harness.again().executor.round()
    fixers = [s for s in await harness.sessions.list(workspace_id) if s.purpose is Purpose.FIXER]
    assert {s.status for s in fixers} <= {SessionStatus.COMPLETED, SessionStatus.FAILED}, "no intent is open"
    assert not harness.processes.orphans, "what a dead supervisor left behind was ended"
    executed = [launch.run for launch in harness.processes.executed]
    assert len(executed) == len(set(executed)), "an attempt is executed at most once"
    for fixer in fixers:
        mine = [launch for launch in harness.processes.executed if launch.run.subject == fixer.id]
        assert len(mine) <= 1, "a session's prompt is handed to an agent at most once"
        prompt = await harness.prompt_of(fixer.id)
        if mine:
            assert mine[0].standard_input == prompt.text
            assert prompt.status in {PromptStatus.DELIVERED, PromptStatus.UNKNOWN}
            assert fixer.started_at is not None
        else:
            assert prompt.status in {PromptStatus.CANCELLED, PromptStatus.UNKNOWN}


OUTCOMES: list[tuple[list[Probe], bool]] = [
    ([], False),
    ([], True),
    ([Exited(exit_code=0)], False),
    ([Exited(exit_code=1)], True),
    ([Vanished()], False),
    ([NeverStarted()], True),
]


@pytest.mark.recovers("starting", "delivering")
@pytest.mark.lesson("F13", "R33", "F2")
@pytest.mark.parametrize(("outcomes", "late"), OUTCOMES, ids=str)
async def test_every_single_and_double_crash_leaves_at_most_one_execution_an_attempt(
    new_harness: NewHarness, outcomes: list[Probe], anyio_backend: str, *, late: bool
) -> None:
    """Exhaustive over the points before and after each transaction and each effect, a pair on one backend."""
    runs = 0
    first = -1
    while True:
        first += 1
        second = (anyio_backend == "trio") ^ first & 1
        while True:
            harness = new_harness()
            workspace = await harness.workspace()
            harness.processes.outcomes.extend(outcomes)
            survived = await incarnation(harness, workspace.id, CrashPoints(first), "first", late=late)
            again = await incarnation(harness, workspace.id, CrashPoints(second), "second", late=late)
            await incarnation(harness, workspace.id, CrashPoints(NEVER), "third", late=late)
            await check(harness, workspace.id)
            runs += 1
            if again:
                break
            second += 2
        if survived:
            break
    assert first > 8, "the scenario has its points"
    assert runs > 50


@pytest.mark.recovers("queued")
@pytest.mark.lesson("L15")
async def test_a_waiting_prompt_is_told_once_wherever_the_runner_dies(new_harness: NewHarness) -> None:
    """Queued before, its session IDLE: the next runner begins it, or finds how far the last one came."""
    nth = -1
    died = True
    while died:
        nth += 1
        harness = new_harness()
        workspace = await harness.workspace()
        idle = await harness.idle(workspace.id)
        died = False
        try:
            await harness.again(point=CrashPoints(nth)).executor.round()
        except BaseExceptionGroup:
            died = True
        after = harness.again()
        await after.executor.recover()
        harness.processes.wake()
        await after.executor.round()
        assert [launch.standard_input for launch in harness.processes.executed] == ["go"]
        assert (await harness.sessions.get(idle.id)).status is SessionStatus.RUNNING
        assert (await harness.prompt_of(idle.id)).status is PromptStatus.DELIVERED
    assert nth > 4


@pytest.mark.recovers("stopping")
async def test_a_crash_while_stopping_ends_in_a_stop(new_harness: NewHarness) -> None:
    """A person's stop survives the runner's death at any point of carrying it out."""
    nth = -1
    died = True
    while died:
        nth += 1
        harness = new_harness()
        workspace = await harness.workspace()
        run = await harness.starting(workspace.id)
        await harness.executor.round()
        await harness.sessions.stop(run.id)
        crash = CrashPoints(nth)
        died = False
        try:
            await harness.again(point=crash).executor.round()
        except BaseExceptionGroup:
            died = True
        await harness.again().executor.recover()
        over = await harness.sessions.get(run.id)
        assert (over.status, over.end_reason) == (SessionStatus.COMPLETED, "stopped_by_person")
        assert harness.processes.running == []
    assert nth > 6
