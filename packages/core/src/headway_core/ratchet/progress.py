"""Progress, measured against what was last known of the pull request: what refills the budget."""

import attrs

from headway_core.pull_requests.model import CIStatus, Mergeability, PullRequestFacts, ReviewDecision
from headway_core.ratchet.causes import forget_conflict, forget_oldest
from headway_core.ratchet.model import LastKnown, RatchetRecord
from headway_core.ratchet.view import View


def progressed(record: RatchetRecord, view: View) -> RatchetRecord:
    """Progress against what was last known refills the budget.

    Causes of another pull request are other causes (R12). The budget is the workspace's, whatever is attached
    to it: else whoever may open a pull request could refill it.
    """
    facts, before = view.facts, record.seen
    if facts is None:
        return record
    if before is not None and before.node_id != facts.node_id:
        record = attrs.evolve(record, handled=())
        before = None
    now = _seen(view, facts, before)
    if before is not None and _is_progress(before, now, view):
        record = attrs.evolve(record, since_progress=0)
    handled = forget_oldest(record.handled, view.causes)
    if facts.mergeability is Mergeability.CLEAN:
        handled = forget_conflict(handled)
    return attrs.evolve(record, seen=now, handled=handled)


def _seen(view: View, facts: PullRequestFacts, before: LastKnown | None) -> LastKnown:
    """What is known now, and what was known before of that which is not."""
    now = LastKnown(
        node_id=facts.node_id,
        head=facts.head.commit,
        ci=CIStatus.UNKNOWN if view.counted.are_cancelled_alone else view.ci,
        mergeability=facts.mergeability,
        review_decision=facts.review_decision,
    )
    if before is not None and now.ci not in _ENDS:
        now = attrs.evolve(now, ci=before.ci, head=before.head)
    if before is not None and now.mergeability is Mergeability.UNKNOWN:
        now = attrs.evolve(now, mergeability=before.mergeability)
    if view.is_at_rest or (before is not None and _was_pushed(before, view)):
        return attrs.evolve(now, rested_head=facts.head.commit, rested_turns=view.turns)
    if before is not None:
        return attrs.evolve(now, rested_head=before.rested_head, rested_turns=before.rested_turns)
    return now


_ENDS = (CIStatus.SUCCESS, CIStatus.FAILURE)


def _is_progress(before: LastKnown, now: LastKnown, view: View) -> bool:
    """Red to green on a new head, a conflict gone, a review approved, or a person's push."""
    return (
        (before.ci is CIStatus.FAILURE and now.ci is CIStatus.SUCCESS and before.head != now.head)
        or (before.mergeability is Mergeability.CONFLICT and now.mergeability is Mergeability.CLEAN)
        or (
            before.review_decision is not ReviewDecision.APPROVED
            and now.review_decision is ReviewDecision.APPROVED
        )
        or _was_pushed(before, view)
    )


def _was_pushed(before: LastKnown, view: View) -> bool:
    """The head moved, and no agent has had a turn since it was seen at rest: a person's push."""
    return (
        before.rested_head is not None
        and view.facts is not None
        and view.facts.head.commit != before.rested_head
        and view.turns == before.rested_turns
    )
