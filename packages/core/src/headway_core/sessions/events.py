"""What happens to sessions and prompts. A payload never carries a prompt's text: it may be anybody's."""

from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.sessions.model import EndReason, PromptStatus, Purpose, SessionStatus


@attrs.frozen(kw_only=True)
class SessionCreated:
    """A session exists, IDLE."""

    event: ClassVar[str] = "session.created"
    version: ClassVar[int] = 1

    session_id: str
    purpose: Purpose
    label: str
    agent: str
    model: str | None
    created_at: datetime


@attrs.frozen(kw_only=True)
class SessionStatusChanged:
    """A live session moved to another live status (an end is `SessionEnded`)."""

    event: ClassVar[str] = "session.status_changed"
    version: ClassVar[int] = 1

    session_id: str
    purpose: Purpose
    label: str
    agent: str
    model: str | None
    causes: tuple[str, ...]
    from_status: SessionStatus
    status: SessionStatus
    attempt: int
    stop_reason: EndReason | None
    started_at: datetime | None
    last_active_at: datetime


@attrs.frozen(kw_only=True)
class SessionAttemptRenewed:
    """An attempt never came to run and never will: the same start goes on under the next number."""

    event: ClassVar[str] = "session.attempt_renewed"
    version: ClassVar[int] = 1

    session_id: str
    purpose: Purpose
    label: str
    attempt: int
    last_active_at: datetime


@attrs.frozen(kw_only=True)
class SessionEnded:
    """A session is COMPLETED or FAILED, with all that is known of how."""

    event: ClassVar[str] = "session.ended"
    version: ClassVar[int] = 1

    session_id: str
    purpose: Purpose
    label: str
    agent: str
    model: str | None
    causes: tuple[str, ...]
    from_status: SessionStatus
    status: SessionStatus
    attempt: int
    """0: it never was started."""
    end_reason: EndReason
    exit_code: int | None
    signal: int | None
    end_detail: str | None
    started_at: datetime | None
    ended_at: datetime


@attrs.frozen(kw_only=True)
class PromptQueued:
    """A prompt waits in the outbox."""

    event: ClassVar[str] = "prompt.queued"
    version: ClassVar[int] = 1

    prompt_id: str
    session_id: str
    causes: tuple[str, ...]
    created_at: datetime


@attrs.frozen(kw_only=True)
class PromptStatusChanged:
    """A prompt moved on its way, or went over to the next attempt of its session."""

    event: ClassVar[str] = "prompt.status_changed"
    version: ClassVar[int] = 1

    prompt_id: str
    session_id: str
    from_status: PromptStatus
    status: PromptStatus
    attempt: int | None


EVENTS = (
    SessionCreated,
    SessionStatusChanged,
    SessionAttemptRenewed,
    SessionEnded,
    PromptQueued,
    PromptStatusChanged,
)
