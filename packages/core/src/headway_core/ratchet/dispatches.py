"""The owner of dispatches: one fixer run for a set of causes, from its intent to its end."""

from datetime import datetime
from typing import assert_never

import attrs

from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests.model import GitHubState
from headway_core.ratchet.events import DispatchChanged
from headway_core.ratchet.model import (
    LIVE_DISPATCH,
    LIVE_DISPATCH_OF,
    Cause,
    DispatchStatus,
    FixerDispatch,
)
from headway_core.ratchet.tables import RatchetTables
from headway_core.ratchet.view import View
from headway_core.sessions import EndReason, Session, SessionStatus, SessionSteps, Started
from headway_core.workspaces.model import WorkspaceStatus


@attrs.frozen(kw_only=True)
class Closed:
    """A dispatch whose session came to its end."""

    status: DispatchStatus
    """COMPLETED, DIED or CANCELLED."""
    causes: tuple[Cause, ...]
    stopped_by_person: bool
    ended_at: datetime | None
    """When its session ended; None when the session is gone."""
    began: bool
    """Whether its fixer had begun to work: it ran for a while, or changed something."""


class DispatchSteps:
    """Steps that take `tx`. The only writer of the dispatches; their workspace is locked by the caller."""

    def __init__(
        self, *, dispatches: OwnedTable[FixerDispatch], tables: RatchetTables, sessions: SessionSteps
    ) -> None:
        self._dispatches = dispatches
        self._tables = tables
        self._sessions = sessions

    def begin(self, tx: Transaction, view: View, causes: tuple[Cause, ...], fixer: Started) -> None:
        """Add the record of a fixer that was acquired in this transaction. `view` has facts."""
        facts = view.facts
        assert facts is not None
        dispatch = FixerDispatch(
            id=tx.new_id(),
            workspace_id=view.workspace.id,
            node_id=facts.node_id,
            head=facts.head.commit,
            causes=causes,
            session_id=fixer.session_id,
            attempts=fixer.attempt,
            created_at=tx.now(),
        )
        self._tell(tx, self._dispatches.add(tx, dispatch))

    def settle(self, tx: Transaction, workspace_id: str, *, false_start_s: int) -> tuple[Closed, ...]:
        """Bring what is live in line with its session and with the pull request.

        Those whose session ended are returned; one that has lost its reason is cancelled.
        """
        live = self._dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=workspace_id)
        settled = [self._settle(tx, dispatch, false_start_s) for dispatch in live]
        return tuple(closed for closed in settled if closed is not None)

    def cancel_live(self, tx: Transaction, workspace_id: str, reason: str) -> None:
        """Cancel what is live, and store the intent to stop its session in the same transaction (R14, R20,
        R22).
        """
        for dispatch in self._dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=workspace_id):
            session = self._tables.sessions.get(tx, dispatch.session_id)
            if session is not None and session.is_live:
                self._sessions.request_stop(tx, session, EndReason.STOPPED_BY_HEADWAY)
            cancelled = DispatchStatus.CANCELLED
            self._move(tx, dispatch, cancelled, reason, attempts=dispatch.attempts, ended_at=None)

    def _settle(self, tx: Transaction, dispatch: FixerDispatch, false_start_s: int) -> Closed | None:
        session = self._tables.sessions.get(tx, dispatch.session_id)
        status, reason = _outcome(dispatch, session)
        obsolete = self._obsolete(tx, dispatch) if status in LIVE_DISPATCH else None
        if obsolete is not None:
            self.cancel_live(tx, dispatch.workspace_id, obsolete)
            return None
        attempts = max(session.attempt, dispatch.attempts) if session else dispatch.attempts
        if (status, attempts) == (dispatch.status, dispatch.attempts):
            return None
        ended_at = session.ended_at if session else None
        self._move(tx, dispatch, status, reason, attempts=attempts, ended_at=ended_at)
        if status in LIVE_DISPATCH:
            return None
        by_person = session is not None and session.end_reason is EndReason.STOPPED_BY_PERSON
        return Closed(
            status=status,
            causes=dispatch.causes,
            stopped_by_person=by_person,
            ended_at=ended_at,
            began=self._began(tx, dispatch, session, false_start_s),
        )

    def _began(
        self, tx: ReadTransaction, dispatch: FixerDispatch, session: Session | None, false_start_s: int
    ) -> bool:
        """Whether the fixer got to work: what it cost and what it left count, not how it ended."""
        if session is None or session.ended_at is None:
            return True
        if session.started_at is None or session.end_reason is EndReason.START_FAILED:
            return False
        git = self._tables.git_facts.get(tx, dispatch.workspace_id)
        changed = (
            git is not None
            and git.at >= session.ended_at
            and (git.dirty or git.head not in {None, dispatch.head})
        )
        return changed or (session.ended_at - session.started_at).total_seconds() >= false_start_s

    def _obsolete(self, tx: ReadTransaction, dispatch: FixerDispatch) -> str | None:
        """Why a live dispatch has lost its reason, or None."""
        workspace = self._tables.workspaces.get(tx, dispatch.workspace_id)
        snapshot = self._tables.snapshots.get(tx, dispatch.workspace_id)
        facts = snapshot.facts if snapshot else None
        if workspace is None or workspace.status is not WorkspaceStatus.READY:
            return "the workspace is not ready any more"
        if facts is None or facts.node_id != dispatch.node_id:
            return "another pull request was attached"
        if facts.state is not GitHubState.OPEN:
            return f"the pull request is {facts.state.lower()}"
        return None

    def _move(
        self,
        tx: Transaction,
        dispatch: FixerDispatch,
        to: DispatchStatus,
        reason: str | None,
        *,
        attempts: int,
        ended_at: datetime | None,
    ) -> None:
        running = to is DispatchStatus.RUNNING
        over = to not in LIVE_DISPATCH
        moved = attrs.evolve(
            dispatch,
            status=to,
            attempts=attempts,
            reason=reason,
            started_at=dispatch.started_at or (tx.now() if running else None),
            ended_at=(ended_at or tx.now()) if over else None,
        )
        self._tell(tx, self._dispatches.replace(tx, moved))

    def _tell(self, tx: Transaction, dispatch: FixerDispatch) -> None:
        tx.emit(
            DispatchChanged(
                dispatch_id=dispatch.id,
                session_id=dispatch.session_id,
                node_id=dispatch.node_id,
                causes=dispatch.causes,
                status=dispatch.status,
                attempts=dispatch.attempts,
                reason=dispatch.reason,
            ),
            workspace_id=dispatch.workspace_id,
        )


def _outcome(dispatch: FixerDispatch, session: Session | None) -> tuple[DispatchStatus, str | None]:
    """What the session's end means for its dispatch."""
    if session is None:
        return DispatchStatus.DIED, "its session is gone"
    match session.status:
        case SessionStatus.IDLE | SessionStatus.STARTING:
            return dispatch.status, dispatch.reason
        case SessionStatus.RUNNING | SessionStatus.STOPPING:
            return DispatchStatus.RUNNING, None
        case SessionStatus.COMPLETED | SessionStatus.FAILED:
            if session.ended_well:
                return DispatchStatus.COMPLETED, "the fixer came to its end"
            if session.end_reason in (
                EndReason.STOPPED_BY_PERSON,
                EndReason.STOPPED_BY_HEADWAY,
                EndReason.CLOSED,
            ):
                return DispatchStatus.CANCELLED, f"the fixer was {session.end_reason.replace('_', ' ')}"
            return DispatchStatus.DIED, session.end_detail or "the fixer died"
        case _:
            assert_never(session.status)
