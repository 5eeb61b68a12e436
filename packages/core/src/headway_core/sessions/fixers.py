"""The one way to a fixer, for the ratchet and for people alike."""

import enum
from typing import assert_never

import anyio
import attrs

from headway_core.hosts import Host, is_lost
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.sessions.model import (
    EndReason,
    LimitReached,
    NotReady,
    NotReadyReason,
    Purpose,
    Session,
    SessionState,
)
from headway_core.sessions.service import SessionService

START_WAIT_S = 5.0
_POLL_S = 0.25
"""How often a start that another process may carry out is looked at."""


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
    """Somebody wants something fixed."""

    workspace_id: str
    label: str
    """What a person reads: `ratchet`, `fix-ci`, `address-review`, …"""
    causes: tuple[str, ...]
    """Ids of what is to be fixed, so that a fix by hand counts."""
    prompt: str = attrs.field(repr=False)
    when_live: WhenLive
    agent: str | None = None
    """None: the settings' default, or that of an idle fixer."""
    model: str | None = None
    """None: inherited."""


@attrs.frozen(kw_only=True)
class AlreadyActive:
    """A fixer lives and was left alone: the prompt was not delivered."""

    session_id: str
    which: SessionState


@attrs.frozen(kw_only=True)
class Signalled:
    """The live fixer got the prompt. No command agent can: they read theirs when they start."""

    session_id: str


@attrs.frozen(kw_only=True)
class Started:
    """A fixer starts with the prompt: the intent is stored."""

    session_id: str
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


FixerOutcome = NotReady | AlreadyActive | Signalled | Started | LimitReached | FixerFailed


class FixerSessionService:
    """Acquires the one fixer of a workspace. Owns no table: it composes the steps of `SessionService`."""

    def __init__(self, ledger: Ledger, sessions: SessionService, hosts: ReadTable[Host]) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._hosts = hosts

    async def acquire_and_dispatch(
        self, request: FixerRequest, *, wait_s: float = START_WAIT_S, actor: str = "headway"
    ) -> FixerOutcome:
        """Acquire in a transaction, then wait up to `wait_s` seconds for the outcome of the start.

        Never waits for a turn (R18). `Started` is pending when the host's runner was not that quick, or
        none is there. `NotFound` for an unknown workspace, `InvalidInput("prompt")` for an empty one;
        everything else is an outcome (F4).
        """

        def work(tx: Transaction) -> FixerOutcome:
            tx.lock(request.workspace_id)
            return self.acquire(tx, request, actor=actor)

        outcome = await self._ledger.transact(work)
        if isinstance(outcome, Started):
            with anyio.move_on_after(wait_s):
                return await self._outcome_of(outcome)
        return outcome

    def acquire(self, tx: Transaction, request: FixerRequest, *, actor: str = "headway") -> FixerOutcome:
        """What is found there decides, as a table of which the first row that holds counts.

        The partial unique index `sessions_one_live_fixer` stands behind it.
        """
        # 1: the workspace
        if (blocked := self._sessions.not_ready(tx, request.workspace_id)) is not None:
            return blocked
        workspace = self._sessions.workspace(tx, request.workspace_id)
        if is_lost(tx, self._hosts, workspace.host_id):
            return NotReady(reason=NotReadyReason.HOST_LOST, status=workspace.status)
        # 2 to 6: a live fixer
        live = self._sessions.live(tx, request.workspace_id)
        fixer = next((session for session in live if session.purpose is Purpose.FIXER), None)
        if fixer is not None:
            match self._sessions.state(tx, fixer):
                case SessionState.QUIET:
                    return self._when_quiet(tx, fixer, request, actor)
                case SessionState.IDLE if _suits(fixer, request):
                    return self._start(tx, fixer, request, actor)
                case SessionState.IDLE:
                    self._sessions.request_stop(tx, fixer, EndReason.STOPPED_BY_HEADWAY, actor=actor)
                case busy:
                    return AlreadyActive(session_id=fixer.id, which=busy)
        # 7 and 8: a new one (an ended one is never resumed: command agents keep no conversation)
        created = self._sessions.create(
            tx,
            workspace=workspace,
            purpose=Purpose.FIXER,
            label=request.label,
            agent=request.agent,
            model=request.model,
            actor=actor,
        )
        if isinstance(created, LimitReached):
            return created
        return self._start(tx, created, request, actor)

    def _when_quiet(self, tx: Transaction, fixer: Session, request: FixerRequest, actor: str) -> FixerOutcome:
        match request.when_live:
            case WhenLive.LEAVE:
                return AlreadyActive(session_id=fixer.id, which=SessionState.QUIET)
            case WhenLive.SIGNAL:
                return FixerFailed(reason=f"agent {fixer.agent} takes no prompt while it runs")
            case WhenLive.RESTART:
                stopping = self._sessions.restart(
                    tx, fixer, request.prompt, causes=request.causes, actor=actor
                )
                return _pending(stopping, attempt=stopping.attempt + 1)
            case _:
                assert_never(request.when_live)

    def _start(
        self, tx: Transaction, session: Session, request: FixerRequest, actor: str
    ) -> Started | NotReady:
        self._sessions.enqueue(tx, session, request.prompt, causes=request.causes, actor=actor)
        begun = self._sessions.begin_start(tx, session, actor=actor)
        return begun if isinstance(begun, NotReady) else _pending(begun, attempt=begun.attempt)

    async def _outcome_of(self, started: Started) -> FixerOutcome:
        while True:
            changed = self._ledger.changed()

            def look(tx: ReadTransaction) -> FixerOutcome:
                return _start_outcome(started, self._sessions.known(tx, started.session_id))

            outcome = await self._ledger.read(look)
            if not isinstance(outcome, Started) or not outcome.pending:
                return outcome
            with anyio.move_on_after(_POLL_S):
                await changed.wait()


def _suits(fixer: Session, request: FixerRequest) -> bool:
    """Whether an idle fixer is one of the agent, and the model, that are asked for."""
    return request.agent in (None, fixer.agent) and request.model in (None, fixer.model)


def _pending(session: Session, *, attempt: int) -> Started:
    return Started(session_id=session.id, attempt=attempt, model=session.model, pending=True)


def _start_outcome(started: Started, session: Session) -> Started | FixerFailed:
    """Row 9, or how the start came out."""
    if session.is_live and (session.attempt < started.attempt or session.started_at is None):
        return started
    if session.attempt < started.attempt or session.started_at is None:
        return FixerFailed(reason=session.end_detail or "it was stopped before it started")
    return attrs.evolve(started, attempt=session.attempt, pending=False)
