"""The single writer of pull-request facts: one path for scheduler, people, hints and webhooks (I8)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import anyio

from headway_core.kernel.errors import InvalidInput, PermissionDenied, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests.addresses import pull_request_number
from headway_core.pull_requests.budget import ForgeBudgets, Round
from headway_core.pull_requests.discovery import Found, look
from headway_core.pull_requests.model import ForgeBudget
from headway_core.pull_requests.outcomes import FetchOutcome, NoPullRequest, RefreshOutcome, Shared
from headway_core.pull_requests.ports import FailureKind, FetchFailed, PullRequests
from headway_core.pull_requests.repository import Begun, Pending, PullRequestRepository, Stored
from headway_core.pull_requests.single_flight import SingleFlight
from headway_core.workspaces.model import Workspace

DEADLINE_S = 45.0
"""After so long the questions of one round are given up: well below the lease of its claims."""
_PEOPLE = "people"
_GIVE_BACK_S = 2.0
_FIRST_POLL_S = 0.05
_LONGEST_POLL_S = 1.0
_TOO_SLOW = FetchFailed(kind=FailureKind.UNAVAILABLE, problem=f"no answer within {DEADLINE_S:.0f} s")


class PRSnapshotService:
    """Fetches, believes and stores pull requests.

    Async operations for callers; steps that take `tx` for others to compose.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        records: PullRequestRepository,
        budgets: ForgeBudgets,
        forge: PullRequests,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._records = records
        self._budgets = budgets
        self._forge = forge
        self._locks = locks
        self._single_flight = SingleFlight()

    # Steps, composed into the transactions of others.

    def open_record(self, tx: Transaction, workspace: Workspace) -> None:
        """Add the records of a new workspace. Called in the transaction that creates it."""
        self._records.open(tx, workspace)

    def hint(
        self,
        tx: Transaction,
        workspace_id: str,
        *,
        happened_at: datetime | None = None,
        spacing: timedelta = timedelta(0),
        numbers: Sequence[int] = (),
    ) -> bool:
        """Something may have changed (a push, a session's end, a rename, a webhook): look at once.

        A view whose fetch began before the hint is out of date from now on. A pull request of the
        branch is looked for 0, 5, 15 and 45 s from now, and with the first look at those that an agent
        named by `numbers`. Fetches of many hints keep `spacing`. Nothing to do for an unknown workspace,
        and when a hint came or a fetch began after `happened_at`. Whether it was not due already.
        """
        return self._records.hint(tx, workspace_id, happened_at=happened_at, spacing=spacing, numbers=numbers)

    def attach(self, tx: Transaction, workspace_id: str, node_id: str, *, actor: str = "headway") -> bool:
        """Make this pull request the workspace's own; its facts are read next. False when it is already.

        A switch resets all facts in the same write (S10). For those who know no more than its id, as
        when Headway has just opened it.
        """
        return self._records.attach(tx, workspace_id, node_id, actor)

    # Operations.

    async def attach_number(self, workspace_id: str, number: int, *, actor: str = "headway") -> FetchOutcome:
        """Attach the project's pull request with this number: identity and facts in one write (S6).

        `InvalidInput("number")` when there is none; `Unavailable` and `PermissionDenied` when GitHub
        can't be asked. Nothing is changed then.
        """
        begun = await self._begin_attaching(workspace_id)
        try:
            seen = Found(observation=_TOO_SLOW)
            with anyio.move_on_after(DEADLINE_S):
                seen = await self._look_at_number(begun, number)
            if isinstance(seen.observation, FetchFailed):
                await self._ledger.transact(lambda tx: self._records.note(tx, self._round(begun, [seen])))
                raise _as_error(seen.observation, number)
            stored = await self._ledger.transact(
                lambda tx: self._records.outcome(tx, begun, seen, self._round(begun, [seen]), actor=actor)
            )
        finally:
            await self._give_back([begun])
        return stored.outcome

    async def attach_url(self, workspace_id: str, url: str, *, actor: str = "headway") -> FetchOutcome:
        """Attach by address. `InvalidInput("url")` when it is none of the project's repository."""
        found = await self._ledger.read(lambda tx: self._records.workspace_and_project(tx, workspace_id))
        number = 0 if found is None else pull_request_number(found[1], url)
        return await self.attach_number(workspace_id, number, actor=actor)

    async def detach(self, workspace_id: str, *, actor: str = "headway") -> bool:
        """Take the pull request away from the workspace; False when it has none.

        It is not attached again by itself: another of the branch may be, and a person may attach it.
        """
        return await self._ledger.transact(lambda tx: self._records.detach(tx, workspace_id, actor))

    async def refresh_workspace(self, workspace_id: str, *, insist: bool = False) -> RefreshOutcome:
        """Read the workspace's pull request, or look for one, and store what is believed.

        A caller who comes while a fetch flies, in this process or another, shares it (R15); one who
        insists, because something happened after it began, gets another after it. `NotFound` is raised
        for an unknown workspace alone: what GitHub answers is in the outcome.
        """
        while True:
            shared = await self._single_flight.wait(workspace_id, insist=insist)
            if shared is not None:
                return Shared(outcome=shared)
            outcomes, held = await self._fly([workspace_id], holder=_PEOPLE, asked=True)
            if workspace_id in outcomes:
                return outcomes[workspace_id]
            landed = await self._landing(workspace_id, held[workspace_id])
            if landed is not None and not insist:
                return Shared(outcome=landed)

    async def refresh_all(self, *, actor: str = "people") -> int:
        """Have the pull requests of all live workspaces read anew; how many. It returns at once (S20).

        Nothing is asked of a forge here: runners read them, and what is new arrives as events. Merged
        ones stay as they are.
        """
        return await self._ledger.transact(lambda tx: self._records.hint_all(tx, actor))

    async def refresh_due(self) -> Mapping[str, FetchOutcome]:
        """Refresh a batch of what is due, by workspace: one query a repository for those to be found.

        What another process fetches is left to it, and what a forge that asked to wait has is put off.
        """
        free = self._single_flight.free(await self._ledger.read(self._records.due))
        if not free:
            return {}
        outcomes, _ = await self._fly(free, holder=self._locks.host_id, asked=False)
        return outcomes

    async def recover(self) -> None:
        """For a runner that starts: what the last one of this host was fetching is fetched at once."""
        await self._ledger.transact(lambda tx: self._records.recover(tx, self._locks.host_id))

    async def next_due_in(self) -> float | None:
        """Seconds until something is due; None when nothing is."""
        return await self._ledger.read(self._records.next_due_in)

    async def budgets(self) -> tuple[ForgeBudget, ...]:
        """What forges last told of their limits, for people to see."""
        return tuple(await self._ledger.read(self._budgets.all))

    # One flight: begin in a transaction, ask outside of any, store in one transaction a workspace.

    async def _fly(
        self, workspace_ids: Sequence[str], *, holder: str, asked: bool
    ) -> tuple[dict[str, FetchOutcome], Mapping[str, Pending]]:
        """The outcomes, and what another process is fetching."""
        self._single_flight.begin(workspace_ids)
        outcomes: dict[str, FetchOutcome] = {}
        flying: list[Begun] = []
        try:
            begin = await self._ledger.transact(
                lambda tx: self._records.begin(tx, workspace_ids, holder=holder, asked=asked)
            )
            flying = list(begin.begun)
            outcomes.update({workspace_id: NoPullRequest() for workspace_id in begin.idle})
            await self._ask(flying, outcomes)
        finally:
            for workspace_id in workspace_ids:
                self._single_flight.land(workspace_id, outcomes.get(workspace_id))
            await self._give_back([each for each in flying if each.workspace.id not in outcomes])
        return outcomes, begin.held

    async def _ask(self, begun: Sequence[Begun], outcomes: dict[str, FetchOutcome]) -> None:
        groups: dict[str, list[Begun]] = defaultdict(list)
        for each in begun:
            groups[each.project.id].append(each)
        limited: dict[str, FetchFailed] = {}
        merge_checks: list[tuple[Begun, int]] = []
        for n, group in enumerate(groups.values()):
            host = group[0].project.github_host
            if n > 0:
                await self._ledger.transact(partial(self._records.hold_on, begun=group))
            asks = host not in limited
            seen = await self._look(group) if asks else _all(group, limited[host])
            found = self._round(group[0], seen.values()) if asks else None
            if found is not None and found.limited:
                limited[host] = _limit_of(seen.values())
            for each in group:
                stored = await self._store(each, seen[each.workspace.id], found)
                found = None
                outcomes[each.workspace.id] = stored.outcome
                self._single_flight.land(each.workspace.id, stored.outcome)
                if stored.merge_check is not None:
                    merge_checks.append((each, stored.merge_check))
        for each, number in merge_checks:
            if each.project.github_host not in limited:  # a kick that is lost is made up for
                await self._forge.trigger_merge_check(each.project, number)

    async def _look(self, group: Sequence[Begun]) -> dict[str, Found]:
        with anyio.move_on_after(DEADLINE_S):
            return await look(self._forge, group)
        return _all(group, _TOO_SLOW)

    async def _look_at_number(self, begun: Begun, number: int) -> Found:
        node_id = await self._forge.resolve(begun.project, number)
        if isinstance(node_id, FetchFailed):
            return Found(observation=node_id)
        answers = await self._forge.observe(begun.project, [node_id])
        return Found(observation=answers[node_id], attach=node_id)

    async def _store(self, begun: Begun, seen: Found, found: Round | None) -> Stored:
        return await self._ledger.transact(lambda tx: self._records.outcome(tx, begun, seen, found))

    def _round(self, begun: Begun, seen: Iterable[Found]) -> Round:
        failures = [each.observation for each in seen if isinstance(each.observation, FetchFailed)]
        limits = [each for each in failures if each.kind is FailureKind.RATE_LIMITED]
        waits = [each.retry_after for each in limits if each.retry_after is not None]
        return Round(
            host=begun.project.github_host,
            limits=self._forge.limits(),
            limited=bool(limits),
            retry_after=max(waits, default=None),
        )

    async def _give_back(self, begun: Sequence[Begun]) -> None:
        """Whatever ended the fetch, its claims are free: with a cancellation too (S19)."""
        if begun:
            with anyio.move_on_after(_GIVE_BACK_S, shield=True):  # a stop waits no longer; the lease ends
                await self._ledger.transact(lambda tx: self._records.give_back(tx, begun))

    async def _begin_attaching(self, workspace_id: str) -> Begun:
        pause = _FIRST_POLL_S
        while True:
            begun = await self._ledger.transact(
                lambda tx: self._records.begin_attaching(tx, workspace_id, holder=_PEOPLE)
            )
            if begun is not None:
                return begun
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_POLL_S)

    async def _landing(self, workspace_id: str, pending: Pending) -> FetchOutcome | None:
        """Wait for another process's fetch: how it ended; None when it died, at the latest with its lease."""

        def query(tx: ReadTransaction) -> tuple[FetchOutcome | None, bool]:
            landed = self._records.landed(tx, workspace_id, pending)
            return landed, landed is None and self._records.is_flying(tx, workspace_id)

        pause = _FIRST_POLL_S
        while True:
            landed, flies = await self._ledger.read(query)
            if not flies:
                return landed
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_POLL_S)


def _all(group: Sequence[Begun], failure: FetchFailed) -> dict[str, Found]:
    return {each.workspace.id: Found(observation=failure) for each in group}


def _limit_of(seen: Iterable[Found]) -> FetchFailed:
    """The limit that a round met."""
    return next(
        each.observation
        for each in seen
        if isinstance(each.observation, FetchFailed) and each.observation.kind is FailureKind.RATE_LIMITED
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
