"""`decide` is its table: each row, their order, and what holds over the whole input space."""

from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.pull_requests.model import CIStatus, GitHubState
from headway_core.ratchet.decision import (
    _TABLE,
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    PersonReason,
    QuietTime,
    RatchetFacts,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
    decide,
)
from headway_core.ratchet.sentences import sentence
from headway_testing.clock import EPOCH

IN_TIME = EPOCH + timedelta(hours=1)
POLLED = EPOCH + timedelta(seconds=60)
SOON = EPOCH + timedelta(seconds=2)

RESTING = QuietTime(head_seen_at=EPOCH, ends_at=EPOCH + timedelta(seconds=90))

FAILING = RatchetFacts(
    enabled=True,
    workspace_ready=True,
    state=GitHubState.OPEN,
    dispatch_live=False,
    fixer_session=None,
    held_by=None,
    held_until=None,
    branch_mismatch=False,
    unpushed=False,
    dirty=False,
    other_commit=False,
    forward_refused=False,
    setup_warned=False,
    stopped=False,
    turn_in_flight=False,
    turn_hangs=False,
    view_stale=False,
    view_overdue=False,
    head_gone=False,
    in_merge_queue=False,
    quiet=True,
    quiet_time=RESTING,
    ci=CIStatus.FAILURE,
    checks_pending=False,
    checks_absent=False,
    checks_lacking=False,
    checks_cancelled=False,
    awaited_of_person=None,
    ci_overdue=False,
    conflict=False,
    act_on_first_failure=False,
    part_unknown=False,
    part_overdue=False,
    review_outstanding=False,
    present=("CI",),
    actionable=("CI",),
    backs_off=False,
    exhausted=(),
    only_feedback=False,
    answered=False,
    budget_left=True,
    session_limit_reached=False,
    capacity_left=True,
    next_look=IN_TIME,
    poll_at=POLLED,
    poll_soon_at=SOON,
)
"""An open pull request whose CI failed: there is everything to do, and nothing in the way."""

GREEN = {"present": (), "actionable": (), "ci": CIStatus.SUCCESS}
TRIED = {"actionable": ()}
PENDING = {"ci": CIStatus.PENDING, "checks_pending": True}
CANCELLED = {"present": (), "actionable": (), "checks_cancelled": True}
ABSENT = GREEN | {"ci": CIStatus.PENDING, "checks_absent": True}
LACKING = GREEN | {"ci": CIStatus.UNKNOWN, "part_unknown": True, "checks_lacking": True}
WAITS = GREEN | {"ci": CIStatus.PENDING, "awaited_of_person": PersonReason.CHECKS}
FEEDBACK = {"present": ("FEEDBACK:t",), "ci": CIStatus.SUCCESS, "only_feedback": True}


def _wait(reason: WaitReason, look: datetime | None = IN_TIME) -> Wait:
    return Wait(reason=reason, recheck_at=look)


def _stalled(reason: StallReason, look: datetime | None = IN_TIME) -> Stalled:
    return Stalled(reason=reason, recheck_at=look)


def _active(session: str | None) -> FixerActive:
    return FixerActive(session_id=session, recheck_at=POLLED)


ROWS: list[tuple[dict[str, Any], Decision]] = [
    ({"enabled": False}, Disabled()),
    ({"workspace_ready": False}, _wait(WaitReason.WORKSPACE, None)),
    ({"state": None}, _wait(WaitReason.NO_PR, None)),
    ({"state": GitHubState.MERGED}, Done()),
    ({"state": GitHubState.CLOSED}, _wait(WaitReason.CLOSED, None)),
    ({"dispatch_live": True}, _active(None)),
    ({"fixer_session": "s1"}, _active("s1")),
    ({"held_by": "person", "held_until": EPOCH}, Held(by="person", until=EPOCH, recheck_at=IN_TIME)),
    ({"stopped": True}, _stalled(StallReason.STOPPED)),
    ({"branch_mismatch": True}, _stalled(StallReason.BRANCH_MISMATCH, POLLED)),
    ({"unpushed": True}, _stalled(StallReason.UNPUSHED, POLLED)),
    ({"view_stale": True, "view_overdue": True}, _stalled(StallReason.UNREACHABLE, POLLED)),
    ({"view_stale": True}, _wait(WaitReason.REFRESH, SOON)),
    ({"head_gone": True}, _stalled(StallReason.NO_HEAD)),
    ({"in_merge_queue": True}, _wait(WaitReason.MERGE_QUEUE)),
    ({"quiet": False}, attrs.evolve(_wait(WaitReason.CI), quiet_time=RESTING)),
    (PENDING | {"present": (), "actionable": ()}, _wait(WaitReason.CI)),
    ({"checks_pending": True}, _wait(WaitReason.CI)),
    (CANCELLED, _stalled(StallReason.CI_CANCELLED)),
    (GREEN | PENDING | {"ci_overdue": True}, _stalled(StallReason.CI_STUCK)),
    (ABSENT | {"ci_overdue": True}, _stalled(StallReason.CHECKS_MISSING)),
    (ABSENT, _wait(WaitReason.CI)),
    (LACKING | {"ci_overdue": True}, _stalled(StallReason.CHECKS_MISSING)),
    (LACKING, _wait(WaitReason.UNKNOWN)),
    (LACKING | {"part_overdue": True}, _wait(WaitReason.UNKNOWN)),
    (GREEN | {"part_unknown": True, "part_overdue": True}, _stalled(StallReason.CI_UNKNOWN)),
    (GREEN | {"part_unknown": True}, _wait(WaitReason.UNKNOWN)),
    (GREEN | {"review_outstanding": True}, AwaitingReview(recheck_at=IN_TIME)),
    (WAITS, AwaitingPerson(reason=PersonReason.CHECKS, recheck_at=IN_TIME)),
    (GREEN, Ready(recheck_at=IN_TIME)),
    (TRIED | {"backs_off": True}, _wait(WaitReason.BACKOFF)),
    (TRIED | {"exhausted": ("CI",)}, _stalled(StallReason.RETRIES)),
    (TRIED | FEEDBACK | {"answered": True}, AwaitingReview(recheck_at=IN_TIME)),
    (TRIED | FEEDBACK, _stalled(StallReason.UNCHANGED)),
    (TRIED | {"answered": True}, _stalled(StallReason.UNCHANGED)),
    ({"setup_warned": True}, _stalled(StallReason.SETUP)),
    ({"budget_left": False}, _stalled(StallReason.BUDGET)),
    ({"turn_in_flight": True}, _wait(WaitReason.SESSION, POLLED)),
    ({"turn_hangs": True}, _stalled(StallReason.SESSION, POLLED)),
    ({"dirty": True}, Held(by="dirty", until=None, recheck_at=POLLED)),
    ({"other_commit": True, "forward_refused": True}, _stalled(StallReason.OTHER_COMMIT, POLLED)),
    ({"other_commit": True}, _wait(WaitReason.FAST_FORWARD, POLLED)),
    ({"session_limit_reached": True}, _wait(WaitReason.SESSION_LIMIT, POLLED)),
    ({"capacity_left": False}, _wait(WaitReason.CAPACITY, POLLED)),
    ({}, Dispatch(cause_ids=("CI",), recheck_at=IN_TIME)),
]


@pytest.mark.lesson("R4", "R11", "R24")
@pytest.mark.parametrize(("changes", "expected"), ROWS, ids=lambda value: str(value)[:60])
def test_each_row_concludes_what_the_table_says(changes: dict[str, Any], expected: Decision) -> None:
    """One change of the base case reaches one row, and the row says when to look again."""
    assert decide(attrs.evolve(FAILING, **changes)) == expected


def test_the_rows_above_are_all_there_are() -> None:
    """A condition that no case reaches would be a rule that nobody has proved."""
    reached = set()
    for changes, _ in ROWS:
        facts = attrs.evolve(FAILING, **changes)
        reached.add(next((n for n, (condition, _) in enumerate(_TABLE) if condition(facts)), len(_TABLE)))
    assert reached == set(range(len(_TABLE) + 1))


ORDER: list[tuple[dict[str, Any], type[Decision]]] = [
    ({"enabled": False, "state": GitHubState.MERGED, "dispatch_live": True}, Disabled),
    ({"state": GitHubState.MERGED, "dispatch_live": True, "held_by": "person"}, Done),
    (GREEN | {"fixer_session": "s1"}, FixerActive),
    (GREEN | {"dispatch_live": True, "held_by": "person"}, FixerActive),
    ({"held_by": "person", "view_stale": True, "branch_mismatch": True}, Held),
    ({"head_gone": True, "view_stale": True}, Wait),
    (GREEN | {"setup_warned": True}, Ready),
    (GREEN | {"setup_warned": True, "review_outstanding": True}, AwaitingReview),
    (WAITS | {"ci_overdue": True}, AwaitingPerson),
    (WAITS | {"ci_overdue": True, "checks_absent": True}, AwaitingPerson),
    (WAITS | {"review_outstanding": True}, AwaitingReview),
    (WAITS | {"checks_pending": True}, Wait),
    (WAITS | {"part_unknown": True}, Wait),
    ({"awaited_of_person": PersonReason.CHECKS, "checks_absent": True}, Dispatch),
    (FEEDBACK | {"actionable": ("FEEDBACK:t",), "awaited_of_person": PersonReason.CHECKS}, Dispatch),
    (FEEDBACK | {"actionable": ("FEEDBACK:t",), "checks_cancelled": True}, Dispatch),
    (CANCELLED | {"checks_pending": True}, Wait),
    (CANCELLED | {"checks_pending": True, "act_on_first_failure": True}, Wait),
]


@pytest.mark.lesson("R11")
@pytest.mark.parametrize(("changes", "kind"), ORDER, ids=lambda value: str(value)[:60])
def test_the_first_row_wins(changes: dict[str, Any], kind: type[Decision]) -> None:
    """Off beats merged, merged beats active, an active fixer is seen on a green pull request too."""
    assert isinstance(decide(attrs.evolve(FAILING, **changes)), kind)


@pytest.mark.lesson("R2")
@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True),
        ({"conflict": True}, False),
        ({"ci_overdue": True}, False),
        ({"act_on_first_failure": True}, False),
        ({"checks_absent": True}, True),
        ({"act_on_first_failure": True, "ci": CIStatus.PENDING}, True),
        ({"act_on_first_failure": True, "quiet": False}, True),
    ],
)
def test_running_checks_are_waited_for(changes: dict[str, Any], *, waits: bool) -> None:
    """A failure beside checks that still run waits for them, unless settings or a conflict say otherwise."""
    decision = decide(attrs.evolve(FAILING, checks_pending=True, **changes))
    assert isinstance(decision, Wait if waits else Dispatch)


def test_unpushed_commits_of_a_turn_in_flight_are_no_stall() -> None:
    """While another session works, its commits are on their way."""
    decision = decide(attrs.evolve(FAILING, unpushed=True, turn_in_flight=True))
    assert decision == _wait(WaitReason.SESSION, POLLED)


_IDS = st.sampled_from([(), ("CI",), ("CONFLICT",), ("CI", "FEEDBACK:t")])
_TIMES = st.one_of(st.none(), st.datetimes())
ANY_FACTS = st.builds(
    RatchetFacts,
    state=st.sampled_from([None, *GitHubState]),
    ci=st.sampled_from(CIStatus),
    awaited_of_person=st.sampled_from([None, *PersonReason]),
    fixer_session=st.sampled_from([None, "s1"]),
    held_by=st.sampled_from([None, "person"]),
    held_until=_TIMES,
    next_look=_TIMES,
    quiet_time=st.sampled_from([None, RESTING]),
    poll_at=st.datetimes(),
    poll_soon_at=st.datetimes(),
    present=_IDS,
    actionable=_IDS,
    exhausted=_IDS,
)


@pytest.mark.lesson("R2", "R4", "R8", "R9", "R24")
@settings(max_examples=500, deadline=None)
@given(facts=ANY_FACTS)
def test_it_always_decides_and_says_why(facts: RatchetFacts) -> None:
    """Total: every input has a decision, a reason and a sentence."""
    decision = decide(facts)
    assert isinstance(decision, Decision)
    assert all(attrs.astuple(sentence(decision)))


EVENT_TELLS = {
    WaitReason.WORKSPACE: "every step of its lifecycle, and a host's loss or return, is an event",
    WaitReason.NO_PR: "attaching one is an event",
    WaitReason.CLOSED: "its state is a fact, and a change of it an event",
}
"""What may be waited for without ever looking by itself; `test_service` shows that these events wake."""


@settings(max_examples=500, deadline=None)
@given(facts=ANY_FACTS)
def test_who_waits_looks_again_in_time_or_is_woken(facts: RatchetFacts) -> None:
    """No Wait, Stalled or FixerActive of an open pull request sleeps for ever: it knows when it looks."""
    decision = decide(attrs.evolve(facts, next_look=IN_TIME))
    match decision:
        case Wait(reason=reason, recheck_at=None):
            assert reason in EVENT_TELLS
        case Disabled() | Done():
            assert decision.recheck_at is None
        case _:
            assert decision.recheck_at is not None


MAY_DISPATCH: dict[str, Any] = {
    "enabled": True,
    "workspace_ready": True,
    "state": GitHubState.OPEN,
    "dispatch_live": False,
    "fixer_session": None,
    "held_by": None,
    "branch_mismatch": False,
    "unpushed": False,
    "setup_warned": False,
    "stopped": False,
    "view_stale": False,
    "head_gone": False,
    "in_merge_queue": False,
    "quiet": True,
    "turn_in_flight": False,
    "turn_hangs": False,
    "dirty": False,
    "other_commit": False,
    "budget_left": True,
    "session_limit_reached": False,
    "capacity_left": True,
}


@st.composite
def _nearly_dispatched(draw: st.DrawFn) -> RatchetFacts:
    """Any facts, where each guard is drawn as open more often than as shut."""
    facts = draw(ANY_FACTS)
    kept = {name: value for name, value in MAY_DISPATCH.items() if draw(st.integers(0, 15))}
    return attrs.evolve(facts, **kept)


@pytest.mark.lesson("R2", "R4", "R8", "R9")
@settings(max_examples=500, deadline=None)
@given(facts=_nearly_dispatched())
def test_a_dispatch_means_that_nothing_is_in_the_way(facts: RatchetFacts) -> None:
    """Dispatch exactly when every guard is open, checks came to an end, and a present cause is actionable."""
    guards = all(getattr(facts, name) == value for name, value in MAY_DISPATCH.items())
    ended = (
        not facts.checks_pending
        or facts.conflict
        or facts.ci_overdue
        or (facts.act_on_first_failure and facts.ci is CIStatus.FAILURE)
    )
    wanted = guards and ended and bool(facts.present) and bool(facts.actionable)
    decision = decide(facts)
    assert isinstance(decision, Dispatch) is wanted
    if isinstance(decision, Dispatch):
        assert decision.cause_ids == facts.actionable
