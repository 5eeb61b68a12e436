"""What a forge tells of its limits, kept for people to see and for the sweep to obey.

`ForgeBudgets` owns the table. A limit holds back what is fetched by itself, and so does a budget of which no
more than the reserve is left; people may still ask.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests.limits import ALL_BUDGETS, ForgeBudget
from headway_core.pull_requests.ports import RateLimit

READS = "graphql"
"""The resource that pull requests are read with."""
BLOCKED_S = 60.0
"""The pause after a limit that does not say how long; doubled with every strike."""
MOST_STRIKES = 5
RESERVE = 0.2
"""The part of a budget that is left to people, and to what else asks with the same token."""


@attrs.frozen(kw_only=True)
class Round:
    """One round of questions to one host, as far as limits are concerned."""

    host: str
    """As in `Project.github_host`, whatever the address is by which it is asked."""
    limits: tuple[RateLimit, ...]
    limited: bool
    """A question of it met a limit: however many did, it is one strike (S11)."""
    retry_after_s: float | None
    """The longest that was asked for, seconds."""


def struck(budget: ForgeBudget, found: Round, now: datetime) -> ForgeBudget:
    """The budget after a round: the pause doubles at most once a round, and halves only after one without a
    limit.
    """
    if not found.limited:
        return attrs.evolve(budget, strikes=max(budget.strikes - 1, 0))
    pause_s = found.retry_after_s
    if pause_s is None:
        pause_s = BLOCKED_S * 2**budget.strikes
    until = now + timedelta(seconds=pause_s)
    return attrs.evolve(
        budget,
        blocked_until=_longer(budget, until, now),
        blocked_at=now,
        strikes=min(budget.strikes + 1, MOST_STRIKES),
    )


def _longer(budget: ForgeBudget, until: datetime, now: datetime) -> datetime:
    """The later of the two ends; one that was noted while our clock was ahead says nothing."""
    known = _believed(budget, now)
    return until if known is None else max(until, known)


def _believed(budget: ForgeBudget, now: datetime) -> datetime | None:
    ahead = budget.blocked_at is not None and budget.blocked_at > now
    return None if ahead else budget.blocked_until


def told(budget: ForgeBudget, limit: RateLimit) -> ForgeBudget:
    """The budget with what was told, unless something newer is known."""
    if budget.told_at is not None and limit.told_at < budget.told_at:
        return budget
    return attrs.evolve(
        budget,
        limit=limit.limit,
        remaining=limit.remaining,
        cost=limit.cost,
        resets_at=limit.resets_at,
        told_at=limit.told_at,
    )


def spared(budget: ForgeBudget, now: datetime) -> ForgeBudget:
    """The budget, just told, held back until it is full again when no more than the reserve is left.

    The wait is by the forge's own clock, so that ours may be wrong.
    """
    if budget.limit is None or budget.remaining is None or budget.resets_at is None or budget.told_at is None:
        return budget
    if budget.remaining > budget.limit * RESERVE:
        return budget
    until = now + (budget.resets_at - budget.told_at)
    return attrs.evolve(budget, blocked_until=_longer(budget, until, now), blocked_at=now)


class ForgeBudgets:
    """Owner of the budgets."""

    def __init__(self, budgets: OwnedTable[ForgeBudget]) -> None:
        self._budgets = budgets

    def note(self, tx: Transaction, found: Round) -> None:
        """Keep what a round told. Nothing is written when it told nothing new."""
        limits = {limit.resource: limit for limit in found.limits}
        for resource in sorted({*limits, READS}):
            before = self._of(tx, found.host, resource)
            after = before
            if resource in limits:
                after = told(after, limits[resource])
                after = spared(after, tx.now()) if after != before else after
            if resource == READS:
                after = struck(after, found, tx.now())
            if after != before:
                self._budgets.put(tx, after)

    def blocked_until(self, tx: ReadTransaction, host: str) -> datetime | None:
        """When pull requests of this host may be read by themselves again; None: now."""
        until = _believed(self._of(tx, host, READS), tx.now())
        return until if until is not None and until > tx.now() else None

    def all(self, tx: ReadTransaction) -> Iterable[ForgeBudget]:
        """What is known, for people to see."""
        return self._budgets.query(tx, ALL_BUDGETS)

    def _of(self, tx: ReadTransaction, host: str, resource: str) -> ForgeBudget:
        return self._budgets.get(tx, host, resource) or ForgeBudget(host=host, resource=resource)
