"""The single writer of pull-request facts: one path for scheduler, people, hints and webhooks (I8)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.errors import InvalidInput, NotFound, PermissionDenied, Unavailable
from headway_core.kernel.ledger import Ledger, ReadTransaction, Transaction
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.projects.model import Project
from headway_core.pull_requests.cadence import (
    Plan,
    due_after_failure,
    due_after_look,
    due_while_not_ready,
    plan,
)
from headway_core.pull_requests.discovery import Seen, look
from headway_core.pull_requests.events import (
    AmbiguousPullRequest,
    PullRequestAttached,
    PullRequestChanged,
    digest,
)
from headway_core.pull_requests.flights import Flights
from headway_core.pull_requests.model import DUE, IN_FLIGHT, NEXT_DUE, PullRequestSnapshot, PullRequestWatch
from headway_core.pull_requests.outcomes import (
    Failed,
    FetchOutcome,
    NoPullRequest,
    Refreshed,
    RefreshOutcome,
    Shared,
    Superseded,
    Unchanged,
)
from headway_core.pull_requests.outcomes import NotFound as NotFoundThere
from headway_core.pull_requests.ports import FailureKind, FetchFailed, Observation, PullRequests
from headway_core.pull_requests.writing import (
    RefusalReason,
    Refused,
    believe,
    changed_fields,
    switched,
    timed,
)
from headway_core.settings.model import Settings
from headway_core.workspaces.model import Workspace

LEASE = timedelta(seconds=60)
"""For so long a fetch that was begun is not due for others; a crash costs no more than that (S19)."""
BLOCKED_S = 60.0
"""How long nothing is fetched after a rate limit that does not say how long."""


@attrs.frozen(kw_only=True)
class Begun:
    """A fetch that was begun for a workspace: its number is drawn and stored."""

    workspace: Workspace
    project: Project
    number: int
    at: datetime
    attached: str | None
    """The pull request that is attached."""
    node_id: str | None
    """The same, when it is to be observed."""
    looks: bool
    """Whether to look for a pull request of the branch."""


class PRSnapshotService:
    """Fetches, believes and stores pull requests. The only writer of its two tables.

    Async operations for callers; steps that take `tx` for others to compose.
    """

    def __init__(  # noqa: PLR0917  its tables and ports, as the container gives them
        self,
        ledger: Ledger,
        snapshots: OwnedTable[PullRequestSnapshot],
        watches: OwnedTable[PullRequestWatch],
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        settings: ReadTable[Settings],
        forge: PullRequests,
    ) -> None:
        self._ledger = ledger
        self._snapshots = snapshots
        self._watches = watches
        self._workspaces = workspaces
        self._projects = projects
        self._settings = settings
        self._forge = forge
        self._flights = Flights()
        self._blocked_until: datetime | None = None
        """GitHub asked to wait: this process begins nothing by itself until then."""

    # Steps, composed into the transactions of others.

    def open_record(self, tx: Transaction, workspace: Workspace) -> None:
        """Add the records of a new workspace. Called in the transaction that creates it."""
        self._snapshots.add(tx, PullRequestSnapshot(workspace_id=workspace.id))
        self._watches.put(tx, PullRequestWatch(workspace_id=workspace.id, due_at=tx.now()))

    def hint(self, tx: Transaction, workspace_id: str, *, happened_at: datetime | None = None) -> None:
        """Something may have changed (a push, a session's end, a rename, a webhook): look at once.

        A view whose fetch began before the hint is out of date from now on. A pull request of the
        branch is looked for 0, 5, 15 and 45 s from now. Nothing to do for an unknown workspace, and
        when a hint came or a fetch began after `happened_at`.
        """
        tx.lock(workspace_id)
        watch = self._watches.get(tx, workspace_id)
        if watch is None:
            return
        later = [at for at in (watch.hint_at, watch.fetch_began_at) if at is not None]
        if happened_at is not None and any(at > happened_at for at in later):
            return
        now = tx.now()
        self._watches.put(tx, attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0))

    def attach(self, tx: Transaction, workspace_id: str, node_id: str, *, actor: str = "headway") -> bool:
        """Make this pull request the workspace's own; its facts are read next. False when it is already.

        A switch resets all facts in the same write (S10). For those who know no more than its id, as
        when Headway has just opened it.
        """
        tx.lock(workspace_id)
        snapshot, watch = self._records(tx, workspace_id)
        now = tx.now()
        self._watches.put(tx, attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0))
        if snapshot.node_id == node_id:
            return False
        stored = self._snapshots.replace(tx, switched(snapshot, node_id, now))
        self._emit_attached(tx, snapshot, stored, actor)
        return True

    # Operations.

    async def attach_number(self, workspace_id: str, number: int, *, actor: str = "headway") -> FetchOutcome:
        """Attach the project's pull request with this number: identity and facts in one write (S6).

        `InvalidInput("number")` when there is none; `Unavailable` and `PermissionDenied` when GitHub
        can't be asked. Nothing is changed then.
        """
        begun = await self._ledger.transact(lambda tx: self._begin_attaching(tx, workspace_id))
        node_id = await self._forge.resolve(begun.project, number)
        if isinstance(node_id, FetchFailed):
            raise _as_error(node_id, number)
        answers = await self._forge.observe(begun.project, [node_id])
        observation = answers[node_id]
        if isinstance(observation, FetchFailed):
            raise _as_error(observation, number)
        seen = Seen(observation=observation, attach=node_id)
        return await self._ledger.transact(lambda tx: self._outcome(tx, begun, seen, actor=actor))

    def _begin_attaching(self, tx: Transaction, workspace_id: str) -> Begun:
        tx.lock(workspace_id)
        snapshot, watch = self._records(tx, workspace_id)
        place = self._place(tx, workspace_id)
        if place is None:
            raise NotFound("workspace", workspace_id)
        return self._draw(tx, place, snapshot, watch, Plan(observes=False, looks=False))

    async def refresh_workspace(self, workspace_id: str, *, insist: bool = False) -> RefreshOutcome:
        """Read the workspace's pull request, or look for one, and store what is believed.

        A caller who comes while a fetch flies shares it (R15); one who insists, because something
        happened after it began, gets another after it. `NotFound` is raised for an unknown workspace
        alone: what GitHub answers is in the outcome.
        """
        shared = await self._flights.wait(workspace_id, insist=insist)
        if shared is not None:
            return Shared(outcome=shared)
        return (await self._fly([workspace_id], asked=True))[workspace_id]

    async def refresh_due(self) -> Mapping[str, FetchOutcome]:
        """Refresh a batch of what is due, by workspace: one query a repository for those to be found.

        Nothing while GitHub has asked to wait.
        """
        free = self._flights.free(await self._ledger.read(self._due))
        return await self._fly(free, asked=False) if free else {}

    async def recover(self) -> None:
        """For a runner that starts: fetches that died with the last one are begun anew at once."""

        def work(tx: Transaction) -> None:
            for watch in self._watches.query(tx, IN_FLIGHT, in_flight=True):
                self._watches.put(tx, attrs.evolve(watch, in_flight=False, due_at=tx.now()))

        await self._ledger.transact(work)

    async def next_due_in(self) -> float | None:
        """Seconds until something is due; None when nothing is."""

        def query(tx: ReadTransaction) -> float | None:
            rows = self._watches.query(tx, NEXT_DUE)
            due = rows[0].due_at if rows else None
            return None if due is None else max((self._unblocked(due) - tx.now()).total_seconds(), 0.0)

        return await self._ledger.read(query)

    def _due(self, tx: ReadTransaction) -> list[str]:
        now = tx.now()
        if self._unblocked(now) > now:
            return []
        return [watch.workspace_id for watch in self._watches.query(tx, DUE, due_at=now)]

    def _unblocked(self, at: datetime) -> datetime:
        return at if self._blocked_until is None else max(at, self._blocked_until)

    # One flight: begin in a transaction, ask outside of any, store in one transaction a workspace.

    async def _fly(self, workspace_ids: Sequence[str], *, asked: bool) -> dict[str, FetchOutcome]:
        self._flights.begin(workspace_ids)
        outcomes: dict[str, FetchOutcome] = {}
        try:
            begun = await self._begin(workspace_ids, asked=asked)
            outcomes.update({each: NoPullRequest() for each in workspace_ids if each not in begun})
            by_project: dict[str, list[Begun]] = defaultdict(list)
            for each in begun.values():
                by_project[each.project.id].append(each)
            for group in by_project.values():
                seen = await look(self._forge, group)
                for each in group:
                    workspace_id = each.workspace.id
                    outcomes[workspace_id] = await self._store(each, seen[workspace_id])
                    self._flights.land(workspace_id, outcomes[workspace_id])
        finally:
            for workspace_id in workspace_ids:
                self._flights.land(workspace_id, outcomes.get(workspace_id))
        return outcomes

    async def _begin(self, workspace_ids: Sequence[str], *, asked: bool) -> dict[str, Begun]:
        """Draw a number for each, and store it, before anything is asked. Those with nothing to ask are
        left out. `NotFound` for a workspace that is not there, when somebody asked for it.
        """

        def work(tx: Transaction) -> dict[str, Begun]:
            tx.lock(*workspace_ids)
            begun = [self._begin_one(tx, workspace_id, asked=asked) for workspace_id in workspace_ids]
            return {each.workspace.id: each for each in begun if each is not None}

        return await self._ledger.transact(work)

    def _begin_one(self, tx: Transaction, workspace_id: str, *, asked: bool) -> Begun | None:
        snapshot, watch = self._records(tx, workspace_id)
        place = self._place(tx, workspace_id)
        if place is None:
            if asked:
                raise NotFound("workspace", workspace_id)
            self._watches.put(tx, attrs.evolve(watch, due_at=None))
            return None
        planned = plan(snapshot, place[0], asked=asked)
        if planned.observes or planned.looks:
            return self._draw(tx, place, snapshot, watch, planned)
        due = due_while_not_ready(place[0], tx.now(), self._current(tx))
        self._watches.put(tx, attrs.evolve(watch, due_at=due))
        return None

    def _place(self, tx: ReadTransaction, workspace_id: str) -> tuple[Workspace, Project] | None:
        workspace = self._workspaces.get(tx, workspace_id)
        project = None if workspace is None else self._projects.get(tx, workspace.project_id)
        return None if workspace is None or project is None else (workspace, project)

    def _draw(
        self,
        tx: Transaction,
        place: tuple[Workspace, Project],
        snapshot: PullRequestSnapshot,
        watch: PullRequestWatch,
        planned: Plan,
    ) -> Begun:
        """The next number of this workspace's observations; others leave it alone for the lease."""
        number, now = watch.begun + 1, tx.now()
        self._watches.put(tx, attrs.evolve(watch, begun=number, in_flight=True, due_at=now + LEASE))
        return Begun(
            workspace=place[0],
            project=place[1],
            number=number,
            at=now,
            attached=snapshot.node_id,
            node_id=snapshot.node_id if planned.observes else None,
            looks=planned.looks,
        )

    async def _store(self, begun: Begun, seen: Seen) -> FetchOutcome:
        return await self._ledger.transact(lambda tx: self._outcome(tx, begun, seen))

    # The outcome of a fetch, in one transaction.

    def _outcome(self, tx: Transaction, begun: Begun, seen: Seen, *, actor: str = "headway") -> FetchOutcome:
        tx.lock(begun.workspace.id)
        self._landed(tx, begun)
        observation = seen.observation
        if isinstance(observation, FetchFailed):
            return self._failed(tx, begun, observation)
        if observation is None:
            return self._found_none(tx, begun, seen)
        return self._observed(tx, begun, observation, seen, actor)

    def _observed(
        self, tx: Transaction, begun: Begun, observation: Observation, seen: Seen, actor: str
    ) -> FetchOutcome:
        before, watch = self._records(tx, begun.workspace.id)
        settings, now = self._current(tx), tx.now()
        snapshot = before
        attaches = seen.attach is not None and seen.attach != before.node_id
        if attaches:
            if before.node_id != begun.attached:
                return self._superseded(tx, watch, RefusalReason.OTHER_PULL_REQUEST, settings)
            snapshot = switched(before, observation.state.node_id, now)
        belief = believe(
            snapshot, watch, observation, number=begun.number, began_at=begun.at, now=now, settings=settings
        )
        if isinstance(belief, Refused):
            return self._superseded(tx, belief.watch, belief.reason, settings)
        after = belief.snapshot
        watch = attrs.evolve(belief.watch, failures=0, failing_since=None, problem=None)
        self._watches.put(tx, due_after_look(after, watch, begun.at, now, settings, looked=begun.looks))
        changed = changed_fields(before, after)
        if not changed:
            return Unchanged()
        stored = self._snapshots.replace(tx, after)
        if attaches:
            self._emit_attached(tx, before, stored, actor)
        else:
            self._emit_changed(tx, stored, changed)
        return Refreshed(changed=changed)

    def _superseded(
        self, tx: Transaction, watch: PullRequestWatch, reason: RefusalReason, settings: Settings
    ) -> FetchOutcome:
        """Nothing is believed, and the answer was not the newest: ask again soon."""
        soon = tx.now() + timedelta(seconds=settings.cadence_hot_s)
        self._watches.put(tx, attrs.evolve(watch, due_at=min(watch.due_at or soon, soon)))
        return Superseded(reason=reason)

    def _found_none(self, tx: Transaction, begun: Begun, seen: Seen) -> FetchOutcome:
        before, watch = self._records(tx, begun.workspace.id)
        settings, now = self._current(tx), tx.now()
        watch = attrs.evolve(watch, failures=0, failing_since=None, problem=None)
        self._watches.put(tx, due_after_look(before, watch, begun.at, now, settings, looked=begun.looks))
        tied = seen.tied if before.node_id is None else ()
        if tied != before.tied:
            stored = self._snapshots.replace(tx, attrs.evolve(before, tied=tied))
            tx.emit(AmbiguousPullRequest(numbers=stored.tied), workspace_id=stored.workspace_id)
        return NoPullRequest(tied=tied) if before.node_id is None else Unchanged()

    def _failed(self, tx: Transaction, begun: Begun, failure: FetchFailed) -> FetchOutcome:
        """Every fact stays; only what time alone tells may change."""
        before, watch = self._records(tx, begun.workspace.id)
        settings, now = self._current(tx), tx.now()
        watch = attrs.evolve(
            watch,
            failures=watch.failures + 1,
            failing_since=watch.failing_since or begun.at,
            problem=f"{failure.kind}: {failure.problem}",
        )
        self._watches.put(tx, due_after_failure(watch, now, failure.retry_after, settings))
        after = timed(before, watch, now, settings)
        changed = changed_fields(before, after)
        if changed:
            self._emit_changed(tx, self._snapshots.replace(tx, after), changed)
        if failure.kind is FailureKind.RATE_LIMITED:
            self._blocked_until = now + timedelta(seconds=failure.retry_after or BLOCKED_S)
        if failure.kind is FailureKind.NOT_FOUND and begun.node_id is not None:
            return NotFoundThere()
        return Failed(kind=failure.kind, problem=failure.problem, retry_after=failure.retry_after)

    # What the parts above share.

    def _landed(self, tx: Transaction, begun: Begun) -> None:
        """The newest fetch of the workspace has an outcome."""
        watch = self._watches.get(tx, begun.workspace.id)
        if watch is not None and watch.begun == begun.number:
            self._watches.put(tx, attrs.evolve(watch, in_flight=False))

    def _records(
        self, tx: ReadTransaction, workspace_id: str
    ) -> tuple[PullRequestSnapshot, PullRequestWatch]:
        snapshot = self._snapshots.get(tx, workspace_id)
        watch = self._watches.get(tx, workspace_id)
        if snapshot is None or watch is None:
            raise NotFound("workspace", workspace_id)
        return snapshot, watch

    def _current(self, tx: ReadTransaction) -> Settings:
        return self._settings.get(tx, "settings") or Settings()

    def _emit_changed(self, tx: Transaction, stored: PullRequestSnapshot, fields: tuple[str, ...]) -> None:
        now = digest(stored, self._current(tx).ci_scope)
        tx.emit(
            PullRequestChanged(node_id=stored.node_id or "", fields=fields, now=now),
            workspace_id=stored.workspace_id,
        )

    def _emit_attached(
        self, tx: Transaction, before: PullRequestSnapshot, stored: PullRequestSnapshot, actor: str
    ) -> None:
        now = digest(stored, self._current(tx).ci_scope)
        tx.emit(
            PullRequestAttached(node_id=stored.node_id or "", replaced=before.node_id, now=now),
            workspace_id=stored.workspace_id,
            actor=actor,
        )


def _as_error(failure: FetchFailed, number: int) -> Exception:
    """A failure to read what a person asked for by number."""
    match failure.kind:
        case FailureKind.NOT_FOUND:
            return InvalidInput("number", f"there is no pull request {number} in the project's repository")
        case FailureKind.FORBIDDEN:
            return PermissionDenied("github", failure.problem)
        case FailureKind.UNAVAILABLE | FailureKind.RATE_LIMITED | FailureKind.NONSENSE:
            return Unavailable("github", failure.problem, retry_after=failure.retry_after)
