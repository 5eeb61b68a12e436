"""How a session ends: what was found of its attempt, and whether somebody wanted it, as a table (R32)."""

from typing import assert_never

import attrs

from headway_core.processes import (
    Contradictory,
    Ended,
    Exited,
    NeverStarted,
    Unreadable,
    Vanished,
    began,
)
from headway_core.sessions.model import EndReason, PromptStatus, Session, SessionStatus

_C, _F = SessionStatus.COMPLETED, SessionStatus.FAILED


@attrs.frozen(kw_only=True)
class ExitStatus:
    """What an end writes into a session."""

    status: SessionStatus
    reason: EndReason
    exit_code: int | None = None
    signal: int | None = None
    detail: str | None = None


def exit_status(session: Session, found: Ended) -> ExitStatus:
    """The end of a STARTING, RUNNING or STOPPING session whose attempt was found like this.

    A session that somebody asked to stop ends for that reason, however its process exited; the exit is kept
    beside it. A time-out is a failure, a stop is not. What is contradictory is told whoever wanted what.
    """
    if isinstance(found, Contradictory):
        return ExitStatus(status=_F, reason=EndReason.CONTRADICTORY, detail=contradiction(found))
    exit_code = found.exit_code if isinstance(found, Exited) else None
    signal = found.signal if isinstance(found, Exited) else None
    if session.stop_reason is not None:
        timed_out = session.stop_reason is EndReason.TIMED_OUT
        return ExitStatus(
            status=_F if timed_out else _C,
            reason=session.stop_reason,
            exit_code=exit_code,
            signal=signal,
            detail="it ran for longer than allowed" if timed_out else None,
        )
    match found:
        case Exited(failed_to_start=str() as problem):
            return ExitStatus(status=_F, reason=EndReason.START_FAILED, detail=problem)
        case Exited(exit_code=0):
            return ExitStatus(status=_C, reason=EndReason.EXITED, exit_code=0)
        case Exited():
            how = f"was ended by signal {signal}" if signal is not None else f"exited with {exit_code}"
            detail = f"the agent {how}"
            return ExitStatus(
                status=_F, reason=EndReason.EXITED, exit_code=exit_code, signal=signal, detail=detail
            )
        case Vanished():
            return ExitStatus(status=_F, reason=EndReason.LOST, detail="its supervisor died without a word")
        case Unreadable(problem=problem):
            return ExitStatus(
                status=_F, reason=EndReason.UNREADABLE, detail=f"how it ended is unknown: {problem}"
            )
        case NeverStarted() if session.status is SessionStatus.STARTING:
            return ExitStatus(status=_F, reason=EndReason.START_FAILED, detail="no attempt came to run")
        case NeverStarted():  # it was seen running: what its supervisor wrote is gone
            return ExitStatus(status=_F, reason=EndReason.LOST, detail="what its supervisor wrote is gone")
        case _:
            assert_never(found)


def contradiction(found: Contradictory, of: str = "") -> str:
    """What contradicts what, in a sentence; `of` names the session where it is told without it."""
    return f"what was found{of and f' of session {of}'} can't all be true: {found.problem}"


def prompt_after(found: Ended) -> PromptStatus:
    """Where a prompt that was being handed over stands when its attempt is over."""
    match found:
        case Exited():
            return PromptStatus.DELIVERED if began(found) else PromptStatus.CANCELLED
        case Vanished() | Unreadable():  # `started` is written before the agent is executed: nobody knows
            return PromptStatus.UNKNOWN
        case Contradictory():
            return PromptStatus.UNKNOWN if began(found) else PromptStatus.CANCELLED
        case NeverStarted():
            return PromptStatus.CANCELLED
        case _:
            assert_never(found)
