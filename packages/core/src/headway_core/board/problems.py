"""What is wrong with a workspace, the gravest first, and what is worth knowing: pure, from its facts."""

import enum
from collections.abc import Callable

import attrs

from headway_core.board.model import StatusReason, WorkspaceView
from headway_core.forge_actions.model import (
    ActionStatus,
    Comment,
    OpenPullRequest,
    Reply,
    RequestReview,
    Resolve,
    UnusableFile,
)
from headway_core.pull_requests.model import GitHubState
from headway_core.ratchet.decision import QuietTime, Stalled, Wait
from headway_core.ratchet.sentences import sentence
from headway_core.sessions.model import EndReason, SessionStatus


class ProblemKind(enum.StrEnum):
    """What is wrong, the gravest first."""

    WORKSPACE = "workspace"
    """The workspace could not be set up or archived."""
    STOPPED = "stopped"
    """The workspace is stopped for a person to look: what is found of an agent can't all be true."""
    HOST = "host"
    """The host of the workspace is lost or retired: nothing can be done in it."""
    SESSION = "session"
    """The newest session failed."""
    RATCHET = "ratchet"
    """The ratchet is stalled: it will not act before something changes."""
    FORGE = "forge"
    """The pull request could not be read: what is known of it grows old."""
    PULL_REQUEST = "pull_request"
    """The pull request of its branch is another workspace's: it was not attached."""
    REFUSED = "refused"
    """What was asked for at the forge was refused."""
    PART = "part"
    """A part of the pull request could not be read, and is as it was."""
    STARTUP = "startup"
    """The workspace is ready with a warning: its start-up script failed, or its worktree is missing."""


@attrs.frozen(kw_only=True)
class Problem:
    """One thing that is wrong."""

    kind: ProblemKind
    """What it is about."""
    text: str
    """What is wrong, for people; text from outside may be in it."""


def problems_of(view: WorkspaceView) -> tuple[Problem, ...]:
    """Everything that is wrong, the gravest first; empty when nothing is, and of an archived workspace."""
    if not view.workspace.is_live:
        return ()
    told = ((kind, text(view)) for kind, text in _TEXTS.items())
    return tuple(Problem(kind=kind, text=text) for kind, text in told if text)


def note(view: WorkspaceView, reason: StatusReason) -> str | None:
    """What a person should know though nothing is wrong: when a head that rests is judged; None: nothing."""
    match view.decision:
        case Wait(quiet_time=QuietTime()) if reason is StatusReason.WAITING_FOR_CI:
            return sentence(view.decision).why
        case _:
            return None


def _host(view: WorkspaceView) -> str | None:
    lost = view.host_lost and view.workspace.is_live
    return "its host is lost or retired" if lost else None


def _session(view: WorkspaceView) -> str | None:
    newest = view.sessions[-1] if view.sessions else None
    if newest is not None and newest.end_reason is EndReason.CONTRADICTORY and view.workspace.stopped:
        return None  # told of the workspace, which it stopped
    return newest.end_detail if newest is not None and newest.status is SessionStatus.FAILED else None


def _ratchet(view: WorkspaceView) -> str | None:
    stalled = view.workspace.is_live and isinstance(view.decision, Stalled)
    return sentence(view.decision).why if stalled else None


def _taken(view: WorkspaceView) -> str | None:
    number, holder = view.snapshot.taken, view.snapshot.taken_by
    return None if number is None else f"pull request #{number} is workspace {holder}'s, and was not attached"


def _refused(view: WorkspaceView) -> str | None:
    """A pull request that could not be opened, while there is none; else the newest thing that the last
    session asked for in vain.
    """
    is_open = view.facts is not None and view.facts.state is GitHubState.OPEN
    newest = view.sessions[-1].id if view.sessions else None
    for action in reversed(view.actions):
        opens = isinstance(action.order, OpenPullRequest)
        if opens and action.waits_for_push and not is_open:
            return f"no pull request was opened: {action.problem}; it is tried again after a push"
        if action.status is ActionStatus.FAILED and (not is_open if opens else action.session_id == newest):
            return f"{_VAIN[type(action.order)]}: {action.problem}"
    return None


_VAIN = {
    OpenPullRequest: "no pull request was opened",
    Reply: "a reply was not posted",
    Resolve: "a thread was not resolved",
    Comment: "a comment was not posted",
    RequestReview: "no review was asked for",
    UnusableFile: "not all that the agent left could be used",
}

_TEXTS: dict[ProblemKind, Callable[[WorkspaceView], str | None]] = {
    ProblemKind.WORKSPACE: lambda view: view.workspace.error,
    ProblemKind.STOPPED: lambda view: view.workspace.stopped,
    ProblemKind.HOST: _host,
    ProblemKind.SESSION: _session,
    ProblemKind.RATCHET: _ratchet,
    ProblemKind.FORGE: lambda view: view.watch.failure_summary,
    ProblemKind.PULL_REQUEST: _taken,
    ProblemKind.REFUSED: _refused,
    ProblemKind.PART: lambda view: "; ".join(view.watch.unread),
    ProblemKind.STARTUP: lambda view: view.workspace.warning,
}
