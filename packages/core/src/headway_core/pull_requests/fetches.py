"""The life of a fetch, as far as it is stored: it is begun, renewed, finished or given back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.claims import Claim, Claims
from headway_core.kernel.errors import NotFound
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import Project
from headway_core.pull_requests.budget import ForgeBudgets
from headway_core.pull_requests.cadence import Plan, due_while_not_ready, jitter, plan
from headway_core.pull_requests.model import PullRequestSnapshot
from headway_core.pull_requests.repository import PullRequestRepository
from headway_core.workspaces.model import GitFacts, Workspace

LEASE = timedelta(seconds=60)
"""For so long a fetch that was begun is left alone by others; a crash costs no more than that (S19)."""


@attrs.frozen(kw_only=True)
class Fetch:
    """A fetch that was begun for a workspace: its number is drawn and stored, the claim is ours."""

    workspace: Workspace
    project: Project
    claim: Claim
    number: int
    began_at: datetime
    attached: str | None
    """The pull request that is attached."""
    node_id: str | None
    """The same, when it is to be observed."""
    looks: bool
    """Whether to look for a pull request of the branch."""
    declined: tuple[str, ...]
    hinted: tuple[int, ...]
    git: GitFacts | None
    """What git said of the worktree last: whose a pull request is that it finds."""


@attrs.frozen(kw_only=True)
class Pending:
    """Another process's fetch, and what was stored when it was met."""

    number: int
    snapshot: PullRequestSnapshot


@attrs.frozen(kw_only=True)
class Begun:
    """What came of the wish to fetch some workspaces."""

    fetches: tuple[Fetch, ...]
    held: Mapping[str, Pending]
    """Those that another process is fetching, by workspace."""
    idle: tuple[str, ...]
    """Those for which nothing is to be asked."""


class FetchSteps:
    """Shares out the fetches of workspaces among all processes; for `PRSnapshotService` alone."""

    def __init__(self, repository: PullRequestRepository, claims: Claims, budgets: ForgeBudgets) -> None:
        self._repository = repository
        self._claims = claims
        self._budgets = budgets

    def begin(self, tx: Transaction, workspace_ids: Sequence[str], *, holder: str, asked: bool) -> Begun:
        """Claim and draw a number for each that has something to ask, before anything is asked.

        `NotFound` for a workspace that is not there, when somebody asked for it.
        """
        tx.lock(*workspace_ids)
        planned = {each: self._plan(tx, each, asked=asked) for each in workspace_ids}
        asking = {each: what for each, what in planned.items() if what is not None}
        if not asked:
            asking = {each: what for each, what in asking.items() if not self._put_off(tx, each)}
        claims = self._claims.acquire(tx, asking, holder=holder, lease=LEASE) if asking else {}
        fetches, held = [], {}
        for workspace_id, what in asking.items():
            if workspace_id in claims:
                fetches.append(self._draw(tx, workspace_id, what, claims[workspace_id]))
            else:
                snapshot, watch = self._repository.records(tx, workspace_id)
                held[workspace_id] = Pending(number=watch.begun, snapshot=snapshot)
        idle = tuple(each for each, what in planned.items() if what is None)
        return Begun(fetches=tuple(fetches), held=held, idle=idle)

    def begin_attaching(self, tx: Transaction, workspace_id: str, *, holder: str) -> Fetch | None:
        """The same for a pull request that a person names; None while another fetch is in flight."""
        tx.lock(workspace_id)
        self._repository.records(tx, workspace_id)
        if self._repository.workspace_and_project(tx, workspace_id) is None:
            raise NotFound("workspace", workspace_id)
        claim = self._claims.acquire(tx, [workspace_id], holder=holder, lease=LEASE).get(workspace_id)
        if claim is None:
            return None
        return self._draw(tx, workspace_id, Plan(observes=False, looks=False), claim)

    def _plan(self, tx: Transaction, workspace_id: str, *, asked: bool) -> Plan | None:
        """What to ask; None for nothing, and then the watch says when to look again."""
        snapshot, watch = self._repository.records(tx, workspace_id)
        found = self._repository.workspace_and_project(tx, workspace_id)
        if found is None:
            if asked:
                raise NotFound("workspace", workspace_id)
            self._repository.put_watch(tx, attrs.evolve(watch, due_at=None))
            return None
        what = plan(snapshot, found[0], asked=asked)
        if not what.observes and not what.looks:
            due = due_while_not_ready(found[0], tx.now(), self._repository.settings(tx))
            self._repository.put_watch(tx, attrs.evolve(watch, due_at=due))
            return None
        return what

    def _put_off(self, tx: Transaction, workspace_id: str) -> bool:
        """Whether its forge has asked to wait: then it is due a little after that, not all in one moment."""
        found = self._repository.workspace_and_project(tx, workspace_id)
        until = None if found is None else self._budgets.blocked_until(tx, found[1].github_host)
        if until is not None:
            _, watch = self._repository.records(tx, workspace_id)
            spread = timedelta(seconds=10 * (jitter(workspace_id, watch.begun) - 0.9))
            self._repository.put_watch(tx, attrs.evolve(watch, due_at=until + spread))
        return until is not None

    def _draw(self, tx: Transaction, workspace_id: str, what: Plan, claim: Claim) -> Fetch:
        """The next number of this workspace's observations; it is not due for others during the lease."""
        snapshot, watch = self._repository.records(tx, workspace_id)
        found = self._repository.workspace_and_project(tx, workspace_id)
        assert found is not None
        number, now = watch.begun + 1, tx.now()
        self._repository.put_watch(tx, attrs.evolve(watch, begun=number, due_at=now + LEASE))
        return Fetch(
            workspace=found[0],
            project=found[1],
            claim=claim,
            number=number,
            began_at=now,
            attached=snapshot.node_id,
            node_id=snapshot.node_id if what.observes else None,
            looks=what.looks,
            declined=snapshot.declined,
            hinted=watch.hinted,
            git=self._repository.git_facts(tx, workspace_id) if what.looks else None,
        )

    def renew(self, tx: Transaction, fetches: Sequence[Fetch]) -> None:
        """Keep the claims of fetches whose turn comes now."""
        self._claims.renew(tx, [each.claim for each in fetches], lease=LEASE)

    def is_current(self, tx: Transaction, fetch: Fetch) -> bool:
        """Whether nobody has begun another since, and nobody can before this transaction ends."""
        return self._claims.fence(tx, fetch.claim)

    def finish(self, tx: Transaction, fetch: Fetch) -> None:
        """Give the claim back in the transaction that stores the outcome, and say that there is one."""
        self._claims.release(tx, [fetch.claim])
        watch = self._repository.watch(tx, fetch.workspace.id)
        if watch is not None:
            finished = max(watch.finished, fetch.number)
            self._repository.put_watch(tx, attrs.evolve(watch, finished=finished))

    def give_back(self, tx: Transaction, fetches: Sequence[Fetch]) -> None:
        """Give back the claims of fetches that will have no outcome."""
        self._claims.release(tx, [each.claim for each in fetches])

    def is_in_flight(self, tx: ReadTransaction, workspace_id: str) -> bool:
        """Whether a process has claimed its fetch."""
        return workspace_id in self._claims.held(tx, [workspace_id])

    def recover(self, tx: Transaction, holder: str) -> None:
        """What a dead holder was fetching is free and due at once, and so is what is due within the lease."""
        self._claims.release_all(tx, holder)
        now = tx.now()
        for watch in self._repository.due_by(tx, now + LEASE):
            self._repository.put_watch(tx, attrs.evolve(watch, due_at=now))
