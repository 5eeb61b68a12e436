"""Sessions: conversations with agents, their prompts, and the processes behind them.

`SessionSteps` is the only writer of sessions, `PromptSteps` of prompts. Fixers come only through
`FixerSteps`. `SessionExecutor` carries out on a host what they intend.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.sessions.duty import SessionDuty, SessionFilesDuty
    from headway_core.sessions.events import (
        EVENTS,
        PromptQueued,
        PromptStatusChanged,
        SessionAttemptRenewed,
        SessionCreated,
        SessionEnded,
        SessionStatusChanged,
    )
    from headway_core.sessions.executor import SessionExecutor
    from headway_core.sessions.fixer_steps import FixerSteps
    from headway_core.sessions.fixers import (
        AlreadyActive,
        FixerFailed,
        FixerOutcome,
        FixerRequest,
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
        run_of,
        session_state,
    )
    from headway_core.sessions.output import SessionOutput
    from headway_core.sessions.ports import Agents
    from headway_core.sessions.prompts import PromptSteps
    from headway_core.sessions.service import FixerSessionService, SessionService
    from headway_core.sessions.steps import SessionSteps
else:
    __getattr__ = lazy_exports(
        __name__,
        "model",
        "ports",
        "events",
        "fixers",
        "prompts",
        "steps",
        "fixer_steps",
        "service",
        "executor",
        "duty",
        "output",
    )

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
    "FixerSteps",
    "LimitReached",
    "NotReady",
    "NotReadyReason",
    "Prompt",
    "PromptQueued",
    "PromptStatus",
    "PromptStatusChanged",
    "PromptSteps",
    "Purpose",
    "Session",
    "SessionActivity",
    "SessionAttemptRenewed",
    "SessionCreated",
    "SessionDuty",
    "SessionEnded",
    "SessionExecutor",
    "SessionFilesDuty",
    "SessionOutput",
    "SessionService",
    "SessionState",
    "SessionStatus",
    "SessionStatusChanged",
    "SessionSteps",
    "Signalled",
    "Started",
    "WhenLive",
    "run_of",
    "session_state",
]
