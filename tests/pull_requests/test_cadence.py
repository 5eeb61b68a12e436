"""How often what is looked at, and the duty that does it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from headway_core.kernel.events import DomainEvent
from headway_core.pull_requests import PullRequestConsumer, Refreshed, WatchDuty
from headway_core.pull_requests.model import (
    Base,
    CheckOutcome,
    FailureKind,
    GitHubState,
    Head,
    Mergeability,
    MergeQueueEntry,
)
from headway_core.pull_requests.ports import FetchFailed
from headway_core.sessions.events import SessionEnded
from headway_core.sessions.model import EndReason, Purpose, SessionStatus
from headway_core.workspaces.events import WorkspaceBranchChanged, WorkspaceStatusChanged, WorkspaceWarned
from headway_core.workspaces.model import WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.observations import a_check, an_observation

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

HOT, SETTLED, QUIET = 30, 60, 300


async def due_after(room: "Room", observation: Any, *, later: float) -> float | None:
    """Seconds to the next read of a pull request whose head was first seen `later` seconds ago."""
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = observation
    await room.service.refresh_workspace("w1")
    room.clock.advance(later)
    await room.service.refresh_workspace("w1")
    return await room.due_in()


@pytest.mark.parametrize(
    ("changes", "later", "expected"),
    [
        ({}, 3600, SETTLED),
        ({}, 60, HOT),
        ({"checks": (a_check(outcome=CheckOutcome.PENDING),)}, 3600, HOT),
        ({"checks": (a_check(outcome=CheckOutcome.FAILED),)}, 3600, HOT),
        ({"checks": None}, 3600, HOT),
        ({"conversation": None}, 3600, HOT),
        ({"merge_queue": MergeQueueEntry(state="QUEUED", position=1)}, 3600, HOT),
        ({"head": Head(ref="x", commit="a" * 40, repository=None, tip="b" * 40)}, 3600, HOT),
        ({}, 25 * 3600, QUIET),
        ({"checks": (a_check(outcome=CheckOutcome.FAILED),)}, 25 * 3600, SETTLED),
    ],
)
async def test_cadence(room: "Room", changes: dict[str, Any], later: float, expected: float) -> None:
    """Hot, settled or quiet, by the facts and the settings."""
    assert await due_after(room, an_observation(**changes), later=later) == expected


async def test_unknown_mergeability_has_one_kick_and_growing_pauses(
    room: "Room",
) -> None:
    """One question, reads after 2, 4, 8 and 16 s, then the cadence; a new head or base begins anew."""
    await room.add()
    await room.attach()
    unknown = an_observation(mergeability=Mergeability.UNKNOWN)
    room.forge.observations["PR_1"] = unknown
    pauses = []
    for _ in range(6):
        await room.service.refresh_due()
        pauses.append(await room.due_in())
        room.clock.advance(await room.due_in() or 0)
    assert pauses == [2, 4, 8, 16, HOT, HOT]
    assert room.asked("trigger_merge_check") == [("7",)]
    later: dict[str, Any] = {"commit": "c" * 40, "base": Base(ref="main", commit="d" * 40)}
    for moved in ({"commit": "c" * 40}, later):
        room.forge.observations["PR_1"] = an_observation(mergeability=Mergeability.UNKNOWN, **moved)
        room.clock.advance(HOT)
        await room.service.refresh_due()
        assert await room.due_in() == 2
    assert len(room.asked("trigger_merge_check")) == 3
    room.forge.observations["PR_1"] = an_observation(
        mergeability=Mergeability.UNKNOWN, state=GitHubState.CLOSED, **later
    )
    room.clock.advance(HOT)
    await room.service.refresh_due()
    assert (await room.watch()).unknown_reads == 0  # of a closed one GitHub never tells: nobody asks


async def test_a_lost_kick_is_made_up_for(room: "Room") -> None:
    """It has no outcome of its own: what stays unknown for ten reads is asked for again."""
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation(mergeability=Mergeability.UNKNOWN)
    merge_checks = []
    for _ in range(22):
        await room.service.refresh_due()
        merge_checks.append(len(room.asked("trigger_merge_check")))
        room.clock.advance(await room.due_in() or 0)
    assert merge_checks == [1] * 10 + [2] * 10 + [3] * 2
    room.forge.observations["PR_1"] = an_observation()
    await room.service.refresh_due()
    assert len(room.asked("trigger_merge_check")) == 3


async def test_the_end_of_the_quiet_time_is_not_missed(room: "Room") -> None:
    """The next read is due when the quiet time ends, if that is sooner: it records that it passed."""
    await room.set(cadence_hot_s=400, cadence_settled_s=400, quiet_time_s=90)
    assert await due_after(room, an_observation(checks=()), later=40) == 50
    room.clock.advance(50)
    assert await room.service.refresh_due() == {"w1": Refreshed(changed=("quiet_passed",))}


async def test_failures_back_off_to_ten_minutes(room: "Room") -> None:
    """Doubling from the hot cadence, with jitter that is always the same for a workspace."""
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="because")
    waits = []
    for _ in range(8):
        await room.service.refresh_due()
        waits.append(await room.due_in() or 0)
        room.clock.advance(waits[-1])
    for n, wait in enumerate(waits):
        assert 0.9 <= wait / min(HOT * 2**n, 600) <= 1.1


async def test_the_duty_refreshes_what_is_due_and_asks_for_the_next(room: "Room") -> None:
    """It waits until the next row is due, five seconds at most, a fifth of one at least."""
    duty = WatchDuty(room.service)
    assert await duty.run() is None
    await room.set(cadence_hot_s=3, cadence_settled_s=3)
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation()
    assert await duty.run() == 3
    room.clock.advance(2.9)
    assert await duty.run() == 0.2
    await room.set(cadence_hot_s=30)
    room.clock.advance(1)
    assert await duty.run() == duty.interval_s == 5.0


def _status(status: WorkspaceStatus) -> WorkspaceStatusChanged:
    return WorkspaceStatusChanged(
        from_status=WorkspaceStatus.PROVISIONING,
        status=status,
        status_changed_at=EPOCH,
        archiving_from=None,
        retries=0,
        warning=None,
        error=None,
        cancel_asked=False,
        init_started_at=None,
        init_completed_at=None,
        host_id=None,
        worktree_path=None,
        branch_claim=None,
        issue_claim=None,
    )


def _ended(attempt: int) -> SessionEnded:
    return SessionEnded(
        session_id="s",
        purpose=Purpose.CHAT,
        label="chat",
        agent="claude",
        model=None,
        causes=(),
        from_status=SessionStatus.RUNNING,
        status=SessionStatus.COMPLETED,
        attempt=attempt,
        end_reason=next(iter(EndReason)),
        exit_code=0,
        signal=None,
        end_detail=None,
        started_at=None,
        ended_at=EPOCH,
    )


@pytest.mark.lesson("S14")
@pytest.mark.parametrize(
    ("payload", "hints"),
    [
        (_ended(1), True),
        (_ended(0), False),
        (_status(WorkspaceStatus.READY), True),
        (_status(WorkspaceStatus.FAILED), False),
        (WorkspaceWarned(warning="w"), False),
        (WorkspaceBranchChanged(branch="b", branch_is_generated=False, branch_claim=None), True),
    ],
)
async def test_what_may_have_changed_a_pull_request_is_a_hint(room: "Room", payload: Any, hints: Any) -> None:
    """The end of a session that ran, a workspace that became READY, and a renamed branch."""
    await room.add()
    await room.service.refresh_due()
    room.clock.advance(1)
    consumer = PullRequestConsumer(room.steps)
    event = DomainEvent(
        position=1,
        workspace_id="w1",
        at=room.clock.now() - timedelta(seconds=0.5),
        actor="a",
        payload=payload,
    )
    assert await consumer.prepare(event) is None  # type: ignore[func-returns-value]  # that is the claim
    if consumer.wants(event):
        await room.store.ledger.transact(lambda tx: consumer.handle(tx, event, None))
    assert ((await room.watch()).hint_at is not None) is hints
