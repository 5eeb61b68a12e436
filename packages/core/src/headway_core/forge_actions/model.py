"""What Headway is to do at GitHub: intents, each with a hidden mark by which its effect is known again."""

import enum
import re
from datetime import datetime

import attrs

from headway_core.kernel.tables import Index, Parents, Query, TableSpec
from headway_core.workspaces.model import LIVE_WORKSPACES, WORKSPACES


@attrs.frozen(kw_only=True)
class OpenPullRequest:
    """Open a pull request of the workspace's branch."""

    head: str
    """The branch."""
    base: str
    """The branch to merge into."""
    title: str
    """1 to 250 characters."""
    body: str
    """Its description."""
    draft: bool
    """Whether it is opened as a draft."""


@attrs.frozen(kw_only=True)
class Reply:
    """Answer a review thread."""

    thread_id: str
    """Node id of the thread."""
    body: str
    """The text to post."""


@attrs.frozen(kw_only=True)
class Resolve:
    """Resolve a review thread."""

    thread_id: str
    """Node id of the thread."""


@attrs.frozen(kw_only=True)
class Comment:
    """Comment on the conversation of a pull request."""

    pull_request: str
    """Node id."""
    number: int
    """The pull request's number."""
    body: str
    """The text to post."""


@attrs.frozen(kw_only=True)
class RequestReview:
    """Ask people to review a pull request; who was asked already is not asked again."""

    pull_request: str
    """Node id."""
    number: int
    """The pull request's number."""
    reviewers: tuple[str, ...]
    """Logins; at least one."""


Order = OpenPullRequest | Reply | Resolve | Comment | RequestReview


@attrs.frozen(kw_only=True)
class UnusableFile:
    """A file of an agent that could not be used, or not all of it: what it asks for is refused at once."""

    file: str
    """`replies.json` or `pull-request.json`."""


class ActionStatus(enum.StrEnum):
    """What became of an action at the forge, such as a reply or an opened pull request."""

    PENDING = "PENDING"
    """It was asked for, and will be tried, or tried again, when it is due."""
    POSTING = "POSTING"
    """The call is being made; after a crash its effect is looked for before it is repeated."""
    DONE = "DONE"
    """It was done; `result` is the node id of what was made."""
    FAILED = "FAILED"
    """It was given up; `problem` says why."""


@attrs.frozen(kw_only=True)
class ForgeAction:
    """One intent. `ForgeActionSteps` is the only writer."""

    id: str
    """A random id; it is in the hidden mark of what is posted."""
    version: int = 0
    """Counts the changes of the record."""
    workspace_id: str
    """The workspace."""
    session_id: str | None
    """The session that asked for it; None when a person did."""
    order: Order | UnusableFile
    """What is to be done, or what could not be read."""
    status: ActionStatus = ActionStatus.PENDING
    """What became of it."""
    attempts: int = 0
    """How often it was tried; a refusal to open a pull request begins the count anew."""
    due_at: datetime | None
    """When to try (again); None when it is over."""
    created_at: datetime
    """When it was asked for."""
    done_at: datetime | None = None
    """When it was done; None before."""
    result: str | None = None
    """Node id of what was made."""
    problem: str | None = None
    """Why the last attempt failed; None when none did."""

    @property
    def mark(self) -> str:
        """The hidden line in the text of what is posted."""
        return f"<!-- headway:{self.id} -->"

    @property
    def waits_for_push(self) -> bool:
        """Whether it is a pull request that GitHub refused to open, which is tried again after a push."""
        refused = self.status is ActionStatus.PENDING and self.problem is not None and self.attempts == 0
        return refused and isinstance(self.order, OpenPullRequest)


MARK = re.compile(r"<!-- headway:[0-9a-zA-Z-]+ -->")
"""The hidden mark, wherever it stands."""
_OWN_MARK = re.compile(rf"(?:\A|\n)({MARK.pattern})\s*\Z")


def own_mark(text: str) -> str | None:
    """The mark in its own place, which is the last line: text of our account with it is Headway's own.

    A mark elsewhere is quoted, as by somebody who answers an e-mail. None: there is none.
    """
    found = _OWN_MARK.search(text)
    return None if found is None else found[1]


ACTION_LIMIT = 5
"""Attempts before an action is given up."""

DUE_ACTIONS = Query(name="due", up_to="due_at", order=("due_at",))
"""No page: those of a host that is away would fill it."""
NEXT_ACTION = Query(name="next", after="due_at", order=("due_at",), limit=1)
ACTIONS_OF = Query(name="of_workspace", equal=("workspace_id",), order=("created_at",))
UNDONE_OF_LIVE_WORKSPACES = Query(
    name="undone_of_live_workspaces",
    of=Parents(column="workspace_id", table=WORKSPACES, query=LIVE_WORKSPACES),
    among={"status": ("PENDING", "FAILED")},
    order=("created_at",),
)
"""What the board tells of."""
FORGE_ACTIONS = TableSpec(
    name="forge_actions",
    record=ForgeAction,
    indexes=(
        Index(name="forge_actions_workspace", columns=("workspace_id",)),
        Index(name="forge_actions_due", columns=("due_at",)),
    ),
    queries=(DUE_ACTIONS, NEXT_ACTION, ACTIONS_OF, UNDONE_OF_LIVE_WORKSPACES),
)
