"""Which causes a view holds, and which of them a fixer has not had yet."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from headway_core.pull_requests import counted, mendable, thrown_out
from headway_core.pull_requests.model import Mergeability, PullRequestFacts
from headway_core.ratchet.feedback import feedback_of
from headway_core.ratchet.model import (
    DEATH_LIMIT,
    FALSE_STARTS_A_DEATH,
    REMEMBERED,
    ROUNDS_LIMIT,
    Cause,
    CauseItem,
    CauseKind,
    Handled,
)
from headway_core.ratchet.trust import Trust


def causes_of(facts: PullRequestFacts | None, trust: Trust) -> tuple[Cause, ...]:
    """The causes that are present, CI first, then the conflict, then feedback in GitHub's order.

    Each is judged on its own part of the view: checks that were not read whole give no CI cause. Without
    facts there is none.
    """
    if facts is None:
        return ()
    return (*_ci(facts, trust), *_conflict(facts), *feedback_of(facts, trust))


def _ci(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    of_head = counted(facts.checks, trust.settings.ci_scope, facts.required, facts.pinned)
    left = thrown_out(facts)
    failed = (*mendable(of_head if facts.checks_complete else ()), *mendable(left.failed if left else ()))
    if failed:
        items = tuple(CauseItem(key=check.identity, mark=check.run_id) for check in failed)
        yield Cause(id="CI", kind=CauseKind.CI, items=items)


def _conflict(facts: PullRequestFacts) -> Iterable[Cause]:
    if facts.mergeability is Mergeability.CONFLICT:
        item = CauseItem(key=facts.base.ref, mark=facts.head.commit)
        yield Cause(id="CONFLICT", kind=CauseKind.CONFLICT, items=(item,))


def is_spent(deaths: int, false_starts: int) -> bool:
    """Whether so many fixers died for an item that no other one is started."""
    return deaths * FALSE_STARTS_A_DEATH + false_starts >= DEATH_LIMIT * FALSE_STARTS_A_DEATH


@attrs.frozen(kw_only=True)
class _Known:
    """What is remembered of one item."""

    done: bool
    deaths: int
    false_starts: int
    died_at: datetime | None

    @property
    def is_actionable(self) -> bool:
        return not self.done and not is_spent(self.deaths, self.false_starts)

    def rests_until(self, pause_s: int) -> datetime | None:
        """When it may be tried again after its last death; None: nobody has died of it."""
        if self.died_at is None:
            return None
        tries = min(self.deaths + self.false_starts, len(PAUSES))
        return self.died_at + timedelta(seconds=pause_s * PAUSES[tries - 1])


PAUSES = (1, 5, 30)
"""After the first, the second and each further death nothing is tried for so many times the setting
`death_pause_s`.
"""


def _known(cause: Cause, handled: Iterable[Handled]) -> dict[CauseItem, _Known]:
    """What is known by item. A fixer that had later comments of a thread had the earlier ones too: deleting
    makes no cause. A thread that bots alone keep open was given to fixers often enough at the limit.
    """
    records = [known for known in handled if known.cause_id == cause.id]
    found = {}
    for item in cause.items:
        covering = [
            known
            for known in records
            if known.item.key == item.key
            and (
                known.item.mark == item.mark
                or (cause.kind is CauseKind.FEEDBACK and known.item.mark > item.mark)
            )
        ]
        often = cause.kind is CauseKind.FEEDBACK and _rounds(item, records) >= ROUNDS_LIMIT
        found[item] = _Known(
            done=often or any(k.done for k in covering),
            deaths=sum(k.deaths for k in covering),
            false_starts=sum(k.false_starts for k in covering),
            died_at=max((k.died_at for k in covering if k.died_at is not None), default=None),
        )
    return found


def _rounds(item: CauseItem, records: Iterable[Handled]) -> int:
    """How many fixers a thread had for other words, since a person last spoke in it and its code changed."""
    return sum(
        known.done + known.deaths
        for known in records
        if known.item.key == item.key
        and known.item.outdated == item.outdated
        and known.item.mark != item.mark
        and known.item.mark > (item.person_mark or "")
    )


def is_actionable(cause: Cause, handled: Iterable[Handled]) -> bool:
    """Whether any of its items was neither handled nor exhausted."""
    return any(known.is_actionable for known in _known(cause, handled).values())


def is_exhausted(cause: Cause, handled: Iterable[Handled]) -> bool:
    """Whether nothing of it is actionable, and the fixers of some item died too often."""
    known = _known(cause, handled).values()
    return not any(k.is_actionable for k in known) and any(not k.done for k in known)


def rests_until(cause: Cause, handled: Iterable[Handled], pause_s: int) -> datetime | None:
    """When an actionable item of it may be tried (again) at the earliest; None: one may be at any time."""
    rests = [known.rests_until(pause_s) for known in _known(cause, handled).values() if known.is_actionable]
    return None if None in rests else min((at for at in rests if at is not None), default=None)


def with_items(
    cause: Cause, handled: Iterable[Handled], now: datetime | None = None, pause_s: int = 0
) -> Cause:
    """The cause with only its actionable items: what a dispatch carries (I6). With `now`, without those whose
    fixer died lately.
    """
    known = _known(cause, handled)
    longest = timedelta(seconds=pause_s * PAUSES[-1])

    def is_due(item: CauseItem) -> bool:
        until = known[item].rests_until(pause_s)
        rests = now is not None and until is not None and now < until <= now + longest
        return known[item].is_actionable and not rests

    return attrs.evolve(cause, items=tuple(filter(is_due, cause.items)))


def remember(
    handled: tuple[Handled, ...],
    causes: Iterable[Cause],
    *,
    died: bool,
    at: datetime | None = None,
    began: bool = True,
) -> tuple[Handled, ...]:
    """What is remembered after a dispatch of these causes ended: done, or one more death each.

    `at`: when it died; `began`: whether it had begun to work by then.
    """
    before = {(known.cause_id, known.item): known for known in handled}
    now = []
    for cause in causes:
        for item in cause.items:
            known = before.pop((cause.id, item), None) or Handled(
                cause_id=cause.id, item=item, done=False, deaths=0
            )
            now.append(
                attrs.evolve(
                    known,
                    done=not died,
                    deaths=known.deaths + (died and began),
                    false_starts=known.false_starts + (died and not began),
                    died_at=at if died else known.died_at,
                )
            )
    return (*before.values(), *now)


def forget_oldest(handled: tuple[Handled, ...], present: Iterable[Cause]) -> tuple[Handled, ...]:
    """What is remembered without the oldest that is not present, so that it has a bound (`REMEMBERED`)."""
    items = {(cause.id, item.key) for cause in present for item in cause.items}
    absent = [known for known in handled if (known.cause_id, known.item.key) not in items]
    forgotten = absent[: max(len(absent) - REMEMBERED, 0)]
    return tuple(known for known in handled if known not in forgotten) if forgotten else handled


def forget_conflict(handled: tuple[Handled, ...]) -> tuple[Handled, ...]:
    """What is remembered after a view without a conflict: the next conflict is a new cause."""
    return tuple(known for known in handled if known.cause_id != "CONFLICT")
