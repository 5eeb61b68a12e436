"""The table of a session's life, and the ends that it can have."""

from typing import TYPE_CHECKING

import attrs
import pytest

from headway_core.kernel.errors import IllegalTransition
from headway_core.kernel.transactions import Transaction
from headway_core.processes import Ended, Exited, NeverStarted, Vanished, began
from headway_core.sessions import (
    SESSION_TRANSITIONS,
    Activity,
    EndReason,
    PromptStatus,
    Purpose,
    Session,
    SessionActivity,
    SessionState,
    SessionStatus,
    session_state,
)
from headway_core.sessions.exit_status import ExitStatus, exit_status, prompt_after
from headway_core.sessions.model import StopReason
from headway_testing.clock import EPOCH

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

S = SessionStatus
R = EndReason
SESSION = Session(
    id="s",
    workspace_id="w",
    agent="claude",
    model=None,
    purpose=Purpose.CHAT,
    label="chat",
    status=S.RUNNING,
    attempt=1,
    created_at=EPOCH,
    last_active_at=EPOCH,
)


def test_the_table_is_the_designs() -> None:
    """Domain 2, row by row; nothing else."""
    assert dict(SESSION_TRANSITIONS) == {
        S.IDLE: {S.STARTING, S.COMPLETED},
        S.COMPLETED: {S.STARTING},
        S.FAILED: {S.STARTING},
        S.STARTING: {S.RUNNING, S.COMPLETED, S.FAILED, S.STOPPING},
        S.RUNNING: {S.STOPPING, S.COMPLETED, S.FAILED},
        S.STOPPING: {S.COMPLETED, S.FAILED},
    }


@pytest.mark.anyio
@pytest.mark.parametrize("from_status", list(S))
@pytest.mark.parametrize("to", list(S))
async def test_a_move_that_the_table_does_not_have_is_refused(
    harness: "SessionsHarness", from_status: SessionStatus, to: SessionStatus
) -> None:
    """Every pair: on the table it is written, off the table IllegalTransition says both ends."""
    workspace = await harness.workspace()
    session = await harness.idle(workspace.id)
    ways: dict[SessionStatus, tuple[SessionStatus, ...]] = {
        S.IDLE: (),
        S.STARTING: (S.STARTING,),
        S.COMPLETED: (S.COMPLETED,),
    }

    def move(tx: Transaction, at: Session, status: SessionStatus) -> Session:
        over = status in {S.COMPLETED, S.FAILED}
        return harness.steps._move(
            tx, at, status, end_reason=R.EXITED if over else None, ended_at=tx.now() if over else None
        )

    def walk(tx: Transaction) -> Session:
        at = session
        for status in ways.get(from_status, (S.STARTING, from_status)):
            at = move(tx, at, status)
        return at

    stands = await harness.step(workspace.id, walk)
    if to in SESSION_TRANSITIONS[from_status]:
        assert (await harness.step(workspace.id, lambda tx: move(tx, stands, to))).status is to
    else:
        with pytest.raises(IllegalTransition) as refused:
            await harness.step(workspace.id, lambda tx: move(tx, stands, to))
        assert (refused.value.from_status, refused.value.to_status) == (from_status, to)
        assert await harness.sessions.get(session.id) == stands


ENDS: list[tuple[SessionStatus, Ended, SessionStatus, EndReason]] = [
    (S.STARTING, Exited(exit_code=0), S.COMPLETED, R.EXITED),
    (S.STARTING, Exited(exit_code=2), S.FAILED, R.EXITED),
    (S.STARTING, Exited(failed_to_start="no such file"), S.FAILED, R.START_FAILED),
    (S.STARTING, Vanished(), S.FAILED, R.LOST),
    (S.STARTING, NeverStarted(), S.FAILED, R.START_FAILED),
    (S.RUNNING, Exited(exit_code=0), S.COMPLETED, R.EXITED),
    (S.RUNNING, Exited(exit_code=1), S.FAILED, R.EXITED),
    (S.RUNNING, Exited(signal=9), S.FAILED, R.EXITED),
    (S.RUNNING, Vanished(), S.FAILED, R.LOST),
    (S.RUNNING, NeverStarted(), S.FAILED, R.LOST),
]


@pytest.mark.parametrize(("status", "found", "to", "reason"), ENDS)
def test_an_end_by_itself_says_what_was_found(
    status: SessionStatus, found: Ended, to: SessionStatus, reason: EndReason
) -> None:
    """Who was not asked to stop ends by what its attempt came to, exit code and signal kept."""
    end = exit_status(attrs.evolve(SESSION, status=status), found)
    assert (end.status, end.reason) == (to, reason)
    assert (end.status is S.FAILED) == (end.detail is not None)
    if isinstance(found, Exited):
        assert (end.exit_code, end.signal) == (found.exit_code, found.signal)


@pytest.mark.lesson("R32")
@pytest.mark.parametrize("found", [Exited(exit_code=0), Exited(signal=15), Vanished(), NeverStarted()])
@pytest.mark.parametrize(
    ("asked", "to"),
    [(R.STOPPED_BY_PERSON, S.COMPLETED), (R.STOPPED_BY_HEADWAY, S.COMPLETED), (R.TIMED_OUT, S.FAILED)],
)
def test_an_end_that_was_asked_for_has_the_askers_reason(
    found: Ended, asked: StopReason, to: SessionStatus
) -> None:
    """A deliberate stop is never taken for a crash, whatever the process did last."""
    end = exit_status(attrs.evolve(SESSION, status=S.STOPPING, stop_reason=asked), found)
    assert (end.status, end.reason) == (to, asked)
    if isinstance(found, Exited):
        assert (end.exit_code, end.signal) == (found.exit_code, found.signal)


def test_a_prompt_is_delivered_unknown_or_cancelled_by_the_evidence() -> None:
    """An exit proves that the agent ran; a supervisor that vanished proves nothing."""
    assert prompt_after(Exited(exit_code=1)) is PromptStatus.DELIVERED
    assert prompt_after(Exited(failed_to_start="gone")) is PromptStatus.CANCELLED
    assert prompt_after(Vanished()) is PromptStatus.UNKNOWN
    assert prompt_after(NeverStarted()) is PromptStatus.CANCELLED
    assert [
        began(f) for f in (Exited(signal=1), Exited(failed_to_start="x"), Vanished(), NeverStarted())
    ] == [
        True,
        False,
        True,
        False,
    ]


def test_only_an_exit_of_zero_that_nobody_asked_for_is_a_good_end() -> None:
    """`ended_well` is what the ratchet counts as COMPLETED."""

    def over(end: ExitStatus) -> Session:
        return attrs.evolve(SESSION, status=end.status, end_reason=end.reason, exit_code=end.exit_code)

    stopping = attrs.evolve(SESSION, status=S.STOPPING, stop_reason=R.STOPPED_BY_PERSON)
    assert over(exit_status(SESSION, Exited(exit_code=0))).ended_well
    assert not over(exit_status(SESSION, Exited(exit_code=1))).ended_well
    assert not over(exit_status(stopping, Exited(exit_code=0))).ended_well


@pytest.mark.parametrize("activity", [*Activity, None])
@pytest.mark.parametrize("status", list(S))
def test_activity_counts_only_while_a_session_runs(status: SessionStatus, activity: Activity | None) -> None:
    """A side row of an earlier moment never says what a session that is not RUNNING does."""
    row = activity and SessionActivity(session_id="s", workspace_id="w", activity=activity, at=EPOCH)
    seen = session_state(attrs.evolve(SESSION, status=status), row or None)
    if status is S.RUNNING and activity is not None and activity.startswith("AWAITS_"):
        assert seen is SessionState.WAITING
    elif status is S.RUNNING:
        assert seen == (activity or SessionState.UNKNOWN)
    elif status in {S.COMPLETED, S.FAILED}:
        assert seen is SessionState.ENDED
    else:
        assert seen.value == status.value
