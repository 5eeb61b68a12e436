"""What callers ask of sessions: chats, stops, fixers, and reading them."""

from collections.abc import Sequence

import anyio
import attrs

from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.sessions.fixer_steps import FixerSteps
from headway_core.sessions.fixers import START_WAIT_S, FixerFailed, FixerOutcome, FixerRequest, Started
from headway_core.sessions.model import EndReason, LimitReached, Prompt, Purpose, Session
from headway_core.sessions.prompts import PromptSteps
from headway_core.sessions.steps import SessionSteps

_POLL_S = 0.25
"""How often a start that another process may carry out is looked at."""


class SessionService:
    """Starts chats, stops sessions, and reads them."""

    def __init__(self, ledger: Ledger, steps: SessionSteps, prompts: PromptSteps) -> None:
        self._ledger = ledger
        self._steps = steps
        self._prompts = prompts

    async def list(self, workspace_id: str) -> list[Session]:
        """The sessions of a workspace, oldest first."""
        return await self._ledger.read(lambda tx: self._steps.of(tx, workspace_id))

    async def get(self, session_id: str) -> Session:
        """The session. `NotFound` when there is none."""
        return await self._ledger.read(lambda tx: self._steps.known(tx, session_id))

    async def prompts(self, session_id: str) -> Sequence[Prompt]:
        """The prompts of a session, oldest first."""
        return await self._ledger.read(lambda tx: self._prompts.of(tx, session_id))

    async def start_chat(
        self,
        workspace_id: str,
        prompt: str | None,
        agent: str | None = None,
        model: str | None = None,
        *,
        actor: str = "headway",
    ) -> Session | LimitReached:
        """Create a chat that starts with its prompt as soon as the workspace is READY, or stays IDLE without
        one (F11).

        `NotFound` for an unknown workspace, `Conflict` for one that is being archived,
        `InvalidInput("prompt")` for an empty one.
        """

        def work(tx: Transaction) -> Session | LimitReached:
            tx.lock(workspace_id)
            session = self._steps.create(
                tx,
                workspace=self._steps.workspace(tx, workspace_id),
                purpose=Purpose.CHAT,
                label="chat",
                agent=agent,
                model=model,
                actor=actor,
            )
            if isinstance(session, Session) and prompt is not None:
                self._steps.enqueue(tx, session, prompt, actor=actor)
            return session

        return await self._ledger.transact(work)

    async def stop(self, session_id: str, *, actor: str = "headway") -> Session:
        """Have this session end, as a person asks. One that is over stays as it is. `NotFound`."""

        def work(tx: Transaction) -> Session:
            tx.lock(self._steps.known(tx, session_id).workspace_id)
            session = self._steps.known(tx, session_id)
            return self._steps.request_stop(tx, session, EndReason.STOPPED_BY_PERSON, actor=actor)

        return await self._ledger.transact(work)


class FixerSessionService:
    """Acquires the one fixer of a workspace, and waits for its start."""

    def __init__(self, ledger: Ledger, fixers: FixerSteps, sessions: SessionSteps) -> None:
        self._ledger = ledger
        self._fixers = fixers
        self._sessions = sessions

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
            return self._fixers.acquire(tx, request, actor=actor)

        outcome = await self._ledger.transact(work)
        if isinstance(outcome, Started):
            with anyio.move_on_after(wait_s):
                return await self._outcome_of(outcome)
        return outcome

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


def _start_outcome(started: Started, session: Session) -> Started | FixerFailed:
    """How the start came out, or that it has no outcome yet."""
    if session.is_live and (session.attempt < started.attempt or session.started_at is None):
        return started
    if session.attempt < started.attempt or session.started_at is None:
        return FixerFailed(reason=session.end_detail or "it was stopped before it started")
    return attrs.evolve(started, attempt=session.attempt, pending=False)
