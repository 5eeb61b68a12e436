"""What the failure of an agent means: how it ended, how often that happened, and what follows."""

from datetime import datetime
from typing import assert_never

import attrs

from headway_core.ratchet.causes import is_spent
from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    Ready,
    Stalled,
    Wait,
)
from headway_core.ratchet.model import (
    DEATH_LIMIT,
    FALSE_STARTS_A_DEATH,
    LIVE_DISPATCH,
    FixerDispatch,
    Handled,
    RatchetRecord,
)
from headway_core.ratchet.sentences import moment, sentence
from headway_core.ratchet.view import View
from headway_core.sessions.model import EndReason, Session, SessionStatus


@attrs.frozen(kw_only=True)
class AgentFailure:
    """The newest session of a workspace failed: what happened, and what follows."""

    session_id: str
    """The session that failed."""
    label: str
    """What the session was for: `chat`, `ratchet`, `fix-ci`, …"""
    agent: str
    """The agent that failed, by its name."""
    ended_at: datetime | None
    """When it ended."""
    end_reason: EndReason | None
    """Why it ended."""
    exit_code: int | None
    """The exit code; None: it was ended by a signal, or nobody saw its exit."""
    signal: int | None
    """The signal that ended it; None: there was none, or nobody saw its exit."""
    deaths: int | None
    """How many fixers died at work for the same thing, this one too; None: it was not started by the ratchet,
    or the ratchet has not looked at its end yet, or was switched off since.
    """
    false_starts: int | None
    """How many fixers for it died at once, and changed nothing; None as above."""
    death_limit: int
    """After so many deaths no fixer is started for the same thing; four false starts count as one."""
    what: str
    """What happened, in sentences."""
    follows: str
    """What follows, in sentences: the next try, or why there is none."""
    next_try_at: datetime | None
    """When the ratchet looks again and may start the next try; None: none follows, or an event tells."""


def agent_failure(view: View, record: RatchetRecord, looks_again_at: datetime | None) -> AgentFailure | None:
    """The failure of the newest session; None when it did not fail, or there is none. Pure."""
    session = view.sessions[-1] if view.sessions else None
    if session is None or session.status is not SessionStatus.FAILED:
        return None
    dispatch = next((d for d in reversed(view.dispatches) if d.session_id == session.id), None)
    died_of = None if dispatch is None else _worst(dispatch, record)
    follows, tries_again = _follows(dispatch, died_of, record)
    if tries_again and looks_again_at is not None:
        follows += f" The ratchet looks again at {moment(looks_again_at)}."
    return AgentFailure(
        session_id=session.id,
        label=session.label,
        agent=session.agent,
        ended_at=session.ended_at,
        end_reason=session.end_reason,
        exit_code=session.exit_code,
        signal=session.signal,
        deaths=died_of.deaths if died_of else None,
        false_starts=died_of.false_starts if died_of else None,
        death_limit=DEATH_LIMIT,
        what=_what(session, dispatch, died_of),
        follows=follows,
        next_try_at=looks_again_at if tries_again else None,
    )


def _worst(dispatch: FixerDispatch, record: RatchetRecord) -> Handled | None:
    """Of the items that it carried, the one whose fixers died most often."""
    carried = {(cause.id, item) for cause in dispatch.causes for item in cause.items}
    known = [each for each in record.handled if (each.cause_id, each.item) in carried]
    return max(known, key=lambda each: (each.deaths, each.false_starts), default=None)


def _what(session: Session, dispatch: FixerDispatch | None, died_of: Handled | None) -> str:
    detail = session.end_detail or "nobody knows how"
    if dispatch is None:
        return f"The session {session.label} of {session.agent} failed: {detail}."
    causes = ", ".join(cause.id for cause in dispatch.causes)
    return f"The fixer for {causes} died: {detail}.{_counted(died_of)}"


def _counted(died_of: Handled | None) -> str:
    match died_of:
        case None:
            return ""
        case Handled(false_starts=0):
            return f" Fixers for it have died {died_of.deaths} of {DEATH_LIMIT} times."
        case _:
            return (
                f" Fixers for it have died at work {died_of.deaths} of {DEATH_LIMIT} times, and"
                f" {died_of.false_starts} times before they had begun anything:"
                f" {FALSE_STARTS_A_DEATH} of these count as one."
            )


def _follows(
    dispatch: FixerDispatch | None, died_of: Handled | None, record: RatchetRecord
) -> tuple[str, bool]:
    """In sentences, and whether the ratchet tries again."""
    if dispatch is None:
        return "Nothing starts it again by itself.", False
    if dispatch.status in LIVE_DISPATCH:
        return "The ratchet has not looked at its end yet.", True
    told = sentence(record.decision)
    match record.decision:
        case None | Wait() | FixerActive() | Dispatch():
            if died_of is not None and is_spent(died_of.deaths, died_of.false_starts):
                return f"No further try follows for it. {told.changes_when}", False
            number = ""
            if died_of is not None and not died_of.false_starts:
                number = f"The next try is number {died_of.deaths + 1} of {DEATH_LIMIT}. "
            return f"{number}{told.changes_when}", True
        case Disabled() | Done() | Held() | Stalled() | AwaitingReview() | AwaitingPerson() | Ready():
            return f"No further try follows. {told.why} {told.next_step}", False
        case _:
            assert_never(record.decision)
