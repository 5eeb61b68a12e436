"""What no fixer can mend gets none, and holds none back from what it can: over the whole of core."""

from typing import Any

import attrs
import pytest

from headway_core.pull_requests.model import Check, CheckOutcome
from headway_core.pull_requests.ports import ChecksPart, ConversationPart
from headway_core.ratchet.decision import (
    AwaitingPerson,
    Decision,
    Dispatch,
    PersonReason,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_testing.conversations import a_comment, a_thread
from headway_testing.observations import COMMIT, a_check

pytestmark = pytest.mark.anyio

AN_HOUR = 3600
GATE = a_check("gate", CheckOutcome.WAITS_FOR_PERSON)
FAILED = a_check("unit", CheckOutcome.FAILED)
CANCELLED = a_check("e2e", CheckOutcome.FAILED, word="CANCELLED")
CONFIRMS = AwaitingPerson(reason=PersonReason.CHECKS)


def seen(*checks: Check, required: tuple[str, ...] = ()) -> ChecksPart:
    return ChecksPart(commit=COMMIT, checks=checks, required=required)


def _talk(*threads: Any) -> dict[str, Any]:
    return {"conversation": ConversationPart(reviews=(), threads=threads)}


def _plain(decision: Decision) -> Decision:
    return attrs.evolve(decision, recheck_at=None)


@pytest.mark.parametrize(
    "checks",
    [
        seen(GATE, FAILED),
        seen(FAILED, required=("gate",)),
        seen(GATE, FAILED, required=("gate", "deploy")),
        seen(GATE, FAILED, a_check("also", CheckOutcome.WAITS_FOR_PERSON)),
        seen(FAILED, CANCELLED),
    ],
    ids=["one waits", "one is absent", "both", "two wait", "one was cancelled"],
)
async def test_a_failure_is_mended_whatever_waits_for_a_person(harness: Any, checks: ChecksPart) -> None:
    """A check that a person must release, or that has not come, holds back no fixer for another one."""
    await harness.workspace()
    assert _plain(await harness.judge(checks=checks)) == Dispatch(cause_ids=("CI",))
    (dispatch,) = await harness.dispatches()
    assert [item.key for item in dispatch.causes[0].items] == [FAILED.identity]


@pytest.mark.parametrize(
    "checks",
    [
        seen(GATE),
        seen(a_check("test"), GATE),
        seen(a_check("test"), GATE, required=("gate",)),
        seen(GATE, required=("test",)),
    ],
    ids=["alone", "beside a green one", "required", "with a required one that it lets begin"],
)
async def test_what_waits_for_a_person_is_said_and_never_stuck(harness: Any, checks: ChecksPart) -> None:
    """With all else green it is a person's turn, at once and after hours: no fixer, and no `ci_stuck`."""
    await harness.workspace()
    assert _plain(await harness.judge(checks=checks)) == CONFIRMS
    harness.clock.advance(3 * AN_HOUR)
    assert _plain(await harness.judge(checks=checks)) == CONFIRMS
    assert await harness.dispatches() == ()


async def test_released_it_is_ready(harness: Any) -> None:
    """The person released the check, and it passed."""
    await harness.workspace()
    await harness.judge(checks=seen(GATE))
    assert isinstance(await harness.judge(checks=seen(a_check("gate", run_id="2"))), Ready)


async def test_a_required_check_that_never_comes_is_named_missing(harness: Any) -> None:
    """Within the limit it may still come; past it nothing is pending that could be stuck."""
    await harness.workspace()
    absent = seen(a_check("test"), required=("deploy",))
    assert _plain(await harness.judge(checks=absent)) == Wait(reason=WaitReason.CI, recheck_at=None)
    harness.clock.advance(AN_HOUR)
    assert _plain(await harness.judge(checks=absent)) == Stalled(
        reason=StallReason.CHECKS_MISSING, recheck_at=None
    )
    assert await harness.dispatches() == ()


@pytest.mark.parametrize(
    "checks",
    [
        seen(CANCELLED),
        seen(a_check("test"), CANCELLED),
        seen(CANCELLED, GATE),
        seen(CANCELLED, required=("gate",)),
    ],
    ids=["alone", "beside a green one", "beside one that waits", "beside one that is absent"],
)
async def test_a_failure_by_cancellation_alone_is_no_cause(harness: Any, checks: ChecksPart) -> None:
    """No commit mends what somebody cancelled: a person is told, and no fixer is sent."""
    await harness.workspace()
    assert _plain(await harness.judge(checks=checks)) == Stalled(
        reason=StallReason.CI_CANCELLED, recheck_at=None
    )
    assert await harness.dispatches() == ()


async def test_a_cancellation_holds_no_other_fixer_back(harness: Any) -> None:
    """A reviewer's word is a cause of its own."""
    await harness.workspace()
    thread = a_thread(a_comment())
    decision = await harness.judge(checks=seen(CANCELLED), **_talk(thread))
    assert _plain(decision) == Dispatch(cause_ids=("FEEDBACK:T_1",))


async def test_a_green_head_after_a_cancelled_one_is_no_progress(harness: Any) -> None:
    """Nothing was red, so that nothing became green: the budget stays as it was."""
    await harness.workspace()
    await harness.judge(checks=seen(CANCELLED))
    record = await harness.record()
    assert record.seen is not None
    assert record.seen.ci.value == "UNKNOWN"


async def test_a_rerun_of_a_cancelled_check_is_waited_for(harness: Any) -> None:
    """What runs again is pending, and when it fails it is a cause as any other."""
    await harness.workspace()
    await harness.judge(checks=seen(CANCELLED))

    def again(outcome: CheckOutcome) -> ChecksPart:
        return seen(a_check("e2e", outcome, run_id="2"))

    assert isinstance(await harness.judge(checks=again(CheckOutcome.PENDING)), Wait)
    assert isinstance(await harness.judge(checks=again(CheckOutcome.FAILED)), Dispatch)
