"""What the facts of a pull request mean: pure functions, no clock (law 2)."""

from collections.abc import Iterable, Sequence

from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    CIStatus,
    GitHubState,
    PRState,
    PullRequestFacts,
    PullRequestSnapshot,
    Review,
    ReviewDecision,
)
from headway_core.settings.model import CIScope


def _plain(name: str) -> str:
    return name.strip().casefold()


def counted(
    checks: Sequence[Check], scope: CIScope, required: Sequence[str] | None = None
) -> tuple[Check, ...]:
    """The checks that count: all of them, or those that the base requires.

    Required are the checks that say so and those with a name in `required`. Where nothing is
    required, all count.
    """
    if scope is CIScope.ALL:
        return tuple(checks)
    names = {_plain(context) for context in required or ()}
    chosen = tuple(check for check in checks if check.required or _plain(check.name) in names)
    return chosen if chosen or names else tuple(checks)


def ci_status(
    checks: Iterable[Check],
    *,
    complete: bool = True,
    quiet_passed: bool = True,
    required: Iterable[str] | None = None,
) -> CIStatus:
    """What the counted checks say together, first match.

    `complete`: the list is whole and of the head. `quiet_passed`: the head's quiet time passed with a
    complete view, so that no checks at all means that there are none. `required`: the contexts that
    must be present; names are compared without case.
    """
    checks = tuple(checks)
    outcomes = {check.outcome for check in checks}
    present = {_plain(check.name) for check in checks}
    absent = any(_plain(context) not in present for context in required or ())
    if CheckOutcome.FAILED in outcomes:
        return CIStatus.FAILURE
    if absent or outcomes & {CheckOutcome.PENDING, CheckOutcome.WAITS_FOR_PERSON}:
        return CIStatus.PENDING
    if not complete or CheckOutcome.UNKNOWN in outcomes:
        return CIStatus.UNKNOWN
    if not checks and not quiet_passed:
        return CIStatus.UNKNOWN
    return CIStatus.SUCCESS


def ci_of(snapshot: PullRequestSnapshot, scope: CIScope) -> CIStatus:
    """The CI status of what is stored. Checks of another commit than the head say nothing: UNKNOWN."""
    facts = snapshot.facts
    if facts is None or not facts.checks_complete:
        return CIStatus.UNKNOWN
    return ci_status(
        counted(facts.checks, scope, facts.required),
        complete=scope is CIScope.ALL or facts.required is not None,
        quiet_passed=snapshot.quiet_passed,
        required=facts.required,
    )


def no_checks(snapshot: PullRequestSnapshot) -> bool:
    """Whether nothing checks this head: it is green for want of checks, which people are told."""
    facts = snapshot.facts
    return facts is not None and facts.checks_complete and not facts.checks and snapshot.quiet_passed


def in_repository(head_repository: str | None, repository: str) -> bool:
    """Whether a head lies in the repository of this name (`owner/name`). None: its repository is gone."""
    return head_repository is not None and head_repository.casefold() == repository.casefold()


def own_head(facts: PullRequestFacts) -> bool:
    """Whether the head is in the pull request's own repository, not in a fork.

    By two names of one answer of GitHub's, so that a repository that was renamed is still itself.
    """
    address_end = f"/{facts.head.repository}/pull/{facts.number}"
    return facts.head.repository is not None and facts.url.casefold().endswith(address_end.casefold())


def pr_state(state: GitHubState | None, *, draft: bool, review_decision: ReviewDecision | None) -> PRState:
    """What people call the state, first match; None as state when none is attached.

    A draft hides the review decision: decisions read the raw one.
    """
    match state:
        case None:
            return PRState.NONE
        case GitHubState.MERGED:
            return PRState.MERGED
        case GitHubState.CLOSED:
            return PRState.CLOSED
        case GitHubState.OPEN:
            pass
    if draft:
        return PRState.DRAFT
    if review_decision is ReviewDecision.APPROVED:
        return PRState.APPROVED
    if review_decision is ReviewDecision.CHANGES_REQUESTED:
        return PRState.CHANGES_REQUESTED
    return PRState.OPEN


def state_of(snapshot: PullRequestSnapshot) -> PRState:
    """The state of what is stored."""
    facts = snapshot.facts
    if facts is None:
        return PRState.NONE
    return pr_state(facts.state, draft=facts.draft, review_decision=facts.review_decision)


_OPINIONS = frozenset({"APPROVED", "CHANGES_REQUESTED", "DISMISSED"})


def latest_opinions(reviews: Iterable[Review]) -> dict[str, Review]:
    """The latest opinionated review of each author, by login without case.

    A comment is no opinion: it neither supersedes nor revives one (R25). Reviews without a time keep
    the place that they have in the list.
    """
    latest: dict[str, Review] = {}
    for review in reviews:
        if review.state.upper() not in _OPINIONS:
            continue
        author = review.author.login.casefold()
        known = latest.get(author)
        if (
            known is None
            or known.submitted_at is None
            or review.submitted_at is None
            or known.submitted_at <= review.submitted_at
        ):
            latest[author] = review
    return latest


def derived_decision(reviews: Iterable[Review]) -> ReviewDecision | None:
    """The decision where GitHub gives none, because reviews are not required.

    From the latest opinionated review of each author who can push: one that requests changes
    outweighs approvals.
    """
    opinions = {
        review.state.upper() for review in latest_opinions(reviews).values() if review.author.can_push
    }
    if "CHANGES_REQUESTED" in opinions:
        return ReviewDecision.CHANGES_REQUESTED
    return ReviewDecision.APPROVED if "APPROVED" in opinions else None
