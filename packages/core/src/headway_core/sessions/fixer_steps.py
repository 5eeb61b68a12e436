"""The one way to a fixer, for the ratchet and for people alike."""

from typing import assert_never

from headway_core.hosts import Host, is_lost
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import Transaction
from headway_core.sessions.fixers import (
    AlreadyActive,
    FixerFailed,
    FixerOutcome,
    FixerRequest,
    Started,
    WhenLive,
)
from headway_core.sessions.model import (
    EndReason,
    LimitReached,
    NotReady,
    NotReadyReason,
    Purpose,
    Session,
    SessionState,
)
from headway_core.sessions.steps import SessionSteps


class FixerSteps:
    """Acquires the one fixer of a workspace. Owns no table: it composes the steps of `SessionSteps`."""

    def __init__(self, sessions: SessionSteps, hosts: ReadTable[Host]) -> None:
        self._sessions = sessions
        self._hosts = hosts

    def acquire(self, tx: Transaction, request: FixerRequest, *, actor: str = "headway") -> FixerOutcome:
        """Acquire the fixer by what is found in the workspace: the first row that holds of the table below.

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


def _suits(fixer: Session, request: FixerRequest) -> bool:
    """Whether an idle fixer is one of the agent, and the model, that are asked for."""
    return request.agent in (None, fixer.agent) and request.model in (None, fixer.model)


def _pending(session: Session, *, attempt: int) -> Started:
    return Started(session_id=session.id, attempt=attempt, model=session.model, pending=True)
