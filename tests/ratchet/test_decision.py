"""`decide`: each row of its table, and the whole input space."""

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests.model import CIStatus, GitHubState
from headway_core.ratchet.decision import (
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    RatchetFacts,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
    decide,
)

LOOK = datetime(2026, 1, 1, tzinfo=UTC)

TO_FIX = RatchetFacts(
    enabled=True,
    workspace_ready=True,
    state=GitHubState.OPEN,
    dispatch_live=False,
    fixer_session=None,
    held_by=None,
    held_until=None,
    branch_mismatch=False,
    unpushed=False,
    turn_in_flight=False,
    view_stale=False,
    view_overdue=False,
    head_gone=False,
    in_merge_queue=False,
    quiet=True,
    ci=CIStatus.FAILURE,
    ci_overdue=False,
    conflict=False,
    act_on_first_failure=False,
    part_unknown=False,
    part_overdue=False,
    review_outstanding=False,
    present=("CI",),
    actionable=("CI",),
    exhausted=(),
    only_feedback=False,
    answered=False,
    budget_left=True,
    session_limit_reached=False,
    capacity_left=True,
    next_look=LOOK,
)
"""Facts that lead to a fixer: each row below changes what makes it win instead."""

NOTHING: dict[str, object] = {"present": (), "actionable": (), "ci": CIStatus.SUCCESS}
HANDLED: dict[str, object] = {"actionable": ()}


def waits(reason: WaitReason) -> Wait:
    return Wait(reason=reason, look_again_at=LOOK)


def stalls(reason: StallReason) -> Stalled:
    return Stalled(reason=reason, look_again_at=LOOK)


ROWS: list[tuple[str, dict[str, object], Decision]] = [
    ("1 disabled", {"enabled": False}, Disabled()),
    ("2 workspace", {"workspace_ready": False}, waits(WaitReason.WORKSPACE)),
    ("3 no pull request", {"state": None}, waits(WaitReason.NO_PR)),
    ("3 merged", {"state": GitHubState.MERGED}, Done()),
    ("3 closed", {"state": GitHubState.CLOSED}, waits(WaitReason.CLOSED)),
    ("4 dispatch", {"dispatch_live": True}, FixerActive(session_id=None, look_again_at=LOOK)),
    ("4 any fixer", {"fixer_session": "s"}, FixerActive(session_id="s", look_again_at=LOOK)),
    ("4 held", {"held_by": "person"}, Held(by="person", until=None, look_again_at=LOOK)),
    ("5 branch", {"branch_mismatch": True}, stalls(StallReason.BRANCH_MISMATCH)),
    ("5 unpushed", {"unpushed": True}, stalls(StallReason.UNPUSHED)),
    ("5 in a turn", {"unpushed": True, "turn_in_flight": True}, waits(WaitReason.SESSION)),
    ("6 head gone", {"head_gone": True}, stalls(StallReason.NO_HEAD)),
    ("6 stale", {"view_stale": True}, waits(WaitReason.REFRESH)),
    ("6 too long", {"view_stale": True, "view_overdue": True}, stalls(StallReason.UNREACHABLE)),
    ("7 queue", {"in_merge_queue": True}, waits(WaitReason.MERGE_QUEUE)),
    ("8 quiet time", {"quiet": False}, waits(WaitReason.CI)),
    ("8 pending", {"ci": CIStatus.PENDING}, waits(WaitReason.CI)),
    (
        "8 conflict",
        {"ci": CIStatus.PENDING, "conflict": True},
        Dispatch(cause_ids=("CI",), look_again_at=LOOK),
    ),
    ("9 stuck", {**NOTHING, "ci": CIStatus.PENDING, "ci_overdue": True}, stalls(StallReason.CI_STUCK)),
    ("9 unknown", {**NOTHING, "part_unknown": True}, waits(WaitReason.UNKNOWN)),
    (
        "9 unknown for long",
        {**NOTHING, "part_unknown": True, "part_overdue": True},
        stalls(StallReason.CI_UNKNOWN),
    ),
    ("9 review", {**NOTHING, "review_outstanding": True}, AwaitingReview()),
    ("9 ready", NOTHING, Ready()),
    ("10 retries", {**HANDLED, "exhausted": ("CI",)}, stalls(StallReason.RETRIES)),
    ("10 answered", {**HANDLED, "only_feedback": True, "answered": True}, AwaitingReview()),
    ("10 unchanged", HANDLED, stalls(StallReason.UNCHANGED)),
    ("11 budget", {"budget_left": False}, stalls(StallReason.BUDGET)),
    ("12 session", {"turn_in_flight": True}, waits(WaitReason.SESSION)),
    ("12 limit", {"session_limit_reached": True}, waits(WaitReason.SESSION_LIMIT)),
    ("13 capacity", {"capacity_left": False}, waits(WaitReason.CAPACITY)),
    ("14 dispatch", {}, Dispatch(cause_ids=("CI",), look_again_at=LOOK)),
]


@pytest.mark.lesson("R2", "R4", "R8", "R9", "R11", "R24")
@pytest.mark.parametrize(("changes", "decision"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_row(changes: dict[str, object], decision: Decision) -> None:
    """The facts of a row lead to its decision."""
    assert decide(attrs.evolve(TO_FIX, **changes)) == decision  # type: ignore[arg-type]  # rows as data


ids = st.lists(st.sampled_from(["CI", "CONFLICT", "FEEDBACK:t"]), unique=True).map(tuple)


@st.composite
def any_facts(draw: st.DrawFn) -> RatchetFacts:
    """Any combination, consistent or not."""
    values: dict[str, object] = {}
    for field in attrs.fields(RatchetFacts):
        if field.type is bool:
            values[field.name] = draw(st.booleans())
    present = draw(ids)
    subset = st.lists(st.sampled_from(present), unique=True).map(tuple) if present else st.just(())
    values |= {
        "state": draw(st.sampled_from([None, *GitHubState])),
        "fixer_session": draw(st.sampled_from([None, "s"])),
        "held_by": draw(st.sampled_from([None, "person"])),
        "held_until": None,
        "ci": draw(st.sampled_from(CIStatus)),
        "present": present,
        "actionable": draw(subset),
        "exhausted": draw(subset),
        "next_look": LOOK,
    }
    return RatchetFacts(**values)  # type: ignore[arg-type]  # the fields by name


@pytest.mark.lesson("R14")
@given(any_facts())
def test_a_fixer_is_sent_only_when_everything_allows_it(facts: RatchetFacts) -> None:
    """Total over all facts; Dispatch only for an enabled, open, rested, fresh view with something to fix."""
    decision = decide(facts)
    if isinstance(decision, Dispatch):
        assert facts.enabled
        assert facts.workspace_ready
        assert facts.state is GitHubState.OPEN
        assert not facts.dispatch_live
        assert facts.fixer_session is None
        assert facts.held_by is None
        assert facts.quiet
        assert not facts.view_stale
        assert facts.budget_left
        assert facts.capacity_left
        assert not facts.turn_in_flight
        assert decision.cause_ids == facts.actionable != ()
    if isinstance(decision, Ready):
        assert not facts.present
        assert facts.ci is not CIStatus.PENDING
