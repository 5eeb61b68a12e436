"""Which causes a view holds, and which of them a fixer has not had yet (design: domain 4.1)."""

from collections.abc import Iterable
from datetime import UTC, datetime

import attrs

from headway_core.pull_requests import counted
from headway_core.pull_requests.model import (
    CheckOutcome,
    Mergeability,
    PullRequestFacts,
    Review,
    ReviewThread,
    ThreadComment,
)
from headway_core.ratchet.model import DEATH_LIMIT, REMEMBERED, Cause, CauseItem, CauseKind, Handled
from headway_core.ratchet.trust import Trust
from headway_core.settings.model import ReviewTrigger


def causes_of(facts: PullRequestFacts, trust: Trust) -> tuple[Cause, ...]:
    """The causes that are present, CI first, then the conflict, then feedback in GitHub's order.

    Each is judged on its own part of the view: checks that were not read whole give no CI cause.
    """
    return (*_ci(facts, trust), *_conflict(facts), *_threads(facts, trust), *_reviews(facts, trust))


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


def _threads(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    if not facts.conversation_complete:
        return
    for thread in facts.threads:
        said = heard(thread, trust)
        if said and not _approved_after(facts.reviews, said):
            yield _feedback(thread.id, max(_said_at(comment) for comment in said))


def heard(thread: ReviewThread, trust: Trust) -> list[ThreadComment]:
    """The comments of a thread that are feedback, oldest first."""
    return [
        comment
        for comment in thread.comments
        if not comment.minimized and trust.hears(comment.author, comment.body, _said_at(comment))
    ]


def _said_at(comment: ThreadComment) -> datetime:
    return comment.edited_at or comment.created_at


def _approved_after(reviews: tuple[Review, ...], said: list[ThreadComment]) -> bool:
    """The author of the thread's last trusted words has approved after them."""
    last = max(said, key=_said_at)
    return any(
        review.state == "APPROVED"
        and review.author.login == last.author.login
        and review.submitted_at is not None
        and review.submitted_at > _said_at(last)
        for review in reviews
    )


def _reviews(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    if not facts.conversation_complete:
        return
    triggers = {"CHANGES_REQUESTED"}
    if trust.settings.review_trigger is ReviewTrigger.ALL:
        triggers.add("COMMENTED")
    for review in facts.reviews:
        when = review.edited_at or review.submitted_at
        if (
            review.state in triggers
            and review.body.strip()
            and not review.thread_count
            and when is not None
            and trust.hears(review.author, review.body, when)
            and not _superseded(facts.reviews, review)
        ):
            yield _feedback(review.id, when)


def _superseded(reviews: tuple[Review, ...], old: Review) -> bool:
    """A later approval or dismissal of the same author; never a mere comment (R25)."""
    return any(
        new.author.login == old.author.login
        and new.state in {"APPROVED", "DISMISSED", "CHANGES_REQUESTED"}
        and new.submitted_at is not None
        and old.submitted_at is not None
        and new.submitted_at > old.submitted_at
        for new in reviews
    )


def _feedback(key: str, when: datetime) -> Cause:
    item = CauseItem(key=key, mark=when.astimezone(UTC).isoformat(timespec="microseconds"))
    return Cause(id=f"FEEDBACK:{key}", kind=CauseKind.FEEDBACK, items=(item,))


def _remembered(cause: Cause, item: CauseItem, handled: Iterable[Handled]) -> Handled | None:
    for known in handled:
        if known.cause_id != cause.id or known.item.key != item.key:
            continue
        if known.item.mark == item.mark or (
            cause.kind is CauseKind.FEEDBACK and known.item.mark >= item.mark
        ):
            return known
    return None


def is_actionable(cause: Cause, handled: Iterable[Handled]) -> bool:
    """Any of its items was neither handled nor exhausted."""
    known = [_remembered(cause, item, handled) for item in cause.items]
    return any(k is None or (not k.done and k.deaths < DEATH_LIMIT) for k in known)


def is_exhausted(cause: Cause, handled: Iterable[Handled]) -> bool:
    """Nothing of it is actionable, and some item's fixers died too often."""
    known = [_remembered(cause, item, handled) for item in cause.items]
    return not is_actionable(cause, handled) and any(
        k is not None and not k.done and k.deaths >= DEATH_LIMIT for k in known
    )


def remember(handled: tuple[Handled, ...], causes: Iterable[Cause], *, died: bool) -> tuple[Handled, ...]:
    """What is remembered after a dispatch of these causes ended: done, or one more death each."""
    kept = list(handled)
    for cause in causes:
        for item in cause.items:
            known = next((k for k in kept if k.cause_id == cause.id and k.item == item), None)
            if known is not None:
                kept.remove(known)
            deaths = (known.deaths if known else 0) + died
            kept.append(Handled(cause_id=cause.id, item=item, done=not died, deaths=deaths))
    return tuple(kept[-REMEMBERED:])


def forget_conflict(handled: tuple[Handled, ...]) -> tuple[Handled, ...]:
    """A clean view forgets the conflicts: the next one is a new cause."""
    return tuple(known for known in handled if known.cause_id != "CONFLICT")


def with_items(cause: Cause, handled: Iterable[Handled]) -> Cause:
    """The cause with only the items that a fixer has not had: what a dispatch carries."""
    fresh = tuple(i for i in cause.items if (k := _remembered(cause, i, handled)) is None or not k.done)
    return attrs.evolve(cause, items=fresh)
