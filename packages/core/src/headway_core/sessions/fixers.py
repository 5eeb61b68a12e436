"""What is asked for a fixer, and how that comes out."""

import enum

import attrs

from headway_core.sessions.model import LimitReached, NotReady, SessionState

START_WAIT_S = 5.0
"""For how long the outcome of a fixer's start is waited for, unless somebody says otherwise."""


class WhenLive(enum.StrEnum):
    """What to do when a fixer runs already and has nothing to do."""

    SIGNAL = "signal"
    """Give it the prompt, as a further turn of its conversation; agents that take one prompt can't."""
    RESTART = "restart"
    """Stop it, and start it again with the new prompt."""
    LEAVE = "leave"
    """Leave it alone; the prompt is not delivered."""


@attrs.frozen(kw_only=True)
class FixerRequest:
    """What is to be fixed, and by whom."""

    workspace_id: str
    """The workspace in which something is to be fixed."""
    label: str
    """What a person reads: `ratchet`, `fix-ci`, `address-review`, …"""
    causes: tuple[str, ...]
    """Ids of what is to be fixed, so that a fix by hand counts."""
    prompt: str = attrs.field(repr=False)
    """What the fixer is asked to do."""
    when_live: WhenLive
    """What to do when a fixer runs already and has nothing to do."""
    agent: str | None = None
    """None: the settings' default, or that of an idle fixer."""
    model: str | None = None
    """None: inherited."""


@attrs.frozen(kw_only=True)
class AlreadyActive:
    """A live fixer was left alone: the prompt was not delivered."""

    session_id: str
    """The fixer that was left alone."""
    which: SessionState
    """What it is doing."""


@attrs.frozen(kw_only=True)
class Signalled:
    """The live fixer got the prompt. An agent that reads its prompt when it starts never does."""

    session_id: str
    """The fixer that got the prompt."""


@attrs.frozen(kw_only=True)
class Started:
    """A fixer starts with the prompt: the intent is stored."""

    session_id: str
    """The fixer's session."""
    attempt: int
    """The attempt that carries the prompt, or a later one where that never came to run."""
    model: str | None
    """What it runs with; None is the agent's own default."""
    pending: bool
    """The start has no outcome yet."""


@attrs.frozen(kw_only=True)
class FixerFailed:
    """The prompt was not delivered. A fixer that could not start is FAILED; a live one is as before."""

    reason: str
    """Why, as a sentence for people."""


FixerOutcome = NotReady | AlreadyActive | Signalled | Started | LimitReached | FixerFailed
