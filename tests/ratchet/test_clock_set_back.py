"""A clock that was two hours ahead once, and was set right: nothing waits for the time that it told."""

from datetime import timedelta
from typing import Any

import pytest

from headway_core.processes import Exited
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_core.ratchet.decision import Dispatch, Ready, Wait, WaitReason
from headway_core.ratchet.duty import RatchetDuty
from headway_testing.observations import a_check, an_observation

pytestmark = pytest.mark.anyio
HouseT = Any
TWO_HOURS = timedelta(hours=2)
GREEN = (a_check(run_id="2"),)
LIMITED = FetchFailed(kind=FailureKind.RATE_LIMITED, problem="too much", retry_after_s=60.0)
AWAY = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="down")


async def _seen(harness: HouseT) -> None:
    """A green pull request whose head has rested."""
    await harness.workspace()
    assert isinstance(await harness.judge(checks=GREEN), Ready)


async def _asked(harness: HouseT) -> int:
    before = len(harness.forge.asked)
    await harness.core.pull_requests.service().refresh_due()
    return len(harness.forge.asked) - before


@pytest.mark.parametrize("answer", [None, LIMITED, AWAY], ids=["fine", "a limit", "a failure"])
async def test_questions_go_on_when_the_clock_is_right_again(
    harness: HouseT, answer: FetchFailed | None
) -> None:
    """What was read, met a limit or failed while it was ahead is asked again at once, and then as ever."""
    await _seen(harness)
    harness.clock.advance(TWO_HOURS)
    harness.forge.observations["PR_w1"] = answer or an_observation("PR_w1", checks=GREEN)
    await harness.core.pull_requests.service().refresh_due()
    harness.clock.advance(-TWO_HOURS)
    harness.forge.observations["PR_w1"] = an_observation("PR_w1", checks=GREEN)
    assert await harness.core.pull_requests.service().next_due_in_s() == 0
    assert await _asked(harness) > 0
    assert await _asked(harness) == 0
    due = await harness.core.pull_requests.service().next_due_in_s()
    assert due is not None
    assert 0 < due <= 600


async def test_a_limit_of_now_is_obeyed_whatever_was_noted_while_the_clock_was_ahead(
    harness: HouseT,
) -> None:
    """It lasts as long as the forge says, and not until the end of the one that was ahead."""
    await _seen(harness)
    for ahead in (TWO_HOURS, timedelta(0)):
        harness.clock.advance(ahead)
        harness.forge.observations["PR_w1"] = LIMITED
        await harness.core.pull_requests.service().refresh_workspace("w1")
        harness.clock.advance(-ahead)
    assert await _asked(harness) == 0
    harness.clock.advance(600)
    harness.forge.observations["PR_w1"] = an_observation("PR_w1", checks=GREEN)
    assert await _asked(harness) > 0


async def test_a_hint_from_the_future_does_not_make_every_view_old(harness: HouseT) -> None:
    """Neither is it read without a pause, nor does the ratchet wait for a fresher view."""
    await _seen(harness)
    harness.clock.advance(TWO_HOURS)
    hint = harness.core.pull_requests.steps().hint
    await harness.store.ledger.transact(lambda tx: hint(tx, "w1"))
    harness.clock.advance(-TWO_HOURS)
    harness.clock.advance(10)
    await harness.see(checks=GREEN)
    assert isinstance(await harness.check(), Ready)
    due = await harness.core.pull_requests.service().next_due_in_s()
    assert due is not None
    assert due > 0


async def test_the_ratchet_looks_again_though_it_planned_to_look_later(harness: HouseT) -> None:
    """A look that was planned while the clock was ahead comes at once."""
    await _seen(harness)
    harness.clock.advance(TWO_HOURS)
    await harness.check()
    harness.clock.advance(-TWO_HOURS)
    await harness.see()
    harness.clock.advance(10)
    await harness.see()
    duty = next(duty for duty in harness.core.duties() if isinstance(duty, RatchetDuty))
    await duty.run()
    assert isinstance((await harness.record()).decision, Dispatch)


async def test_a_fixer_that_died_in_the_future_is_no_pause_for_hours(harness: HouseT) -> None:
    """Its end was noted while the clock was ahead: the next one does not wait for that time."""
    await harness.workspace()
    await harness.core.settings.service().change(fixer_limit_s=86_400)
    await harness.judge()
    await harness.run()
    harness.clock.advance(TWO_HOURS)
    await harness.end(Exited(exit_code=1))
    await harness.check()
    harness.clock.advance(-TWO_HOURS)
    harness.clock.advance(10)
    await harness.see()
    assert isinstance(await harness.check(), Dispatch)


async def test_a_view_from_the_future_is_read_anew(harness: HouseT) -> None:
    """It says nothing of what is now, though nothing that happened seems to be newer than it."""
    await _seen(harness)
    harness.clock.advance(TWO_HOURS)
    await harness.see(checks=GREEN)
    harness.clock.advance(-TWO_HOURS)
    await harness.git_says()
    decision = await harness.check()
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.REFRESH


async def test_what_git_said_in_the_future_is_asked_anew(harness: HouseT) -> None:
    """Before anything is judged by it; what git says now takes its place, and does not wait for its time."""
    await _seen(harness)
    harness.clock.advance(TWO_HOURS)
    await harness.git_says()
    harness.clock.advance(-TWO_HOURS)
    decision = await harness.check()
    assert isinstance(decision, Wait)
    assert decision.reason is WaitReason.REFRESH
    await harness.git_says()
    assert isinstance(await harness.check(), Ready)


async def test_a_head_that_was_first_seen_in_the_future_rests_no_longer_than_another(harness: HouseT) -> None:
    """Its quiet time begins when it is seen again, and not at the time that the clock told."""
    await harness.workspace()
    harness.clock.advance(TWO_HOURS)
    await harness.see(checks=GREEN)
    harness.clock.advance(-TWO_HOURS)
    assert isinstance(await harness.judge(checks=GREEN), Ready)
