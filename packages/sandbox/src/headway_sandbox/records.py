"""The facts of the sandbox's world, one frozen record a row.

Every `id` is unique over all kinds. Times ending in `_at` are ISO 8601 UTC strings with a
resolution of one second, as GitHub's are, unless they are floats (seconds since the epoch).
"""

import enum
from collections.abc import Mapping

import attrs


class Permission(enum.StrEnum):
    """What a user may do in a repository; NONE hides it altogether."""

    ADMIN = "ADMIN"
    WRITE = "WRITE"
    READ = "READ"
    NONE = "NONE"

    @property
    def can_push(self) -> bool:
        """Say whether the user has push right."""
        return self in {Permission.ADMIN, Permission.WRITE}


class Association(enum.StrEnum):
    """GitHub's CommentAuthorAssociation."""

    COLLABORATOR = "COLLABORATOR"
    CONTRIBUTOR = "CONTRIBUTOR"
    FIRST_TIMER = "FIRST_TIMER"
    FIRST_TIME_CONTRIBUTOR = "FIRST_TIME_CONTRIBUTOR"
    MANNEQUIN = "MANNEQUIN"
    MEMBER = "MEMBER"
    NONE = "NONE"
    OWNER = "OWNER"


class PullState(enum.StrEnum):
    """GitHub's PullRequestState."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    MERGED = "MERGED"


class ReviewState(enum.StrEnum):
    """GitHub's PullRequestReviewState, without PENDING: drafts of reviews are not served."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"


class CheckStatus(enum.StrEnum):
    """GitHub's CheckStatusState."""

    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    WAITING = "WAITING"
    PENDING = "PENDING"
    REQUESTED = "REQUESTED"


class Conclusion(enum.StrEnum):
    """GitHub's CheckConclusionState."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NEUTRAL = "NEUTRAL"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    TIMED_OUT = "TIMED_OUT"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    STALE = "STALE"
    STARTUP_FAILURE = "STARTUP_FAILURE"


class QueueState(enum.StrEnum):
    """GitHub's MergeQueueEntryState."""

    AWAITING_CHECKS = "AWAITING_CHECKS"
    LOCKED = "LOCKED"
    MERGEABLE = "MERGEABLE"
    QUEUED = "QUEUED"
    UNMERGEABLE = "UNMERGEABLE"


class StatusState(enum.StrEnum):
    """GitHub's StatusState."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    ERROR = "ERROR"
    PENDING = "PENDING"
    EXPECTED = "EXPECTED"


class FaultKind(enum.StrEnum):
    """Ways in which an answer can be wrong."""

    PARTIAL = "partial"  # the checks are refused: FORBIDDEN at their paths, data beside it
    SLOW = "slow"  # the answer is right, and late by `seconds`
    STALE = "stale"  # the pull request lags its branch: the previous head and its checks
    RATE_LIMITED = "rate_limited"  # HTTP 200, RATE_LIMITED, reset in `seconds`
    SECONDARY = "secondary"  # HTTP 403 with retry-after `seconds`
    HTTP_500 = "http_500"  # HTTP 500 with GitHub's JSON
    HTML = "html"  # HTTP 502 with the unicorn page
    NONSENSE = "nonsense"  # HTTP 200 with JSON that is cut in the middle
    TORN_PAGE = "torn_page"  # each list lost a row that its totalCount still counts
    SHIFTED = "shifted"  # a row came to the front of each list before this further page of it
    CUT_SHORT = "cut_short"  # RESOURCE_LIMITS_EXCEEDED, no data
    WENT_WRONG = "went_wrong"  # HTTP 200 with null data and "Something went wrong"
    HALF = "half"  # of nodes(ids:) every second one is refused: FORBIDDEN at its path


@attrs.frozen(kw_only=True)
class User:
    """An account. `token` is what it sends as bearer; a bot is served as `Bot`."""

    id: int
    login: str
    token: str
    bot: bool
    fine_grained: bool = False  # its token may not read checks by GraphQL, only by REST


@attrs.frozen(kw_only=True)
class Repository:
    """A repository, its rules and its CI."""

    id: int
    owner: str
    name: str
    origin: str  # path of the bare repository
    default_branch: str
    next_number: int  # issues and pull requests share it
    test_command: tuple[str, ...]  # empty: no CI
    ci_env: Mapping[str, str]  # added to the scrubbed environment
    ci_on_push: bool  # pushes of branches without a pull request run CI too
    ci_timeout: float  # seconds
    required_checks: tuple[str, ...]  # of the default branch; empty: none
    required_approvals: int  # of the default branch; 0: reviews are not required
    requires_resolution: bool  # threads must be resolved before a merge
    requires_up_to_date: bool  # strict checks: the head must contain the base
    ruleset: bool  # the rules are a ruleset, else a branch protection rule
    mergeable_delay: float  # seconds of UNKNOWN after the first read that follows a change
    mergeable_by_rest: bool = False  # only a read by REST starts the trial merge
    required_apps: Mapping[str, str] = attrs.field(factory=dict)  # the app that a required check is pinned to


@attrs.frozen(kw_only=True)
class FormerName:
    """A name that a repository had before it was renamed or transferred: it redirects."""

    id: int
    repository: int
    owner: str
    name: str


@attrs.frozen(kw_only=True)
class Hook:
    """A webhook of a repository: deliveries wait in the state file to be fetched, or lost."""

    id: int
    repository: int
    secret: str


@attrs.frozen(kw_only=True)
class Delivery:
    """What GitHub would post to a webhook, signed when it is fetched."""

    id: int
    hook: int
    guid: str
    event: str
    body: str
    at: str


@attrs.frozen(kw_only=True)
class Membership:
    """What one user may do in one repository."""

    id: int
    repository: int
    user: int
    permission: Permission
    association: Association


@attrs.frozen(kw_only=True)
class Branch:
    """The tip of a branch as last seen in the origin."""

    id: int
    repository: int
    name: str
    oid: str


@attrs.frozen(kw_only=True)
class Push:
    """A change of a branch that was seen; None: created, or deleted."""

    id: int
    repository: int
    branch: str
    before: str | None
    after: str | None
    at: str


@attrs.frozen(kw_only=True)
class Issue:
    """An issue."""

    id: int
    repository: int
    number: int
    author: int
    title: str
    body: str
    closed: bool
    created_at: str
    updated_at: str


@attrs.frozen(kw_only=True)
class PullRequest:
    """A pull request. `base_oid` is what the base was when last seen or when it ended."""

    id: int
    repository: int
    number: int
    author: int
    title: str
    body: str
    state: PullState
    draft: bool
    head: str
    base: str
    head_oid: str
    base_oid: str
    created_at: str
    updated_at: str
    last_edited_at: str | None = None
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: int | None = None
    merge_commit: str | None = None
    lagging_oid: str | None = None  # the head before the last push, for stale answers
    lagging_at: str | None = None  # and its updatedAt
    probe: str | None = None  # the pair "head base" whose merge was asked for
    probe_ready_at: float = 0.0  # seconds since the epoch; earlier reads say UNKNOWN
    queue: QueueState | None = None  # its entry in the merge queue
    queue_position: int = 1
    queue_oid: str | None = None  # the merge group's commit, on which the queue's checks run


@attrs.frozen(kw_only=True)
class QueueExit:
    """A pull request was taken out of the merge queue."""

    id: int
    pull: int
    reason: str  # failed_checks, manual, merged, …
    commit_oid: str | None  # the merge group's
    created_at: str


@attrs.frozen(kw_only=True)
class Review:
    """A submitted review."""

    id: int
    pull: int
    author: int
    state: ReviewState
    body: str
    commit_oid: str
    submitted_at: str
    updated_at: str


@attrs.frozen(kw_only=True)
class ReviewRequest:
    """A review asked of a user and not yet given."""

    id: int
    pull: int
    user: int


@attrs.frozen(kw_only=True)
class Thread:
    """A conversation on a line. `line` is None for a whole file and once it is outdated."""

    id: int
    pull: int
    path: str
    line: int | None
    original_line: int | None
    commit_oid: str
    outdated: bool
    resolved_by: int | None


@attrs.frozen(kw_only=True)
class Comment:
    """A comment on an issue or a pull request (`subject`), in a thread or not."""

    id: int
    subject: int
    thread: int | None
    review: int | None
    reply_to: int | None
    author: int
    body: str
    commit_oid: str | None
    created_at: str
    updated_at: str
    last_edited_at: str | None = None
    minimized: bool = False


@attrs.frozen(kw_only=True)
class CheckSuite:
    """One run of a workflow (or an app's suite when `workflow` is None) on a commit."""

    id: int
    repository: int
    commit_oid: str
    branch: str
    app: str  # slug
    workflow: str | None
    event: str | None
    run_number: int
    created_at: str
    status: CheckStatus | None = None  # of one without runs; None: what its runs say
    conclusion: Conclusion | None = None


@attrs.frozen(kw_only=True)
class CheckRun:
    """A job. `executed` ones are run here for real; others were reported by the control API."""

    id: int
    suite: int
    name: str
    status: CheckStatus
    conclusion: Conclusion | None
    started_at: str | None
    completed_at: str | None
    title: str | None
    summary: str | None
    details_url: str | None
    executed: bool
    replaced: bool  # a re-run of the same suite took its place in the rollup
    attempts: int  # how often the command was started, interruptions included


@attrs.frozen(kw_only=True)
class CommitStatus:
    """A status context; the newest of each context counts."""

    id: int
    repository: int
    commit_oid: str
    context: str
    state: StatusState
    description: str | None
    target_url: str | None
    creator: int
    created_at: str


@attrs.frozen(kw_only=True)
class Fault:
    """A wrong answer waiting for its request."""

    id: int
    kind: FaultKind
    remaining: int
    seconds: float
    operation: str | None  # GraphQL operation name; None: any
    applied: bool  # the request takes effect before its answer goes wrong


@attrs.frozen(kw_only=True)
class LackingField:
    """A field that this server's schema lacks: `Type.field`."""

    id: int
    name: str


@attrs.frozen(kw_only=True)
class Answer:
    """The first answer to a control command that came with an idempotency key."""

    id: int
    key: str
    command: str
    digest: str
    body: str


@attrs.frozen(kw_only=True)
class MergeTrial:
    """Whether two commits merge: a fact that never changes."""

    id: int
    repository: int
    pair: str  # "head base"
    conflicts: bool


@attrs.frozen(kw_only=True)
class RateWindow:
    """What a user spent in the present hour: GraphQL points, or REST requests (`core`)."""

    id: int
    user: int
    resource: str
    used: int
    reset_at: float
