"""Why a workspace stands where it stands: pure functions of its facts, without a clock (B1 to B3)."""

import enum
from collections.abc import Callable
from datetime import datetime
from functools import cache, cached_property
from typing import assert_never

import attrs

from headway_core.forge_actions.model import ForgeAction
from headway_core.projects.model import Project
from headway_core.pull_requests import CountedChecks, counted_of, state_of, thrown_out
from headway_core.pull_requests.model import (
    CIStatus,
    GitHubState,
    Mergeability,
    PRState,
    PullRequestFacts,
    PullRequestSnapshot,
    PullRequestWatch,
    ReviewDecision,
)
from headway_core.ratchet import Cause, CauseKind, RatchetRecord, RatchetState, kind_of, ratchet_state
from headway_core.ratchet.causes import causes_of
from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Dispatch,
    Held,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.trust import trust_in
from headway_core.sessions.model import Activity, Purpose, Session, SessionStatus
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import Workspace, WorkspaceStatus


class StatusReason(enum.StrEnum):
    """Why a workspace stands in its column: what people read on a card of the board."""

    ARCHIVING = "ARCHIVING"
    """The workspace is being archived."""
    ARCHIVED = "ARCHIVED"
    """The workspace was archived: its worktree is gone, its branch stays."""
    MERGED = "MERGED"
    """The pull request is merged."""
    PR_CLOSED = "PR_CLOSED"
    """The pull request was closed without a merge."""
    NEEDS_PERMISSION = "NEEDS_PERMISSION"
    """An agent asks a person for permission before it goes on."""
    NEEDS_PLAN_APPROVAL = "NEEDS_PLAN_APPROVAL"
    """An agent waits until a person approves its plan."""
    NEEDS_ANSWER = "NEEDS_ANSWER"
    """An agent asked a person a question, and waits for the answer."""
    STOPPED = "STOPPED"
    """What is found of an agent can't all be true: nothing starts before `headway workspace release`."""
    SESSION_ERROR = "SESSION_ERROR"
    """The newest session failed, and the ratchet will not start another one for it."""
    HOST_LOST = "HOST_LOST"
    """The workspace's host was not seen for two minutes, or was retired: nothing can be done there."""
    SETTING_UP = "SETTING_UP"
    """The worktree is being made, or the start-up script runs."""
    SETUP_FAILED = "SETUP_FAILED"
    """The worktree could not be made, or a required start-up script failed; the workspace's error says why.
    """
    WORKTREE_MISSING = "WORKTREE_MISSING"
    """The worktree was deleted, or its `.git` was: `headway workspace retry` makes it anew."""
    FIXING_CI_FAILURES = "FIXING_CI_FAILURES"
    """A fixer works on failed checks."""
    FIXING_MERGE_CONFLICT = "FIXING_MERGE_CONFLICT"
    """A fixer works on a conflict with the base branch."""
    FIXING_REVIEW_COMMENTS = "FIXING_REVIEW_COMMENTS"
    """A fixer works on what reviewers asked for."""
    AGENT_WORKING = "AGENT_WORKING"
    """An agent works on a person's prompt."""
    STARTING_SESSION = "STARTING_SESSION"
    """A session is being started, or starts as soon as the host's runner takes it."""
    BRANCH_MISMATCH = "BRANCH_MISMATCH"
    """The worktree is on another branch than the head of the pull request: the ratchet does nothing."""
    RATCHET_STALLED = "RATCHET_STALLED"
    """The ratchet will not act without a person; `headway explain` says why."""
    HELD = "HELD"
    """A person told the ratchet to wait, stopped its fixer, or has uncommitted changes in the worktree."""
    MERGE_CONFLICT = "MERGE_CONFLICT"
    """The branch conflicts with its base, and the ratchet is off."""
    CI_FAILED = "CI_FAILED"
    """A check failed, and the ratchet is off."""
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    """A reviewer requested changes, and the ratchet is off."""
    MERGE_QUEUED = "MERGE_QUEUED"
    """The pull request is in the merge queue of its base."""
    WAITING_FOR_CI = "WAITING_FOR_CI"
    """Checks are still running, or not known yet, or the head is too new to be judged."""
    CHECKING_PR = "CHECKING_PR"
    """The ratchet is about to act, or waits: for a fresh look at the pull request, a free session, or the end
    of the pause after a fixer died.
    """
    AWAITING_REVIEW = "AWAITING_REVIEW"
    """Nothing is left to fix: it is the reviewer's turn."""
    AWAITING_PERSON = "AWAITING_PERSON"
    """Nothing is left to fix, and a person has to release a check, or the merge queue threw it out."""
    READY_FOR_REVIEW = "READY_FOR_REVIEW"
    """The pull request is open, and none of the rows above applies: a person may look at it."""
    READY_TO_MERGE = "READY_TO_MERGE"
    """The checks succeeded, the branch merges, and no review is outstanding."""
    NO_SESSION_STARTED = "NO_SESSION_STARTED"
    """The workspace is ready, and no agent has worked in it yet."""
    READY_FOR_NEXT_PROMPT = "READY_FOR_NEXT_PROMPT"
    """The agents have ended, and there is no pull request yet: a person may say what comes next."""


class Column(enum.StrEnum):
    """The columns of the board."""

    WORKING = "WORKING"
    """Headway, an agent or CI is at work: nobody has to do anything."""
    WAITING = "WAITING"
    """A person may, or has to, do something."""
    DONE = "DONE"
    """The pull request is merged or closed: the workspace can be archived."""


@attrs.frozen(kw_only=True)
class WorkspaceView:
    """The rooms' facts of one workspace, joined for reading."""

    settings: SettingsRecord
    """The settings."""
    project: Project
    """Its project."""
    workspace: Workspace
    """The workspace."""
    host_lost: bool
    """Its host is lost or retired."""
    snapshot: PullRequestSnapshot
    """What is known of its pull request."""
    watch: PullRequestWatch
    """How old what is known of the pull request is; says nothing of its status."""
    ratchet: RatchetRecord
    """The ratchet's record of it."""
    sessions: tuple[Session, ...]
    """Oldest first."""
    activity: dict[str, Activity]
    """What live sessions do, by session id."""
    prompted: frozenset[str]
    """The sessions with a prompt that waits for their start, by id."""
    actions: tuple[ForgeAction, ...] = ()
    """What was asked for at the forge and is not done yet, or failed; oldest first."""
    held_back_until: datetime | None = None
    """Until when nothing of its forge is read by itself; it may have passed. Says nothing of its status."""

    @property
    def facts(self) -> PullRequestFacts | None:
        return self.snapshot.facts

    @property
    def decision(self) -> Decision | None:
        return self.ratchet.decision

    @cached_property
    def counted(self) -> CountedChecks:
        """The checks that count."""
        return counted_of(self.snapshot, self.settings.ci_scope)

    @cached_property
    def ci(self) -> CIStatus:
        return self.counted.status

    @property
    def pr_state(self) -> PRState:
        return state_of(self.snapshot)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        return causes_of(self.facts, trust_in(self.settings, self.sessions))

    @property
    def ratchet_state(self) -> RatchetState:
        return ratchet_state(
            enabled=self.ratchet.enabled,
            state=self.facts.state if self.facts else None,
            ci=self.ci,
            mergeability=self.facts.mergeability if self.facts else Mergeability.UNKNOWN,
            feedback=any(cause.kind is CauseKind.FEEDBACK for cause in self.causes),
            review_decision=self.facts.review_decision if self.facts else None,
        )


def status_reason(view: WorkspaceView) -> StatusReason:
    """The first row of the table that says something."""
    for row in _TABLE:
        reason = row(view)
        if reason is not None:
            return reason
    return StatusReason.READY_FOR_NEXT_PROMPT if view.sessions else StatusReason.NO_SESSION_STARTED


@cache
def column(reason: StatusReason) -> Column | None:
    """The column of every reason; None for those that are on no column."""
    match reason:
        case StatusReason.ARCHIVING | StatusReason.ARCHIVED:
            return None
        case StatusReason.MERGED | StatusReason.PR_CLOSED:
            return Column.DONE
        case (
            StatusReason.SETTING_UP
            | StatusReason.FIXING_CI_FAILURES
            | StatusReason.FIXING_MERGE_CONFLICT
            | StatusReason.FIXING_REVIEW_COMMENTS
            | StatusReason.AGENT_WORKING
            | StatusReason.STARTING_SESSION
            | StatusReason.MERGE_QUEUED
            | StatusReason.WAITING_FOR_CI
            | StatusReason.CHECKING_PR
        ):
            return Column.WORKING
        case (
            StatusReason.NEEDS_PERMISSION
            | StatusReason.NEEDS_PLAN_APPROVAL
            | StatusReason.NEEDS_ANSWER
            | StatusReason.STOPPED
            | StatusReason.SESSION_ERROR
            | StatusReason.HOST_LOST
            | StatusReason.SETUP_FAILED
            | StatusReason.WORKTREE_MISSING
            | StatusReason.BRANCH_MISMATCH
            | StatusReason.RATCHET_STALLED
            | StatusReason.HELD
            | StatusReason.MERGE_CONFLICT
            | StatusReason.CI_FAILED
            | StatusReason.CHANGES_REQUESTED
            | StatusReason.AWAITING_REVIEW
            | StatusReason.AWAITING_PERSON
            | StatusReason.READY_FOR_REVIEW
            | StatusReason.READY_TO_MERGE
            | StatusReason.NO_SESSION_STARTED
            | StatusReason.READY_FOR_NEXT_PROMPT
        ):
            return Column.WAITING
        case _:
            assert_never(reason)


_ARCHIVE = {
    WorkspaceStatus.ARCHIVING: StatusReason.ARCHIVING,
    WorkspaceStatus.ARCHIVED: StatusReason.ARCHIVED,
}


def _archive(view: WorkspaceView) -> StatusReason | None:
    return _ARCHIVE.get(view.workspace.status)


_FINISHED = {GitHubState.MERGED: StatusReason.MERGED, GitHubState.CLOSED: StatusReason.PR_CLOSED}


def _finished(view: WorkspaceView) -> StatusReason | None:
    return None if view.facts is None else _FINISHED.get(view.facts.state)


_AWAITED = (
    (Activity.AWAITS_PERMISSION, StatusReason.NEEDS_PERMISSION),
    (Activity.AWAITS_PLAN_APPROVAL, StatusReason.NEEDS_PLAN_APPROVAL),
    (Activity.AWAITS_ANSWER, StatusReason.NEEDS_ANSWER),
)


def _waits_for_person(view: WorkspaceView) -> StatusReason | None:
    running = (session.id for session in view.sessions if session.status is SessionStatus.RUNNING)
    doing = {view.activity.get(session_id) for session_id in running}
    return next((reason for activity, reason in _AWAITED if activity in doing), None)


def _stopped(view: WorkspaceView) -> StatusReason | None:
    return None if view.workspace.stopped is None else StatusReason.STOPPED


def _session_error(view: WorkspaceView) -> StatusReason | None:
    newest = view.sessions[-1] if view.sessions else None
    if newest is None or newest.status is not SessionStatus.FAILED:
        return None
    retried = newest.purpose is Purpose.FIXER and view.ratchet.enabled
    return None if retried else StatusReason.SESSION_ERROR


def _host(view: WorkspaceView) -> StatusReason | None:
    return StatusReason.HOST_LOST if view.host_lost else None


_SETUP = {
    WorkspaceStatus.NEW: StatusReason.SETTING_UP,
    WorkspaceStatus.PROVISIONING: StatusReason.SETTING_UP,
    WorkspaceStatus.FAILED: StatusReason.SETUP_FAILED,
}


def _setup(view: WorkspaceView) -> StatusReason | None:
    return _SETUP.get(view.workspace.status)


def _worktree(view: WorkspaceView) -> StatusReason | None:
    return StatusReason.WORKTREE_MISSING if view.workspace.worktree_lost else None


_FIXING = (
    (CauseKind.CI, StatusReason.FIXING_CI_FAILURES),
    (CauseKind.CONFLICT, StatusReason.FIXING_MERGE_CONFLICT),
    (CauseKind.FEEDBACK, StatusReason.FIXING_REVIEW_COMMENTS),
)


def _turn(view: WorkspaceView) -> StatusReason | None:
    for session in view.sessions:
        if session.status not in (SessionStatus.RUNNING, SessionStatus.STOPPING):
            continue
        if view.activity.get(session.id) is Activity.QUIET or _hangs(session, view):
            continue
        kinds = {kind_of(cause_id) for cause_id in session.causes}
        return next((reason for kind, reason in _FIXING if kind in kinds), StatusReason.AGENT_WORKING)
    return None


def _hangs(session: Session, view: WorkspaceView) -> bool:
    """The ratchet concluded that it has waited for this session for too long."""
    stalled = isinstance(view.decision, Stalled) and view.decision.reason is StallReason.SESSION
    return stalled and session.purpose is not Purpose.FIXER


def _starting(view: WorkspaceView) -> StatusReason | None:
    """An idle session with a prompt starts as soon as its host's runner is there: nobody's turn but ours."""
    starting = any(
        session.status is SessionStatus.STARTING
        or (session.status is SessionStatus.IDLE and session.id in view.prompted)
        for session in view.sessions
    )
    return StatusReason.STARTING_SESSION if starting else None


def _blocked(view: WorkspaceView) -> StatusReason | None:
    match view.decision:
        case Stalled(reason=StallReason.BRANCH_MISMATCH):
            return StatusReason.BRANCH_MISMATCH
        case Stalled():
            return StatusReason.RATCHET_STALLED
        case Held():
            return StatusReason.HELD
        case _:
            return None


def _unwatched(view: WorkspaceView) -> StatusReason | None:
    """With the ratchet off, what is wrong waits for a person."""
    if view.ratchet.enabled or view.facts is None:
        return None
    if view.facts.mergeability is Mergeability.CONFLICT:
        return StatusReason.MERGE_CONFLICT
    if view.ci is CIStatus.FAILURE:
        return StatusReason.CI_FAILED
    if view.facts.review_decision is ReviewDecision.CHANGES_REQUESTED:
        return StatusReason.CHANGES_REQUESTED
    return None


def _queued(view: WorkspaceView) -> StatusReason | None:
    queued = view.facts is not None and view.facts.merge_queue is not None
    return StatusReason.MERGE_QUEUED if queued else None


def _running_ci(view: WorkspaceView) -> StatusReason | None:
    match view.decision:
        case Wait(reason=WaitReason.CI | WaitReason.UNKNOWN):
            return StatusReason.WAITING_FOR_CI
        case _:
            pending = view.counted.are_awaited and not view.snapshot.ci_overdue
            return StatusReason.WAITING_FOR_CI if pending else None


_CHECKING = (
    WaitReason.REFRESH,
    WaitReason.SESSION,
    WaitReason.SESSION_LIMIT,
    WaitReason.FAST_FORWARD,
    WaitReason.BACKOFF,
    WaitReason.CAPACITY,
)


def _checking(view: WorkspaceView) -> StatusReason | None:
    match view.decision:
        case Dispatch():
            return StatusReason.CHECKING_PR
        case Wait(reason=reason) if reason in _CHECKING:
            return StatusReason.CHECKING_PR
        case _:
            return None


def _open(view: WorkspaceView) -> StatusReason | None:
    facts = view.facts
    if facts is None:
        return None
    outstanding = facts.review_decision in (ReviewDecision.REVIEW_REQUIRED, ReviewDecision.CHANGES_REQUESTED)
    if isinstance(view.decision, AwaitingReview) or (
        not view.ratchet.enabled and facts.review_decision is ReviewDecision.REVIEW_REQUIRED
    ):
        return StatusReason.AWAITING_REVIEW
    if isinstance(view.decision, AwaitingPerson) or (
        not view.ratchet.enabled and (view.counted.wait_for_person or thrown_out(facts) is not None)
    ):
        return StatusReason.AWAITING_PERSON
    green = view.ci is CIStatus.SUCCESS and facts.mergeability is Mergeability.CLEAN
    if green and not outstanding and not facts.draft:
        return StatusReason.READY_TO_MERGE
    return StatusReason.READY_FOR_REVIEW


_TABLE: tuple[Callable[[WorkspaceView], StatusReason | None], ...] = (
    _archive,
    _finished,
    _waits_for_person,
    _stopped,
    _session_error,
    _host,
    _setup,
    _worktree,
    _turn,
    _starting,
    _blocked,
    _unwatched,
    _queued,
    _running_ci,
    _checking,
    _open,
)
