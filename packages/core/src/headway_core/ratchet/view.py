"""What one decision looks at: the stored rows of a workspace, read in one transaction."""

from datetime import datetime, timedelta
from functools import cached_property

import attrs

from headway_core.forge_actions.model import ACTIONS_OF, ForgeAction
from headway_core.hosts import is_lost
from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.model import Project
from headway_core.pull_requests import CountedChecks, counted_of
from headway_core.pull_requests.model import (
    CIStatus,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.ratchet.causes import causes_of
from headway_core.ratchet.model import DISPATCHES_OF, Cause, FixerDispatch
from headway_core.ratchet.slots import FixerSlots, read_slots
from headway_core.ratchet.tables import RatchetTables
from headway_core.ratchet.trust import Trust, trust_in
from headway_core.sessions.model import SESSIONS_OF, Activity, Purpose, Session, SessionStatus
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import GitFacts, Workspace

_FRESH = timedelta(seconds=5)
"""So new must be what git said of a worktree in which a fixer is to start."""


@attrs.frozen(kw_only=True)
class View:
    """Everything that one decision looks at, read in one transaction."""

    now: datetime
    settings: SettingsRecord
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
    activity_at: dict[str, datetime]
    """When they were seen doing it, by session id."""
    actions: tuple[ForgeAction, ...]
    dispatches: tuple[FixerDispatch, ...]
    slots: FixerSlots

    @property
    def facts(self) -> PullRequestFacts | None:
        """What is known of the pull request; None when none is attached or it was not read yet."""
        return self.snapshot.facts

    @cached_property
    def trust(self) -> Trust:
        """Whose words count here."""
        return trust_in(self.settings, self.sessions, self.actions)

    @cached_property
    def counted(self) -> CountedChecks:
        """The checks that count."""
        return counted_of(self.snapshot, self.settings.ci_scope)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """The causes that are present."""
        return causes_of(self.facts, self.trust)

    @property
    def ci(self) -> CIStatus:
        """What the counted checks say."""
        return self.counted.status

    @property
    def turns(self) -> int:
        """How many turns of agents were ever begun here."""
        return sum(session.attempt for session in self.sessions)

    @property
    def branch_mismatch(self) -> bool:
        """The worktree is on another branch than the head's."""
        return self.facts is not None and self.git is not None and self.git.branch != self.facts.head.ref

    @property
    def unpushed(self) -> bool:
        """The worktree has commits that no remote has."""
        return self.git is not None and self.git.unpushed > 0

    @property
    def dirty(self) -> bool:
        """The worktree holds uncommitted changes, other ones than the set-up or the last fixer left."""
        git = self.git
        return git is not None and git.dirty and (git.changes is None or git.changes != git.left)

    @property
    def other_commit(self) -> bool:
        """The worktree stands on another commit than the pull request's head."""
        facts, git = self.facts, self.git
        return facts is not None and git is not None and git.head != facts.head.commit

    @property
    def forward_refused(self) -> bool:
        """The worktree can't be brought forward to the pull request's head: that was tried."""
        facts, git = self.facts, self.git
        return facts is not None and git is not None and git.refused == facts.head.commit

    @property
    def git_concludes(self) -> bool:
        """Something would be concluded from what git said, or be started there: it is asked once more."""
        stalls = self.branch_mismatch or self.unpushed or self.dirty or self.other_commit
        old = self.git is not None and self.git.at < self.now - _FRESH
        return stalls or (old and bool(self.causes))

    @property
    def git_is_stale(self) -> bool:
        """The worktree is to be asked again: a session ended, or the view's head changed, since it was."""
        ended = [session.ended_at for session in self.sessions if session.ended_at is not None]
        since = [*ended, *([self.snapshot.head_seen_at] if self.snapshot.head_seen_at else [])]
        git = self.git
        # A moment in the future was noted while the clock was ahead: it orders nothing.
        return git is None or git.at > self.now or any(git.at < at for at in since if at <= self.now)

    @property
    def is_stale(self) -> bool:
        """What was read of the pull request is older than what happened, too old, or of a lagging head."""
        began, changed, facts = self.watch.fetch_began_at, self._last_change(), self.facts
        return (
            began is None
            or began > self.now
            or (changed is not None and began < changed)
            or began < self.now - timedelta(seconds=self.settings.view_limit_s)
            or self.git_is_stale
            or (facts is not None and facts.head.tip is not None and facts.head.tip != facts.head.commit)
        )

    @property
    def is_at_rest(self) -> bool:
        """No turn is in flight, and what is seen of the pull request began after the last one."""
        return not any(map(self.is_busy, self.sessions)) and not self.is_stale

    def is_busy(self, session: Session) -> bool:
        """Its turn is in flight, or waits for a person; an idle one never is (R9)."""
        quiet = self.activity.get(session.id) is Activity.QUIET and session.status is SessionStatus.RUNNING
        return session.is_live and session.status is not SessionStatus.IDLE and not quiet

    @property
    def fixer_session(self) -> str | None:
        """A fixer with a turn in flight, by its id."""
        fixers = (session for session in self.sessions if session.purpose is Purpose.FIXER)
        return next((session.id for session in fixers if self.is_busy(session)), None)

    @property
    def other_turns(self) -> tuple[Session, ...]:
        """The other sessions with a turn in flight."""
        others = (session for session in self.sessions if session.purpose is not Purpose.FIXER)
        return tuple(filter(self.is_busy, others))

    def hangs(self, session: Session) -> bool:
        """Nothing was heard of its turn for longer than the settings allow: nobody knows whether it ends."""
        heard_at = max(session.last_active_at, self.activity_at.get(session.id, session.last_active_at))
        return heard_at + timedelta(seconds=self.settings.turn_limit_s) <= self.now

    def has_slot(self, slots: FixerSlots) -> bool:
        """Whether this workspace may take one of the slots now."""
        mine = (self.workspace.id, self.project.id)
        return self.workspace.id in slots.next_in_line(self.settings, mine)

    def _last_change(self) -> datetime | None:
        """After this moment an older fetch shows what was, not what is."""
        ended = [d.ended_at for d in self.dispatches if d.ended_at is not None]
        hints = [self.watch.hint_at] if self.watch.hint_at else []
        return max((at for at in (*ended, *hints) if at <= self.now), default=None)


def read_view(
    tx: ReadTransaction, tables: RatchetTables, settings: SettingsRecord, workspace_id: str
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
        activity_at={row.session_id: row.at for row in seen if row is not None},
        actions=tuple(tables.actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)),
        dispatches=tuple(tables.dispatches.query(tx, DISPATCHES_OF, workspace_id=workspace_id)),
        slots=read_slots(tx, tables, settings),
    )
