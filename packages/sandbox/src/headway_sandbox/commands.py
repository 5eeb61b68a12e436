"""The control API's vocabulary: one attrs class a command, and the values that answer them.

`repository` is "owner/name"; empty means the only one. `user` is a login. Server and client share
these classes; the name of a class is its path under /control/.
"""

from collections.abc import Mapping

import attrs

from headway_sandbox.records import (
    Association,
    CheckStatus,
    Conclusion,
    FaultKind,
    Permission,
    QueueState,
    ReviewState,
    StatusState,
)

# Answers


@attrs.frozen(kw_only=True)
class UserView:
    """An account and what it may do."""

    login: str
    token: str
    node_id: str
    permissions: Mapping[str, Permission]  # by "owner/name"


@attrs.frozen(kw_only=True)
class IssueView:
    """An issue."""

    number: int
    node_id: str
    url: str
    title: str
    state: str


@attrs.frozen(kw_only=True)
class CommentView:
    """A comment, in a thread or in the conversation."""

    id: int
    node_id: str
    author: str
    body: str
    minimized: bool
    created_at: str


@attrs.frozen(kw_only=True)
class ThreadView:
    """A review thread with its comments, oldest first."""

    id: int
    node_id: str
    path: str
    line: int | None
    resolved: bool
    outdated: bool
    resolved_by: str | None
    comments: tuple[CommentView, ...]


@attrs.frozen(kw_only=True)
class ReviewView:
    """A review; `threads` are the ids of those that it opened."""

    id: int
    node_id: str
    author: str
    state: ReviewState
    body: str
    commit: str
    threads: tuple[int, ...]


@attrs.frozen(kw_only=True)
class RunView:
    """A check run. `attempts` counts starts of the command, interrupted ones included."""

    id: int
    name: str
    commit: str
    branch: str
    app: str
    event: str | None
    status: CheckStatus
    conclusion: Conclusion | None
    title: str | None
    summary: str | None
    replaced: bool
    attempts: int
    completed_at: str | None


@attrs.frozen(kw_only=True)
class StatusView:
    """A commit status."""

    context: str
    commit: str
    state: StatusState


@attrs.frozen(kw_only=True)
class PushView:
    """A push that was seen."""

    branch: str
    before: str | None
    after: str | None
    at: str


@attrs.frozen(kw_only=True)
class PullView:
    """A pull request with all that hangs on it."""

    number: int
    node_id: str
    url: str
    author: str
    title: str
    body: str
    state: str
    draft: bool
    head: str
    base: str
    head_oid: str
    base_oid: str
    mergeable: str
    merge_state: str
    review_decision: str | None
    merge_commit: str | None
    created_at: str
    updated_at: str
    review_requests: tuple[str, ...]
    reviews: tuple[ReviewView, ...]
    threads: tuple[ThreadView, ...]
    comments: tuple[CommentView, ...]
    runs: tuple[RunView, ...]  # on the present head, replaced ones included


@attrs.frozen(kw_only=True)
class RepositoryView:
    """A repository with everything in it."""

    name: str  # owner/name
    origin: str
    default_branch: str
    branches: Mapping[str, str]
    pulls: tuple[PullView, ...]
    issues: tuple[IssueView, ...]
    runs: tuple[RunView, ...]
    statuses: tuple[StatusView, ...]
    pushes: tuple[PushView, ...]


@attrs.frozen(kw_only=True)
class FaultView:
    """A fault and how many answers it will still spoil."""

    kind: FaultKind
    remaining: int
    operation: str | None


@attrs.frozen(kw_only=True)
class WorldState:
    """Everything, for assertions."""

    instance: str
    users: tuple[UserView, ...]
    repositories: tuple[RepositoryView, ...]
    faults: tuple[FaultView, ...]


@attrs.frozen(kw_only=True)
class HookView:
    """A webhook."""

    id: int


@attrs.frozen(kw_only=True)
class DeliveryView:
    """A delivery as it would be posted: headers in GitHub's spelling, the signed body."""

    id: int
    event: str
    headers: Mapping[str, str]
    body: str


@attrs.frozen(kw_only=True)
class DeliveriesView:
    """Deliveries, oldest first."""

    deliveries: tuple[DeliveryView, ...]


@attrs.frozen(kw_only=True)
class CommitView:
    """A commit that a command made or found."""

    oid: str


@attrs.frozen(kw_only=True)
class Health:
    """Who answers."""

    instance: str
    pid: int


@attrs.frozen(kw_only=True)
class Done:
    """Nothing more to say."""


# Commands


@attrs.frozen(kw_only=True)
class UserSpec:
    """A user to create. Without `token` one is generated; without `association` it follows."""

    login: str
    permission: Permission = Permission.WRITE
    token: str | None = None
    association: Association | None = None
    bot: bool = False
    fine_grained: bool = False  # its token may not read checks by GraphQL, only by REST


@attrs.frozen(kw_only=True)
class CreateRepository:
    """Serve a bare repository. Known already with the same origin: its settings are kept."""

    owner: str
    name: str
    origin: str  # absolute path of a bare git repository
    default_branch: str = "main"
    users: tuple[UserSpec, ...] = ()
    test_command: tuple[str, ...] = ()  # empty: no CI
    ci_env: Mapping[str, str] = attrs.field(factory=dict)
    ci_on_push: bool = False
    ci_timeout: float = 300.0  # seconds
    required_checks: tuple[str, ...] = ()
    required_approvals: int = 0
    requires_resolution: bool = False
    requires_up_to_date: bool = False
    ruleset: bool = False
    mergeable_delay: float = 0.0  # seconds of UNKNOWN after the read that follows a change
    mergeable_by_rest: bool = False  # only a read by REST starts the trial merge


@attrs.frozen(kw_only=True)
class ChangeRepository:
    """Change settings; None leaves as it is."""

    repository: str = ""
    test_command: tuple[str, ...] | None = None
    ci_env: Mapping[str, str] | None = None
    ci_on_push: bool | None = None
    ci_timeout: float | None = None
    required_checks: tuple[str, ...] | None = None
    required_approvals: int | None = None
    requires_resolution: bool | None = None
    requires_up_to_date: bool | None = None
    ruleset: bool | None = None
    mergeable_delay: float | None = None
    mergeable_by_rest: bool | None = None


@attrs.frozen(kw_only=True)
class RenameRepository:
    """Rename or transfer a repository; its former name redirects. Empty: stays as it is."""

    name: str = ""
    owner: str = ""
    repository: str = ""


@attrs.frozen(kw_only=True)
class CreateUser:
    """Create a user, or give a known one another permission."""

    user: UserSpec
    repository: str = ""


@attrs.frozen(kw_only=True)
class CreateIssue:
    """Open an issue."""

    user: str
    title: str
    body: str = ""
    repository: str = ""


@attrs.frozen(kw_only=True)
class OpenPullRequest:
    """Open a pull request; one that is open already for the branches is an error."""

    user: str
    head: str
    title: str
    base: str = ""  # empty: the default branch
    body: str = ""
    draft: bool = False
    repository: str = ""


@attrs.frozen(kw_only=True)
class EditPullRequest:
    """Change texts or the draft flag; None leaves as it is."""

    number: int
    title: str | None = None
    body: str | None = None
    draft: bool | None = None
    repository: str = ""


@attrs.frozen(kw_only=True)
class Remark:
    """A thread of a review; line None means the whole file."""

    path: str
    body: str
    line: int | None = None


@attrs.frozen(kw_only=True)
class SubmitReview:
    """Submit a review: APPROVED, CHANGES_REQUESTED or COMMENTED."""

    user: str
    number: int
    state: ReviewState
    body: str = ""
    threads: tuple[Remark, ...] = ()
    repository: str = ""


@attrs.frozen(kw_only=True)
class DismissReview:
    """Dismiss a review."""

    review: int


@attrs.frozen(kw_only=True)
class RequestReview:
    """Ask a user for a review."""

    number: int
    user: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class ReplyToThread:
    """Reply in a thread."""

    user: str
    thread: int
    body: str


@attrs.frozen(kw_only=True)
class ResolveThread:
    """Resolve a thread, or unresolve it."""

    user: str
    thread: int
    resolved: bool = True


@attrs.frozen(kw_only=True)
class AddComment:
    """Comment on a pull request or an issue."""

    user: str
    number: int
    body: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class EditComment:
    """Edit or hide a comment; None leaves as it is."""

    comment: int
    body: str | None = None
    minimized: bool | None = None


@attrs.frozen(kw_only=True)
class MergePullRequest:
    """Merge for real. A merged pull request answers as it is."""

    user: str
    number: int
    squash: bool = False
    repository: str = ""


@attrs.frozen(kw_only=True)
class ClosePullRequest:
    """Close without merging."""

    number: int
    repository: str = ""


@attrs.frozen(kw_only=True)
class ReopenPullRequest:
    """Open a closed pull request again."""

    number: int
    repository: str = ""


@attrs.frozen(kw_only=True)
class DeleteBranch:
    """Delete a branch in the origin; its open pull requests close. Absent already: fine."""

    branch: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class CommitFiles:
    """Commit files onto a branch in the origin (None removes one).

    A branch that has exactly these contents already stays: so a retry after a crash does nothing.
    A branch that does not exist starts at `start`, a branch or commit (empty: the default branch).
    """

    branch: str
    files: Mapping[str, str | None]
    message: str
    user: str
    start: str = ""
    repository: str = ""


@attrs.frozen(kw_only=True)
class ForcePush:
    """Move a branch of the origin to any commit (a branch or a full object name)."""

    user: str
    branch: str
    commit: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class SetQueueEntry:
    """Put a pull request into the merge queue, change its entry, or take it out (state None)."""

    number: int
    state: QueueState | None
    position: int = 1
    commit: str = ""  # of the merge group: a branch or a full object name; empty: none yet
    repository: str = ""


@attrs.frozen(kw_only=True)
class CreateHook:
    """Add a webhook: from now on every change leaves a delivery."""

    secret: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class ListDeliveries:
    """Fetch deliveries, oldest first. Nothing is marked: who fetches may lose, repeat and reorder."""

    after: int = 0  # the id of the last one that was fetched
    limit: int = 1000  # of all repositories; those of others are left out
    repository: str = ""


@attrs.frozen(kw_only=True)
class SetStatus:
    """Add a commit status; `commit` is a branch or a full object name."""

    user: str
    commit: str
    context: str
    state: StatusState
    description: str | None = None
    target_url: str | None = None
    repository: str = ""


@attrs.frozen(kw_only=True)
class ReportCheck:
    """Report a check run of another app; the same name again updates it."""

    commit: str
    name: str
    status: CheckStatus
    conclusion: Conclusion | None = None
    app: str = "other-app"
    title: str | None = None
    summary: str | None = None
    details_url: str | None = None
    repository: str = ""


@attrs.frozen(kw_only=True)
class RerunCheck:
    """Run a finished job again, under a new id.

    In place, as `gh run rerun` does; `fresh` is a new run of the workflow beside the old one.
    """

    run: int
    fresh: bool = False


@attrs.frozen(kw_only=True)
class AddFault:
    """Spoil the next `count` answers (of one GraphQL operation, of REST: `rest`, or of any)."""

    kind: FaultKind
    count: int = 1
    seconds: float = 0.0
    operation: str | None = None
    applied: bool = False  # a mutation takes effect although its answer is lost


@attrs.frozen(kw_only=True)
class SetClock:
    """Let the world's time stand at a moment; None: it is the machine's again."""

    at: float | None  # seconds since the epoch


@attrs.frozen(kw_only=True)
class ClearFaults:
    """Forget all faults."""
