"""The process dies at every point of a dispatch, and dies again at every point of what follows (I3, I7)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio
import pytest

from headway_core.sessions import PromptStatus, Purpose, SessionStatus
from headway_core.sessions.ports import Exited, NeverStarted, Probe, Vanished

if TYPE_CHECKING:
    from tests.sessions.conftest import CrashAt, House

pytestmark = pytest.mark.anyio
NewHouse = Callable[[], "House"]
NewCrash = Callable[[int], "CrashAt"]


async def incarnation(house: "House", workspace_id: str, crash: "CrashAt", prompt: str) -> bool:
    """One process: recover, ask for a fixer, work for a while. False when it died.

    A new house shares the store and the processes; the locks of a dead one are gone with it.
    """
    process = house.again(crash)

    async def live() -> None:
        await process.executor.recover()
        await process.fixers.acquire_and_dispatch(house.request(workspace_id, prompt=prompt), wait_s=0)
        await process.executor.round()
        await process.executor.round()

    died = False
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(live)
    except BaseExceptionGroup as raised:
        if raised.split(crash.raises)[1] is not None:
            raise
        died = True
    assert one_live_fixer(house), f"after {crash.passed} points"
    house.processes.wake()  # a supervisor that was on its way goes on without its runner
    return not died


def one_live_fixer(house: "House") -> bool:
    return len(house.processes.running) <= 1


async def check(house: "House", workspace_id: str) -> None:
    """Let the agent that runs end, and judge the whole history."""
    house.processes.outcomes.clear()
    for session_id, _ in house.processes.running:
        house.processes.end(session_id, Exited(exit_code=0))
    await house.again().executor.round()
    fixers = [s for s in await house.sessions.list(workspace_id) if s.purpose is Purpose.FIXER]
    assert {s.status for s in fixers} <= {SessionStatus.COMPLETED, SessionStatus.FAILED}, "no intent is open"
    assert not house.processes.orphans, "what a dead supervisor left behind was ended"
    executed = [(launch.session_id, launch.attempt) for launch in house.processes.executed]
    assert len(executed) == len(set(executed)), "an attempt is executed at most once"
    for fixer in fixers:
        mine = [launch for launch in house.processes.executed if launch.session_id == fixer.id]
        assert len(mine) <= 1, "a session's prompt is handed to an agent at most once"
        prompt = await house.prompt_of(fixer.id)
        if mine:
            assert mine[0].prompt == prompt.text
            assert prompt.status in {PromptStatus.DELIVERED, PromptStatus.UNKNOWN}
            assert fixer.started_at is not None
        else:
            assert prompt.status in {PromptStatus.CANCELLED, PromptStatus.UNKNOWN}


OUTCOMES = [[], [Exited(exit_code=0)], [Exited(exit_code=1)], [Vanished()], [NeverStarted()]]


@pytest.mark.lesson("F13", "R33", "F2")
@pytest.mark.parametrize("outcomes", OUTCOMES, ids=str)
async def test_every_single_and_double_crash_leaves_one_execution_and_no_doubt(
    new_house: NewHouse, crash_at: NewCrash, outcomes: list[Probe]
) -> None:
    """Exhaustive over the points before and after each transaction and each effect."""
    runs = 0
    first = 0
    while True:
        first += 1
        second = 0
        while True:
            second += 1
            house = new_house()
            workspace = await house.workspace()
            house.processes.outcomes.extend(outcomes)
            survived = await incarnation(house, workspace.id, crash_at(first), "first")
            again = await incarnation(house, workspace.id, crash_at(second), "second")
            await incarnation(house, workspace.id, crash_at(0), "third")
            await check(house, workspace.id)
            runs += 1
            if again:
                break
        if survived:
            break
    assert first > 8, "the scenario has its points"
    assert runs > 100


async def test_a_crash_while_stopping_ends_in_a_stop(new_house: NewHouse, crash_at: NewCrash) -> None:
    """A person's stop survives the runner's death at any point of carrying it out."""
    nth = 0
    died = True
    while died:
        nth += 1
        house = new_house()
        workspace = await house.workspace()
        run = await house.starting(workspace.id)
        await house.executor.round()
        await house.sessions.stop(run.id)
        crash = crash_at(nth)
        died = False
        try:
            await house.again(crash).executor.round()
        except BaseExceptionGroup:
            died = True
        await house.again().executor.recover()
        over = await house.sessions.get(run.id)
        assert (over.status, over.end_reason) == (SessionStatus.COMPLETED, "stopped_by_person")
        assert house.processes.running == []
    assert nth > 6
