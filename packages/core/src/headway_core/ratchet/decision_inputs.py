"""From stored rows to the facts of a decision, inside the transaction that decides.

Here times become booleans (law 2): the only place that compares stored times with `tx.now()`.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from headway_core.forge_actions.model import ACTIONS_OF, ActionStatus, ForgeAction, Reply
from headway_core.hosts import Host, is_lost
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.model import Project
from headway_core.pull_requests import ci_of
from headway_core.pull_requests.model import (
    CheckOutcome,
    CIStatus,
    GitHubState,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
    ReviewDecision,
)
from headway_core.ratchet.causes import causes_of, is_actionable, is_exhausted
from headway_core.ratchet.decision import Decision, RatchetFacts, Stalled, StallReason, Wait, WaitReason
from headway_core.ratchet.model import (
    DISPATCHES_OF,
    LIVE_DISPATCH,
    WAITING,
    Cause,
    CauseKind,
    DispatchStatus,
    FixerDispatch,
    Ratchet,
)
from headway_core.ratchet.trust import Trust
from headway_core.sessions.model import (
    LIVE_FIXERS,
    SESSIONS_OF,
    Activity,
    Purpose,
    Session,
    SessionActivity,
    SessionStatus,
)
from headway_core.settings.model import Settings
from headway_core.workspaces.model import GitFacts, Workspace, WorkspaceStatus

POLL = timedelta(seconds=60)
"""How often to look at what no event tells."""
_POLL_FIRST = timedelta(seconds=1)
_DAY = timedelta(days=1)


@attrs.frozen(kw_only=True)
class RatchetTables:
    """What the ratchet reads of the other rooms and of its own."""

    hosts: ReadTable[Host]
    workspaces: ReadTable[Workspace]
    projects: ReadTable[Project]
    git_facts: ReadTable[GitFacts]
    snapshots: ReadTable[PullRequestSnapshot]
    watches: ReadTable[PullRequestWatch]
    sessions: ReadTable[Session]
    activity: ReadTable[SessionActivity]
    actions: ReadTable[ForgeAction]
    ratchets: ReadTable[Ratchet]
    dispatches: ReadTable[FixerDispatch]


@attrs.frozen(kw_only=True)
class FixerSlots:
    """Who has one of the slots that fixers may take, and who waits for one."""

    taken: tuple[str, ...]
    """The project of each live fixer, of any origin."""
    waiting: tuple[tuple[str, str], ...]
    """(workspace, project) of those who wait for a slot, the longest first."""

    def next_in_line(self, settings: Settings, *newcomers: tuple[str, str]) -> tuple[str, ...]:
        """Who may take a slot now, when each who has waited longer takes one where it can."""
        taken, found = Counter(self.taken), []
        for workspace_id, project_id in (*self.waiting, *newcomers):
            if taken.total() < settings.capacity_all and taken[project_id] < settings.capacity_project:
                taken[project_id] += 1
                found.append(workspace_id)
        return tuple(found)


@attrs.frozen(kw_only=True)
class View:
    """Everything that one decision looks at, read in one transaction."""

    now: datetime
    settings: Settings
    workspace: Workspace
    host_lost: bool
    """Its host is lost or retired: nothing can be done in it."""
    project: Project
    snapshot: PullRequestSnapshot
    watch: PullRequestWatch
    git: GitFacts | None
    sessions: tuple[Session, ...]
    activity: dict[str, Activity]
    """What live sessions do, by session id."""
    actions: tuple[ForgeAction, ...]
    dispatches: tuple[FixerDispatch, ...]
    slots: FixerSlots

    @property
    def facts(self) -> PullRequestFacts | None:
        return self.snapshot.facts

    @property
    def trust(self) -> Trust:
        turns = tuple((s.started_at, s.ended_at) for s in self.sessions if s.started_at is not None)
        return Trust(settings=self.settings, turns=turns)

    @property
    def ci(self) -> CIStatus:
        """What the counted checks say."""
        return ci_of(self.snapshot, self.settings.ci_scope)

    @property
    def turns(self) -> int:
        """How many turns of agents were ever begun here."""
        return sum(session.attempt for session in self.sessions)

    @property
    def is_at_rest(self) -> bool:
        """No turn is in flight, and what is seen of the pull request began after the last one."""
        return not any(map(self.is_busy, self.sessions)) and not _view_stale(self)

    def is_busy(self, session: Session) -> bool:
        """Its turn is in flight, or waits for a person; an idle one never is (R9)."""
        quiet = self.activity.get(session.id) is Activity.QUIET and session.status is SessionStatus.RUNNING
        return session.is_live and session.status is not SessionStatus.IDLE and not quiet

    def causes(self) -> tuple[Cause, ...]:
        return () if self.facts is None else causes_of(self.facts, self.trust)

    def has_slot(self, slots: FixerSlots) -> bool:
        """Whether this workspace may take one of the slots now."""
        mine = (self.workspace.id, self.project.id)
        return self.workspace.id in slots.next_in_line(self.settings, mine)


def read_slots(tx: ReadTransaction, tables: RatchetTables, settings: Settings) -> FixerSlots:
    """Over all workspaces. Who waits is not asked while every slot is taken.

    A fixer on a host that is lost takes no slot: nobody knows whether it runs, and for how long not.
    """
    busy = [f for f in tables.sessions.query(tx, LIVE_FIXERS) if _takes_slot(tx, tables, f)]
    waiting = tables.ratchets.query(tx, WAITING) if len(busy) < settings.capacity_all else []
    return FixerSlots(
        taken=tuple(_project_of(tx, tables, fixer.workspace_id) for fixer in busy),
        waiting=tuple((each.workspace_id, _project_of(tx, tables, each.workspace_id)) for each in waiting),
    )


def _takes_slot(tx: ReadTransaction, tables: RatchetTables, fixer: Session) -> bool:
    workspace = tables.workspaces.get(tx, fixer.workspace_id)
    lost = workspace is not None and is_lost(tx, tables.hosts, workspace.host_id)
    return fixer.status is not SessionStatus.IDLE and not lost


def _project_of(tx: ReadTransaction, tables: RatchetTables, workspace_id: str) -> str:
    workspace = tables.workspaces.get(tx, workspace_id)
    return workspace.project_id if workspace else ""


def read_view(
    tx: ReadTransaction, tables: RatchetTables, settings: Settings, workspace_id: str
) -> View | None:
    """The view of a workspace; None when there is no such workspace."""
    workspace = tables.workspaces.get(tx, workspace_id)
    snapshot = tables.snapshots.get(tx, workspace_id)
    watch = tables.watches.get(tx, workspace_id)
    project = tables.projects.get(tx, workspace.project_id) if workspace else None
    if workspace is None or snapshot is None or watch is None or project is None:
        return None
    sessions = tuple(tables.sessions.query(tx, SESSIONS_OF, workspace_id=workspace_id))
    seen = [tables.activity.get(tx, session.id) for session in sessions if session.is_live]
    return View(
        now=tx.now(),
        settings=settings,
        workspace=workspace,
        host_lost=is_lost(tx, tables.hosts, workspace.host_id),
        project=project,
        snapshot=snapshot,
        watch=watch,
        git=tables.git_facts.get(tx, workspace_id),
        sessions=sessions,
        activity={row.session_id: row.activity for row in seen if row is not None},
        actions=tuple(tables.actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)),
        dispatches=tuple(tables.dispatches.query(tx, DISPATCHES_OF, workspace_id=workspace_id)),
        slots=read_slots(tx, tables, settings),
    )


def git_is_stale(view: View) -> bool:
    """The worktree is to be asked again: a session ended, or the view's head changed, since it was."""
    ended = [session.ended_at for session in view.sessions if session.ended_at is not None]
    since = [*ended, *([view.snapshot.head_seen_at] if view.snapshot.head_seen_at else [])]
    return view.git is None or any(view.git.at < moment for moment in since)


def git_concludes(view: View) -> bool:
    """What git said would stall the ratchet: it is asked once more before that is concluded."""
    return _branch_mismatch(view) or _unpushed(view)


def decision_inputs(view: View, record: Ratchet) -> RatchetFacts:
    """The facts of a decision. Pure."""
    causes = view.causes()
    actionable = [cause for cause in causes if is_actionable(cause, record.handled)]
    live = next((d for d in view.dispatches if d.status in LIVE_DISPATCH), None)
    facts, hold = view.facts, record.hold
    return RatchetFacts(
        enabled=record.enabled,
        workspace_ready=view.workspace.status is WorkspaceStatus.READY
        and view.workspace.worktree_path is not None
        and not view.host_lost,
        state=facts.state if facts else None,
        dispatch_live=live is not None,
        fixer_session=_busy_session(view, fixers=True),
        held_by=None if hold is None or (hold.until is not None and hold.until <= view.now) else hold.kind,
        held_until=hold.until if hold else None,
        branch_mismatch=_branch_mismatch(view),
        unpushed=_unpushed(view),
        turn_in_flight=_busy_session(view, fixers=False) is not None,
        view_stale=_view_stale(view),
        view_overdue=_overdue(record, _VIEW, view.settings.view_limit_s, view.now),
        head_gone=facts is not None and facts.head.tip is None,
        in_merge_queue=facts is not None and facts.merge_queue is not None,
        quiet=_quiet_ends(view) <= view.now,
        ci=view.ci,
        checks_pending=_checks_pending(view),
        ci_overdue=_ci_limit(view) <= view.now,
        conflict=facts is not None and facts.mergeability is Mergeability.CONFLICT,
        act_on_first_failure=view.settings.act_on_first_failure,
        part_unknown=_part_unknown(view),
        part_overdue=_overdue(record, _PART, view.settings.part_limit_s, view.now),
        review_outstanding=facts is not None
        and facts.review_decision in (ReviewDecision.REVIEW_REQUIRED, ReviewDecision.CHANGES_REQUESTED),
        present=tuple(cause.id for cause in causes),
        actionable=tuple(cause.id for cause in actionable),
        exhausted=tuple(cause.id for cause in causes if is_exhausted(cause, record.handled)),
        only_feedback=all(cause.kind is CauseKind.FEEDBACK for cause in causes),
        answered=_answered(view, causes),
        budget_left=record.since_progress < view.settings.budget_between_progress
        and _day_budget_ends(view, record) is None,
        session_limit_reached=_session_limit_reached(view),
        capacity_left=view.has_slot(view.slots),
        next_look=_next_look(view, record),
        poll_at=view.now + POLL,
        poll_soon_at=view.now + _rarer(view.now - (_waits_since(record, _VIEW) or view.now)),
    )


def recent(times: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """Those of the last day."""
    return tuple(at for at in times if at > now - _DAY)


def _busy_session(view: View, *, fixers: bool) -> str | None:
    of_kind = (s for s in view.sessions if (s.purpose is Purpose.FIXER) is fixers)
    return next((session.id for session in of_kind if view.is_busy(session)), None)


def _unpushed(view: View) -> bool:
    return view.git is not None and view.git.unpushed > 0


def _branch_mismatch(view: View) -> bool:
    return view.facts is not None and view.git is not None and view.git.branch != view.facts.head.ref


def _last_change(view: View) -> datetime | None:
    """After this moment an older fetch shows what was, not what is."""
    ended = [d.ended_at for d in view.dispatches if d.ended_at is not None]
    hints = [view.watch.hint_at] if view.watch.hint_at else []
    return max([*ended, *hints], default=None)


def _view_stale(view: View) -> bool:
    began, changed, facts = view.watch.fetch_began_at, _last_change(view), view.facts
    return (
        began is None
        or (changed is not None and began < changed)
        or began < view.now - timedelta(seconds=view.settings.view_limit_s)
        or git_is_stale(view)
        or (facts is not None and facts.head.tip is not None and facts.head.tip != facts.head.commit)
    )


_VIEW: tuple[Decision, ...] = (
    Wait(reason=WaitReason.REFRESH, recheck_at=None),
    Stalled(reason=StallReason.UNREACHABLE, recheck_at=None),
)
_PART: tuple[Decision, ...] = (
    Wait(reason=WaitReason.UNKNOWN, recheck_at=None),
    Stalled(reason=StallReason.CI_UNKNOWN, recheck_at=None),
)
"""Waiting for something, and the stall at the end of its limit."""


def _waits_since(record: Ratchet, pair: tuple[Decision, ...]) -> datetime | None:
    """Since when the ratchet has waited for it; None: it does not yet."""
    return record.decided_at if same_decision(record.decision, pair[0]) else None


def _overdue(record: Ratchet, pair: tuple[Decision, ...], limit_s: int, now: datetime) -> bool:
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


def _quiet_ends(view: View) -> datetime:
    seen = view.snapshot.head_seen_at
    return view.now if seen is None else seen + timedelta(seconds=view.settings.quiet_time_s)


def _checks_pending(view: View) -> bool:
    """What CI would be without its failures: one that has failed does not end those that still run (R2)."""
    facts = view.facts
    if facts is None:
        return False
    ended = tuple(
        attrs.evolve(c, outcome=CheckOutcome.PASSED) if c.outcome is CheckOutcome.FAILED else c
        for c in facts.checks
    )
    snapshot = attrs.evolve(view.snapshot, facts=attrs.evolve(facts, checks=ended))
    return ci_of(snapshot, view.settings.ci_scope) is CIStatus.PENDING


def _ci_limit(view: View) -> datetime:
    starts = [c.started_at for c in (view.facts.checks if view.facts else ()) if c.started_at is not None]
    newest = max([*starts, view.snapshot.head_seen_at or view.now])
    return newest + timedelta(seconds=view.settings.ci_limit_s)


def _part_unknown(view: View) -> bool:
    facts = view.facts
    return facts is not None and (
        view.ci is CIStatus.UNKNOWN
        or facts.mergeability is Mergeability.UNKNOWN
        or not facts.conversation_complete
    )


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
    threads = {item.key for item in cause.items}
    return view.facts.head.commit != done[-1].head or any(
        isinstance(action.order, Reply)
        and action.order.thread_id in threads
        and action.created_at >= done[-1].created_at
        and action.status is not ActionStatus.FAILED
        for action in view.actions
    )


def _day_budget_ends(view: View, record: Ratchet) -> datetime | None:
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


def _next_look(view: View, record: Ratchet) -> datetime | None:
    """The first moment at which time alone may change a boolean; None: none may.

    Merged is final and a disabled ratchet sleeps: only an event wakes them.
    """
    if not record.enabled or view.facts is None or view.facts.state is not GitHubState.OPEN:
        return None
    part_began = _waits_since(record, _PART) or view.now
    moments = [
        _quiet_ends(view),
        _ci_limit(view),
        part_began + timedelta(seconds=view.settings.part_limit_s),
        _day_budget_ends(view, record),
        record.hold.until if record.hold is not None else None,
    ]
    if view.watch.fetch_began_at is not None:
        moments.append(view.watch.fetch_began_at + timedelta(seconds=view.settings.view_limit_s))
    return min((at for at in moments if at is not None and at > view.now), default=None)
