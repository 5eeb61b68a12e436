"""From a view to the facts of a decision: pure.

Here times become booleans (law 2): only here and in `View` are stored times compared with `now`.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import attrs

from headway_core.forge_actions.model import ActionStatus, Comment, ForgeAction, Reply
from headway_core.pull_requests import thrown_out
from headway_core.pull_requests.model import (
    CIStatus,
    GitHubState,
    Mergeability,
    ReviewDecision,
)
from headway_core.pull_requests.timing import ci_limit_at, quiet_ends_at
from headway_core.ratchet.causes import PAUSES, is_actionable, is_exhausted, rests_until
from headway_core.ratchet.decision import (
    Decision,
    PersonReason,
    QuietTime,
    RatchetFacts,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.model import LIVE_DISPATCH, Cause, CauseKind, DispatchStatus, RatchetRecord
from headway_core.ratchet.view import View
from headway_core.sessions.model import Activity, Purpose, SessionStatus
from headway_core.workspaces.model import WorkspaceStatus

POLL = timedelta(seconds=60)
"""How often to look at what no event tells."""
_POLL_FIRST = timedelta(seconds=1)
_DAY = timedelta(days=1)


def decision_inputs(view: View, record: RatchetRecord) -> RatchetFacts:
    """The facts of a decision. Pure."""
    causes = view.causes
    left = [cause for cause in causes if is_actionable(cause, record.handled)]
    actionable = [cause for cause in left if not _rests(cause, view, record)]
    live = next((d for d in view.dispatches if d.status in LIVE_DISPATCH), None)
    facts, hold, counted = view.facts, record.hold, view.counted
    quiet_time = _quiet_time(view)
    ci_limit = ci_limit_at(view.snapshot, view.settings)
    return RatchetFacts(
        enabled=record.enabled,
        workspace_ready=view.workspace.status is WorkspaceStatus.READY
        and view.workspace.worktree_path is not None
        and not view.workspace.worktree_lost
        and not view.host_lost,
        state=facts.state if facts else None,
        dispatch_live=live is not None,
        fixer_session=view.fixer_session,
        held_by=None if hold is None or (hold.until is not None and hold.until <= view.now) else hold.kind,
        held_until=hold.until if hold else None,
        branch_mismatch=view.branch_mismatch,
        unpushed=view.unpushed,
        dirty=view.dirty,
        other_commit=view.other_commit,
        forward_refused=view.forward_refused
        or _overdue(record, _FORWARD, view.settings.view_limit_s, view.now),
        setup_warned=view.workspace.warning is not None,
        stopped=view.workspace.stopped is not None,
        turn_in_flight=not all(map(view.hangs, view.other_turns)),
        turn_hangs=any(map(view.hangs, view.other_turns)),
        view_stale=view.is_stale,
        view_overdue=_overdue(record, _VIEW, view.settings.view_limit_s, view.now),
        head_gone=facts is not None and facts.head.tip is None,
        in_merge_queue=facts is not None and facts.merge_queue is not None,
        quiet=quiet_time is None or quiet_time.ends_at <= view.now,
        quiet_time=quiet_time,
        ci=counted.status,
        checks_pending=counted.are_pending,
        checks_absent=bool(counted.absent),
        checks_lacking=bool(counted.lacking),
        checks_cancelled=counted.are_cancelled_alone,
        awaited_of_person=_awaited_of_person(view),
        ci_overdue=ci_limit is not None and ci_limit <= view.now,
        conflict=facts is not None and facts.mergeability is Mergeability.CONFLICT,
        act_on_first_failure=view.settings.act_on_first_failure,
        part_unknown=_part_unknown(view),
        part_overdue=_overdue(record, _PART, view.settings.part_limit_s, view.now),
        review_outstanding=facts is not None
        and facts.review_decision in (ReviewDecision.REVIEW_REQUIRED, ReviewDecision.CHANGES_REQUESTED),
        present=tuple(cause.id for cause in causes),
        actionable=tuple(cause.id for cause in actionable),
        backs_off=len(left) > len(actionable),
        exhausted=tuple(cause.id for cause in causes if is_exhausted(cause, record.handled)),
        only_feedback=all(cause.kind is CauseKind.FEEDBACK for cause in causes),
        answered=_answered(view, causes),
        budget_left=record.since_progress < view.settings.budget_between_progress
        and _day_budget_ends(view, record) is None,
        session_limit_reached=_session_limit_reached(view),
        capacity_left=view.has_slot(view.slots),
        next_look=_next_look(view, record, left),
        poll_at=view.now + POLL,
        poll_soon_at=view.now + _rarer(view.now - (_waits_since(record, _VIEW) or view.now)),
    )


def recent(times: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """Those of these times that are in the last day."""
    return tuple(at for at in times if at > now - _DAY)


_VIEW: tuple[Decision, ...] = (
    Wait(reason=WaitReason.REFRESH, recheck_at=None),
    Stalled(reason=StallReason.UNREACHABLE, recheck_at=None),
)
_PART: tuple[Decision, ...] = (
    Wait(reason=WaitReason.UNKNOWN, recheck_at=None),
    Stalled(reason=StallReason.CI_UNKNOWN, recheck_at=None),
)
_FORWARD: tuple[Decision, ...] = (
    Wait(reason=WaitReason.FAST_FORWARD, recheck_at=None),
    Stalled(reason=StallReason.OTHER_COMMIT, recheck_at=None),
)
"""Waiting for something, and the stall at the end of its limit."""


def _waits_since(record: RatchetRecord, pair: tuple[Decision, ...]) -> datetime | None:
    """Since when the ratchet has waited for it; None: it does not yet."""
    return record.decided_at if same_decision(record.decision, pair[0]) else None


def _overdue(record: RatchetRecord, pair: tuple[Decision, ...], limit_s: int, now: datetime) -> bool:
    """It was waited for, for longer than its limit: what was concluded from that stays so until it comes."""
    since = _waits_since(record, pair)
    ended = since is not None and since + timedelta(seconds=limit_s) <= now
    return ended or same_decision(record.decision, pair[1])


def _rarer(waited: timedelta) -> timedelta:
    """The longer something was waited for, the rarer it is looked for."""
    return min(max(waited / 2, _POLL_FIRST), POLL)


def same_decision(before: Decision | None, after: Decision) -> bool:
    """The same conclusion, whenever it is looked at again."""
    return before is not None and attrs.evolve(before, recheck_at=None) == attrs.evolve(
        after, recheck_at=None
    )


def _quiet_time(view: View) -> QuietTime | None:
    began, ends = view.snapshot.head_seen_at, quiet_ends_at(view.snapshot, view.settings)
    return None if began is None or ends is None else QuietTime(head_seen_at=began, ends_at=ends)


def _part_unknown(view: View) -> bool:
    facts = view.facts
    return facts is not None and (
        view.ci is CIStatus.UNKNOWN
        or facts.mergeability is Mergeability.UNKNOWN
        or not facts.conversation_complete
    )


def _rests(cause: Cause, view: View, record: RatchetRecord) -> bool:
    """The last fixer for it died lately."""
    pause_s = view.settings.death_pause_s
    until = rests_until(cause, record.handled, pause_s)
    longest = timedelta(seconds=pause_s * PAUSES[-1])  # what is later was noted while the clock was ahead
    return until is not None and view.now < until <= view.now + longest


def _awaited_of_person(view: View) -> PersonReason | None:
    if view.counted.wait_for_person:
        return PersonReason.CHECKS
    out = view.facts is not None and thrown_out(view.facts) is not None
    return PersonReason.MERGE_QUEUE if out else None


def _answered(view: View, causes: Iterable[Cause]) -> bool:
    """Each cause was: since the dispatch that handled it there is a reply of ours in it, or a new head."""
    return all(_is_answered(view, cause) for cause in causes)


def _is_answered(view: View, cause: Cause) -> bool:
    done = [
        dispatch
        for dispatch in view.dispatches
        if dispatch.status is DispatchStatus.COMPLETED and cause.id in {c.id for c in dispatch.causes}
    ]
    if not done or view.facts is None:
        return False
    keys = {item.key for item in cause.items}
    conversation = any(comment.id in keys for comment in view.facts.comments)
    return view.facts.head.commit != done[-1].head or any(
        _answers(action, keys, conversation=conversation)
        and action.created_at >= done[-1].created_at
        and action.status is not ActionStatus.FAILED
        for action in view.actions
    )


def _answers(action: ForgeAction, threads: Collection[str], *, conversation: bool) -> bool:
    """Whether it is said in one of the threads, or in the conversation."""
    match action.order:
        case Reply(thread_id=thread_id):
            return thread_id in threads
        case Comment():
            return conversation
        case _:
            return False


def _day_budget_ends(view: View, record: RatchetRecord) -> datetime | None:
    """When a day's dispatches are fewer than allowed again; None: they are."""
    times, allowed = recent(record.dispatch_times, view.now), view.settings.budget_per_day
    if len(times) < allowed:
        return None
    return times[-allowed] + _DAY if allowed else view.now + _DAY


def _session_limit_reached(view: View) -> bool:
    live = [session for session in view.sessions if session.is_live]
    reusable = any(
        session.purpose is Purpose.FIXER
        and (session.status is SessionStatus.IDLE or view.activity.get(session.id) is Activity.QUIET)
        for session in live
    )
    return len(live) >= view.settings.session_limit and not reusable


def _next_look(view: View, record: RatchetRecord, left: Iterable[Cause]) -> datetime | None:
    """The first moment at which time alone may change a boolean; None: none may.

    Merged is final and a disabled ratchet sleeps: only an event wakes them.
    """
    if not record.enabled or view.facts is None or view.facts.state is not GitHubState.OPEN:
        return None
    part_began = _waits_since(record, _PART) or view.now
    moments = [
        quiet_ends_at(view.snapshot, view.settings),
        ci_limit_at(view.snapshot, view.settings),
        part_began + timedelta(seconds=view.settings.part_limit_s),
        _day_budget_ends(view, record),
        record.hold.until if record.hold is not None else None,
        *(rests_until(cause, record.handled, view.settings.death_pause_s) for cause in left),
    ]
    if view.watch.fetch_began_at is not None:
        moments.append(view.watch.fetch_began_at + timedelta(seconds=view.settings.view_limit_s))
    return min((at for at in moments if at is not None and at > view.now), default=None)
