"""A pull request that its merge queue threw out: never silently ready; over the whole of core."""

from datetime import timedelta
from typing import Any

import attrs
import pytest

from headway_core.processes import Exited
from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    GitHubState,
    MergeQueueEntry,
    QueueExit,
    ReviewDecision,
)
from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Dispatch,
    Done,
    PersonReason,
    Ready,
    Wait,
    WaitReason,
)
from headway_testing.clock import EPOCH
from headway_testing.observations import COMMIT, a_check

pytestmark = pytest.mark.anyio

GREEN = (a_check(),)
B = "c" * 40
OF_GROUP = a_check(
    "group", CheckOutcome.FAILED, identity="run:github-actions/1/merge_group/group", run_id="77"
)
THROWN_OUT = AwaitingPerson(reason=PersonReason.MERGE_QUEUE)


def left(reason: str = "FAILED_CHECKS", *failed: Check, event: str = "E_1", head: str = COMMIT) -> QueueExit:
    return QueueExit(id=event, reason=reason, head=head, failed=failed)


def _plain(decision: Decision) -> Decision:
    return attrs.evolve(decision, recheck_at=None)


@pytest.mark.parametrize("reason", ["FAILED_CHECKS", "MERGE_CONFLICT", "CI_TIMEOUT", "MANUAL", "UNKNOWN"])
async def test_a_pull_request_that_was_thrown_out_awaits_a_person(harness: Any, reason: str) -> None:
    """Its own checks are green, and still it is not ready: people are told, with GitHub's reason."""
    await harness.workspace()
    queued = MergeQueueEntry(state="AWAITING_CHECKS", position=1)
    assert _plain(await harness.judge(checks=GREEN, merge_queue=queued)) == Wait(
        reason=WaitReason.MERGE_QUEUE, recheck_at=None
    )
    assert _plain(await harness.judge(checks=GREEN, queue_exit=left(reason))) == THROWN_OUT
    told = await harness.core.ratchet.service().explain("w1")
    assert told.why.endswith(f"GitHub's reason: {reason.lower().replace('_', ' ')}.")
    assert await harness.dispatches() == ()


async def test_it_is_told_also_of_a_stay_that_nobody_saw(harness: Any) -> None:
    """In the queue and out again between two looks."""
    await harness.workspace()
    assert _plain(await harness.judge(checks=GREEN, queue_exit=left())) == THROWN_OUT


async def test_failed_checks_of_the_queue_are_a_cause(harness: Any) -> None:
    """A fixer gets them, once; its head has never been in the queue, and is ready by its own checks."""
    await harness.workspace()
    seen = {"checks": GREEN, "queue_exit": left("FAILED_CHECKS", OF_GROUP)}
    assert _plain(await harness.judge(**seen)) == Dispatch(cause_ids=("CI",))
    (dispatch,) = await harness.dispatches()
    assert [(item.key, item.mark) for item in dispatch.causes[0].items] == [(OF_GROUP.identity, "77")]
    await harness.end(Exited(exit_code=0))
    await harness.check()
    harness.clock.advance(10)
    after = {**seen, "commit": B, "updated_at": EPOCH + timedelta(hours=1)}
    assert isinstance(await harness.judge(**after), Ready)


@pytest.mark.parametrize("word", ["CANCELLED"])
async def test_what_the_queue_cancelled_is_no_cause(harness: Any, word: str) -> None:
    """As on any head: no commit mends it."""
    await harness.workspace()
    seen = {"checks": GREEN, "queue_exit": left("FAILED_CHECKS", attrs.evolve(OF_GROUP, word=word))}
    assert _plain(await harness.judge(**seen)) == THROWN_OUT


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"queue_exit": left("MERGED"), "state": GitHubState.MERGED}, Done),
        ({"queue_exit": left("MERGED")}, Ready),
        ({"queue_exit": left(), "merge_queue": MergeQueueEntry(state="QUEUED", position=2)}, Wait),
        ({"queue_exit": left(), "review_decision": ReviewDecision.REVIEW_REQUIRED}, AwaitingReview),
        ({"queue_exit": None}, Ready),
    ],
)
async def test_what_is_over_or_comes_first_is_said_instead(
    harness: Any, more: dict[str, Any], kind: type[Decision]
) -> None:
    """Merged by the queue, queued again, or a review outstanding."""
    await harness.workspace()
    assert isinstance(await harness.judge(checks=GREEN, **more), kind)


async def test_an_exit_stays_that_of_its_head(harness: Any) -> None:
    """The forge tells the last exit for ever: a later head was never in the queue."""
    await harness.workspace()
    await harness.judge(checks=GREEN, queue_exit=left())
    harness.clock.advance(10)
    later = {"checks": GREEN, "commit": B, "updated_at": EPOCH + timedelta(hours=1)}
    assert isinstance(await harness.judge(**later, queue_exit=left(head=B)), Ready)
    assert _plain(await harness.judge(**later, queue_exit=left(event="E_2", head=B))) == THROWN_OUT


async def test_what_was_not_told_stands(harness: Any) -> None:
    """A forge that refuses to tell it now does not make it ready."""
    await harness.workspace()
    await harness.judge(checks=GREEN, queue_exit=left())
    harness.clock.advance(10)
    untold = {"checks": GREEN, "untold": frozenset({"queue_exit"})}
    assert _plain(await harness.judge(**untold)) == THROWN_OUT
