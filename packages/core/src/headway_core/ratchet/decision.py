"""`decide`: what the ratchet does now, as a pure and total function of facts.

Time reaches it as booleans that the transaction computed; every decision says when to look again.
The conditions stand in one table, first match wins.
"""

import enum
from collections.abc import Callable
from datetime import datetime

import attrs

from headway_core.pull_requests.model import CIStatus, GitHubState


class WaitReason(enum.StrEnum):
    """What the ratchet waits for, before it acts or concludes anything."""

    WORKSPACE = "workspace"
    """The workspace is not READY, has no worktree, or its host is lost."""
    NO_PR = "no_pr"
    """No pull request is attached; one is looked for on the workspace's branch."""
    CLOSED = "closed"
    """The pull request is closed, and may be opened again."""
    REFRESH = "refresh"
    """What is known of the pull request is older than the last thing that happened: it is read again."""
    MERGE_QUEUE = "merge_queue"
    """The pull request is in the merge queue of its base."""
    CI = "ci"
    """Checks are still running, or the head is in its quiet time (`quiet_time_s`)."""
    UNKNOWN = "unknown"
    """A part of the pull request (checks, mergeability, conversation) is not known yet."""
    SESSION = "session"
    """Another session works in the workspace, or waits there for a person."""
    SESSION_LIMIT = "session_limit"
    """The workspace has as many live sessions as it may have (`session_limit`)."""
    FAST_FORWARD = "fast_forward"
    """The worktree stands behind the pull request's head: it is brought forward before a fixer starts."""
    BACKOFF = "backoff"
    """The last fixer for it died: the next one starts after a pause (`death_pause_s`), longer each time."""
    CAPACITY = "capacity"
    """As many fixers run as are allowed (`capacity_project`, `capacity_all`)."""


class StallReason(enum.StrEnum):
    """Why the ratchet will do nothing until a person, or the forge, changes something."""

    BRANCH_MISMATCH = "branch_mismatch"
    """The worktree is on another branch than the pull request's head: check out the head's branch."""
    UNPUSHED = "unpushed"
    """The worktree has commits that were not pushed: push or drop them."""
    UNREACHABLE = "unreachable"
    """The pull request could not be read for longer than `view_limit_s`."""
    NO_HEAD = "no_head"
    """The branch of the pull request is gone at the forge: restore it, or close the pull request."""
    CI_STUCK = "ci_stuck"
    """Checks are pending for longer than `ci_limit_s`: re-run or cancel them."""
    CI_CANCELLED = "ci_cancelled"
    """All that failed was cancelled, which no commit mends: run the checks again."""
    CHECKS_MISSING = "checks_missing"
    """A check that the base requires, or that the head before had, has not reported within `ci_limit_s`: look
    at what should have started it.
    """
    CI_UNKNOWN = "ci_unknown"
    """A part of the pull request has been unknown for longer than `part_limit_s`."""
    RETRIES = "retries"
    """Three fixers died at the same cause: mend it by hand, or switch the ratchet off and on."""
    UNCHANGED = "unchanged"
    """A fixer had each cause already, and it is still there: a new run, a new comment or a person has to
    change it.
    """
    SESSION = "session"
    """Another session has been at work, or has waited for a person, for longer than `turn_limit_s`: answer or
    stop it.
    """
    STOPPED = "stopped"
    """What is found of an agent can't all be true: look at the worktree, then release the workspace."""
    OTHER_COMMIT = "other_commit"
    """The worktree stands on another commit than the pull request's head, and can't be brought forward to it:
    bring them together.
    """
    SETUP = "setup"
    """There is something to fix, and the workspace's set-up ended with a warning: retry it."""
    BUDGET = "budget"
    """The budget of fixers is used up (`budget_between_progress`, `budget_per_day`)."""


class PersonReason(enum.StrEnum):
    """What a person has to do before a pull request, with nothing left to fix, is ready."""

    CHECKS = "checks"
    """A check waits for a person: an approval, an authorization, a signature."""
    MERGE_QUEUE = "merge_queue"
    """The merge queue threw it out, and nothing is known that a fixer could mend: queue it again, or push."""


@attrs.frozen(kw_only=True)
class Disabled:
    """The ratchet is off."""

    recheck_at: datetime | None = None
    """Always None: switching it on wakes it."""


@attrs.frozen(kw_only=True)
class QuietTime:
    """How long a head rests before it is judged, so that its checks have begun by then."""

    head_seen_at: datetime
    """When the head was first seen."""
    ends_at: datetime
    """From when on it is judged."""


@attrs.frozen(kw_only=True)
class Wait:
    """Something else comes first; `reason` says what."""

    reason: WaitReason
    """What is waited for."""
    recheck_at: datetime | None
    """When to look again at the latest; None: an event will tell."""
    quiet_time: QuietTime | None = None
    """Of `ci`: the head's quiet time, when its end is waited for; None: checks are still running."""


@attrs.frozen(kw_only=True)
class Done:
    """The pull request is merged."""

    recheck_at: datetime | None = None
    """Always None: that is final."""


@attrs.frozen(kw_only=True)
class FixerActive:
    """A fixer works on it, or is being started or stopped."""

    session_id: str | None
    """The session of the fixer that works; None when it has nothing to do, and its dispatch is still open."""
    recheck_at: datetime | None
    """When to look again at the latest."""


@attrs.frozen(kw_only=True)
class Held:
    """A person keeps the ratchet from acting."""

    by: str
    """What kind of hold it is, as in `HoldKind`."""
    until: datetime | None
    """When the hold ends by itself; None: when it is released."""
    recheck_at: datetime | None
    """When to look again at the latest; None: an event will tell."""


@attrs.frozen(kw_only=True)
class Stalled:
    """The ratchet will not act before a person, or the forge, changes something; `reason` says why."""

    reason: StallReason
    """Why."""
    recheck_at: datetime | None
    """When to look again at the latest; None: an event will tell."""


@attrs.frozen(kw_only=True)
class AwaitingReview:
    """Nothing is left to fix, and it is the reviewer's turn."""

    recheck_at: datetime | None = None
    """When to look again at the latest; None: an event will tell."""


@attrs.frozen(kw_only=True)
class AwaitingPerson:
    """Nothing is left to fix, and a person has to do something before it is ready; `reason` says what."""

    reason: PersonReason
    """What has to be done."""
    recheck_at: datetime | None = None
    """When to look again at the latest; None: an event will tell."""


@attrs.frozen(kw_only=True)
class Ready:
    """Nothing is left to fix, and no review is outstanding."""

    recheck_at: datetime | None = None
    """When to look again at the latest; None: an event will tell."""


@attrs.frozen(kw_only=True)
class Dispatch:
    """One fixer is started for these causes."""

    cause_ids: tuple[str, ...]
    """What it is to fix."""
    recheck_at: datetime | None = None
    """When to look again at the latest; None: an event will tell."""


Decision = (
    Disabled | Wait | Done | FixerActive | Held | Stalled | AwaitingReview | AwaitingPerson | Ready | Dispatch
)


@attrs.frozen(kw_only=True)
class RatchetFacts:
    """All that `decide` looks at. Causes are those of `causes.py`, by id."""

    enabled: bool
    workspace_ready: bool
    """READY, with a worktree, on a host that is there."""
    state: GitHubState | None
    """None: no pull request is attached."""

    dispatch_live: bool
    fixer_session: str | None
    """A live fixer of any origin that is neither IDLE nor quiet."""
    held_by: str | None
    held_until: datetime | None

    branch_mismatch: bool
    unpushed: bool
    dirty: bool
    """The worktree holds uncommitted changes that no fixer made."""
    other_commit: bool
    """The worktree stands on another commit than the head."""
    forward_refused: bool
    """It can't be brought forward to the head."""
    setup_warned: bool
    """The workspace is READY with a warning: its start-up script failed, or its worktree is missing."""
    stopped: bool
    """The workspace is stopped until a person has looked."""
    turn_in_flight: bool
    """Another session's turn, or one that waits for a person; not for longer than its limit."""
    turn_hangs: bool
    """Another session's turn, or one that waits for a person, for longer than its limit."""

    view_stale: bool
    """The fetch began before the last dispatch's end or hint, is too old, or shows a lagging head."""
    view_overdue: bool
    """It has been waited for, for longer than its limit."""
    head_gone: bool

    in_merge_queue: bool
    quiet: bool
    """The head's quiet time has passed."""
    quiet_time: QuietTime | None
    """The head's; None before a head was seen."""
    ci: CIStatus
    checks_pending: bool
    """A counted check is queued or runs, whether or not another one has failed already."""
    checks_absent: bool
    """A check that the base requires has not reported."""
    checks_lacking: bool
    """A check that the head before had is not here."""
    checks_cancelled: bool
    """All counted checks that failed were cancelled."""
    awaited_of_person: PersonReason | None
    """What a person has to do before it is ready; None: nothing."""
    ci_overdue: bool
    conflict: bool
    act_on_first_failure: bool
    part_unknown: bool
    """CI, mergeability or the conversation is not known."""
    part_overdue: bool
    """It has been waited for, for longer than its limit."""
    review_outstanding: bool
    """The raw decision is REVIEW_REQUIRED or CHANGES_REQUESTED."""

    present: tuple[str, ...]
    actionable: tuple[str, ...]
    backs_off: bool
    """A present cause is left whose last fixer died lately: its pause is not over."""
    exhausted: tuple[str, ...]
    only_feedback: bool
    """Every present cause is feedback."""
    answered: bool
    """Since it was handled each cause got a reply of ours, or there is a new head."""

    budget_left: bool
    session_limit_reached: bool
    capacity_left: bool

    next_look: datetime | None
    """When one of the booleans may change by time alone; None: none may."""
    poll_at: datetime
    """When to look at what no event tells."""
    poll_soon_at: datetime
    """When to look for a fetch that may find nothing new, and then tells nothing: rarer as time goes by."""


def decide(facts: RatchetFacts) -> Decision:
    """The first row of the table whose condition holds."""
    for condition, conclude in _TABLE:
        if condition(facts):
            return conclude(facts)
    return Dispatch(cause_ids=facts.actionable, recheck_at=facts.next_look)


_Look = Callable[[RatchetFacts], datetime | None]


def _in_time(f: RatchetFacts) -> datetime | None:
    """Events tell of everything else."""
    return f.next_look


def _polled(f: RatchetFacts) -> datetime | None:
    """No event tells when git, or what an agent is doing, changes."""
    return f.poll_at


def _never(_: RatchetFacts) -> None:
    """An event will tell."""


def _wait(reason: WaitReason, look: _Look = _in_time) -> Callable[[RatchetFacts], Decision]:
    return lambda f: Wait(reason=reason, recheck_at=look(f))


def _stalled(reason: StallReason, look: _Look = _in_time) -> Callable[[RatchetFacts], Decision]:
    return lambda f: Stalled(reason=reason, recheck_at=look(f))


def _persons_turn(f: RatchetFacts) -> Decision:
    assert f.awaited_of_person is not None
    return AwaitingPerson(reason=f.awaited_of_person, recheck_at=f.next_look)


def _reviewers_turn(f: RatchetFacts) -> Decision:
    return AwaitingReview(recheck_at=f.next_look)


def _ci_pending(f: RatchetFacts) -> bool:
    early = f.act_on_first_failure and f.ci is CIStatus.FAILURE and bool(f.present)
    return f.checks_pending and not f.conflict and not f.ci_overdue and not early


def _is_missed(f: RatchetFacts) -> bool:
    """Nothing is to fix, a check is missing, and not for want of a person who lets it begin."""
    missing = f.checks_absent or f.checks_lacking
    return not f.present and f.awaited_of_person is not PersonReason.CHECKS and missing


_Row = tuple[Callable[[RatchetFacts], bool], Callable[[RatchetFacts], Decision]]

_TABLE: tuple[_Row, ...] = (
    # 1-3: nothing to look at
    (lambda f: not f.enabled, lambda _: Disabled()),
    (lambda f: not f.workspace_ready, _wait(WaitReason.WORKSPACE, _never)),
    (lambda f: f.state is None, _wait(WaitReason.NO_PR, _never)),
    (lambda f: f.state is GitHubState.MERGED, lambda _: Done()),
    (lambda f: f.state is GitHubState.CLOSED, _wait(WaitReason.CLOSED, _never)),
    # 4: somebody is at it
    (
        lambda f: f.dispatch_live or f.fixer_session is not None,
        lambda f: FixerActive(session_id=f.fixer_session, recheck_at=f.poll_at),
    ),
    (
        lambda f: f.held_by is not None,
        lambda f: Held(by=f.held_by or "", until=f.held_until, recheck_at=f.next_look),
    ),
    (lambda f: f.stopped, _stalled(StallReason.STOPPED)),
    # 5: the worktree
    (lambda f: f.branch_mismatch, _stalled(StallReason.BRANCH_MISMATCH, _polled)),
    (lambda f: f.unpushed and not f.turn_in_flight, _stalled(StallReason.UNPUSHED, _polled)),
    # 6: the view
    (lambda f: f.view_stale and f.view_overdue, _stalled(StallReason.UNREACHABLE, _polled)),
    (lambda f: f.view_stale, _wait(WaitReason.REFRESH, lambda f: f.poll_soon_at)),
    (lambda f: f.head_gone, _stalled(StallReason.NO_HEAD)),
    # 7-8: others are at work
    (lambda f: f.in_merge_queue, _wait(WaitReason.MERGE_QUEUE)),
    (
        lambda f: not f.quiet,
        lambda f: Wait(reason=WaitReason.CI, recheck_at=f.next_look, quiet_time=f.quiet_time),
    ),
    (_ci_pending, _wait(WaitReason.CI)),
    # 9: nothing to fix
    (lambda f: not f.present and f.checks_cancelled, _stalled(StallReason.CI_CANCELLED)),
    (lambda f: not f.present and f.checks_pending, _stalled(StallReason.CI_STUCK)),
    (lambda f: _is_missed(f) and f.ci_overdue, _stalled(StallReason.CHECKS_MISSING)),
    (lambda f: _is_missed(f) and f.checks_absent, _wait(WaitReason.CI)),
    (_is_missed, _wait(WaitReason.UNKNOWN)),
    (lambda f: not f.present and f.part_unknown and f.part_overdue, _stalled(StallReason.CI_UNKNOWN)),
    (lambda f: not f.present and f.part_unknown, _wait(WaitReason.UNKNOWN)),
    (lambda f: not f.present and f.review_outstanding, _reviewers_turn),
    (lambda f: not f.present and f.awaited_of_person is not None, _persons_turn),
    (lambda f: not f.present, lambda f: Ready(recheck_at=f.next_look)),
    # 10: nothing that a fixer has not had already, or nothing now
    (lambda f: not f.actionable and f.backs_off, _wait(WaitReason.BACKOFF)),
    (lambda f: not f.actionable and bool(f.exhausted), _stalled(StallReason.RETRIES)),
    (lambda f: not f.actionable and f.only_feedback and f.answered, _reviewers_turn),
    (lambda f: not f.actionable, _stalled(StallReason.UNCHANGED)),
    # 11-13: not here, or not now
    (lambda f: f.setup_warned, _stalled(StallReason.SETUP)),
    (lambda f: not f.budget_left, _stalled(StallReason.BUDGET)),
    (lambda f: f.turn_in_flight, _wait(WaitReason.SESSION, _polled)),
    (lambda f: f.turn_hangs, _stalled(StallReason.SESSION, _polled)),
    # the worktree is a person's while it holds changes, and a fixer's where it stands on the head
    (lambda f: f.dirty, lambda f: Held(by="dirty", until=None, recheck_at=f.poll_at)),
    (lambda f: f.other_commit and f.forward_refused, _stalled(StallReason.OTHER_COMMIT, _polled)),
    (lambda f: f.other_commit, _wait(WaitReason.FAST_FORWARD, _polled)),
    (lambda f: f.session_limit_reached, _wait(WaitReason.SESSION_LIMIT, _polled)),
    (lambda f: not f.capacity_left, _wait(WaitReason.CAPACITY, _polled)),
)
