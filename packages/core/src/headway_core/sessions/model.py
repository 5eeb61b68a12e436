"""A session: one conversation with one agent in a workspace; and the outbox of prompts."""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Literal

import attrs

from headway_core.kernel.tables import Index, Lock, Query, TableSpec
from headway_core.processes import RunId
from headway_core.workspaces.model import OF_LIVE_WORKSPACES, WorkspaceStatus


class SessionStatus(enum.StrEnum):
    """Where a session is in its life."""

    IDLE = "IDLE"
    """It exists, and no process runs for it."""
    STARTING = "STARTING"
    """Its start was asked for, and there is no evidence yet that the agent runs."""
    RUNNING = "RUNNING"
    """Its agent runs."""
    STOPPING = "STOPPING"
    """Its end was asked for, and the agent may still run."""
    COMPLETED = "COMPLETED"
    """It ended as it should: by itself with exit code 0, or because it was stopped."""
    FAILED = "FAILED"
    """It ended badly; its end reason and end detail say how."""


_S = SessionStatus

SESSION_TRANSITIONS: Mapping[SessionStatus, frozenset[SessionStatus]] = MappingProxyType(
    {
        _S.IDLE: frozenset({_S.STARTING, _S.COMPLETED}),
        _S.STARTING: frozenset({_S.RUNNING, _S.COMPLETED, _S.FAILED, _S.STOPPING}),
        _S.RUNNING: frozenset({_S.STOPPING, _S.COMPLETED, _S.FAILED}),
        _S.STOPPING: frozenset({_S.COMPLETED, _S.FAILED}),
        _S.COMPLETED: frozenset({_S.STARTING}),
        _S.FAILED: frozenset({_S.STARTING}),
    }
)

LIVE = (_S.IDLE, _S.STARTING, _S.RUNNING, _S.STOPPING)
"""The statuses that count against the limit of a workspace."""
BUSY = (_S.STARTING, _S.RUNNING, _S.STOPPING)
"""The statuses in which a process may exist."""
START_LIMIT = 10
"""Attempts that never came to run before the session is given up (F12): each takes a crash."""


class Purpose(enum.StrEnum):
    """Why a session exists."""

    CHAT = "CHAT"
    """A person wants something done."""
    FIXER = "FIXER"
    """Something in the pull request is to be fixed; a workspace has at most one live fixer."""


class Activity(enum.StrEnum):
    """What the agent of a running session is doing, as it was last seen."""

    WORKING = "WORKING"
    """It works on a prompt. An agent that takes one prompt works for as long as it runs."""
    AWAITS_PERMISSION = "AWAITS_PERMISSION"
    """It asks a person for permission."""
    AWAITS_PLAN_APPROVAL = "AWAITS_PLAN_APPROVAL"
    """It waits until a person approves its plan."""
    AWAITS_ANSWER = "AWAITS_ANSWER"
    """It waits for a person's answer."""
    QUIET = "QUIET"
    """It runs, and has nothing to do."""
    UNKNOWN = "UNKNOWN"
    """Nobody has told since the runner started."""


class EndReason(enum.StrEnum):
    """Why a session ended: recorded when it ends, and never inferred later."""

    EXITED = "exited"
    """The agent ended by itself; `exit_code` or `signal` says how."""
    STOPPED_BY_PERSON = "stopped_by_person"
    """A person stopped it."""
    STOPPED_BY_HEADWAY = "stopped_by_headway"
    """Headway stopped it: for an archive, a restart, or because its cause is gone."""
    TIMED_OUT = "timed_out"
    """It ran for longer than `fixer_limit_s`."""
    START_FAILED = "start_failed"
    """The agent could not be started; the end detail says why."""
    LOST = "lost"
    """Its supervisor died without recording an exit; its processes were ended."""
    UNREADABLE = "unreadable"
    """What its supervisor wrote of its end can't be read; nothing of it lives."""
    CONTRADICTORY = "contradictory"
    """What was found of it can't all be true; it was ended, and its workspace is stopped for a person."""
    CLOSED = "closed"
    """It was idle, and its workspace was archived or another session took its place."""


SESSION_RUNS = "sessions"
"""The kind of their runs. Agents survive their runner, so this never changes."""


def run_of(session_id: str, attempt: int) -> RunId:
    """The run of an attempt of a session."""
    return RunId(kind=SESSION_RUNS, subject=session_id, attempt=attempt)


StopReason = Literal[EndReason.STOPPED_BY_PERSON, EndReason.STOPPED_BY_HEADWAY, EndReason.TIMED_OUT]
"""Why somebody wants a session to end."""


@attrs.frozen(kw_only=True)
class Session:
    """One conversation. `SessionSteps` is the only writer."""

    id: str
    """A random id."""
    version: int = 0
    """Counts the changes of the record."""
    workspace_id: str
    """The workspace."""
    agent: str
    """The name of its agent."""
    model: str | None
    """None: the agent's own default."""
    purpose: Purpose
    """Why it exists."""
    label: str
    """What a person reads: `chat`, `ratchet`, `fix-ci`, …"""
    causes: tuple[str, ...] = ()
    """What its present attempt was asked to fix: the ids of its prompts; empty for a chat."""
    status: SessionStatus
    """Where it is in its life."""
    attempt: int = 0
    """Counts starts; the folder of an attempt is its identity for the supervisor."""
    stop_reason: EndReason | None = None
    """Why it is STOPPING; becomes the end's reason."""
    created_at: datetime
    """When it was created."""
    last_active_at: datetime
    """When something last happened in it."""
    started_at: datetime | None = None
    """When the start of this attempt was asked for; None until there is evidence that it happened."""
    ended_at: datetime | None = None
    """When it ended; None while it is live."""
    end_reason: EndReason | None = None
    """Why it ended; None while it is live."""
    exit_code: int | None = None
    """The agent's exit code; None when it has none."""
    signal: int | None = None
    """The signal that ended the agent; None when none did."""
    end_detail: str | None = None
    """A sentence for people; no outside text."""

    @property
    def run(self) -> RunId:
        """The run of its present attempt, as a supervisor knows it."""
        return run_of(self.id, self.attempt)

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def ended_well(self) -> bool:
        return (
            self.status is SessionStatus.COMPLETED
            and self.end_reason is EndReason.EXITED
            and self.exit_code == 0
        )


class PromptStatus(enum.StrEnum):
    """What became of a prompt. An agent gets a prompt at most once."""

    QUEUED = "QUEUED"
    """It waits for its session to start, and for the workspace to be READY."""
    DELIVERING = "DELIVERING"
    """It is being handed over."""
    DELIVERED = "DELIVERED"
    """The agent got it."""
    UNKNOWN = "UNKNOWN"
    """A crash hid whether the agent got it; Headway does not repeat it."""
    CANCELLED = "CANCELLED"
    """Its session ended before the agent got it."""


@attrs.frozen(kw_only=True)
class Prompt:
    """A text for an agent, and what became of it."""

    id: str
    """A random id."""
    version: int = 0
    """Counts the changes of the record."""
    workspace_id: str
    """The workspace."""
    session_id: str
    """The session that is to get it."""
    text: str = attrs.field(repr=False)
    """What the agent is asked."""
    causes: tuple[str, ...] = ()
    """Ids of what it asks to fix, whoever asks; empty for a person's prompt."""
    status: PromptStatus = PromptStatus.QUEUED
    """What became of it."""
    attempt: int | None = None
    """The attempt of the session that it was handed to."""
    created_at: datetime
    """When it was asked for."""


@attrs.frozen(kw_only=True)
class SessionActivity:
    """What the agent was last seen doing: a side row, never trusted after a restart (F6)."""

    session_id: str
    workspace_id: str
    activity: Activity
    at: datetime


class SessionState(enum.StrEnum):
    """What a session is doing, as far as is known: its status and, while it runs, its activity."""

    IDLE = "IDLE"
    """It exists, and no process runs for it."""
    STARTING = "STARTING"
    """It is being started."""
    STOPPING = "STOPPING"
    """It is being stopped."""
    WORKING = "WORKING"
    """Its agent works on a prompt."""
    WAITING = "WAITING"
    """Its agent waits for a person: for a permission, the approval of a plan, or an answer."""
    QUIET = "QUIET"
    """Its agent runs, and has nothing to do."""
    UNKNOWN = "UNKNOWN"
    """Its agent runs, and nobody has told what it does."""
    ENDED = "ENDED"
    """It has ended, well or badly."""


_STATES: Mapping[Activity, SessionState] = MappingProxyType(
    {
        Activity.WORKING: SessionState.WORKING,
        Activity.AWAITS_PERMISSION: SessionState.WAITING,
        Activity.AWAITS_PLAN_APPROVAL: SessionState.WAITING,
        Activity.AWAITS_ANSWER: SessionState.WAITING,
        Activity.QUIET: SessionState.QUIET,
        Activity.UNKNOWN: SessionState.UNKNOWN,
    }
)


def session_state(session: Session, activity: SessionActivity | None) -> SessionState:
    """Join a session with its side row. Without one, a running session's activity is unknown."""
    match session.status:
        case SessionStatus.RUNNING:
            return _STATES[activity.activity] if activity else SessionState.UNKNOWN
        case SessionStatus.COMPLETED | SessionStatus.FAILED:
            return SessionState.ENDED
        case live:
            return SessionState(live.value)


@attrs.frozen(kw_only=True)
class LimitReached:
    """The workspace has `limit` live sessions: nothing was created."""

    limit: int
    """How many live sessions the workspace may have."""


class NotReadyReason(enum.StrEnum):
    """Why no session can start in a workspace."""

    STATUS = "status"
    """The workspace is not READY."""
    NO_WORKTREE = "no_worktree"
    """The workspace has no worktree."""
    HOST_LOST = "host_lost"
    """Its host is lost or retired."""
    STOPPED = "stopped"
    """It was stopped for a person to look, and nobody has released it yet."""


@attrs.frozen(kw_only=True)
class NotReady:
    """Nothing starts in this workspace now: nothing was changed."""

    reason: NotReadyReason
    """Why nothing starts."""
    status: WorkspaceStatus
    """The workspace's status."""


_LIVE_VALUES = tuple(status.value for status in LIVE)
_BUSY_VALUES = tuple(status.value for status in BUSY)

LOST_SESSIONS = Query(name="lost", among={"end_reason": (EndReason.LOST.value,)}, order=("created_at",))
SESSIONS_OF_LIVE_WORKSPACES = attrs.evolve(OF_LIVE_WORKSPACES, order=("created_at",))
SESSIONS_OF = Query(name="of_workspace", equal=("workspace_id",), order=("created_at",))
LIVE_OF = Query(
    name="live_of_workspace", equal=("workspace_id",), among={"status": _LIVE_VALUES}, order=("created_at",)
)
BUSY_SESSIONS = Query(name="busy", among={"status": _BUSY_VALUES}, order=("created_at",))
LIVE_FIXERS = Query(
    name="live_fixers",
    among={"status": _LIVE_VALUES, "purpose": (Purpose.FIXER.value,)},
    order=("created_at",),
)
SESSIONS = TableSpec(
    name="sessions",
    record=Session,
    indexes=(
        Index(name="sessions_workspace", columns=("workspace_id",)),
        Index(name="sessions_status", columns=("status",)),
        Index(
            name="sessions_one_live_fixer",
            columns=("workspace_id",),
            unique=True,
            only={"purpose": (Purpose.FIXER.value,), "status": _LIVE_VALUES},
        ),
    ),
    queries=(LOST_SESSIONS, SESSIONS_OF_LIVE_WORKSPACES, SESSIONS_OF, LIVE_OF, BUSY_SESSIONS, LIVE_FIXERS),
)

PROMPTS_OF = Query(name="of_session", equal=("session_id",), order=("created_at",))
QUEUED_PROMPTS = Query(name="queued", among={"status": (PromptStatus.QUEUED.value,)}, order=("created_at",))
PROMPTS = TableSpec(
    name="prompts",
    record=Prompt,
    indexes=(
        Index(name="prompts_session", columns=("session_id",)),
        Index(name="prompts_status", columns=("status",)),
    ),
    queries=(PROMPTS_OF, QUEUED_PROMPTS),
)

SESSION_ACTIVITY = TableSpec(
    name="session_activity",
    record=SessionActivity,
    key=("session_id",),
    lock=Lock.APPEND,
    queries=(OF_LIVE_WORKSPACES,),
)
