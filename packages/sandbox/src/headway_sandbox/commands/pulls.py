"""Pull requests, and their place in the merge queue."""

import attrs

from headway_sandbox.commands.checks import RunView
from headway_sandbox.commands.conversation import CommentView, ReviewView, ThreadView
from headway_sandbox.records import QueueState


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
class SetQueueEntry:
    """Put a pull request into the merge queue, change its entry, or take it out (state None)."""

    number: int
    state: QueueState | None
    position: int = 1
    commit: str = ""  # of the merge group: a branch or a full object name; empty: none yet
    reason: str = "manual"  # why it is taken out
    repository: str = ""
