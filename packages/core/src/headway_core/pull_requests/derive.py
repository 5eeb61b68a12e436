"""What the facts of a pull request mean: pure functions, no clock (law 2)."""

from collections.abc import Iterable

from headway_core.pull_requests.model import (
    GitHubState,
    PRState,
    PullRequestFacts,
    PullRequestSnapshot,
    QueueExit,
    Review,
    ReviewDecision,
)
from headway_core.pull_requests.ports import StatePart


def in_repository(head_repository: str | None, repository: str) -> bool:
    """Whether a head lies in the repository of this name (`owner/name`). None: its repository is gone."""
    return head_repository is not None and head_repository.casefold() == repository.casefold()


def own_head(facts: PullRequestFacts) -> bool:
    """Whether the head is in the pull request's own repository, not in a fork.

    By two names of one answer of GitHub's, so that a repository that was renamed is still itself.
    """
    address_end = f"/{facts.head.repository}/pull/{facts.number}"
    return facts.head.repository is not None and facts.url.casefold().endswith(address_end.casefold())


def thrown_out(told: PullRequestFacts | StatePart) -> QueueExit | None:
    """How its merge queue threw this head out; None: it did not, or it is queued again, or over."""
    left = told.queue_exit
    stands = told.state is GitHubState.OPEN and told.merge_queue is None
    return left if left and stands and left.head == told.head.commit and left.reason != "MERGED" else None


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
