"""The single writer of sessions and their activity; their prompts move with them.

Steps take `tx`, assume that the caller has locked the workspace, and touch nothing but tables. What a
step intends (STARTING, STOPPING) the executor of the workspace's host carries out and reports back.
"""

from typing import Any, assert_never

import attrs

from headway_core.kernel.errors import Conflict, IllegalTransition, NotFound
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.processes import Contradictory, Ended, NeverStarted, RunId, Vanished, began
from headway_core.sessions.events import (
    SessionAttemptRenewed,
    SessionCreated,
    SessionEnded,
    SessionStatusChanged,
)
from headway_core.sessions.exit_status import ExitStatus, contradiction, exit_status, prompt_after
from headway_core.sessions.model import (
    BUSY,
    LIVE_OF,
    SESSION_TRANSITIONS,
    SESSIONS_OF,
    START_LIMIT,
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
    StopReason,
    run_of,
    session_state,
)
from headway_core.sessions.prompts import PromptSteps
from headway_core.settings.steps import SettingsSteps
from headway_core.workspaces.model import Workspace, WorkspaceStatus
from headway_core.workspaces.steps import WorkspaceSteps

_S = SessionStatus
_P = PromptStatus


class SessionSteps:
    """Moves sessions along `SESSION_TRANSITIONS`, and nothing else does."""

    def __init__(
        self,
        *,
        sessions: OwnedTable[Session],
        prompts: PromptSteps,
        activity: OwnedTable[SessionActivity],
        workspaces: WorkspaceSteps,
        settings: SettingsSteps,
    ) -> None:
        self._sessions = sessions
        self._prompts = prompts
        self._activity = activity
        self._workspaces = workspaces
        self._settings = settings

    # Looking

    def known(self, tx: ReadTransaction, session_id: str) -> Session:
        """The session. `NotFound` when there is none."""
        session = self._sessions.get(tx, session_id)
        if session is None:
            raise NotFound("session", session_id)
        return session

    def workspace(self, tx: ReadTransaction, workspace_id: str) -> Workspace:
        """The workspace of a session. `NotFound` when there is none."""
        return self._workspaces.known(tx, workspace_id)

    def of(self, tx: ReadTransaction, workspace_id: str) -> list[Session]:
        """The sessions of a workspace, oldest first."""
        return self._sessions.query(tx, SESSIONS_OF, workspace_id=workspace_id)

    def live(self, tx: ReadTransaction, workspace_id: str) -> tuple[Session, ...]:
        """The sessions that count against the limit, oldest first."""
        return tuple(self._sessions.query(tx, LIVE_OF, workspace_id=workspace_id))

    def state(self, tx: ReadTransaction, session: Session) -> SessionState:
        """What it is doing, as far as is known."""
        return session_state(session, self._activity.get(tx, session.id))

    def not_ready(self, tx: ReadTransaction, workspace_id: str) -> NotReady | None:
        """Why nothing may start in this workspace; None when it may (L6)."""
        workspace = self.workspace(tx, workspace_id)
        if workspace.status is not WorkspaceStatus.READY:
            return NotReady(reason=NotReadyReason.STATUS, status=workspace.status)
        if workspace.stopped is not None:
            return NotReady(reason=NotReadyReason.STOPPED, status=workspace.status)
        if not workspace.accepts_sessions:
            return NotReady(reason=NotReadyReason.NO_WORKTREE, status=workspace.status)
        return None

    def runs_over(self, tx: ReadTransaction, workspace_id: str) -> tuple[RunId, ...]:
        """The runs of its sessions that are over, as far as is stored: nothing of them may live any more."""
        return tuple(
            run_of(session.id, attempt)
            for session in self.of(tx, workspace_id)
            for attempt in range(1, session.attempt + (session.status not in BUSY))
        )

    # Steps: a session and its prompts

    def create(
        self,
        tx: Transaction,
        *,
        workspace: Workspace,
        purpose: Purpose,
        label: str,
        agent: str | None = None,
        model: str | None = None,
        actor: str = "headway",
    ) -> Session | LimitReached:
        """Create an IDLE session, whatever its purpose; the limit is counted here (F3, I4).

        The agent is the one asked for, else that of the settings; the model is the one asked for, else that
        of the most recently active session of this agent in the workspace, else that of the settings.
        `Conflict` in a workspace that is being or has been archived.
        """
        if workspace.status in (WorkspaceStatus.ARCHIVING, WorkspaceStatus.ARCHIVED):
            raise Conflict("workspace", workspace.id, f"it is {workspace.status}")
        settings = self._settings.current(tx)
        if self._sessions.count(tx, LIVE_OF, workspace_id=workspace.id) >= settings.session_limit:
            return LimitReached(limit=settings.session_limit)
        agent = agent or settings.default_agent
        session = self._sessions.add(
            tx,
            Session(
                id=tx.new_id(),
                workspace_id=workspace.id,
                agent=agent,
                model=model or self._last_model(tx, workspace.id, agent) or settings.models.get(agent),
                purpose=purpose,
                label=label,
                status=_S.IDLE,
                created_at=tx.now(),
                last_active_at=tx.now(),
            ),
        )
        self._workspaces.note_session(tx, workspace.id)
        self._tell(tx, SessionCreated, session, actor=actor)
        return session

    def enqueue(
        self,
        tx: Transaction,
        session: Session,
        text: str,
        *,
        causes: tuple[str, ...] = (),
        actor: str = "headway",
    ) -> Prompt:
        """Put a prompt into the outbox of an IDLE session; its start takes all that wait.

        A command agent reads its prompt when it starts and never again, so any other session refuses
        with `Conflict`: nothing is accepted that could not arrive (F10). `InvalidInput("prompt")` for
        an empty text.
        """
        if session.status is not _S.IDLE:
            raise Conflict("session", session.id, f"it is {session.status} and takes no more prompts")
        return self._prompts.queue(tx, session, text, causes=causes, actor=actor)

    def begin_start(self, tx: Transaction, session: Session, *, actor: str = "headway") -> Session | NotReady:
        """Store the intent of a start: STARTING with the next attempt, and every waiting prompt DELIVERING.

        `Conflict` without a waiting prompt.
        """
        if (blocked := self.not_ready(tx, session.workspace_id)) is not None:
            return blocked
        waiting = self._prompts.queued(tx, session.id)
        if not waiting:
            raise Conflict("session", session.id, "it has no prompt to start with")
        begun = self._move(
            tx,
            session,
            _S.STARTING,
            actor=actor,
            causes=tuple(dict.fromkeys(cause for prompt in waiting for cause in prompt.causes)),
            attempt=session.attempt + 1,
            last_active_at=tx.now(),
            stop_reason=None,
            started_at=None,
            ended_at=None,
            end_reason=None,
            exit_code=None,
            signal=None,
            end_detail=None,
        )
        self._prompts.hand_over(tx, waiting, attempt=begun.attempt)
        return begun

    def restart(
        self,
        tx: Transaction,
        session: Session,
        text: str,
        *,
        causes: tuple[str, ...] = (),
        actor: str = "headway",
    ) -> Session:
        """Stop a RUNNING session; the step that records its end begins the start with this prompt (F1).

        Between the two nobody finds the session ended. Whoever asks it to stop meanwhile wins.
        """
        stopping = self._move(tx, session, _S.STOPPING, actor=actor, stop_reason=EndReason.STOPPED_BY_HEADWAY)
        self._prompts.queue(tx, stopping, text, causes=causes, actor=actor)
        return stopping

    def request_stop(
        self, tx: Transaction, session: Session, reason: StopReason, *, actor: str = "headway"
    ) -> Session:
        """Store the intent of a stop. An IDLE session is closed; one that is stopping or over stays so."""
        match session.status:
            case _S.IDLE:
                closed = EndReason.CLOSED if reason is EndReason.STOPPED_BY_HEADWAY else reason
                return self._end(tx, session, ExitStatus(status=_S.COMPLETED, reason=closed), actor=actor)
            case _S.STARTING | _S.RUNNING:
                return self._move(tx, session, _S.STOPPING, actor=actor, stop_reason=reason)
            case _S.STOPPING:
                self._prompts.cancel_queued(tx, session.id, actor=actor)  # of a restart, which is off
                return session
            case _S.COMPLETED | _S.FAILED:
                return session
            case _:
                assert_never(session.status)

    def request_stop_all(
        self, tx: Transaction, workspace_id: str, reason: StopReason, *, actor: str = "headway"
    ) -> tuple[Session, ...]:
        """Stop what lives in a workspace and close what is idle. Returns what is STOPPING then."""
        stopped = [self.request_stop(tx, s, reason, actor=actor) for s in self.live(tx, workspace_id)]
        return tuple(session for session in stopped if session.status is _S.STOPPING)

    def lose_all(self, tx: Transaction, workspace_id: str) -> None:
        """Record as lost what may have run on a host that does not come back. Idle sessions wait for the next
        host.

        The workspace is not READY any more, so that no restart begins.
        """
        for session in self.live(tx, workspace_id):
            if session.status in BUSY:
                self.ended(tx, session.id, session.attempt, Vanished())

    # Steps: outcomes. Each names its attempt; what is said of another changes nothing (F8, F9).

    def started(self, tx: Transaction, session_id: str, attempt: int) -> Session:
        """Record that the attempt's agent is running. Returns the session as it stands now.

        It is wanted if and only if that is RUNNING with this attempt; else the caller must stop it. A
        workspace that is not READY any more makes it STOPPING (L6). Safe to repeat: an adoption.
        """
        session = self.known(tx, session_id)
        if session.attempt != attempt or session.status not in BUSY:
            return session
        self._prompts.settle(tx, session.id, _P.DELIVERED)
        if session.status is _S.STARTING:
            if self.not_ready(tx, session.workspace_id) is not None:
                return self.request_stop(tx, session, EndReason.STOPPED_BY_HEADWAY)
            session = self._move(tx, session, _S.RUNNING, started_at=session.last_active_at)
        if session.status is _S.RUNNING:
            self.note_activity(tx, session, Activity.WORKING)
        return session

    def ended(self, tx: Transaction, session_id: str, attempt: int, found: Ended) -> Session:
        """Record that the attempt runs no more. Returns the session as it stands now.

        An attempt of a STARTING session that never started is renewed: same session, same prompt, next
        number; up to `START_LIMIT`, and while the workspace is READY. What is contradictory stops the
        workspace for a person.
        """
        session = self.known(tx, session_id)
        if session.attempt != attempt or session.status not in BUSY:
            return session
        if isinstance(found, Contradictory):
            self._workspaces.stop(tx, session.workspace_id, contradiction(found, of=session.id))
        if isinstance(found, NeverStarted) and session.status is _S.STARTING:
            if self.not_ready(tx, session.workspace_id) is not None:
                session = self.request_stop(tx, session, EndReason.STOPPED_BY_HEADWAY)
            elif session.attempt < START_LIMIT:
                return self._renew(tx, session)
        started_at = session.started_at or (session.last_active_at if began(found) else None)
        self._prompts.settle(tx, session.id, prompt_after(found))
        over = self._end(tx, session, exit_status(session, found), started_at=started_at)
        if session.status is _S.STOPPING and self._prompts.queued(tx, session_id):  # a restart
            begun = self.begin_start(tx, over)
            if isinstance(begun, Session):
                return begun
            self._prompts.cancel_queued(tx, over.id)
        return over

    def start_failed(self, tx: Transaction, session_id: str, attempt: int, detail: str) -> Session:
        """Record that the attempt can't start and never will: it is FAILED, and counts for no limit (F2)."""
        session = self.known(tx, session_id)
        if session.attempt != attempt or session.status not in BUSY:
            return session
        self._prompts.settle(tx, session.id, _P.CANCELLED)
        if session.status is not _S.STARTING:
            return self.ended(tx, session_id, attempt, NeverStarted())
        failed = ExitStatus(status=_S.FAILED, reason=EndReason.START_FAILED, detail=detail)
        return self._end(tx, session, failed)

    def is_overdue(self, tx: ReadTransaction, session: Session) -> bool:
        """Whether a fixer runs for longer than the settings allow."""
        limit = self._settings.current(tx).fixer_limit_s
        return (
            session.purpose is Purpose.FIXER
            and session.status is _S.RUNNING
            and session.started_at is not None
            and (tx.now() - session.started_at).total_seconds() >= limit
        )

    def note_activity(self, tx: Transaction, session: Session, activity: Activity) -> None:
        """Record what the agent does now, in a side row without an event."""
        self._activity.put(
            tx,
            SessionActivity(
                session_id=session.id, workspace_id=session.workspace_id, activity=activity, at=tx.now()
            ),
        )

    # Inside

    def _last_model(self, tx: ReadTransaction, workspace_id: str, agent: str) -> str | None:
        named = [s for s in self.of(tx, workspace_id) if s.agent == agent and s.model is not None]
        return max(named, key=lambda s: (s.last_active_at, s.created_at)).model if named else None

    def _move(
        self,
        tx: Transaction,
        session: Session,
        to: SessionStatus,
        *,
        actor: str = "headway",
        **changes: Any,
    ) -> Session:
        """The only place where a status changes."""
        if to not in SESSION_TRANSITIONS[session.status]:
            raise IllegalTransition("session", session.id, session.status, to)
        moved = self._sessions.replace(tx, attrs.evolve(session, status=to, **changes))
        payload = SessionStatusChanged if moved.is_live else SessionEnded
        self._tell(tx, payload, moved, actor=actor, from_status=session.status)
        return moved

    def _renew(self, tx: Transaction, session: Session) -> Session:
        renewed = self._sessions.replace(
            tx, attrs.evolve(session, attempt=session.attempt + 1, last_active_at=tx.now())
        )
        self._tell(tx, SessionAttemptRenewed, renewed)
        delivering = self._prompts.delivering(tx, session.id)
        self._prompts.hand_over(tx, delivering, attempt=renewed.attempt)
        return renewed

    def _end(
        self, tx: Transaction, session: Session, end: ExitStatus, *, actor: str = "headway", **changes: Any
    ) -> Session:
        over = self._move(
            tx,
            session,
            end.status,
            actor=actor,
            ended_at=tx.now(),
            end_reason=end.reason,
            exit_code=end.exit_code,
            signal=end.signal,
            end_detail=end.detail,
            last_active_at=tx.now(),
            **changes,
        )
        if self._activity.get(tx, session.id) is not None:
            self._activity.remove(tx, session.id)
        if session.status is not _S.STOPPING:
            self._prompts.cancel_queued(tx, over.id, actor=actor)
        return over

    def _tell(
        self,
        tx: Transaction,
        payload: type[SessionCreated | SessionStatusChanged | SessionAttemptRenewed | SessionEnded],
        session: Session,
        *,
        actor: str = "headway",
        **more: Any,
    ) -> None:
        """Emit with the values that the write returned."""
        facts = {"session_id": session.id, **attrs.asdict(session, recurse=False), **more}
        said = {field.name: facts[field.name] for field in attrs.fields(payload)}
        tx.emit(payload(**said), workspace_id=session.workspace_id, actor=actor)
