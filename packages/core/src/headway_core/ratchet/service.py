"""The single writer of the ratchet: switches, dispatches, decisions."""

import hashlib
from datetime import datetime, timedelta
from typing import assert_never

import attrs

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import NotFound
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests import PRSnapshotService
from headway_core.pull_requests.model import (
    CIStatus,
    GitHubState,
    Mergeability,
    PullRequestFacts,
    ReviewDecision,
)
from headway_core.ratchet.causes import forget_conflict, forget_oldest, remember, with_items
from headway_core.ratchet.decision import Decision, Disabled, Dispatch, Wait, WaitReason, decide
from headway_core.ratchet.decision_inputs import (
    POLL,
    RatchetTables,
    View,
    decision_inputs,
    read_slots,
    read_view,
    recent,
    same_decision,
)
from headway_core.ratchet.events import DispatchChanged, RatchetDecided, RatchetHeld, RatchetSwitched
from headway_core.ratchet.explain import Explanation, sentence
from headway_core.ratchet.model import (
    DISPATCHES_OF,
    LIVE_DISPATCH,
    LIVE_DISPATCH_OF,
    DispatchStatus,
    FixerDispatch,
    FixerSlotsRow,
    Hold,
    HoldKind,
    LastKnown,
    Ratchet,
    RatchetWake,
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
from headway_core.settings import SettingsSteps
from headway_core.workspaces.model import OF_LIVE_WORKSPACES, Workspace, WorkspaceStatus


class RatchetService:
    """Owner of the ratchet's record, its dispatches and its wake-ups."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        ratchets: OwnedTable[Ratchet],
        dispatches: OwnedTable[FixerDispatch],
        wakes: OwnedTable[RatchetWake],
        slots: OwnedTable[FixerSlotsRow],
        tables: RatchetTables,
        settings: SettingsSteps,
        sessions: SessionService,
        fixers: FixerSessionService,
        pull_requests: PRSnapshotService,
    ) -> None:
        self._ledger = ledger
        self._ratchets = ratchets
        self._dispatches = dispatches
        self._wakes = wakes
        self._slots = slots
        self._tables = tables
        self._settings = settings
        self._sessions = sessions
        self._fixers = fixers
        self._pull_requests = pull_requests

    # --- steps for other rooms

    def open_record(self, tx: Transaction, workspace: Workspace, *, enabled: bool) -> None:
        """The record of a new workspace, in the transaction that creates it."""
        self._ratchets.add(tx, Ratchet(workspace_id=workspace.id, enabled=enabled))
        self._wakes.put(tx, RatchetWake(workspace_id=workspace.id, due_at=tx.now()))

    def wake(self, tx: Transaction, *workspace_ids: str) -> None:
        """Have the workspaces looked at at once. Locks them: a look that goes on just now has not seen
        what happened, and its own wake-up comes before this one.
        """
        tx.lock(*workspace_ids)
        for workspace_id in workspace_ids:
            self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=tx.now()))

    def next_in_line(self, tx: ReadTransaction) -> tuple[str, ...]:
        """The workspaces that have waited longest for a slot among the fixers, and may have it now."""
        settings = self._settings.current(tx)
        return read_slots(tx, self._tables, settings).next_in_line(settings)

    async def postpone(self, workspace_id: str, seconds: float) -> None:
        """Look later: the last look failed."""

        def work(tx: Transaction) -> None:
            due = tx.now() + timedelta(seconds=seconds)
            self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=due))

        await self._ledger.transact(work)

    def wake_all(self, tx: Transaction) -> None:
        """Have every live workspace looked at: settings touch all."""
        records = self._ratchets.query(tx, OF_LIVE_WORKSPACES)
        self.wake(tx, *(record.workspace_id for record in records if record.enabled))

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
        tx.emit(RatchetSwitched(enabled=enabled), workspace_id=workspace_id)
        fresh = Ratchet(workspace_id=workspace_id, version=record.version, enabled=enabled)
        if not enabled:
            fresh = self._concluded(
                tx, attrs.evolve(fresh, decision=record.decision), Disabled(), facts_digest=None
            )
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
        view = self._view(tx, workspace_id)
        record = _progressed(record, view)
        facts = decision_inputs(view, record)
        decision = decide(facts)
        if isinstance(decision, Dispatch):
            record, decision = self._dispatch(tx, record, view, decision)
        record = self._concluded(tx, record, decision, facts_digest=_digest(facts))
        if record != before:
            self._ratchets.replace(tx, record)
        self._wakes.put(tx, RatchetWake(workspace_id=workspace_id, due_at=decision.recheck_at))
        return decision

    def _view(self, tx: ReadTransaction, workspace_id: str) -> View:
        view = read_view(tx, self._tables, self._settings.current(tx), workspace_id)
        if view is None:
            raise NotFound("workspace", workspace_id)
        return view

    def _concluded(
        self, tx: Transaction, record: Ratchet, decision: Decision, *, facts_digest: str | None
    ) -> Ratchet:
        """The record with this conclusion; one event when it is another one than before.

        The same one keeps its time: it is when it was reached.
        """
        if same_decision(record.decision, decision):
            return record
        tx.emit(
            RatchetDecided(
                decision=decision,
                before=record.decision,
                facts_digest=facts_digest,
                reason=sentence(decision)[0],
            ),
            workspace_id=record.workspace_id,
        )
        waits = isinstance(decision, Wait) and decision.reason is WaitReason.CAPACITY
        return attrs.evolve(
            record,
            decision=decision,
            decided_at=tx.now(),
            waits_since=tx.now() if waits else None,
            facts_digest=facts_digest,
        )

    def _dispatch(
        self, tx: Transaction, record: Ratchet, view: View, decision: Dispatch
    ) -> tuple[Ratchet, Decision]:
        """Acquire the fixer and record the dispatch: the intent of the start is in this transaction."""
        facts = view.facts
        assert facts is not None
        if not self._takes_slot(tx, view):
            return record, Wait(reason=WaitReason.CAPACITY, recheck_at=tx.now() + POLL)
        causes = tuple(
            with_items(cause, record.handled) for cause in view.causes() if cause.id in decision.cause_ids
        )
        outcome = self._fixers.acquire(
            tx,
            FixerRequest(
                workspace_id=record.workspace_id,
                label="ratchet",
                causes=decision.cause_ids,
                prompt=fixer_prompt(facts, causes, view.trust),
                when_live=WhenLive.RESTART,
            ),
        )
        if not isinstance(outcome, Started):
            # The table looked at the same rows, so this is the race that the index decides.
            return record, Wait(reason=WaitReason.SESSION, recheck_at=tx.now() + POLL)
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

    def _takes_slot(self, tx: Transaction, view: View) -> bool:
        """Whether a slot is left. What the view saw of other workspaces is no more than a guess: it is
        counted again while nobody else can take one.
        """
        self._slots.lock_row(tx, FixerSlotsRow().id)
        return view.has_slot(read_slots(tx, self._tables, view.settings))

    def _close_dispatch(self, tx: Transaction, record: Ratchet) -> Ratchet:
        """Bring the live dispatch in line with its session and with the pull request."""
        for dispatch in self._dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=record.workspace_id):
            session = self._tables.sessions.get(tx, dispatch.session_id)
            status, reason = _outcome(dispatch, session)
            obsolete = self._obsolete(tx, dispatch) if status in LIVE_DISPATCH else None
            if obsolete is not None:
                self._cancel_live(tx, record.workspace_id, obsolete)
                continue
            attempts = max(session.attempt, dispatch.attempts) if session else dispatch.attempts
            if (status, attempts) == (dispatch.status, dispatch.attempts):
                continue
            ended_at = session.ended_at if session else None
            self._move(tx, dispatch, status, reason, attempts=attempts, ended_at=ended_at)
            match status:
                case DispatchStatus.COMPLETED | DispatchStatus.DIED:
                    died = status is DispatchStatus.DIED
                    record = attrs.evolve(
                        record, handled=remember(record.handled, dispatch.causes, died=died)
                    )
                case DispatchStatus.CANCELLED if _stopped_by_person(session) and record.hold is None:
                    hold = Hold(kind=HoldKind.STOPPED_FIXER, until=None)
                    record = attrs.evolve(record, hold=hold)
                    tx.emit(RatchetHeld(hold=hold), workspace_id=record.workspace_id)
                case DispatchStatus.PENDING | DispatchStatus.RUNNING | DispatchStatus.CANCELLED:
                    continue
                case _:
                    assert_never(status)
            self._pull_requests.hint(tx, record.workspace_id, happened_at=ended_at)
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
            cancelled = DispatchStatus.CANCELLED
            self._move(tx, dispatch, cancelled, reason, attempts=dispatch.attempts, ended_at=None)

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

    def _explain(self, tx: ReadTransaction, workspace_id: str) -> Explanation:
        record = self._record(tx, workspace_id)
        view = self._view(tx, workspace_id)
        why, changes_when = sentence(record.decision)
        facts, wake = view.facts, self._wakes.get(tx, workspace_id)
        return Explanation(
            workspace_id=workspace_id,
            decision=record.decision,
            decided_at=record.decided_at,
            why=why,
            changes_when=changes_when,
            looks_again_at=wake.due_at if wake else None,
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
    """Progress against what was last known refills the budget. Another pull request starts anew."""
    facts, before = view.facts, record.seen
    if facts is None:
        return record
    if before is not None and before.node_id != facts.node_id:
        record = attrs.evolve(record, handled=(), dispatch_times=(), since_progress=0)
        before = None
    now = _seen(view, facts, before)
    if before is not None and _is_progress(before, now, view):
        record = attrs.evolve(record, since_progress=0)
    handled = forget_oldest(record.handled, view.causes())
    if facts.mergeability is Mergeability.CLEAN:
        handled = forget_conflict(handled)
    return attrs.evolve(record, seen=now, handled=handled)


def _seen(view: View, facts: PullRequestFacts, before: LastKnown | None) -> LastKnown:
    """What is known now, and what was known before of that which is not."""
    now = LastKnown(
        node_id=facts.node_id,
        head=facts.head.commit,
        ci=view.ci,
        mergeability=facts.mergeability,
        review_decision=facts.review_decision,
    )
    if before is not None and now.ci not in _ENDS:
        now = attrs.evolve(now, ci=before.ci, head=before.head)
    if before is not None and now.mergeability is Mergeability.UNKNOWN:
        now = attrs.evolve(now, mergeability=before.mergeability)
    if view.is_at_rest or (before is not None and _was_pushed(before, view)):
        return attrs.evolve(now, rested_head=facts.head.commit, rested_turns=view.turns)
    if before is not None:
        return attrs.evolve(now, rested_head=before.rested_head, rested_turns=before.rested_turns)
    return now


_ENDS = (CIStatus.SUCCESS, CIStatus.FAILURE)


def _is_progress(before: LastKnown, now: LastKnown, view: View) -> bool:
    """Red to green on a new head, a conflict gone, a review approved, or a person's push."""
    return (
        (before.ci is CIStatus.FAILURE and now.ci is CIStatus.SUCCESS and before.head != now.head)
        or (before.mergeability is Mergeability.CONFLICT and now.mergeability is Mergeability.CLEAN)
        or (
            before.review_decision is not ReviewDecision.APPROVED
            and now.review_decision is ReviewDecision.APPROVED
        )
        or _was_pushed(before, view)
    )


def _was_pushed(before: LastKnown, view: View) -> bool:
    """The head moved, and no agent has had a turn since it was seen at rest: a person's push."""
    return (
        before.rested_head is not None
        and view.facts is not None
        and view.facts.head.commit != before.rested_head
        and view.turns == before.rested_turns
    )


def _digest(facts: object) -> str:
    return hashlib.sha256(repr(CONVERTER.unstructure(facts)).encode()).hexdigest()
