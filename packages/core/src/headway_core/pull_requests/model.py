"""The facts kept of a pull request, and what is derived from them.

`PullRequestSnapshot` holds facts alone: CI status and pull-request state are pure functions of it
(law 2). `PullRequestWatch` is the unversioned side row of the watching: when what was read, and when
to look again; it changes at every refresh and emits nothing.
"""

import enum
from datetime import datetime

import attrs

from headway_core.kernel.tables import Index, Lock, Query, TableSpec
from headway_core.pull_requests.check_records import Check as Check  # noqa: PLC0414  part of the facts
from headway_core.pull_requests.check_records import CheckOutcome as CheckOutcome  # noqa: PLC0414  part of the facts
from headway_core.pull_requests.check_records import ExpectedCheck, PinnedCheck
from headway_core.workspaces.model import OF_LIVE_WORKSPACES


class GitHubState(enum.StrEnum):
    """GitHub's own state of a pull request."""

    OPEN = "OPEN"
    """It is open, draft or not."""
    CLOSED = "CLOSED"
    """It was closed without a merge, and may be opened again."""
    MERGED = "MERGED"
    """It was merged, which is final."""


class PRState(enum.StrEnum):
    """The state of a pull request as people name it: derived from its facts."""

    NONE = "NONE"
    """The workspace has no pull request."""
    OPEN = "OPEN"
    """It is open, without an approval or a request for changes."""
    DRAFT = "DRAFT"
    """It is an open draft, whatever its reviews say."""
    APPROVED = "APPROVED"
    """It is open and approved."""
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    """It is open, and a reviewer requested changes."""
    MERGED = "MERGED"
    """It was merged."""
    CLOSED = "CLOSED"
    """It was closed without a merge."""


class ReviewDecision(enum.StrEnum):
    """What the reviews of a pull request come to, in GitHub's terms."""

    APPROVED = "APPROVED"
    """Enough reviewers approved."""
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    """A reviewer requested changes, and has neither approved since nor been dismissed."""
    REVIEW_REQUIRED = "REVIEW_REQUIRED"
    """The base branch requires a review that is still missing."""


class DecisionSource(enum.StrEnum):
    """Where a review decision comes from."""

    GITHUB = "github"
    """GitHub told it."""
    DERIVED = "derived"
    """GitHub tells none because no review is required: taken from the latest opinion of each author who can
    push.
    """


class CIStatus(enum.StrEnum):
    """What the checks that count say together."""

    SUCCESS = "SUCCESS"
    """All of them passed, or there are none and the head's quiet time has passed."""
    FAILURE = "FAILURE"
    """At least one failed."""
    PENDING = "PENDING"
    """None failed, and at least one runs, waits for a person, or is required and missing."""
    UNKNOWN = "UNKNOWN"
    """They were not read whole at this head, or one says something that Headway does not know."""


class Mergeability(enum.StrEnum):
    """Whether the head merges into the base."""

    CLEAN = "clean"
    """It merges without a conflict."""
    CONFLICT = "conflict"
    """It conflicts with the base."""
    UNKNOWN = "unknown"
    """GitHub has not worked it out yet."""


@attrs.frozen(kw_only=True)
class Author:
    """Who wrote something. A deleted account is `ghost`."""

    login: str
    """The account's name, `ghost` for a deleted one."""
    node_id: str | None = None
    """The forge's id of the account; None for a deleted one."""
    is_bot: bool = False
    """Whether it is an app or a bot."""
    association: str = "NONE"
    """GitHub's authorAssociation, upper case."""
    can_push: bool | None = None
    """Push right to the repository; None when GitHub did not say."""
    is_viewer: bool = False
    """It is the account of Headway's own token."""

    @property
    def is_associated(self) -> bool:
        """Whether it is a person, and an owner, member or collaborator of the repository."""
        return not self.is_bot and self.association in {"OWNER", "MEMBER", "COLLABORATOR"}


@attrs.frozen(kw_only=True)
class Review:
    """One review of one author."""

    id: str
    """The forge's id."""
    author: Author
    """Who wrote it."""
    state: str
    """APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING."""
    body: str
    """Outside text, cut to 8 KiB."""
    submitted_at: datetime | None
    """When it was submitted; None when that was not told."""
    edited_at: datetime | None = None
    """When its text was last edited; None: never."""
    commit: str | None = None
    """The commit that it is about; None when that is gone."""
    thread_count: int = 0
    """How many threads it opened."""


@attrs.frozen(kw_only=True)
class ThreadComment:
    """One comment, of a review thread or of the conversation."""

    id: str
    """The forge's id."""
    author: Author
    """Who wrote it."""
    body: str
    """Outside text, cut to 8 KiB; keeps Headway's marker when it has one."""
    created_at: datetime
    """When others could read it first: of what was drafted for a review, when that was submitted."""
    edited_at: datetime | None = None
    """When it was last edited; None: never."""
    minimized: bool = False
    """Whether it was hidden at the forge."""
    url: str | None = None
    """Its address."""
    review_id: str | None = None
    """The review that it belongs to; None when it belongs to none."""


@attrs.frozen(kw_only=True)
class ReviewThread:
    """An unresolved review thread with all its comments, oldest first."""

    id: str
    """The forge's id."""
    path: str
    """The file: outside text."""
    line: int | None
    """The line in the file; None when it is about the whole file, or out of date."""
    outdated: bool
    """Whether the code has changed since."""
    comments: tuple[ThreadComment, ...]
    """All of its comments, oldest first."""


@attrs.frozen(kw_only=True)
class Head:
    """The head of the pull request."""

    ref: str
    """The branch's name: outside text."""
    commit: str
    """The commit that would be merged."""
    repository: str | None
    """`owner/name`; None when the fork is gone."""
    tip: str | None
    """The branch's tip in the same fetch; None when the branch is gone."""


@attrs.frozen(kw_only=True)
class Base:
    """The base of the pull request."""

    ref: str
    """The branch's name: outside text."""
    commit: str
    """The commit of the branch."""


@attrs.frozen(kw_only=True)
class MergeQueueEntry:
    """The entry of a pull request in a merge queue."""

    state: str
    """QUEUED, AWAITING_CHECKS, MERGEABLE, UNMERGEABLE, LOCKED; UNKNOWN is any other word, or none."""
    position: int | None
    """Its position; None when it was not told."""
    head_commit: str | None = None
    """The merge group's commit, on which the queue's checks run; None while there is none."""


@attrs.frozen(kw_only=True)
class QueueExit:
    """How a pull request last left its merge queue."""

    id: str
    """The forge's id of the event."""
    reason: str
    """GitHub's word, upper case: FAILED_CHECKS, MANUAL, MERGED, …; UNKNOWN when it was not told."""
    head: str
    """The head with which it left: another one has never been in the queue."""
    failed: tuple[Check, ...] = ()
    """The checks of its merge group that failed, as far as they could be read."""


@attrs.frozen(kw_only=True)
class PullRequestFacts:
    """All facts of one pull request, as far as they were ever read."""

    node_id: str
    """The identity: a rename or a transfer keeps it."""
    number: int
    """Its number."""
    url: str
    """Its address."""
    title: str
    """Outside text, cut to 300 characters."""
    author: Author
    """Who opened it."""
    state: GitHubState
    """GitHub's own state."""
    draft: bool
    """Whether it is a draft."""
    review_decision: ReviewDecision | None
    """The raw decision, also of a draft."""
    decision_source: DecisionSource | None
    """Where the review decision comes from; None without one."""
    head: Head
    """What it would merge."""
    base: Base
    """What it merges into."""
    updated_at: datetime
    """GitHub's `updatedAt`."""
    merge_queue: MergeQueueEntry | None
    """Its entry in a merge queue; None when it is in none."""
    queue_exit: QueueExit | None = None
    """How it last left a merge queue; None: it has not."""
    mergeability: Mergeability
    """Whether it merges."""
    checks: tuple[Check, ...]
    """The newest of each; empty when there are none, or none was ever read (`checks_complete`)."""
    checks_complete: bool
    """The stored checks are the whole list, read at `head.commit`."""
    required: tuple[str, ...] | None
    """The contexts that the base requires; None when the rules could not be read."""
    pinned: tuple[PinnedCheck, ...] = ()
    """Those of them of which one app's report alone counts."""
    reviews: tuple[Review, ...]
    """The latest opinion of each reviewer, and every review with a text, oldest first."""
    threads: tuple[ReviewThread, ...]
    """The unresolved ones."""
    comments: tuple[ThreadComment, ...] = ()
    """Of the conversation's newest comments those that ask Headway for something (`/fix`, or its account is
    addressed), oldest first.
    """
    conversation_complete: bool
    """Reviews and threads were read whole at least once; how long ago, the watch tells."""


@attrs.frozen(kw_only=True)
class PullRequestSnapshot:
    """What is known of a workspace's pull request. `PullRequestRepository` is the only writer."""

    workspace_id: str
    """The workspace."""
    version: int = 0
    """Counts the changes of the record."""
    node_id: str | None = None
    """Indexed copy of `facts.node_id`; None when no pull request is attached."""
    claim: str | None = None
    """`<host>:<node id>` while the workspace is live and this one is attached; unique, whatever the clone."""
    number: int | None = None
    """Indexed copy of `facts.number`, by which a webhook's hint finds the row."""
    head_commit: str | None = None
    """Indexed copy of `facts.head.commit`, by which a webhook's hint finds the row."""
    facts: PullRequestFacts | None = None
    """What is known of the pull request; None before the first read."""
    attached_at: datetime | None = None
    """When it was attached."""
    head_seen_at: datetime | None = None
    """When this head was first seen by us: the quiet time runs from here."""
    former_heads: tuple[str, ...] = ()
    """Heads that were replaced, newest last, at most 20: a late answer with one of them is old."""
    former_bases: tuple[str, ...] = ()
    """The same of the commits of its base."""
    declined: tuple[str, ...] = ()
    """Node ids that a person detached, newest last, at most 20: not attached again by themselves."""
    expected: tuple[ExpectedCheck, ...] = ()
    """The checks that the head before had: until this one has them too, nothing says that it is green."""
    quiet_passed: bool = False
    """A duty has recorded that the head's quiet time passed with a complete view."""
    ci_overdue: bool = False
    """A duty has recorded that checks are pending, or missing, for longer than the limit."""
    tied: tuple[int, ...] = ()
    """Numbers of several open pull requests of the branch, none of which was attached."""
    taken: int | None = None
    """Number of the pull request that was found and is another live workspace's: it was not attached."""
    taken_by: str | None = None
    """That workspace; None when nothing is taken."""
    observation: int = 0
    """The number of the fetch that these facts are from; a lower one is never believed."""


class FailureKind(enum.StrEnum):
    """Why something could not be read from the forge."""

    NOT_FOUND = "not_found"
    """There is no such thing, or the token may not know of it."""
    FORBIDDEN = "forbidden"
    """There is no token, it has expired, or it may not read this."""
    UNAVAILABLE = "unavailable"
    """There was no connection, no answer in time, or a server error: it may work later."""
    RATE_LIMITED = "rate_limited"
    """The forge refuses more questions for now."""
    NONSENSE = "nonsense"
    """The answer is not what the forge's documentation promises."""


@attrs.frozen(kw_only=True)
class PullRequestWatch:
    """When what was read, and when to look again: a side row, replaced whole, emits nothing."""

    workspace_id: str
    """The workspace."""
    begun: int = 0
    """The last observation number that was drawn."""
    believed: int = 0
    """The number of the last fetch that was believed, also when it found nothing new."""
    unconfirmed: str | None = None
    """What the last read took back (`staleness`): it is believed when a later read says so too."""
    unconfirmed_since: datetime | None = None
    """When the fetch began that said so first; None when its record lagged behind its branch."""
    fetch_began_at: datetime | None = None
    """When the newest believed fetch began; `hint_at` after it means that it may be out of date."""
    state_at: datetime | None = None
    """When the fetch began that last read the state whole: its facts are at least as new."""
    checks_at: datetime | None = None
    """The same of the checks."""
    conversation_at: datetime | None = None
    """The same of reviews and threads."""
    mergeability_at: datetime | None = None
    """The same of the mergeability."""
    unknown_reads: int = 0
    """Reads since mergeability became unknown that did not tell it: what triggers a merge check."""
    finished: int = 0
    """The number of the last fetch that has an outcome; lower than `begun` while one runs, or died."""
    due_at: datetime | None = None
    """When to refresh (attached) or to look for one (not attached); None: never by itself."""
    planned_at: datetime | None = None
    """When that was written, by our clock: what is in the future was planned while it was ahead."""
    hint_at: datetime | None = None
    """The last hint that something changed (a push, a session's end, a webhook)."""
    discovery_step: int = 0
    """Which look for a pull request of the branch comes next."""
    hinted: tuple[int, ...] = ()
    """Numbers that an agent named: looked at with each discovery, until it can be judged whose they are."""
    hinted_at: datetime | None = None
    """When the last of them was named: what git said before does not tell whose they are."""
    failures: int = 0
    """Failed fetches since the last good one."""
    failing_since: datetime | None = None
    """When the first of these failures was; None when there is none."""
    failure: FailureKind | None = None
    """Why the last fetch failed; None after a good one."""
    problem: str | None = None
    """The same in a sentence: no outside text, no secret."""
    unread: tuple[str, ...] = ()
    """What the last good fetch could not read and left as it was, each with why: no outside text."""

    @property
    def failure_summary(self) -> str | None:
        """Kind and sentence of the last failure, for people; None after a good fetch."""
        return None if self.failure is None else f"{self.failure}: {self.problem}"


BY_NODE = Query(name="by_node", equal=("node_id",))
BY_CLAIM = Query(name="by_claim", equal=("claim",))
BY_NUMBER = Query(name="by_number", equal=("number",))
BY_HEAD = Query(name="by_head", equal=("head_commit",))
SNAPSHOTS = TableSpec(
    name="pull_requests",
    record=PullRequestSnapshot,
    key=("workspace_id",),
    indexes=(
        Index(name="pull_requests_node", columns=("node_id",)),
        Index(name="pull_requests_claim", columns=("claim",), unique=True),
        Index(name="pull_requests_number", columns=("number",)),
        Index(name="pull_requests_head", columns=("head_commit",)),
    ),
    queries=(OF_LIVE_WORKSPACES, BY_NODE, BY_CLAIM, BY_NUMBER, BY_HEAD),
)
DUE = Query(name="due", up_to="due_at", order=("due_at",), limit=50)
NEXT_DUE = Query(name="next_due", present=("due_at",), order=("due_at",), limit=1)
DUE_SOON = Query(name="due_soon", up_to="due_at")
PLANNED_AHEAD = Query(name="planned_ahead", present=("due_at",), after="planned_at", limit=50)
"""Their time was set while the clock was ahead: it may be hours away."""
WATCHES = TableSpec(
    name="pull_request_watches",
    record=PullRequestWatch,
    key=("workspace_id",),
    lock=Lock.APPEND,
    indexes=(
        Index(name="pull_request_watches_due", columns=("due_at",)),
        Index(name="pull_request_watches_planned", columns=("planned_at",)),
    ),
    queries=(OF_LIVE_WORKSPACES, DUE, NEXT_DUE, DUE_SOON, PLANNED_AHEAD),
)
