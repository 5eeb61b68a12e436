"""When to look again, and at what: pure, by stored times and settings."""

import hashlib
from datetime import datetime, timedelta

import attrs

from headway_core.pull_requests.ci import ci_of
from headway_core.pull_requests.model import (
    CIStatus,
    GitHubState,
    Mergeability,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.pull_requests.timing import quiet_ends_at
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import Workspace, WorkspaceStatus

DISCOVERY_AFTER_HINT_S = (0, 5, 15, 45)
"""Seconds after a hint at which a pull request of the branch is looked for; then with backoff."""
DISCOVERY_LONGEST_S = 6 * 3600
FAILURE_LONGEST_S = 600
_PUSHED_LATELY = timedelta(minutes=10)
_A_DAY = timedelta(days=1)
_CLOSED_EVERY = timedelta(hours=1)
_CLOSED_FOR = timedelta(days=7)
_NAMES_KEPT = timedelta(minutes=10)
"""For so long what an agent named is kept when git can't be asked whose it is."""
_NOT_READY_S = 5
MERGE_READS_S = (2, 4, 8, 16)
"""Seconds to the next reads of an open pull request whose mergeability GitHub does not know yet."""
_MERGE_CHECK_EVERY = 10
"""So many reads that do not tell it, and it is asked for again: one may be lost unheard."""
_FINISHED = (GitHubState.MERGED, GitHubState.CLOSED)


@attrs.frozen(kw_only=True)
class Plan:
    """What a fetch is to ask."""

    observes: bool
    """Read the attached pull request."""
    looks: bool
    """Look for an open one of the branch."""


def plan(snapshot: PullRequestSnapshot, workspace: Workspace, *, asked: bool) -> Plan:
    """What to ask for a workspace; `asked` when somebody wants it now.

    A merged pull request is not read again by itself, and what is archived is not followed (R30).
    """
    state = snapshot.facts.state if snapshot.facts else None
    attached = snapshot.node_id is not None
    followed = asked or workspace.status is not WorkspaceStatus.ARCHIVED
    return Plan(
        observes=attached and followed and (asked or state is not GitHubState.MERGED),
        looks=workspace.status is WorkspaceStatus.READY
        and bool(workspace.branch)
        and (not attached or state in _FINISHED),
    )


def jitter(workspace_id: str, step: int) -> float:
    """A factor from 0.9 to 1.1, always the same for a workspace and a step, so that no herd forms."""
    drawn = hashlib.sha256(f"{workspace_id}/{step}".encode()).digest()[0]
    return 0.9 + 0.2 * drawn / 255


def due_after_look(
    snapshot: PullRequestSnapshot,
    watch: PullRequestWatch,
    began_at: datetime,
    now: datetime,
    settings: SettingsRecord,
    *,
    looked: bool,
    git_at: datetime | None = None,
) -> PullRequestWatch:
    """The watch after a good fetch. A hint that came after it began makes the next one due at once.

    `git_at`: when git was asked by which it was judged whose each pull request is.
    """
    if watch.hint_at is not None and began_at < watch.hint_at <= now:
        return attrs.evolve(watch, due_at=now)
    refresh = next_refresh(snapshot, watch, now, settings)
    if not looked:
        over = snapshot.facts is not None and snapshot.facts.state in _FINISHED
        # It has just been merged or closed: from now on another of the branch is looked for.
        return (
            attrs.evolve(watch, due_at=now, discovery_step=0) if over else attrs.evolve(watch, due_at=refresh)
        )
    step, again = next_discovery(watch, now, settings)
    if not _keeps_names(snapshot, watch, step, began_at, git_at):
        watch = attrs.evolve(watch, hinted=(), hinted_at=None)
    # Also for a finished one: its successor is found though nobody tells of it, at the latest in 6 hours.
    dues = [due for due in (refresh, again) if due is not None]
    return attrs.evolve(watch, due_at=min(dues), discovery_step=step)


def _keeps_names(
    snapshot: PullRequestSnapshot,
    watch: PullRequestWatch,
    step: int,
    began_at: datetime,
    git_at: datetime | None,
) -> bool:
    """Whether what agents named is looked at again: it was found in no look, and may be found yet.

    GitHub's answers lag, so none of the first looks says that there is none; and what git said before the
    agent's end says nothing of what it did, so that git is waited for, but not without an end.
    """
    found = snapshot.facts is not None and snapshot.facts.state not in _FINISHED
    if found or watch.hinted_at is None:
        return False
    early = step < len(DISCOVERY_AFTER_HINT_S)
    asked = git_at is None or git_at >= watch.hinted_at
    return early or (not asked and began_at < watch.hinted_at + _NAMES_KEPT)


def next_refresh(
    snapshot: PullRequestSnapshot, watch: PullRequestWatch, now: datetime, settings: SettingsRecord
) -> datetime | None:
    """When to read what was read well again; None: never by itself."""
    facts = snapshot.facts
    if facts is None or facts.state is GitHubState.MERGED:
        return None
    if facts.state is GitHubState.CLOSED:
        return now + _CLOSED_EVERY if now < facts.updated_at + _CLOSED_FOR else None
    wait_s = _cadence_s(snapshot, now, settings)
    if 1 <= watch.unknown_reads <= len(MERGE_READS_S):
        wait_s = min(wait_s, MERGE_READS_S[watch.unknown_reads - 1])
    due = now + timedelta(seconds=wait_s)
    quiet = quiet_ends_at(snapshot, settings)
    return quiet if quiet is not None and now < quiet < due else due


def _cadence_s(snapshot: PullRequestSnapshot, now: datetime, settings: SettingsRecord) -> int:
    facts, seen = snapshot.facts, snapshot.head_seen_at
    assert facts is not None
    hot = (
        ci_of(snapshot, settings.ci_scope) is not CIStatus.SUCCESS
        or facts.mergeability is Mergeability.UNKNOWN
        or facts.merge_queue is not None
        or facts.head.tip != facts.head.commit
        or not facts.conversation_complete
    )
    touched = max(facts.updated_at, seen or facts.updated_at)
    if now > touched + _A_DAY:
        return settings.cadence_settled_s if hot else settings.cadence_quiet_s
    pushed_lately = seen is not None and now < seen + _PUSHED_LATELY
    return settings.cadence_hot_s if hot or pushed_lately else settings.cadence_settled_s


def next_discovery(watch: PullRequestWatch, now: datetime, settings: SettingsRecord) -> tuple[int, datetime]:
    """Which look for a pull request of the branch comes next, and when, after one that found none.

    5, 15 and 45 s after the hint, as far as these are still to come; then the base of the settings,
    doubled up to six hours, with jitter.
    """
    hinted = now if watch.hint_at is None else watch.hint_at
    step = watch.discovery_step + 1
    for soon, after_s in enumerate(DISCOVERY_AFTER_HINT_S):
        at = hinted + timedelta(seconds=after_s)
        if soon >= step and at > now:
            return soon, at
    step = max(step, len(DISCOVERY_AFTER_HINT_S))
    doubled = min(step - len(DISCOVERY_AFTER_HINT_S), 20)
    wait_s = min(settings.discovery_s * 2**doubled, DISCOVERY_LONGEST_S)
    return step, now + timedelta(seconds=wait_s * jitter(watch.workspace_id, step))


def needs_merge_check(watch: PullRequestWatch) -> bool:
    """Whether GitHub is to be asked to work out whether the pull request merges."""
    return watch.unknown_reads % _MERGE_CHECK_EVERY == 1


def due_after_failure(
    watch: PullRequestWatch, now: datetime, retry_after_s: float | None, settings: SettingsRecord
) -> PullRequestWatch:
    """The watch after a failed fetch: as the forge says, else doubled each time up to ten minutes."""
    doubled = settings.cadence_hot_s * 2 ** min(max(watch.failures - 1, 0), 20)
    wait_s = min(doubled, FAILURE_LONGEST_S) * jitter(watch.workspace_id, watch.failures)
    return attrs.evolve(watch, due_at=now + timedelta(seconds=max(wait_s, retry_after_s or 0)))


def due_soon(watch: PullRequestWatch, now: datetime) -> PullRequestWatch:
    """The watch after an answer that was not believed whole: again when no replica lags any more."""
    soon = now + READ_LAG
    return attrs.evolve(watch, due_at=min(watch.due_at or soon, soon))


def due_while_not_ready(workspace: Workspace, now: datetime, settings: SettingsRecord) -> datetime | None:
    """When to look at a workspace again for which nothing is to be asked; None: a hint alone wakes it."""
    if workspace.status in (WorkspaceStatus.ARCHIVED, WorkspaceStatus.READY):
        return None
    soon = workspace.status in (WorkspaceStatus.NEW, WorkspaceStatus.PROVISIONING)
    return now + timedelta(seconds=_NOT_READY_S if soon else settings.discovery_s)
