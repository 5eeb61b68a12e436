"""Sessions: conversations with agents, their prompts, and the processes behind them.

`SessionService` is the only writer. Fixers come only through `FixerSessionService`. `SessionExecutor`
carries out on a host what both intend.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.sessions.events import (
        EVENTS,
        PromptQueued,
        PromptStatusChanged,
        SessionAttemptRenewed,
        SessionCreated,
        SessionEnded,
        SessionStatusChanged,
    )
    from headway_core.sessions.executor import SessionDuty, SessionExecutor
    from headway_core.sessions.fixers import (
        AlreadyActive,
        FixerFailed,
        FixerOutcome,
        FixerRequest,
        FixerSessionService,
        Signalled,
        Started,
        WhenLive,
    )
    from headway_core.sessions.model import (
        PROMPTS,
        SESSION_ACTIVITY,
        SESSION_TRANSITIONS,
        SESSIONS,
        Activity,
        EndReason,
        LimitReached,
        NotReady,
        NotReadyReason,
        Prompt,
        PromptStatus,
        Purpose,
        Session,
        SessionActivity,
        SessionState,
        SessionStatus,
        session_state,
    )
    from headway_core.sessions.ports import Agents, Launch, Supervisor
    from headway_core.sessions.service import SessionService
else:
    __getattr__ = lazy_exports(__name__, "model", "ports", "events", "service", "fixers", "executor")

__all__ = [
    "EVENTS",
    "PROMPTS",
    "SESSIONS",
    "SESSION_ACTIVITY",
    "SESSION_TRANSITIONS",
    "Activity",
    "Agents",
    "AlreadyActive",
    "EndReason",
    "FixerFailed",
    "FixerOutcome",
    "FixerRequest",
    "FixerSessionService",
    "Launch",
    "LimitReached",
    "NotReady",
    "NotReadyReason",
    "Prompt",
    "PromptQueued",
    "PromptStatus",
    "PromptStatusChanged",
    "Purpose",
    "Session",
    "SessionActivity",
    "SessionAttemptRenewed",
    "SessionCreated",
    "SessionDuty",
    "SessionEnded",
    "SessionExecutor",
    "SessionService",
    "SessionState",
    "SessionStatus",
    "SessionStatusChanged",
    "Signalled",
    "Started",
    "Supervisor",
    "WhenLive",
    "session_state",
]
