"""What happens to a workspace's pull request, with the facts that a board shows (S7)."""

from typing import ClassVar

import attrs

from headway_core.pull_requests.derive import ci_of, state_of
from headway_core.pull_requests.model import (
    CheckOutcome,
    CIStatus,
    DecisionSource,
    Mergeability,
    MergeQueueEntry,
    PRState,
    PullRequestSnapshot,
    ReviewDecision,
)
from headway_core.settings.model import CIScope


@attrs.frozen(kw_only=True)
class PullRequestDigest:
    """The facts of a snapshot in brief, from the very row that was written (B5)."""

    number: int
    url: str
    title: str
    state: PRState
    draft: bool
    ci: CIStatus
    review_decision: ReviewDecision | None
    decision_source: DecisionSource | None
    mergeability: Mergeability
    merge_queue: MergeQueueEntry | None
    head_ref: str
    head_commit: str
    head_tip: str | None
    base_ref: str
    base_commit: str
    checks: int
    failed_checks: int
    pending_checks: int
    checks_complete: bool
    reviews: int
    unresolved_threads: int
    quiet_passed: bool
    ci_overdue: bool


def digest(snapshot: PullRequestSnapshot, scope: CIScope) -> PullRequestDigest | None:
    """The digest of what is stored; None before the first read."""
    facts = snapshot.facts
    if facts is None:
        return None
    outcomes = [check.outcome for check in facts.checks]
    return PullRequestDigest(
        number=facts.number,
        url=facts.url,
        title=facts.title,
        state=state_of(snapshot),
        draft=facts.draft,
        ci=ci_of(snapshot, scope),
        review_decision=facts.review_decision,
        decision_source=facts.decision_source,
        mergeability=facts.mergeability,
        merge_queue=facts.merge_queue,
        head_ref=facts.head.ref,
        head_commit=facts.head.commit,
        head_tip=facts.head.tip,
        base_ref=facts.base.ref,
        base_commit=facts.base.commit,
        checks=len(outcomes),
        failed_checks=outcomes.count(CheckOutcome.FAILED),
        pending_checks=outcomes.count(CheckOutcome.PENDING),
        checks_complete=facts.checks_complete,
        reviews=len(facts.reviews),
        unresolved_threads=len(facts.threads),
        quiet_passed=snapshot.quiet_passed,
        ci_overdue=snapshot.ci_overdue,
    )


@attrs.frozen(kw_only=True)
class PullRequestAttached:
    """The workspace has a (new) pull request; all facts of the former one are gone with this write."""

    event: ClassVar[str] = "pull_request.attached"
    version: ClassVar[int] = 1

    node_id: str
    replaced: str | None
    """Node id of the pull request that was attached before."""
    now: PullRequestDigest | None
    """None: it was not read yet."""


@attrs.frozen(kw_only=True)
class PullRequestDetached:
    """A person took the pull request away from the workspace; all its facts are gone with this write."""

    event: ClassVar[str] = "pull_request.detached"
    version: ClassVar[int] = 1

    node_id: str
    number: int | None


@attrs.frozen(kw_only=True)
class PullRequestHinted:
    """Something may have changed, or somebody wants to know: it is read again at once."""

    event: ClassVar[str] = "pull_request.hinted"
    version: ClassVar[int] = 1

    by: str
    """GitHub's event and action (`check_run.completed`), or who asked for all."""


@attrs.frozen(kw_only=True)
class PullRequestChanged:
    """Facts changed; one event a write."""

    event: ClassVar[str] = "pull_request.changed"
    version: ClassVar[int] = 1

    node_id: str
    fields: tuple[str, ...]
    """The changed fields of `PullRequestFacts` and of the snapshot, sorted."""
    now: PullRequestDigest | None


@attrs.frozen(kw_only=True)
class AmbiguousPullRequest:
    """Several open pull requests have the branch and none goes first: none is attached.

    Without numbers: it is ambiguous no more.
    """

    event: ClassVar[str] = "pull_request.ambiguous"
    version: ClassVar[int] = 1

    numbers: tuple[int, ...]


EVENTS = (
    PullRequestAttached,
    PullRequestDetached,
    PullRequestHinted,
    PullRequestChanged,
    AmbiguousPullRequest,
)
