"""The rows of pull requests and every step that changes them: what runs inside a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.claims import Claim, Claims
from headway_core.kernel.errors import NotFound
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import Project
from headway_core.pull_requests.budget import ForgeBudgets, Round
from headway_core.pull_requests.cadence import (
    Plan,
    due_after_failure,
    due_after_look,
    due_soon,
    due_while_not_ready,
    jitter,
    needs_merge_check,
    plan,
)
from headway_core.pull_requests.discovery import Found
from headway_core.pull_requests.events import (
    AmbiguousPullRequest,
    PullRequestAttached,
    PullRequestChanged,
    PullRequestDetached,
    PullRequestHinted,
    digest,
)
from headway_core.pull_requests.model import (
    DUE,
    DUE_SOON,
    NEXT_DUE,
    GitHubState,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.pull_requests.outcomes import (
    FetchOutcome,
    NoPullRequest,
    PullRequestGone,
    Refreshed,
    RefreshFailed,
    Superseded,
    Unchanged,
)
from headway_core.pull_requests.ports import FailureKind, FetchFailed, Observation
from headway_core.pull_requests.reconciliation import (
    FORMER_KEPT,
    RefusalReason,
    Refused,
    believe,
    changed_fields,
    rewatched,
    switched,
)
from headway_core.pull_requests.timing import timed
from headway_core.settings.model import Settings
from headway_core.workspaces.model import OF_LIVE_WORKSPACES, GitFacts, Workspace

LEASE = timedelta(seconds=60)
"""For so long a fetch that was begun is left alone by others; a crash costs no more than that (S19)."""
HINTED_KEPT = 3


@attrs.frozen(kw_only=True)
class Begun:
    """A fetch that was begun for a workspace: its number is drawn and stored, the claim is ours."""

    workspace: Workspace
    project: Project
    claim: Claim
    number: int
    at: datetime
    attached: str | None
    """The pull request that is attached."""
    node_id: str | None
    """The same, when it is to be observed."""
    looks: bool
    """Whether to look for a pull request of the branch."""
    declined: tuple[str, ...]
    hinted: tuple[int, ...]
    worktree_head: str | None
    """The commit that the workspace's worktree was last seen on."""


@attrs.frozen(kw_only=True)
class Begin:
    """What came of the wish to fetch some workspaces."""

    begun: tuple[Begun, ...]
    held: Mapping[str, "Pending"]
    """Those that another process is fetching, by workspace."""
    idle: tuple[str, ...]
    """Those for which nothing is to be asked."""


@attrs.frozen(kw_only=True)
class Pending:
    """Another process's fetch, and what was stored when it was met."""

    number: int
    snapshot: PullRequestSnapshot


@attrs.frozen(kw_only=True)
class Stored:
    """How a fetch ended, and what is to be done about it."""

    outcome: FetchOutcome
    merge_check: int | None = None
    """The number of a pull request whose mergeability GitHub is to be asked to work out."""


class PullRequestRepository:
    """Owner of the two tables, for `PRSnapshotService` alone."""

    def __init__(
        self,
        *,
        snapshots: OwnedTable[PullRequestSnapshot],
        watches: OwnedTable[PullRequestWatch],
        claims: Claims,
        budgets: ForgeBudgets,
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        git_facts: ReadTable[GitFacts],
        settings: ReadTable[Settings],
    ) -> None:
        self._snapshots = snapshots
        self._watches = watches
        self._claims = claims
        self._budgets = budgets
        self._workspaces = workspaces
        self._projects = projects
        self._git_facts = git_facts
        self._settings = settings

    # What others ask for.

    def open(self, tx: Transaction, workspace: Workspace) -> None:
        """Add the records of a new workspace."""
        self._snapshots.add(tx, PullRequestSnapshot(workspace_id=workspace.id))
        self._watches.put(tx, PullRequestWatch(workspace_id=workspace.id, due_at=tx.now()))

    def hint(
        self,
        tx: Transaction,
        workspace_id: str,
        *,
        happened_at: datetime | None,
        spacing: timedelta,
        numbers: Sequence[int],
    ) -> bool:
        """Make the view out of date and due. Whether that is news."""
        tx.lock(workspace_id)
        watch = self._watches.get(tx, workspace_id)
        if watch is None:
            return False
        later = [at for at in (watch.hint_at, watch.fetch_began_at) if at is not None]
        if not numbers and happened_at is not None and any(at > happened_at for at in later):
            return False
        now = tx.now()
        due = now if watch.fetch_began_at is None else max(now, watch.fetch_began_at + spacing)
        hinted = tuple(dict.fromkeys([*watch.hinted, *numbers]))[-HINTED_KEPT:]
        news = watch.due_at is None or watch.due_at > due
        self._watches.put(tx, attrs.evolve(watch, hint_at=now, due_at=due, discovery_step=0, hinted=hinted))
        return news

    def hint_all(self, tx: Transaction, by: str) -> int:
        """The same for every live workspace but those whose pull request is merged; how many."""
        live = sorted(watch.workspace_id for watch in self._watches.query(tx, OF_LIVE_WORKSPACES))
        tx.lock(*live)
        meant = [each for each in live if not self._is_merged(tx, each)]
        for workspace_id in meant:
            if self.hint(tx, workspace_id, happened_at=None, spacing=timedelta(0), numbers=()):
                tx.emit(PullRequestHinted(by=by), workspace_id=workspace_id)
        return len(meant)

    def _is_merged(self, tx: Transaction, workspace_id: str) -> bool:
        snapshot, _ = self.records(tx, workspace_id)
        return snapshot.facts is not None and snapshot.facts.state is GitHubState.MERGED

    def attach(self, tx: Transaction, workspace_id: str, node_id: str, actor: str) -> bool:
        """Make this pull request the workspace's own, by its id alone."""
        tx.lock(workspace_id)
        snapshot, watch = self.records(tx, workspace_id)
        now = tx.now()
        hinted = attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0)
        if snapshot.node_id == node_id:
            self._watches.put(tx, hinted)
            return False
        self._watches.put(tx, rewatched(hinted))
        stored = self._snapshots.replace(tx, switched(snapshot, node_id, now))
        self._emit_attached(tx, snapshot, stored, actor)
        return True

    def detach(self, tx: Transaction, workspace_id: str, actor: str) -> bool:
        """Let the workspace have no pull request. This one is not attached again by itself."""
        tx.lock(workspace_id)
        snapshot, watch = self.records(tx, workspace_id)
        if snapshot.node_id is None:
            return False
        now = tx.now()
        declined = [each for each in snapshot.declined if each != snapshot.node_id]
        stored = attrs.evolve(
            switched(snapshot, None, now), declined=(*declined, snapshot.node_id)[-FORMER_KEPT:]
        )
        self._watches.put(
            tx, rewatched(attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0, hinted=()))
        )
        self._snapshots.replace(tx, stored)
        tx.emit(
            PullRequestDetached(node_id=snapshot.node_id, number=snapshot.number),
            workspace_id=workspace_id,
            actor=actor,
        )
        return True

    # The beginning of a fetch.

    def begin(self, tx: Transaction, workspace_ids: Sequence[str], *, holder: str, asked: bool) -> Begin:
        """Claim and draw a number for each that has something to ask, before anything is asked.

        `NotFound` for a workspace that is not there, when somebody asked for it.
        """
        tx.lock(*workspace_ids)
        planned = {each: self._plan(tx, each, asked=asked) for each in workspace_ids}
        asking = {each: what for each, what in planned.items() if what is not None}
        if not asked:
            asking = {each: what for each, what in asking.items() if not self._put_off(tx, each)}
        claims = self._claims.acquire(tx, asking, holder=holder, lease=LEASE) if asking else {}
        begun, held = [], {}
        for workspace_id, what in asking.items():
            if workspace_id in claims:
                begun.append(self._draw(tx, workspace_id, what, claims[workspace_id]))
            else:
                snapshot, watch = self.records(tx, workspace_id)
                held[workspace_id] = Pending(number=watch.begun, snapshot=snapshot)
        idle = tuple(each for each, what in planned.items() if what is None)
        return Begin(begun=tuple(begun), held=held, idle=idle)

    def begin_attaching(self, tx: Transaction, workspace_id: str, *, holder: str) -> Begun | None:
        """The same for a pull request that a person names; None while another fetch flies."""
        tx.lock(workspace_id)
        self.records(tx, workspace_id)
        if self.workspace_and_project(tx, workspace_id) is None:
            raise NotFound("workspace", workspace_id)
        claim = self._claims.acquire(tx, [workspace_id], holder=holder, lease=LEASE).get(workspace_id)
        if claim is None:
            return None
        return self._draw(tx, workspace_id, Plan(observes=False, looks=False), claim)

    def _plan(self, tx: Transaction, workspace_id: str, *, asked: bool) -> Plan | None:
        """What to ask; None for nothing, and then the watch says when to look again."""
        snapshot, watch = self.records(tx, workspace_id)
        found = self.workspace_and_project(tx, workspace_id)
        if found is None:
            if asked:
                raise NotFound("workspace", workspace_id)
            self._watches.put(tx, attrs.evolve(watch, due_at=None))
            return None
        what = plan(snapshot, found[0], asked=asked)
        if not what.observes and not what.looks:
            due = due_while_not_ready(found[0], tx.now(), self.settings(tx))
            self._watches.put(tx, attrs.evolve(watch, due_at=due))
            return None
        return what

    def _put_off(self, tx: Transaction, workspace_id: str) -> bool:
        """Whether its forge has asked to wait: then it is due a little after that, not all in one moment."""
        found = self.workspace_and_project(tx, workspace_id)
        until = None if found is None else self._budgets.blocked_until(tx, found[1].github_host)
        if until is not None:
            _, watch = self.records(tx, workspace_id)
            spread = timedelta(seconds=10 * (jitter(workspace_id, watch.begun) - 0.9))
            self._watches.put(tx, attrs.evolve(watch, due_at=until + spread))
        return until is not None

    def _draw(self, tx: Transaction, workspace_id: str, what: Plan, claim: Claim) -> Begun:
        """The next number of this workspace's observations; it is not due for others during the lease."""
        snapshot, watch = self.records(tx, workspace_id)
        found = self.workspace_and_project(tx, workspace_id)
        assert found is not None
        number, now = watch.begun + 1, tx.now()
        self._watches.put(tx, attrs.evolve(watch, begun=number, due_at=now + LEASE))
        git = self._git_facts.get(tx, workspace_id) if what.looks and watch.hinted else None
        return Begun(
            workspace=found[0],
            project=found[1],
            claim=claim,
            number=number,
            at=now,
            attached=snapshot.node_id,
            node_id=snapshot.node_id if what.observes else None,
            looks=what.looks,
            declined=snapshot.declined,
            hinted=watch.hinted,
            worktree_head=None if git is None else git.head,
        )

    # The outcome of a fetch.

    def outcome(
        self, tx: Transaction, begun: Begun, seen: Found, found: Round | None, *, actor: str = "headway"
    ) -> Stored:
        """Store what a fetch found, once and only while its claim is the newest; give the claim back."""
        tx.lock(begun.workspace.id)
        current = self._claims.fence(tx, begun.claim)
        if found is not None:
            self._budgets.note(tx, found)
        if not current:
            return Stored(outcome=Superseded(reason=RefusalReason.LOST_CLAIM))
        self._claims.release(tx, [begun.claim])
        self._landed(tx, begun)
        observation = seen.observation
        if isinstance(observation, FetchFailed):
            return Stored(outcome=self._failed(tx, begun, observation))
        if observation is None:
            return Stored(outcome=self._found_none(tx, begun, seen))
        return self._observed(tx, begun, observation, seen, actor)

    def give_back(self, tx: Transaction, begun: Sequence[Begun]) -> None:
        """The claims of fetches that will have no outcome."""
        self._claims.release(tx, [each.claim for each in begun])

    def hold_on(self, tx: Transaction, begun: Sequence[Begun]) -> None:
        """Keep the claims of fetches whose turn comes now."""
        self._claims.renew(tx, [each.claim for each in begun], lease=LEASE)

    def note(self, tx: Transaction, found: Round) -> None:
        """What a round told of limits, when no outcome tells it."""
        self._budgets.note(tx, found)

    def _observed(
        self, tx: Transaction, begun: Begun, observation: Observation, seen: Found, actor: str
    ) -> Stored:
        before, old_watch = self.records(tx, begun.workspace.id)
        settings, now = self.settings(tx), tx.now()
        snapshot, watch = before, old_watch
        attaches = seen.attach is not None and seen.attach != before.node_id
        if attaches:
            if before.node_id != begun.attached:
                return self._superseded(tx, watch, RefusalReason.OTHER_PULL_REQUEST)
            snapshot, watch = switched(before, observation.state.node_id, now), rewatched(watch)
        belief = believe(
            snapshot, watch, observation, number=begun.number, began_at=begun.at, now=now, settings=settings
        )
        if isinstance(belief, Refused):
            return self._superseded(tx, old_watch if attaches else belief.watch, belief.reason)
        after = belief.snapshot
        watch = attrs.evolve(
            belief.watch, failures=0, failing_since=None, problem=None, unread=observation.problems
        )
        watch = due_after_look(after, watch, begun.at, now, settings, looked=begun.looks)
        if belief.again:
            watch = due_soon(watch, now)
        self._watches.put(tx, watch)
        merge_check = after.number if needs_merge_check(watch) else None
        changed = changed_fields(before, after)
        if not changed:
            return Stored(outcome=Unchanged(), merge_check=merge_check)
        stored = self._snapshots.replace(tx, after)
        if attaches:
            self._emit_attached(tx, before, stored, actor)
        else:
            self._emit_changed(tx, stored, changed)
        return Stored(outcome=Refreshed(changed=changed), merge_check=merge_check)

    def _superseded(self, tx: Transaction, watch: PullRequestWatch, reason: RefusalReason) -> Stored:
        """Nothing is believed: ask again when no replica lags any more."""
        self._watches.put(tx, due_soon(watch, tx.now()))
        return Stored(outcome=Superseded(reason=reason))

    def _found_none(self, tx: Transaction, begun: Begun, seen: Found) -> FetchOutcome:
        before, watch = self.records(tx, begun.workspace.id)
        settings, now = self.settings(tx), tx.now()
        watch = attrs.evolve(watch, failures=0, failing_since=None, problem=None)
        self._watches.put(tx, due_after_look(before, watch, begun.at, now, settings, looked=begun.looks))
        tied = seen.tied if before.node_id is None else ()
        if tied != before.tied:
            stored = self._snapshots.replace(tx, attrs.evolve(before, tied=tied))
            tx.emit(AmbiguousPullRequest(numbers=stored.tied), workspace_id=stored.workspace_id)
        return NoPullRequest(tied=tied) if before.node_id is None else Unchanged()

    def _failed(self, tx: Transaction, begun: Begun, failure: FetchFailed) -> FetchOutcome:
        """Every fact stays; only what time alone tells may change."""
        before, watch = self.records(tx, begun.workspace.id)
        settings, now = self.settings(tx), tx.now()
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
        if failure.kind is FailureKind.NOT_FOUND and begun.node_id is not None:
            return PullRequestGone()
        return RefreshFailed(kind=failure.kind, problem=failure.problem, retry_after=failure.retry_after)

    def _landed(self, tx: Transaction, begun: Begun) -> None:
        watch = self._watches.get(tx, begun.workspace.id)
        if watch is not None:
            self._watches.put(tx, attrs.evolve(watch, landed=max(watch.landed, begun.number)))

    # A fetch of another process.

    def landed(self, tx: ReadTransaction, workspace_id: str, pending: Pending) -> FetchOutcome | None:
        """How it ended, told by the rows that it wrote; None while it has no outcome."""
        snapshot, watch = self.records(tx, workspace_id)
        if watch.landed < pending.number:
            return None
        if watch.problem is not None:
            kind, _, problem = watch.problem.partition(": ")
            if kind == FailureKind.NOT_FOUND and snapshot.node_id is not None:
                return PullRequestGone()
            return RefreshFailed(kind=FailureKind(kind), problem=problem, retry_after=None)
        if watch.unconfirmed is not None:
            return Superseded(reason=RefusalReason.UNCONFIRMED)
        if snapshot.node_id is None:
            return NoPullRequest(tied=snapshot.tied)
        changed = changed_fields(pending.snapshot, snapshot)
        return Refreshed(changed=changed) if changed else Unchanged()

    def is_flying(self, tx: ReadTransaction, workspace_id: str) -> bool:
        """Whether a process has claimed its fetch."""
        return workspace_id in self._claims.held(tx, [workspace_id])

    # What is due.

    def due(self, tx: ReadTransaction) -> list[str]:
        return [watch.workspace_id for watch in self._watches.query(tx, DUE, due_at=tx.now())]

    def next_due_in(self, tx: ReadTransaction) -> float | None:
        """Seconds until something is due; None when nothing is."""
        rows = self._watches.query(tx, NEXT_DUE)
        due = rows[0].due_at if rows else None
        return None if due is None else max((due - tx.now()).total_seconds(), 0.0)

    def recover(self, tx: Transaction, holder: str) -> None:
        """What a dead holder was fetching is free and due at once, and so is what is due within the lease."""
        self._claims.release_all(tx, holder)
        now = tx.now()
        for watch in self._watches.query(tx, DUE_SOON, due_at=now + LEASE):
            self._watches.put(tx, attrs.evolve(watch, due_at=now))

    # What the parts above share.

    def workspace_and_project(
        self, tx: ReadTransaction, workspace_id: str
    ) -> tuple[Workspace, Project] | None:
        workspace = self._workspaces.get(tx, workspace_id)
        project = None if workspace is None else self._projects.get(tx, workspace.project_id)
        return None if workspace is None or project is None else (workspace, project)

    def records(self, tx: ReadTransaction, workspace_id: str) -> tuple[PullRequestSnapshot, PullRequestWatch]:
        snapshot = self._snapshots.get(tx, workspace_id)
        watch = self._watches.get(tx, workspace_id)
        if snapshot is None or watch is None:
            raise NotFound("workspace", workspace_id)
        return snapshot, watch

    def settings(self, tx: ReadTransaction) -> Settings:
        return self._settings.get(tx, "settings") or Settings()

    def _emit_changed(self, tx: Transaction, stored: PullRequestSnapshot, fields: tuple[str, ...]) -> None:
        now = digest(stored, self.settings(tx).ci_scope)
        tx.emit(
            PullRequestChanged(node_id=stored.node_id or "", fields=fields, now=now),
            workspace_id=stored.workspace_id,
        )

    def _emit_attached(
        self, tx: Transaction, before: PullRequestSnapshot, stored: PullRequestSnapshot, actor: str
    ) -> None:
        now = digest(stored, self.settings(tx).ci_scope)
        tx.emit(
            PullRequestAttached(node_id=stored.node_id or "", replaced=before.node_id, now=now),
            workspace_id=stored.workspace_id,
            actor=actor,
        )
