"""What a fetch found becomes what is stored: believed, refused, none or failed."""

from datetime import datetime

import attrs

from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests.budget import ForgeBudgets, Round
from headway_core.pull_requests.cadence import (
    due_after_failure,
    due_after_look,
    due_soon,
    needs_merge_check,
)
from headway_core.pull_requests.discovery import LookResult
from headway_core.pull_requests.fetches import Fetch, FetchSteps, Pending
from headway_core.pull_requests.model import FailureKind, PullRequestSnapshot, PullRequestWatch
from headway_core.pull_requests.outcomes import (
    FetchOutcome,
    NoPullRequest,
    PullRequestGone,
    Refreshed,
    RefreshFailed,
    Superseded,
    TakenElsewhere,
    Unchanged,
)
from headway_core.pull_requests.ports import FetchFailed, Observation
from headway_core.pull_requests.reconciliation import (
    RefusalReason,
    Refused,
    believe,
    changed_fields,
    rewatched,
    switched,
)
from headway_core.pull_requests.repository import PullRequestRepository
from headway_core.pull_requests.timing import timed


@attrs.frozen(kw_only=True)
class Stored:
    """How a fetch ended, and what is to be done about it."""

    outcome: FetchOutcome
    merge_check: int | None = None
    """The number of a pull request whose mergeability GitHub is to be asked to work out."""


class OutcomeSteps:
    """Stores what fetches found; for `PRSnapshotService` alone."""

    def __init__(self, repository: PullRequestRepository, fetches: FetchSteps, budgets: ForgeBudgets) -> None:
        self._repository = repository
        self._fetches = fetches
        self._budgets = budgets

    def store(
        self, tx: Transaction, fetch: Fetch, result: LookResult, told: Round | None, *, actor: str = "headway"
    ) -> Stored:
        """Store what a fetch found, once and only while its claim is the newest; give the claim back."""
        tx.lock(fetch.workspace.id)
        current = self._fetches.is_current(tx, fetch)
        if told is not None:
            self._budgets.note(tx, told)
        if not current:
            return Stored(outcome=Superseded(reason=RefusalReason.LOST_CLAIM))
        self._fetches.finish(tx, fetch)
        observation = result.observation
        if isinstance(observation, FetchFailed):
            return Stored(outcome=self._failed(tx, fetch, observation))
        if observation is None:
            return Stored(outcome=self._found_none(tx, fetch, result))
        return self._observed(tx, fetch, observation, result, actor)

    def note(self, tx: Transaction, told: Round) -> None:
        """Keep what a round told of limits, when no outcome tells it."""
        self._budgets.note(tx, told)

    def told(self, tx: ReadTransaction, workspace_id: str, pending: Pending) -> FetchOutcome | None:
        """How another process's fetch ended, by the rows that it wrote; None while it has no outcome."""
        snapshot, watch = self._repository.records(tx, workspace_id)
        if watch.finished < pending.number:
            return None
        if watch.failure is not None:
            if watch.failure is FailureKind.NOT_FOUND and snapshot.node_id is not None:
                return PullRequestGone()
            return RefreshFailed(kind=watch.failure, problem=watch.problem or "", retry_after_s=None)
        if watch.unconfirmed is not None:
            return Superseded(reason=RefusalReason.UNCONFIRMED)
        if snapshot.taken is not None and snapshot.taken_by is not None:
            return TakenElsewhere(number=snapshot.taken, workspace_id=snapshot.taken_by)
        if snapshot.node_id is None:
            return NoPullRequest(tied=snapshot.tied)
        changed = changed_fields(pending.snapshot, snapshot)
        return Refreshed(changed=changed) if changed else Unchanged()

    def _observed(
        self, tx: Transaction, fetch: Fetch, observation: Observation, result: LookResult, actor: str
    ) -> Stored:
        before, old_watch = self._repository.records(tx, fetch.workspace.id)
        settings, now = self._repository.settings(tx), tx.now()
        snapshot, watch = before, old_watch
        attaches = result.attach is not None and result.attach != before.node_id
        if attaches:
            if before.node_id != fetch.attached:
                return self._superseded(tx, watch, RefusalReason.OTHER_PULL_REQUEST)
            holder = self._repository.holder(tx, fetch.workspace.id, observation.state.node_id)
            if holder is not None:
                return Stored(outcome=self._taken(tx, fetch, observation.state.number, holder))
            snapshot, watch = switched(before, observation.state.node_id, now), rewatched(watch)
        belief = believe(
            snapshot,
            watch,
            observation,
            number=fetch.number,
            began_at=fetch.began_at,
            now=now,
            settings=settings,
        )
        if isinstance(belief, Refused):
            return self._superseded(tx, old_watch if attaches else belief.watch, belief.reason)
        after = belief.snapshot
        watch = attrs.evolve(
            belief.watch,
            failures=0,
            failing_since=None,
            failure=None,
            problem=None,
            unread=observation.problems,
        )
        watch = due_after_look(
            after, watch, fetch.began_at, now, settings, looked=fetch.looks, git_at=_asked_at(fetch)
        )
        if belief.again:
            watch = due_soon(watch, now)
        self._repository.put_watch(tx, watch)
        merge_check = after.number if needs_merge_check(watch) else None
        changed = changed_fields(before, after)
        if not changed:
            return Stored(outcome=Unchanged(), merge_check=merge_check)
        if attaches:
            self._repository.store_attached(tx, before, after, actor)
        else:
            self._repository.store_changed(tx, after, changed)
        return Stored(outcome=Refreshed(changed=changed), merge_check=merge_check)

    def _superseded(self, tx: Transaction, watch: PullRequestWatch, reason: RefusalReason) -> Stored:
        """Store that nothing is believed, and ask again when no replica lags any more."""
        self._repository.put_watch(tx, due_soon(watch, tx.now()))
        return Stored(outcome=Superseded(reason=reason))

    def _taken(self, tx: Transaction, fetch: Fetch, number: int, holder: str) -> FetchOutcome:
        """Store that what was found is another workspace's: one has it, and sends fixers for it."""
        before = self._looked(tx, fetch, keeps_names=True)
        after = attrs.evolve(before, tied=(), taken=number, taken_by=holder)
        if after != before:
            self._repository.store_taken(tx, after)
        return TakenElsewhere(number=number, workspace_id=holder)

    def _looked(self, tx: Transaction, fetch: Fetch, *, keeps_names: bool = False) -> PullRequestSnapshot:
        """Store that a good look attached nothing; what is stored of the workspace's pull request.

        `keeps_names`: what agents named is looked at with every later look too.
        """
        before, old = self._repository.records(tx, fetch.workspace.id)
        settings, now = self._repository.settings(tx), tx.now()
        watch = attrs.evolve(old, failures=0, failing_since=None, failure=None, problem=None)
        watch = due_after_look(
            before, watch, fetch.began_at, now, settings, looked=fetch.looks, git_at=_asked_at(fetch)
        )
        if keeps_names:
            watch = attrs.evolve(watch, hinted=old.hinted, hinted_at=old.hinted_at)
        self._repository.put_watch(tx, watch)
        return before

    def _found_none(self, tx: Transaction, fetch: Fetch, result: LookResult) -> FetchOutcome:
        before = self._looked(tx, fetch)
        if before.taken is not None:
            before = self._repository.store_taken(tx, attrs.evolve(before, taken=None, taken_by=None))
        tied = result.tied if before.node_id is None else ()
        if tied != before.tied:
            self._repository.store_tied(tx, attrs.evolve(before, tied=tied))
        return NoPullRequest(tied=tied) if before.node_id is None else Unchanged()

    def _failed(self, tx: Transaction, fetch: Fetch, failure: FetchFailed) -> FetchOutcome:
        """Store a failure: every fact stays, and only what time alone tells may change."""
        before, watch = self._repository.records(tx, fetch.workspace.id)
        settings, now = self._repository.settings(tx), tx.now()
        watch = attrs.evolve(
            watch,
            failures=watch.failures + 1,
            failing_since=watch.failing_since or fetch.began_at,
            failure=failure.kind,
            problem=failure.problem,
        )
        self._repository.put_watch(tx, due_after_failure(watch, now, failure.retry_after_s, settings))
        after = timed(before, watch, now, settings)
        changed = changed_fields(before, after)
        if changed:
            self._repository.store_changed(tx, after, changed)
        if failure.kind is FailureKind.NOT_FOUND and fetch.node_id is not None:
            return PullRequestGone()
        return RefreshFailed(kind=failure.kind, problem=failure.problem, retry_after_s=failure.retry_after_s)


def _asked_at(fetch: Fetch) -> datetime | None:
    """When git was asked that this fetch was judged by; None when it never was."""
    return None if fetch.git is None else fetch.git.at
