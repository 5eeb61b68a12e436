"""From stored rows to the facts of a decision, inside the transaction that decides.

Here times become booleans (law 2): the only place that compares stored times with `tx.now()`.
"""

from datetime import datetime, timedelta

import attrs

from headway_core.forge_actions.model import ACTIONS_OF, ActionStatus, ForgeAction, Reply
from headway_core.kernel.ledger import ReadTransaction
from headway_core.kernel.tables import ReadTable
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
from headway_core.ratchet.decision import RatchetFacts
from headway_core.ratchet.model import (
    DISPATCHES_OF,
    LIVE_DISPATCH,
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

_SOON = timedelta(seconds=60)
"""A decision that waits is looked at again after this at the latest: the safety net under events."""


@attrs.frozen(kw_only=True)
class Tables:
    """What the ratchet reads of the other rooms and of its own."""

    workspaces: ReadTable[Workspace]
    projects: ReadTable[Project]
    git_facts: ReadTable[GitFacts]
    snapshots: ReadTable[PullRequestSnapshot]
    watches: ReadTable[PullRequestWatch]
    sessions: ReadTable[Session]
    activity: ReadTable[SessionActivity]
    actions: ReadTable[ForgeAction]


@attrs.frozen(kw_only=True)
class View:
    """Everything that one decision looks at, read in one transaction."""

    now: datetime
    settings: Settings
    workspace: Workspace
    project: Project
    snapshot: PullRequestSnapshot
    watch: PullRequestWatch
    git: GitFacts | None
    sessions: tuple[Session, ...]
    activity: dict[str, Activity]
    """What live sessions do, by session id."""
    actions: tuple[ForgeAction, ...]
    dispatches: tuple[FixerDispatch, ...]
    fixers_all: int
    fixers_project: int

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

    def causes(self) -> tuple[Cause, ...]:
        return () if self.facts is None else causes_of(self.facts, self.trust)


def read_view(
    tx: ReadTransaction,
    tables: Tables,
    dispatches: ReadTable[FixerDispatch],
    settings: Settings,
    workspace_id: str,
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
    busy = [f for f in tables.sessions.query(tx, LIVE_FIXERS) if f.status is not SessionStatus.IDLE]
    owners = [tables.workspaces.get(tx, fixer.workspace_id) for fixer in busy]
    return View(
        now=tx.now(),
        settings=settings,
        workspace=workspace,
        project=project,
        snapshot=snapshot,
        watch=watch,
        git=tables.git_facts.get(tx, workspace_id),
        sessions=sessions,
        activity={row.session_id: row.activity for row in seen if row is not None},
        actions=tuple(tables.actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)),
        dispatches=tuple(dispatches.query(tx, DISPATCHES_OF, workspace_id=workspace_id)),
        fixers_all=len(busy),
        fixers_project=sum(1 for owner in owners if owner is not None and owner.project_id == project.id),
    )


def git_is_stale(view: View) -> bool:
    """The worktree is to be asked again: a session ended, or the view's head changed, since it was."""
    ended = [session.ended_at for session in view.sessions if session.ended_at is not None]
    since = [*ended, *([view.snapshot.head_seen_at] if view.snapshot.head_seen_at else [])]
    return view.git is None or any(view.git.at < moment for moment in since)


def gather(view: View, record: Ratchet) -> RatchetFacts:
    """The facts of a decision. Pure."""
    causes = view.causes()
    actionable = [cause for cause in causes if is_actionable(cause, record.handled)]
    live = next((d for d in view.dispatches if d.status in LIVE_DISPATCH), None)
    facts, hold = view.facts, record.hold
    return RatchetFacts(
        enabled=record.enabled,
        workspace_ready=view.workspace.status is WorkspaceStatus.READY
        and view.workspace.worktree_path is not None,
        state=facts.state if facts else None,
        dispatch_live=live is not None,
        fixer_session=_busy_session(view, fixers=True),
        held_by=None if hold is None or (hold.until is not None and hold.until <= view.now) else hold.kind,
        held_until=hold.until if hold else None,
        branch_mismatch=_branch_mismatch(view),
        unpushed=view.git is not None and view.git.unpushed > 0,
        turn_in_flight=_busy_session(view, fixers=False) is not None,
        view_stale=_view_stale(view),
        view_overdue=_view_overdue(view),
        head_gone=facts is not None and facts.head.tip is None,
        in_merge_queue=facts is not None and facts.merge_queue is not None,
        quiet=_quiet_ends(view) <= view.now,
        ci=view.ci,
        checks_pending=_checks_pending(view),
        ci_overdue=_ci_limit(view) <= view.now,
        conflict=facts is not None and facts.mergeability is Mergeability.CONFLICT,
        act_on_first_failure=view.settings.act_on_first_failure,
        part_unknown=_part_unknown(view),
        part_overdue=_part_overdue(view),
        review_outstanding=facts is not None
        and facts.review_decision in (ReviewDecision.REVIEW_REQUIRED, ReviewDecision.CHANGES_REQUESTED),
        present=tuple(cause.id for cause in causes),
        actionable=tuple(cause.id for cause in actionable),
        exhausted=tuple(cause.id for cause in causes if is_exhausted(cause, record.handled)),
        only_feedback=all(cause.kind is CauseKind.FEEDBACK for cause in causes),
        answered=_answered(view, causes),
        budget_left=record.since_progress < view.settings.budget_between_progress
        and len(recent(record.dispatch_times, view.now)) < view.settings.budget_per_day,
        session_limit_reached=_session_limit_reached(view),
        capacity_left=view.fixers_all < view.settings.capacity_all
        and view.fixers_project < view.settings.capacity_project,
        next_look=_next_look(view, record),
    )


def recent(times: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """Those of the last day."""
    return tuple(at for at in times if at > now - timedelta(days=1))


def _busy_session(view: View, *, fixers: bool) -> str | None:
    """A session with a turn in flight or one that waits for a person; idle ones never block (R9)."""
    for session in view.sessions:
        quiet = view.activity.get(session.id) is Activity.QUIET and session.status is SessionStatus.RUNNING
        busy = session.is_live and session.status is not SessionStatus.IDLE and not quiet
        if busy and (session.purpose is Purpose.FIXER) is fixers:
            return session.id
    return None


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


def _view_overdue(view: View) -> bool:
    limit = view.now - timedelta(seconds=view.settings.view_limit_s)
    since = view.watch.failing_since or view.watch.fetch_began_at or view.snapshot.attached_at
    return since is not None and since < limit


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


def _part_limit(view: View) -> datetime:
    return (view.snapshot.head_seen_at or view.now) + timedelta(seconds=view.settings.part_limit_s)


def _part_overdue(view: View) -> bool:
    return _part_limit(view) <= view.now


def _answered(view: View, causes: tuple[Cause, ...]) -> bool:
    """Since the last completed dispatch there is a new head, or a reply of ours to one of the threads."""
    done = [d for d in view.dispatches if d.status is DispatchStatus.COMPLETED]
    if not done or view.facts is None:
        return False
    threads = {item.key for cause in causes for item in cause.items}
    replied = any(
        isinstance(action.order, Reply)
        and action.order.thread_id in threads
        and action.status is not ActionStatus.FAILED
        for action in view.actions
    )
    return replied or view.facts.head.commit != done[-1].head


def _session_limit_reached(view: View) -> bool:
    live = [session for session in view.sessions if session.is_live]
    reusable = any(
        session.purpose is Purpose.FIXER
        and (session.status is SessionStatus.IDLE or view.activity.get(session.id) is Activity.QUIET)
        for session in live
    )
    return len(live) >= view.settings.session_limit and not reusable


def _next_look(view: View, record: Ratchet) -> datetime | None:
    """The first moment at which time alone may change the decision, at most a minute away.

    Merged is final and a disabled ratchet sleeps: only an event wakes them.
    """
    if not record.enabled or (view.facts is not None and view.facts.state is GitHubState.MERGED):
        return None
    moments = [_quiet_ends(view), _ci_limit(view), _part_limit(view), view.now + _SOON]
    if record.hold is not None and record.hold.until is not None:
        moments.append(record.hold.until)
    return min(moment for moment in moments if moment > view.now)
