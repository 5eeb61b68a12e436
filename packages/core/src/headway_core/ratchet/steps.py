"""The single writer of the ratchet's record and its wake-ups: steps that take `tx`, for others to compose."""

import hashlib
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import NotFound
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests import PullRequestSteps
from headway_core.ratchet.causes import remember, with_items
from headway_core.ratchet.decision import Decision, Disabled, Dispatch, Wait, WaitReason, decide
from headway_core.ratchet.decision_inputs import POLL, decision_inputs, recent, same_decision
from headway_core.ratchet.dispatches import Closed, DispatchSteps
from headway_core.ratchet.events import RatchetDecided, RatchetHeld, RatchetSwitched
from headway_core.ratchet.explain import Explanation, explanation
from headway_core.ratchet.model import (
    DispatchStatus,
    FixerSlotsLock,
    Hold,
    HoldKind,
    RatchetRecord,
    RatchetWake,
)
from headway_core.ratchet.progress import progressed
from headway_core.ratchet.prompt import fixer_prompt
from headway_core.ratchet.sentences import sentence
from headway_core.ratchet.slots import read_slots
from headway_core.ratchet.tables import RatchetTables
from headway_core.ratchet.view import View, read_view
from headway_core.sessions import FixerRequest, FixerSteps, Started, WhenLive
from headway_core.settings import SettingsSteps
from headway_core.workspaces.model import OF_LIVE_WORKSPACES, Workspace


class RatchetSteps:
    """Owner of the ratchet's record, its wake-ups and the lock of the fixers' slots."""

    def __init__(
        self,
        *,
        ratchets: OwnedTable[RatchetRecord],
        wakes: OwnedTable[RatchetWake],
        slots: OwnedTable[FixerSlotsLock],
        tables: RatchetTables,
        settings: SettingsSteps,
        dispatches: DispatchSteps,
        fixers: FixerSteps,
        pull_requests: PullRequestSteps,
    ) -> None:
        self._ratchets = ratchets
        self._wakes = wakes
        self._slots = slots
        self._tables = tables
        self._settings = settings
        self._dispatches = dispatches
        self._fixers = fixers
        self._pull_requests = pull_requests

    # Records and wake-ups

    def open_record(self, tx: Transaction, workspace: Workspace, *, enabled: bool) -> None:
        """Add the record of a new workspace, in the transaction that creates it."""
        self._ratchets.add(tx, RatchetRecord(workspace_id=workspace.id, enabled=enabled))
        self._put_wake(tx, workspace.id, tx.now())

    def wake(self, tx: Transaction, *workspace_ids: str) -> None:
        """Have the workspaces looked at at once. Locks them: a look that goes on just now has not seen
        what happened, and its own wake-up comes before this one.
        """
        tx.lock(*workspace_ids)
        for workspace_id in workspace_ids:
            self._put_wake(tx, workspace_id, tx.now())

    def next_in_line(self, tx: ReadTransaction) -> tuple[str, ...]:
        """The workspaces that have waited longest for a slot among the fixers, and may have it now."""
        settings = self._settings.current(tx)
        return read_slots(tx, self._tables, settings).next_in_line(settings)

    def wake_all(self, tx: Transaction) -> None:
        """Have every live workspace looked at: settings touch all."""
        records = self._ratchets.query(tx, OF_LIVE_WORKSPACES)
        self.wake(tx, *(record.workspace_id for record in records if record.enabled))

    def postpone(self, tx: Transaction, workspace_id: str, pause_s: float) -> None:
        """Have the workspace looked at in `pause_s`."""
        due = tx.now() + timedelta(seconds=pause_s)
        self._put_wake(tx, workspace_id, due)

    def _put_wake(self, tx: Transaction, workspace_id: str, due_at: datetime | None) -> None:
        wake = RatchetWake(workspace_id=workspace_id, due_at=due_at, planned_at=tx.now())
        self._wakes.put(tx, wake)

    # What people ask for

    def switch(self, tx: Transaction, workspace_id: str, *, enabled: bool) -> RatchetRecord:
        """Switch it on or off. Off cancels the dispatch and forgets everything that was remembered (R14,
        R34).
        """
        tx.lock(workspace_id)
        record = self._record(tx, workspace_id)
        if record.enabled == enabled:
            return record
        self._dispatches.cancel_live(tx, workspace_id, "the ratchet was switched off")
        tx.emit(RatchetSwitched(enabled=enabled), workspace_id=workspace_id)
        fresh = RatchetRecord(workspace_id=workspace_id, version=record.version, enabled=enabled)
        if not enabled:
            fresh = self._concluded(
                tx, attrs.evolve(fresh, decision=record.decision), Disabled(), facts_digest=None
            )
        self.wake(tx, workspace_id)
        return self._ratchets.replace(tx, fresh)

    def set_hold(self, tx: Transaction, workspace_id: str, hold: Hold | None) -> RatchetRecord:
        """Keep it from acting, or let it go with None."""
        tx.lock(workspace_id)
        record = self._record(tx, workspace_id)
        if record.hold == hold:
            return record
        tx.emit(RatchetHeld(hold=hold), workspace_id=workspace_id)
        self.wake(tx, workspace_id)
        return self._ratchets.replace(tx, attrs.evolve(record, hold=hold))

    # Looks

    def check(self, tx: Transaction, workspace_id: str) -> Decision:
        """Close what ended, decide, and write the intent of what follows."""
        tx.lock(workspace_id)
        before = self._record(tx, workspace_id)
        if not before.enabled:  # nothing runs while it is off: switching off ended it (R30)
            self._put_wake(tx, workspace_id, None)
            return before.decision or Disabled()
        record = self._settled(tx, before)
        view = self._view(tx, workspace_id)
        record = progressed(record, view)
        facts = decision_inputs(view, record)
        decision = decide(facts)
        if isinstance(decision, Dispatch):
            record, decision = self._dispatch(tx, record, view, decision)
        record = self._concluded(tx, record, decision, facts_digest=_digest(facts))
        if record != before:
            self._ratchets.replace(tx, record)
        self._put_wake(tx, workspace_id, decision.recheck_at)
        return decision

    def explain(self, tx: ReadTransaction, workspace_id: str) -> Explanation:
        """Why the workspace moves, or does not."""
        record, wake = self._record(tx, workspace_id), self._wakes.get(tx, workspace_id)
        return explanation(self._view(tx, workspace_id), record, wake.due_at if wake else None)

    def _view(self, tx: ReadTransaction, workspace_id: str) -> View:
        view = read_view(tx, self._tables, self._settings.current(tx), workspace_id)
        if view is None:
            raise NotFound("workspace", workspace_id)
        return view

    def _concluded(
        self, tx: Transaction, record: RatchetRecord, decision: Decision, *, facts_digest: str | None
    ) -> RatchetRecord:
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
                reason=sentence(decision).why,
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
        self, tx: Transaction, record: RatchetRecord, view: View, decision: Dispatch
    ) -> tuple[RatchetRecord, Decision]:
        """Acquire the fixer and record the dispatch: the intent of the start is in this transaction."""
        facts = view.facts
        assert facts is not None
        if not self._takes_slot(tx, view):
            return record, Wait(reason=WaitReason.CAPACITY, recheck_at=tx.now() + POLL)
        causes = tuple(
            with_items(cause, record.handled, view.now, view.settings.death_pause_s)
            for cause in view.causes
            if cause.id in decision.cause_ids
        )
        prompt = fixer_prompt(facts, causes, view.trust)
        # What its prompt had no room for is not handled by this fixer: it stays actionable.
        decision = attrs.evolve(decision, cause_ids=tuple(cause.id for cause in prompt.causes))
        outcome = self._fixers.acquire(
            tx,
            FixerRequest(
                workspace_id=record.workspace_id,
                label="ratchet",
                causes=decision.cause_ids,
                prompt=prompt.text,
                when_live=WhenLive.RESTART,
            ),
        )
        if not isinstance(outcome, Started):
            # The table looked at the same rows, so this is the race that the index decides.
            return record, Wait(reason=WaitReason.SESSION, recheck_at=tx.now() + POLL)
        self._dispatches.begin(tx, view, prompt.causes, outcome)
        times = (*recent(record.dispatch_times, tx.now()), tx.now())
        record = attrs.evolve(record, dispatch_times=times, since_progress=record.since_progress + 1)
        return record, decision

    def _takes_slot(self, tx: Transaction, view: View) -> bool:
        """Whether a slot is left. What the view saw of other workspaces is no more than a guess: it is
        counted again while nobody else can take one.
        """
        self._slots.lock_row(tx, FixerSlotsLock().id)
        return view.has_slot(read_slots(tx, self._tables, view.settings))

    def _settled(self, tx: Transaction, record: RatchetRecord) -> RatchetRecord:
        """The record after what came to its end was closed, which is a reason to read the pull request again.

        A person who stopped the fixer means it: that is a hold.
        """
        false_start_s = self._settings.current(tx).false_start_s
        for closed in self._dispatches.settle(tx, record.workspace_id, false_start_s=false_start_s):
            if closed.status is not DispatchStatus.CANCELLED:
                record = _remembering(record, closed, closed.ended_at or tx.now())
            elif closed.stopped_by_person and record.hold is None:
                hold = Hold(kind=HoldKind.STOPPED_FIXER, until=None)
                record = attrs.evolve(record, hold=hold)
                tx.emit(RatchetHeld(hold=hold), workspace_id=record.workspace_id)
            else:
                continue
            self._pull_requests.hint(tx, record.workspace_id, happened_at=closed.ended_at)
        return record

    def _record(self, tx: ReadTransaction, workspace_id: str) -> RatchetRecord:
        record = self._ratchets.get(tx, workspace_id)
        if record is None:
            raise NotFound("workspace", workspace_id)
        return record


def _remembering(record: RatchetRecord, closed: Closed, at: datetime) -> RatchetRecord:
    """The record after a dispatch came to its end. One that died without having begun anything is taken back
    from the budget between two marks of progress, and not from that of the day.
    """
    died = closed.status is DispatchStatus.DIED
    handled = remember(record.handled, closed.causes, died=died, at=at, began=closed.began)
    idle = died and not closed.began
    return attrs.evolve(record, handled=handled, since_progress=max(record.since_progress - idle, 0))


def _digest(facts: object) -> str:
    return hashlib.sha256(repr(CONVERTER.unstructure(facts)).encode()).hexdigest()
