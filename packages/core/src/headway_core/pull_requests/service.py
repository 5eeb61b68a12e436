"""One path to what is known of pull requests, for scheduler, people, hints and webhooks (I8)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import anyio

from headway_core.kernel.errors import Conflict, InvalidInput, PermissionDenied, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.transactions import ReadTransaction
from headway_core.pull_requests.adapter_failures import NonRaisingForge
from headway_core.pull_requests.addresses import pull_request_number
from headway_core.pull_requests.budget import ForgeBudgets, Round
from headway_core.pull_requests.discovery import LookResult, look
from headway_core.pull_requests.fetches import Fetch, FetchSteps, Pending
from headway_core.pull_requests.limits import ForgeBudget
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.outcome_steps import OutcomeSteps, Stored
from headway_core.pull_requests.outcomes import (
    FetchOutcome,
    NoPullRequest,
    RefreshOutcome,
    Shared,
    TakenElsewhere,
)
from headway_core.pull_requests.ports import FetchFailed, ForgeReader
from headway_core.pull_requests.repository import PullRequestRepository
from headway_core.pull_requests.single_flight import SingleFlight
from headway_core.pull_requests.steps import PullRequestSteps

DEADLINE_S = 45.0
"""After so long the questions of one round are given up: well below the lease of its claims."""
_PEOPLE = "people"
_GIVE_BACK_S = 2.0
_FIRST_POLL_S = 0.05
_LONGEST_POLL_S = 1.0
_TOO_SLOW = FetchFailed(kind=FailureKind.UNAVAILABLE, problem=f"no answer within {DEADLINE_S:.0f} s")


class PRSnapshotService:
    """Fetches, believes and stores pull requests."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        repository: PullRequestRepository,
        steps: PullRequestSteps,
        fetches: FetchSteps,
        outcomes: OutcomeSteps,
        budgets: ForgeBudgets,
        forge: ForgeReader,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._repository = repository
        self._steps = steps
        self._fetches = fetches
        self._outcomes = outcomes
        self._budgets = budgets
        self._forge = NonRaisingForge(forge)
        self._locks = locks
        self._single_flight = SingleFlight()

    async def attach_number(self, workspace_id: str, number: int, *, actor: str = "headway") -> FetchOutcome:
        """Attach the project's pull request with this number: identity and facts in one write (S6).

        `InvalidInput("number")` when there is none; `Conflict` when another live workspace has it;
        `Unavailable` and `PermissionDenied` when GitHub can't be asked. Nothing is changed then.
        """
        fetch = await self._begin_attaching(workspace_id)
        try:
            result = LookResult(observation=_TOO_SLOW)
            with anyio.move_on_after(DEADLINE_S):
                result = await self._look_at_number(fetch, number)
            told = self._round(fetch, [result])
            if isinstance(result.observation, FetchFailed):
                await self._ledger.transact(lambda tx: self._outcomes.note(tx, told))
                raise _as_error(result.observation, number)
            stored = await self._ledger.transact(
                lambda tx: self._outcomes.store(tx, fetch, result, told, actor=actor)
            )
        finally:
            await self._give_back([fetch])
        if isinstance(stored.outcome, TakenElsewhere):
            holder = stored.outcome.workspace_id
            raise Conflict("pull request", str(number), f"workspace {holder} has it: detach it there first")
        return stored.outcome

    async def attach_url(self, workspace_id: str, url: str, *, actor: str = "headway") -> FetchOutcome:
        """Attach by address. `InvalidInput("url")` when it is none of the project's repository."""
        found = await self._ledger.read(lambda tx: self._repository.workspace_and_project(tx, workspace_id))
        number = 0 if found is None else pull_request_number(found[1], url)
        return await self.attach_number(workspace_id, number, actor=actor)

    async def detach(self, workspace_id: str, *, actor: str = "headway") -> bool:
        """Take the pull request away from the workspace; False when it has none.

        It is not attached again by itself: another of the branch may be, and a person may attach it.
        """
        return await self._ledger.transact(lambda tx: self._steps.detach(tx, workspace_id, actor=actor))

    async def refresh_workspace(self, workspace_id: str, *, insist: bool = False) -> RefreshOutcome:
        """Read the workspace's pull request, or look for one, and store what is believed.

        A caller who comes while a fetch is in flight, in this process or another, shares it (R15); one who
        insists, because something happened after it began, gets another after it. `NotFound` is raised
        for an unknown workspace alone: what GitHub answers is in the outcome.
        """
        while True:
            shared = await self._single_flight.wait(workspace_id, insist=insist)
            if shared is not None:
                return Shared(outcome=shared)
            outcomes, held = await self._fetch([workspace_id], holder=_PEOPLE, asked=True)
            if workspace_id in outcomes:
                return outcomes[workspace_id]
            elsewhere = await self._outcome_elsewhere(workspace_id, held[workspace_id])
            if elsewhere is not None and not insist:
                return Shared(outcome=elsewhere)

    async def refresh_all(self, *, actor: str = "people") -> int:
        """Have the pull requests of all live workspaces read anew; how many. It returns at once (S20).

        Nothing is asked of a forge here: runners read them, and what is new arrives as events. Merged
        ones stay as they are.
        """
        return await self._ledger.transact(lambda tx: self._steps.hint_all(tx, actor))

    async def refresh_due(self) -> Mapping[str, FetchOutcome]:
        """Refresh a batch of what is due, by workspace: one query a repository for those to be found.

        What another process fetches is left to it, and what a forge that asked to wait has is put off.
        """
        free = self._single_flight.free(await self._ledger.read(self._repository.due))
        if not free:
            return {}
        outcomes, _ = await self._fetch(free, holder=self._locks.host_id, asked=False)
        return outcomes

    async def recover(self) -> None:
        """Have fetched at once what the last runner of this host was fetching; for a runner that starts."""
        await self._ledger.transact(lambda tx: self._fetches.recover(tx, self._locks.host_id))

    async def next_due_in_s(self) -> float | None:
        """Seconds until something is due; None when nothing is."""
        return await self._ledger.read(self._repository.next_due_in_s)

    async def unknown_accounts(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these logins and node ids that the forge says are nobody's."""
        return await self._forge.unknown_accounts(names)

    async def budgets(self) -> tuple[ForgeBudget, ...]:
        """What forges last told of their limits, for people to see."""
        return tuple(await self._ledger.read(self._budgets.all))

    # One fetch: begin in a transaction, ask outside of any, store in one transaction a workspace.

    async def _fetch(
        self, workspace_ids: Sequence[str], *, holder: str, asked: bool
    ) -> tuple[dict[str, FetchOutcome], Mapping[str, Pending]]:
        """Fetch. The outcomes, and what another process is fetching."""
        self._single_flight.begin(workspace_ids)
        outcomes: dict[str, FetchOutcome] = {}
        fetches: Sequence[Fetch] = ()
        try:
            begun = await self._ledger.transact(
                lambda tx: self._fetches.begin(tx, workspace_ids, holder=holder, asked=asked)
            )
            fetches = begun.fetches
            outcomes.update({workspace_id: NoPullRequest() for workspace_id in begun.idle})
            await self._ask(fetches, outcomes)
        finally:
            for workspace_id in workspace_ids:
                self._single_flight.finish(workspace_id, outcomes.get(workspace_id))
            await self._give_back([each for each in fetches if each.workspace.id not in outcomes])
        return outcomes, begun.held

    async def _ask(self, fetches: Sequence[Fetch], outcomes: dict[str, FetchOutcome]) -> None:
        groups: dict[str, list[Fetch]] = defaultdict(list)
        for each in fetches:
            groups[each.project.id].append(each)
        limited: dict[str, FetchFailed] = {}
        merge_checks: list[tuple[Fetch, int]] = []
        for n, group in enumerate(groups.values()):
            host = group[0].project.github_host
            if n > 0:
                await self._ledger.transact(partial(self._fetches.renew, fetches=group))
            asks = host not in limited
            results = await self._look(group) if asks else _all(group, limited[host])
            told = self._round(group[0], results.values()) if asks else None
            if told is not None and told.limited:
                limited[host] = _limit_of(results.values())
            for each in group:
                stored = await self._store(each, results[each.workspace.id], told)
                told = None
                outcomes[each.workspace.id] = stored.outcome
                self._single_flight.finish(each.workspace.id, stored.outcome)
                if stored.merge_check is not None:
                    merge_checks.append((each, stored.merge_check))
        for each, number in merge_checks:
            if each.project.github_host not in limited:  # one that is lost is made up for
                await self._forge.trigger_merge_check(each.project, number)

    async def _look(self, group: Sequence[Fetch]) -> dict[str, LookResult]:
        with anyio.move_on_after(DEADLINE_S):
            return await look(self._forge, group)
        return _all(group, _TOO_SLOW)

    async def _look_at_number(self, fetch: Fetch, number: int) -> LookResult:
        node_id = await self._forge.resolve(fetch.project, number)
        if isinstance(node_id, FetchFailed):
            return LookResult(observation=node_id)
        answers = await self._forge.observe(fetch.project, [node_id])
        return LookResult(observation=answers[node_id], attach=node_id)

    async def _store(self, fetch: Fetch, result: LookResult, told: Round | None) -> Stored:
        return await self._ledger.transact(lambda tx: self._outcomes.store(tx, fetch, result, told))

    def _round(self, fetch: Fetch, results: Iterable[LookResult]) -> Round:
        failures = [each.observation for each in results if isinstance(each.observation, FetchFailed)]
        limits = [each for each in failures if each.kind is FailureKind.RATE_LIMITED]
        waits = [each.retry_after_s for each in limits if each.retry_after_s is not None]
        return Round(
            host=fetch.project.github_host,
            limits=self._forge.limits(),
            limited=bool(limits),
            retry_after_s=max(waits, default=None),
        )

    async def _give_back(self, fetches: Sequence[Fetch]) -> None:
        """Give the claims of the fetch back, whatever ended it: a cancellation too (S19)."""
        if fetches:
            with anyio.move_on_after(_GIVE_BACK_S, shield=True):  # a stop waits no longer; the lease ends
                await self._ledger.transact(lambda tx: self._fetches.give_back(tx, fetches))

    async def _begin_attaching(self, workspace_id: str) -> Fetch:
        wait_s = _FIRST_POLL_S
        while True:
            fetch = await self._ledger.transact(
                lambda tx: self._fetches.begin_attaching(tx, workspace_id, holder=_PEOPLE)
            )
            if fetch is not None:
                return fetch
            await anyio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_POLL_S)

    async def _outcome_elsewhere(self, workspace_id: str, pending: Pending) -> FetchOutcome | None:
        """Wait for another process's fetch: how it ended; None when it died, at the latest with its lease."""

        def query(tx: ReadTransaction) -> tuple[FetchOutcome | None, bool]:
            outcome = self._outcomes.told(tx, workspace_id, pending)
            return outcome, outcome is None and self._fetches.is_in_flight(tx, workspace_id)

        wait_s = _FIRST_POLL_S
        while True:
            outcome, in_flight = await self._ledger.read(query)
            if not in_flight:
                return outcome
            await anyio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_POLL_S)


def _all(group: Sequence[Fetch], failure: FetchFailed) -> dict[str, LookResult]:
    return {each.workspace.id: LookResult(observation=failure) for each in group}


def _limit_of(results: Iterable[LookResult]) -> FetchFailed:
    """The limit that a round met."""
    return next(
        each.observation
        for each in results
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
            return Unavailable("github", failure.problem, retry_after_s=failure.retry_after_s)
