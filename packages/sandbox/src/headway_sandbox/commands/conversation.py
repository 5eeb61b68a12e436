"""What people say: issues, comments, reviews and their threads."""

import attrs

from headway_sandbox.records import ReviewState


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
class CreateIssue:
    """Open an issue."""

    user: str
    title: str
    body: str = ""
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
