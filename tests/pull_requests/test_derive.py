"""What facts mean."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests import (
    ci_of,
    ci_status,
    counted,
    derived_decision,
    no_checks,
    pr_state,
    state_of,
)
from headway_core.pull_requests.check_records import PinnedCheck
from headway_core.pull_requests.model import (
    Author,
    Check,
    CheckOutcome,
    CIStatus,
    GitHubState,
    PRState,
    PullRequestSnapshot,
    Review,
    ReviewDecision,
)
from headway_core.settings.model import CIScope
from headway_testing.clock import EPOCH
from headway_testing.observations import a_check

PASSED, FAILED = a_check("test"), a_check("lint", CheckOutcome.FAILED)
PENDING, WAITS = a_check("build", CheckOutcome.PENDING), a_check("gate", CheckOutcome.WAITS_FOR_PERSON)
UNKNOWN = a_check("odd", CheckOutcome.UNKNOWN)


@pytest.mark.parametrize(
    ("checks", "more", "status"),
    [
        ((PASSED, FAILED, PENDING, UNKNOWN), {}, CIStatus.FAILURE),
        ((PASSED, FAILED), {"complete": False}, CIStatus.FAILURE),
        ((PASSED, PENDING, UNKNOWN), {}, CIStatus.PENDING),
        ((PASSED, WAITS), {}, CIStatus.PENDING),
        ((PASSED,), {"required": ("e2e",)}, CIStatus.PENDING),
        ((PASSED,), {"required": ("TEST ",)}, CIStatus.SUCCESS),
        ((), {"required": ("e2e",)}, CIStatus.PENDING),
        ((PASSED, UNKNOWN), {}, CIStatus.UNKNOWN),
        ((PASSED,), {"complete": False}, CIStatus.UNKNOWN),
        ((PASSED,), {"quiet_passed": False}, CIStatus.SUCCESS),
        ((), {"quiet_passed": False}, CIStatus.UNKNOWN),
        ((), {"complete": False}, CIStatus.UNKNOWN),
        ((), {}, CIStatus.SUCCESS),
    ],
)
@pytest.mark.lesson("S4")
def test_ci_status_is_the_first_match(
    checks: tuple[Check, ...], more: dict[str, Any], status: CIStatus
) -> None:
    """The first that matches; no checks are green only when the quiet time passed with a complete view."""
    assert ci_status(checks, **more) is status


@given(st.permutations([PASSED, FAILED, PENDING, WAITS, UNKNOWN]), st.integers(0, 5))
def test_the_order_of_checks_plays_no_part(checks: list[Check], count: int) -> None:
    """Any order gives the same status."""
    assert ci_status(checks[:count]) is ci_status(sorted(checks[:count], key=lambda check: check.name))


def test_counted_are_all_or_the_required_ones() -> None:
    """Required by the check itself or by name; where nothing is required, all; required and absent, none."""
    required = a_check("e2e", required=True)
    assert counted((PASSED, required), CIScope.ALL) == (PASSED, required)
    assert counted((PASSED, required), CIScope.REQUIRED) == (required,)
    assert counted((PASSED, FAILED), CIScope.REQUIRED, ("TEST",)) == (PASSED,)
    assert counted((PASSED, FAILED), CIScope.REQUIRED, ()) == (PASSED, FAILED)
    assert counted((PASSED, FAILED), CIScope.REQUIRED, ("absent",)) == ()


def test_what_is_required_and_absent_may_be_of_a_workflow_that_has_no_runs() -> None:
    """A broken file, or an approval that is missing, counts while a required check is absent."""
    broken = a_check("CI", CheckOutcome.FAILED, identity="suite:github-actions/1/push")
    assert counted((PASSED, broken), CIScope.REQUIRED, ("e2e",)) == (broken,)
    assert counted((PASSED, broken), CIScope.REQUIRED, ("test",)) == (PASSED,)


@pytest.mark.parametrize(
    ("app", "status"),
    [("gatekeeper", CIStatus.SUCCESS), ("impostor", CIStatus.PENDING), (None, CIStatus.PENDING)],
)
def test_a_pinned_check_is_of_its_app(app: str | None, status: CIStatus) -> None:
    """A check of that name by another app, or by nobody's, is another check."""
    pinned = (PinnedCheck(context="Gate", app="gatekeeper"),)
    gate = a_check("gate", app=app)
    assert ci_status((gate,), required=("Gate",), pinned=pinned) is status
    counts = counted((gate, FAILED), CIScope.REQUIRED, ("Gate",), pinned)
    assert counts == ((gate,) if app == "gatekeeper" else ())


@pytest.mark.parametrize("decision", [None, *ReviewDecision])
@pytest.mark.parametrize("draft", [False, True])
def test_pr_state_is_the_first_match(draft: bool, decision: ReviewDecision | None) -> None:
    """MERGED, CLOSED, DRAFT, then the decision; NONE is for none at all."""
    open_states = {
        ReviewDecision.APPROVED: PRState.APPROVED,
        ReviewDecision.CHANGES_REQUESTED: PRState.CHANGES_REQUESTED,
        ReviewDecision.REVIEW_REQUIRED: PRState.OPEN,
        None: PRState.OPEN,
    }
    given_open = PRState.DRAFT if draft else open_states[decision]
    expected = {
        None: PRState.NONE,
        GitHubState.MERGED: PRState.MERGED,
        GitHubState.CLOSED: PRState.CLOSED,
        GitHubState.OPEN: given_open,
    }
    for state, found in expected.items():
        assert pr_state(state, draft=draft, review_decision=decision) is found


def test_nothing_attached_is_none_and_unknown() -> None:
    """Without facts there is no state and no CI status."""
    empty = PullRequestSnapshot(workspace_id="w")
    assert (state_of(empty), ci_of(empty, CIScope.ALL), no_checks(empty)) == (
        PRState.NONE,
        CIStatus.UNKNOWN,
        False,
    )


def a_review(who: str, state: str, at: int | None, *, can_push: bool | None = True, body: str = "") -> Review:
    return Review(
        id=f"{who}-{state}-{at}",
        author=Author(login=who, can_push=can_push),
        state=state,
        body=body,
        submitted_at=None if at is None else EPOCH + timedelta(minutes=at),
    )


@pytest.mark.lesson("R25")
@pytest.mark.parametrize(
    ("reviews", "decision"),
    [
        ((), None),
        ((("bob", "COMMENTED", 1),), None),
        ((("bob", "APPROVED", 1),), ReviewDecision.APPROVED),
        ((("bob", "CHANGES_REQUESTED", 1),), ReviewDecision.CHANGES_REQUESTED),
        ((("bob", "CHANGES_REQUESTED", 1), ("bob", "APPROVED", 2)), ReviewDecision.APPROVED),
        ((("bob", "APPROVED", 1), ("bob", "CHANGES_REQUESTED", 2)), ReviewDecision.CHANGES_REQUESTED),
        ((("bob", "CHANGES_REQUESTED", 1), ("bob", "DISMISSED", 2)), None),
        ((("bob", "CHANGES_REQUESTED", 1), ("bob", "COMMENTED", 2)), ReviewDecision.CHANGES_REQUESTED),
        ((("bob", "CHANGES_REQUESTED", 1), ("Bob", "APPROVED", 2)), ReviewDecision.APPROVED),
        (
            (("bob", "CHANGES_REQUESTED", 1), ("bob", "APPROVED", 2), ("bob", "COMMENTED", 3)),
            ReviewDecision.APPROVED,
        ),
        ((("bob", "APPROVED", 2), ("eve", "CHANGES_REQUESTED", 1)), ReviewDecision.CHANGES_REQUESTED),
        ((("bob", "PENDING", 1),), None),
    ],
)
def test_the_derived_decision_is_that_of_the_latest_opinions(
    reviews: tuple[tuple[str, str, int], ...], decision: ReviewDecision | None
) -> None:
    """A later approval or a dismissal supersedes, a comment neither supersedes nor revives; in any order."""
    for order in permutations([a_review(*review) for review in reviews]):
        assert derived_decision(order) is decision


_OPINIONS = st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "DISMISSED"])
_OTHERS = st.sampled_from(["COMMENTED", "PENDING", "odd", ""])
_TOLD = st.lists(st.tuples(st.sampled_from(["bob", "carol"]), _OPINIONS | _OTHERS, st.booleans()), max_size=6)


@pytest.mark.lesson("R25", "S2")
@given(_TOLD, st.randoms(use_true_random=False))
def test_order_case_duplicates_and_what_is_no_opinion_decide_nothing(
    told: list[tuple[str, str, bool]], chance: Any
) -> None:
    """Whatever comes first or twice, in whatever case; comments, drafts and unknown words are no opinion."""
    reviews = [a_review(who, state, minute, can_push=push) for minute, (who, state, push) in enumerate(told)]
    opinions = [each for each in reviews if each.state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}]
    spelled = [
        attrs.evolve(
            each,
            state=chance.choice([str.lower, str.title, str.upper])(each.state),
            author=attrs.evolve(each.author, login=chance.choice([str.upper, str.title])(each.author.login)),
        )
        for each in [*reviews, *(each for each in reviews if chance.random() < 0.5)]
    ]
    chance.shuffle(spelled)
    assert derived_decision(spelled) is derived_decision(opinions)


def test_only_those_who_can_push_decide() -> None:
    """A passer-by's opinion is none, and neither is one of whom GitHub did not say."""
    assert derived_decision([a_review("eve", "CHANGES_REQUESTED", 1, can_push=False)]) is None
    assert derived_decision([a_review("eve", "APPROVED", 1, can_push=None)]) is None


@pytest.mark.lesson("S5")
def test_reviews_without_a_time_keep_their_place() -> None:
    """A null submittedAt crashes nothing."""
    reviews = [a_review("bob", "CHANGES_REQUESTED", None), a_review("bob", "APPROVED", None)]
    assert derived_decision(reviews) is ReviewDecision.APPROVED
