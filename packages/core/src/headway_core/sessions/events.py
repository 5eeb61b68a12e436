"""What happens to sessions and prompts. A payload never carries a prompt's text: it may be anybody's."""

from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.processes import RunId
from headway_core.sessions.model import EndReason, PromptStatus, Purpose, SessionStatus, run_of


@attrs.frozen(kw_only=True)
class SessionCreated:
    """A session was created, in IDLE."""

    event: ClassVar[str] = "session.created"
    version: ClassVar[int] = 1

    session_id: str
    """The session."""
    purpose: Purpose
    """Why it exists."""
    label: str
    """What a person reads: `chat`, `ratchet`, `fix-ci`."""
    agent: str
    """The name of its agent."""
    model: str | None
    """Its model; None is the agent's own default."""
    created_at: datetime
    """When it was created."""


@attrs.frozen(kw_only=True)
class SessionStatusChanged:
    """A live session moved to another live status; an end is `session.ended`."""

    event: ClassVar[str] = "session.status_changed"
    version: ClassVar[int] = 1

    session_id: str
    """The session."""
    purpose: Purpose
    """Why it exists."""
    label: str
    """What a person reads: `chat`, `ratchet`, `fix-ci`."""
    agent: str
    """The name of its agent."""
    model: str | None
    """Its model; None is the agent's own default."""
    causes: tuple[str, ...]
    """What it is to fix, by id; empty for a chat."""
    from_status: SessionStatus
    """Its status before."""
    status: SessionStatus
    """Its status now."""
    attempt: int
    """Which start of its agent this is, from 1 on."""
    stop_reason: EndReason | None
    """While STOPPING: why."""
    started_at: datetime | None
    """When this attempt was started; None without evidence that it was."""
    last_active_at: datetime
    """When something last happened in it."""


@attrs.frozen(kw_only=True)
class SessionAttemptRenewed:
    """A start of an agent never happened, and goes on under the next number."""

    event: ClassVar[str] = "session.attempt_renewed"
    version: ClassVar[int] = 1

    session_id: str
    """The session."""
    purpose: Purpose
    """Why it exists."""
    label: str
    """What a person reads: `chat`, `ratchet`, `fix-ci`."""
    attempt: int
    """The new number."""
    last_active_at: datetime
    """When something last happened in it."""


@attrs.frozen(kw_only=True)
class SessionEnded:
    """A session ended: it is COMPLETED or FAILED."""

    event: ClassVar[str] = "session.ended"
    version: ClassVar[int] = 1

    session_id: str
    """The session."""
    purpose: Purpose
    """Why it exists."""
    label: str
    """What a person reads: `chat`, `ratchet`, `fix-ci`."""
    agent: str
    """The name of its agent."""
    model: str | None
    """Its model; None is the agent's own default."""
    causes: tuple[str, ...]
    """What it was to fix, by id; empty for a chat."""
    from_status: SessionStatus
    """Its status before."""
    status: SessionStatus
    """COMPLETED or FAILED."""
    attempt: int
    """How often its agent was started; 0 for never."""
    end_reason: EndReason
    """Why it ended."""
    exit_code: int | None
    """The agent's exit code; None when it has none."""
    signal: int | None
    """The signal that ended the agent; None when none did."""
    end_detail: str | None
    """A sentence for people, without outside text."""
    started_at: datetime | None
    """When its last attempt was started."""
    ended_at: datetime
    """When it ended."""

    @property
    def run(self) -> RunId:
        """The run that ended, as a supervisor knows it; of attempt 0 there is no sign."""
        return run_of(self.session_id, self.attempt)


@attrs.frozen(kw_only=True)
class PromptQueued:
    """A prompt waits for its session."""

    event: ClassVar[str] = "prompt.queued"
    version: ClassVar[int] = 1

    prompt_id: str
    """The prompt."""
    session_id: str
    """The session that is to get it."""
    causes: tuple[str, ...]
    """What it asks to fix, by id; empty for a person's prompt."""
    created_at: datetime
    """When it was asked for."""


@attrs.frozen(kw_only=True)
class PromptStatusChanged:
    """A prompt moved on its way, or went over to the next attempt of its session."""

    event: ClassVar[str] = "prompt.status_changed"
    version: ClassVar[int] = 1

    prompt_id: str
    """The prompt."""
    session_id: str
    """The session that is to get it."""
    from_status: PromptStatus
    """Its status before."""
    status: PromptStatus
    """Its status now."""
    attempt: int | None
    """The attempt that it was handed to; None for none."""


EVENTS = (
    SessionCreated,
    SessionStatusChanged,
    SessionAttemptRenewed,
    SessionEnded,
    PromptQueued,
    PromptStatusChanged,
)
