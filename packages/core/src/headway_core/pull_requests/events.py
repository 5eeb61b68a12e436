"""What happens to a workspace's pull request, with the facts that a board shows (S7)."""

from typing import ClassVar

import attrs

from headway_core.pull_requests.ci import ci_of
from headway_core.pull_requests.derive import state_of
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
    """The stored facts of a pull request in brief."""

    number: int
    """Its number."""
    url: str
    """Its address."""
    title: str
    """Its title: outside text."""
    state: PRState
    """Its state as people name it."""
    draft: bool
    """Whether it is a draft."""
    ci: CIStatus
    """What the checks that count say together."""
    review_decision: ReviewDecision | None
    """What its reviews come to; None without any."""
    decision_source: DecisionSource | None
    """Where that comes from."""
    mergeability: Mergeability
    """Whether it merges."""
    merge_queue: MergeQueueEntry | None
    """Its entry in the merge queue; None when it is in none."""
    head_ref: str
    """The name of its branch: outside text."""
    head_commit: str
    """The commit that it would merge."""
    head_tip: str | None
    """The newest commit of its branch; None when the branch is gone."""
    base_ref: str
    """The branch that it merges into: outside text."""
    base_commit: str
    """The commit of that branch."""
    checks: int
    """How many checks it has, the newest of each."""
    failed_checks: int
    """How many of them failed."""
    pending_checks: int
    """How many of them are queued or run."""
    checks_complete: bool
    """Whether the checks were read whole, at this head."""
    reviews: int
    """How many reviews are known."""
    unresolved_threads: int
    """How many review threads are unresolved."""
    quiet_passed: bool
    """Whether the head's quiet time passed with a complete view."""
    ci_overdue: bool
    """Whether checks are pending for longer than `ci_limit_s`."""


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
    """A workspace got a pull request, or another one; what was known of a former one is gone."""

    event: ClassVar[str] = "pull_request.attached"
    version: ClassVar[int] = 1

    node_id: str
    """The forge's id of the pull request."""
    replaced: str | None
    """The id of the former one; None when there was none."""
    now: PullRequestDigest | None
    """What is known of it; None before the first read."""


@attrs.frozen(kw_only=True)
class PullRequestDetached:
    """A person detached the pull request of a workspace; what was known of it is gone."""

    event: ClassVar[str] = "pull_request.detached"
    version: ClassVar[int] = 1

    node_id: str
    """The forge's id of the pull request."""
    number: int | None
    """Its number; None when it was never read."""


@attrs.frozen(kw_only=True)
class PullRequestHinted:
    """Something may have changed, or somebody wants to know: it is read again at once."""

    event: ClassVar[str] = "pull_request.hinted"
    version: ClassVar[int] = 1

    by: str
    """GitHub's event and action (`check_run.completed`), or who asked for all."""


@attrs.frozen(kw_only=True)
class PullRequestChanged:
    """What is known of a pull request changed; one event a write."""

    event: ClassVar[str] = "pull_request.changed"
    version: ClassVar[int] = 1

    node_id: str
    """The forge's id of the pull request."""
    fields: tuple[str, ...]
    """The names of the changed fields, of its facts and of the snapshot, sorted."""
    now: PullRequestDigest | None
    """What is known of it."""


@attrs.frozen(kw_only=True)
class AmbiguousPullRequest:
    """Several open pull requests have the branch, and none of them is attached; or that is over."""

    event: ClassVar[str] = "pull_request.ambiguous"
    version: ClassVar[int] = 1

    numbers: tuple[int, ...]
    """Their numbers; empty when it is over."""


@attrs.frozen(kw_only=True)
class PullRequestTaken:
    """The pull request of the branch is another live workspace's, and was not attached; or that is over."""

    event: ClassVar[str] = "pull_request.taken"
    version: ClassVar[int] = 1

    number: int | None
    """Its number; None when it is over."""
    taken_by: str | None
    """The workspace that has it; None when it is over."""


EVENTS = (
    PullRequestAttached,
    PullRequestDetached,
    PullRequestHinted,
    PullRequestChanged,
    AmbiguousPullRequest,
    PullRequestTaken,
)
