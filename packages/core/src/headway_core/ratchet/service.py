"""The single writer of the ratchet: switches, dispatches, decisions."""

import hashlib
from datetime import timedelta
from typing import assert_never

import attrs

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import NotFound
from headway_core.kernel.ledger import Ledger, ReadTransaction, Transaction
from headway_core.kernel.tables import OwnedTable
from headway_core.pull_requests import PRSnapshotService
from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability, ReviewDecision
from headway_core.ratchet.causes import forget_conflict, remember, with_items
from headway_core.ratchet.decision import Decision, Disabled, Dispatch, Wait, WaitReason, decide
from headway_core.ratchet.events import DispatchChanged, RatchetDecided, RatchetHeld, RatchetSwitched
from headway_core.ratchet.explain import Explanation, sentence
from headway_core.ratchet.gather import Tables, View, gather, read_view, recent
from headway_core.ratchet.model import (
    ALL_RATCHETS,
    DISPATCHES_OF,
    LIVE_DISPATCH_OF,
    DispatchStatus,
    FixerDispatch,
    Hold,
    HoldKind,
    Ratchet,
    RatchetWake,
    Seen,
)
from headway_core.ratchet.prompt import fixer_prompt
from headway_core.sessions import (
    EndReason,
    FixerRequest,
    FixerSessionService,
    Session,
    SessionService,
    SessionStatus,
    Started,
    WhenLive,
)
from headway_core.settings import SettingsService
from headway_core.workspaces.model import Workspace, WorkspaceStatus


class RatchetService:
    """Owner of the ratchet's record, its dispatches and its wake-ups."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        ratchets: OwnedTable[Ratchet],
        dispatches: OwnedTable[FixerDispatch],
        wakes: OwnedTable[RatchetWake],
        tables: Tables,
        settings: SettingsService,
        sessions: SessionService,
        fixers: FixerSessionService,
        pull_requests: PRSnapshotService,
    ) -> None:
        self._ledger = ledger
        self._ratchets = ratchets
        self._dispatches = dispatches
        self._wakes = wakes
        self._tables = tables
        self._settings = settings
        self._sessions = sessions
        self._fixers = fixers
        self._pull_requests = pull_requests

    # --- steps for other rooms

    def open_record(self, tx: Transaction, workspace: Workspace, *, enabled: bool) -> None:
        """The record of a new workspace, in the transaction that creates it."""
        self._ratchets.add(tx, Ratchet(workspace_id=workspace.id, enabled=enabled))
        self.wake(tx, workspace.id)

    def wake(self, tx: Transaction, workspace_id: str) -> None:
        """Have the workspace looked at at once."""
        self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=tx.now()))

    async def postpone(self, workspace_id: str, seconds: float) -> None:
        """Look later: the last look failed."""

        def work(tx: Transaction) -> None:
            due = tx.now() + timedelta(seconds=seconds)
            self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=due))

        await self._ledger.transact(work)

    def wake_all(self, tx: Transaction) -> None:
        """Have every workspace looked at: settings touch all."""
        for record in self._ratchets.query(tx, ALL_RATCHETS):
            if record.enabled:
                self.wake(tx, record.workspace_id)

    # --- what people ask for

    async def switch(self, workspace_id: str, *, enabled: bool) -> Ratchet:
        """On or off. Off is one transaction: it cancels the dispatch, asks its fixer to stop and forgets
        everything that was remembered, so that on again means "try again" (R14, R34).
        """
        return await self._ledger.transact(lambda tx: self._switch(tx, workspace_id, enabled=enabled))

    async def hold(self, workspace_id: str) -> Ratchet:
        """Keep it from acting until `release`."""
        return await self._ledger.transact(
            lambda tx: self._set_hold(tx, workspace_id, Hold(kind=HoldKind.PERSON, until=None))
        )

    async def release(self, workspace_id: str) -> Ratchet:
        """End every hold."""
        return await self._ledger.transact(lambda tx: self._set_hold(tx, workspace_id, None))

    async def check(self, workspace_id: str) -> Decision:
        """Look now: close what ended, decide, and write the intent of what follows, in one transaction."""
        return await self._ledger.transact(lambda tx: self._check(tx, workspace_id))

    async def explain(self, workspace_id: str) -> Explanation:
        """What was seen and how old it is, what was decided and why, and what will change it."""
        return await self._ledger.read(lambda tx: self._explain(tx, workspace_id))

    # --- inside

    def _record(self, tx: ReadTransaction, workspace_id: str) -> Ratchet:
        record = self._ratchets.get(tx, workspace_id)
        if record is None:
            raise NotFound("workspace", workspace_id)
        return record

    def _switch(self, tx: Transaction, workspace_id: str, *, enabled: bool) -> Ratchet:
        tx.lock(workspace_id)
        record = self._record(tx, workspace_id)
        if record.enabled == enabled:
            return record
        self._cancel_live(tx, workspace_id, "the ratchet was switched off")
        fresh = Ratchet(
            workspace_id=workspace_id,
            version=record.version,
            enabled=enabled,
            decision=None if enabled else Disabled(),
            decided_at=None if enabled else tx.now(),
        )
        tx.emit(RatchetSwitched(enabled=enabled), workspace_id=workspace_id)
        self.wake(tx, workspace_id)
        return self._ratchets.replace(tx, fresh)

    def _set_hold(self, tx: Transaction, workspace_id: str, hold: Hold | None) -> Ratchet:
        tx.lock(workspace_id)
        record = self._record(tx, workspace_id)
        if record.hold == hold:
            return record
        tx.emit(RatchetHeld(hold=hold), workspace_id=workspace_id)
        self.wake(tx, workspace_id)
        return self._ratchets.replace(tx, attrs.evolve(record, hold=hold))

    def _check(self, tx: Transaction, workspace_id: str) -> Decision:
        tx.lock(workspace_id)
        before = self._record(tx, workspace_id)
        if not before.enabled:  # nothing runs while it is off: switching off ended it (R30)
            self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=None))
            return before.decision or Disabled()
        record = self._close_dispatch(tx, before)
        view = read_view(tx, self._tables, self._dispatches, self._settings.current(tx), workspace_id)
        if view is None:
            raise NotFound("workspace", workspace_id)
        record = _progressed(record, view)
        facts = gather(view, record)
        decision = decide(facts)
        if isinstance(decision, Dispatch):
            record, decision = self._dispatch(tx, record, view, decision)
        self._conclude(tx, before, record, decision, facts_digest=_digest(facts))
        self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=decision.look_again_at))
        return decision

    def _conclude(
        self, tx: Transaction, before: Ratchet, record: Ratchet, decision: Decision, *, facts_digest: str
    ) -> None:
        """Store the conclusion; one event when it is another one."""
        if _same(before.decision, decision):
            decision = before.decision or decision  # its time is when it was reached
        else:
            record = attrs.evolve(record, decision=decision, decided_at=tx.now(), facts_digest=facts_digest)
            tx.emit(
                RatchetDecided(
                    decision=decision,
                    before=before.decision,
                    facts_digest=facts_digest,
                    reason=sentence(decision)[0],
                ),
                workspace_id=record.workspace_id,
            )
        if record != before:
            self._ratchets.replace(tx, record)

    def _dispatch(
        self, tx: Transaction, record: Ratchet, view: View, decision: Dispatch
    ) -> tuple[Ratchet, Decision]:
        """Acquire the fixer and record the dispatch: the intent of the start is in this transaction."""
        facts = view.facts
        assert facts is not None
        causes = tuple(
            with_items(cause, record.handled) for cause in view.causes() if cause.id in decision.cause_ids
        )
        outcome = self._fixers.acquire(
            tx,
            FixerRequest(
                workspace_id=record.workspace_id,
                label="ratchet",
                causes=decision.cause_ids,
                prompt=fixer_prompt(facts, causes, view.trust, repository=view.project.repository),
                when_live=WhenLive.RESTART,
            ),
        )
        if not isinstance(outcome, Started):
            # The table looked at the same rows, so this is the race that the index decides.
            return record, Wait(reason=WaitReason.SESSION, look_again_at=gather(view, record).next_look)
        dispatch = self._dispatches.add(
            tx,
            FixerDispatch(
                id=tx.new_id(),
                workspace_id=record.workspace_id,
                node_id=facts.node_id,
                head=facts.head.commit,
                causes=causes,
                session_id=outcome.session_id,
                attempts=outcome.attempt,
                created_at=tx.now(),
            ),
        )
        self._tell(tx, dispatch)
        times = (*recent(record.dispatch_times, tx.now()), tx.now())
        record = attrs.evolve(record, dispatch_times=times, since_progress=record.since_progress + 1)
        return record, decision

    def _close_dispatch(self, tx: Transaction, record: Ratchet) -> Ratchet:
        """Bring the live dispatch in line with its session and with the pull request."""
        for dispatch in self._dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=record.workspace_id):
            session = self._tables.sessions.get(tx, dispatch.session_id)
            obsolete = self._obsolete(tx, dispatch)
            if obsolete is not None:
                self._cancel_live(tx, record.workspace_id, obsolete)
                continue
            status, reason = _outcome(dispatch, session)
            attempts = max(session.attempt, dispatch.attempts) if session else dispatch.attempts
            if (status, attempts) == (dispatch.status, dispatch.attempts):
                continue
            self._move(tx, dispatch, status, reason, attempts=attempts)
            match status:
                case DispatchStatus.COMPLETED | DispatchStatus.DIED:
                    died = status is DispatchStatus.DIED
                    record = attrs.evolve(
                        record, handled=remember(record.handled, dispatch.causes, died=died)
                    )
                case DispatchStatus.CANCELLED if _stopped_by_person(session):
                    hold = Hold(kind=HoldKind.STOPPED_FIXER, until=None)
                    record = attrs.evolve(record, hold=hold)
                    tx.emit(RatchetHeld(hold=hold), workspace_id=record.workspace_id)
                case DispatchStatus.PENDING | DispatchStatus.RUNNING | DispatchStatus.CANCELLED:
                    continue
                case _:
                    assert_never(status)
            self._pull_requests.hint(tx, record.workspace_id)
        return record

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

    def _cancel_live(self, tx: Transaction, workspace_id: str, reason: str) -> None:
        """CANCELLED, with the intent to stop the session in the same transaction (R14, R20, R22)."""
        for dispatch in self._dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=workspace_id):
            session = self._tables.sessions.get(tx, dispatch.session_id)
            if session is not None and session.is_live:
                self._sessions.request_stop(tx, session, EndReason.STOPPED_BY_HEADWAY)
            self._move(tx, dispatch, DispatchStatus.CANCELLED, reason, attempts=dispatch.attempts)

    def _move(
        self,
        tx: Transaction,
        dispatch: FixerDispatch,
        to: DispatchStatus,
        reason: str | None,
        *,
        attempts: int,
    ) -> None:
        running = to is DispatchStatus.RUNNING
        over = to not in (DispatchStatus.PENDING, DispatchStatus.RUNNING)
        moved = attrs.evolve(
            dispatch,
            status=to,
            attempts=attempts,
            reason=reason,
            started_at=dispatch.started_at or (tx.now() if running else None),
            ended_at=tx.now() if over else None,
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

    def _explain(self, tx: ReadTransaction, workspace_id: str) -> Explanation:
        record = self._record(tx, workspace_id)
        view = read_view(tx, self._tables, self._dispatches, self._settings.current(tx), workspace_id)
        if view is None:
            raise NotFound("workspace", workspace_id)
        why, changes_when = sentence(record.decision)
        facts = view.facts
        return Explanation(
            workspace_id=workspace_id,
            decision=record.decision,
            decided_at=record.decided_at,
            why=why,
            changes_when=changes_when,
            url=facts.url if facts else None,
            state=facts.state if facts else None,
            head=facts.head.commit if facts else None,
            ci=view.ci,
            mergeability=facts.mergeability if facts else None,
            causes=view.causes(),
            handled=record.handled,
            dispatches=tuple(self._dispatches.query(tx, DISPATCHES_OF, workspace_id=workspace_id)),
            state_at=view.watch.state_at,
            checks_at=view.watch.checks_at,
            conversation_at=view.watch.conversation_at,
            mergeability_at=view.watch.mergeability_at,
            problem=view.watch.problem,
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


def _stopped_by_person(session: Session | None) -> bool:
    return session is not None and session.end_reason is EndReason.STOPPED_BY_PERSON


def _progressed(record: Ratchet, view: View) -> Ratchet:
    """Measure progress against the last look: it refills the budget. Another pull request starts anew."""
    facts = view.facts
    if facts is None:
        return record
    now = Seen(
        node_id=facts.node_id,
        head=facts.head.commit,
        ci=view.ci,
        mergeability=facts.mergeability,
        review_decision=facts.review_decision,
    )
    seen = record.seen
    if seen == now:
        return record
    if seen is not None and seen.node_id != now.node_id:
        return attrs.evolve(record, seen=now, handled=(), dispatch_times=(), since_progress=0)
    if now.mergeability is Mergeability.CLEAN:
        record = attrs.evolve(record, handled=forget_conflict(record.handled))
    if now.ci not in (CIStatus.SUCCESS, CIStatus.FAILURE) and seen is not None:
        now = attrs.evolve(now, ci=seen.ci)  # red → running → green is red → green
    if now.mergeability is Mergeability.UNKNOWN and seen is not None:
        now = attrs.evolve(now, mergeability=seen.mergeability)
    progress = seen is not None and (
        (seen.ci is CIStatus.FAILURE and now.ci is CIStatus.SUCCESS and seen.head != now.head)
        or (seen.mergeability is Mergeability.CONFLICT and now.mergeability is Mergeability.CLEAN)
        or (
            seen.review_decision is not ReviewDecision.APPROVED
            and now.review_decision is ReviewDecision.APPROVED
        )
    )
    return attrs.evolve(record, seen=now, since_progress=0 if progress else record.since_progress)


def _same(before: Decision | None, after: Decision) -> bool:
    """The same conclusion, whenever it is looked at again."""
    return before is not None and attrs.evolve(before, look_again_at=None) == attrs.evolve(
        after, look_again_at=None
    )


def _digest(facts: object) -> str:
    return hashlib.sha256(repr(CONVERTER.unstructure(facts)).encode()).hexdigest()
