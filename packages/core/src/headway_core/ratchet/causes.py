"""Which causes a view holds, and which of them a fixer has not had yet."""

from collections.abc import Iterable

import attrs

from headway_core.pull_requests import counted
from headway_core.pull_requests.model import CheckOutcome, Mergeability, PullRequestFacts
from headway_core.ratchet.feedback import feedback_of
from headway_core.ratchet.model import (
    DEATH_LIMIT,
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
    failed = [
        c
        for c in counted(facts.checks, trust.settings.ci_scope, facts.required)
        if c.outcome is CheckOutcome.FAILED
    ]
    if failed and facts.checks_complete:
        items = tuple(CauseItem(key=check.identity, mark=check.run_id) for check in failed)
        yield Cause(id="CI", kind=CauseKind.CI, items=items)


def _conflict(facts: PullRequestFacts) -> Iterable[Cause]:
    if facts.mergeability is Mergeability.CONFLICT:
        item = CauseItem(key=facts.base.ref, mark=facts.head.commit)
        yield Cause(id="CONFLICT", kind=CauseKind.CONFLICT, items=(item,))


@attrs.frozen(kw_only=True)
class _Known:
    """What is remembered of one item."""

    done: bool
    deaths: int

    @property
    def is_actionable(self) -> bool:
        return not self.done and self.deaths < DEATH_LIMIT


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
            done=often or any(k.done for k in covering), deaths=sum(k.deaths for k in covering)
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


def with_items(cause: Cause, handled: Iterable[Handled]) -> Cause:
    """The cause with only its actionable items: what a dispatch carries (I6)."""
    known = _known(cause, handled)
    return attrs.evolve(cause, items=tuple(item for item in cause.items if known[item].is_actionable))


def remember(handled: tuple[Handled, ...], causes: Iterable[Cause], *, died: bool) -> tuple[Handled, ...]:
    """What is remembered after a dispatch of these causes ended: done, or one more death each."""
    before = {(known.cause_id, known.item): known for known in handled}
    now = []
    for cause in causes:
        for item in cause.items:
            known = before.pop((cause.id, item), None)
            deaths = (known.deaths if known else 0) + died
            now.append(Handled(cause_id=cause.id, item=item, done=not died, deaths=deaths))
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
