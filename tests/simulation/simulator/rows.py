"""Checkers of rows: what must hold of every change that is committed.

A checker of rows gets one change of a row, together with the commit that it is part of, and says what is
wrong with it, or nothing. They look at what is stored and at the world, never at a service.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from headway_core.forge_actions.model import ForgeAction
from headway_core.pull_requests.model import (
    GitHubState,
    Mergeability,
    PullRequestFacts,
    PullRequestSnapshot,
)
from headway_core.ratchet.decision import Decision, Disabled, Done, Wait, WaitReason
from headway_core.ratchet.events import DispatchChanged
from headway_core.ratchet.model import (
    DEATH_LIMIT,
    FALSE_STARTS_A_DEATH,
    LIVE_DISPATCH,
    Cause,
    CauseKind,
    DispatchStatus,
    FixerDispatch,
    RatchetRecord,
)
from headway_core.sessions.model import (
    BUSY,
    EndReason,
    Purpose,
    Session,
    SessionStatus,
)
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import WORKTREE_MISSING, Workspace, WorkspaceStatus
from simulator.bots import too_often
from simulator.store import Change, Commit
from simulator.world import World

Problem = str | None
RowChecker = Callable[[World, Change, Commit], Problem]

DISPATCH_TRANSITIONS: Mapping[DispatchStatus, frozenset[DispatchStatus]] = {
    DispatchStatus.PENDING: frozenset(DispatchStatus) - {DispatchStatus.PENDING},
    DispatchStatus.RUNNING: frozenset(
        {DispatchStatus.COMPLETED, DispatchStatus.DIED, DispatchStatus.CANCELLED}
    ),
    DispatchStatus.COMPLETED: frozenset(),
    DispatchStatus.DIED: frozenset(),
    DispatchStatus.CANCELLED: frozenset(),
}


def settings_of(world: World) -> SettingsRecord:
    stored: SettingsRecord | None = world.row("settings", "settings")
    return stored or SettingsRecord()


# I1: nothing moves but along the tables


def along(table: Mapping[Any, frozenset[Any]]) -> RowChecker:
    def check(_world: World, change: Change, _commit: Commit) -> Problem:
        before, after = change.before, change.after
        if before is None or after is None or before.status == after.status:
            return None
        if after.status in table[before.status]:
            return None
        return f"{change.table} {change.key[0]}: {before.status} -> {after.status}"

    return check


def one_version_further(_world: World, change: Change, _commit: Commit) -> Problem:
    """A record that replaces another one was made of that one."""
    before, after = change.before, change.after
    if before is None or after is None or after.version == before.version + 1:
        return None
    return f"{change.table} {change.key}: version {before.version} -> {after.version}"


# Events: every change is told, in the transaction that makes it


def told_by(*events: str, when: Callable[[Change], bool] = lambda _: True) -> RowChecker:
    def check(_world: World, change: Change, commit: Commit) -> Problem:
        if not when(change) or any(event.payload.event in events for event in commit.events):
            return None
        return f"{change.table} {change.key} changed, and no event of {', '.join(events)} tells it"

    return check


def told_once(_world: World, change: Change, commit: Commit) -> Problem:
    """R21: a change of a dispatch is one event, with what it is afterwards (B5)."""
    dispatch: FixerDispatch = change.after
    told = [
        event.payload.status
        for event in commit.events
        if isinstance(event.payload, DispatchChanged) and event.payload.dispatch_id == dispatch.id
    ]
    stored = [each.after.status for each in commit.of("dispatches") if each.key == change.key]
    return None if told == stored else f"dispatch {dispatch.id} is {stored}, and is told as {told}"


def decision_changed(change: Change) -> bool:
    before: RatchetRecord | None = change.before
    after: RatchetRecord | None = change.after
    return before is not None and after is not None and before.decision != after.decision


def hold_changed(change: Change) -> bool:
    return change.before is not None and change.before.hold != change.after.hold


def switch_turned(change: Change) -> bool:
    return change.before is not None and change.before.enabled != change.after.enabled


def never_back(_world: World, change: Change, _commit: Commit) -> Problem:
    """A consumer reads each event once."""
    if change.before is None or change.after is None or change.after.position > change.before.position:
        return None
    return f"consumer {change.key[0]}: position {change.before.position} -> {change.after.position}"


# I3, I6: fixers and dispatches


def one_live_fixer(world: World, change: Change, _commit: Commit) -> Problem:
    workspace_id = change.after.workspace_id if change.after else None
    live = [
        session.id
        for session in world.rows("sessions")
        if session.workspace_id == workspace_id and session.purpose is Purpose.FIXER and session.is_live
    ]
    return f"workspace {workspace_id} has live fixers {live}" if len(live) > 1 else None


def one_live_dispatch(world: World, change: Change, _commit: Commit) -> Problem:
    workspace_id = change.after.workspace_id
    live = [
        dispatch.id
        for dispatch in world.rows("dispatches")
        if dispatch.workspace_id == workspace_id and dispatch.status in LIVE_DISPATCH
    ]
    return f"workspace {workspace_id} has live dispatches {live}" if len(live) > 1 else None


def dispatched_for_a_reason(world: World, change: Change, _commit: Commit) -> Problem:
    """A new dispatch: the ratchet is on, nobody holds it, the pull request is open and read."""
    if change.before is not None:
        return None
    dispatch: FixerDispatch = change.after
    ratchet: RatchetRecord = world.row("ratchets", dispatch.workspace_id)
    workspace: Workspace = world.row("workspaces", dispatch.workspace_id)
    facts: PullRequestFacts | None = world.row("pull_requests", dispatch.workspace_id).facts
    for wrong, why in (
        (not ratchet.enabled, "the ratchet is off"),
        (ratchet.hold is not None and ratchet.hold.until is None, "somebody holds it"),
        (workspace.status is not WorkspaceStatus.READY, f"the workspace is {workspace.status}"),
        (facts is None or facts.state is not GitHubState.OPEN, "the pull request is not open"),
        (not dispatch.causes, "there is no cause"),
        (not all(cause.items for cause in dispatch.causes), "a cause has nothing new"),
    ):
        if wrong:
            return f"dispatch {dispatch.id}: {why}"
    return None


def recorded_with_its_session(world: World, change: Change, commit: Commit) -> Problem:
    """R33: the ratchet's fixer begins to start in the transaction that records its dispatch."""
    before: Session | None = change.before
    after: Session | None = change.after
    if after is None or after.label != "ratchet" or after.status is not SessionStatus.STARTING:
        return None
    if before is not None and before.status is SessionStatus.STARTING:
        return None
    if any(each.before is None and each.after.session_id == after.id for each in commit.of("dispatches")):
        return None
    if any(each.session_id == after.id for each in world.rows("dispatches")):
        return None  # a restart of what was dispatched
    return f"fixer {after.id} starts without a dispatch"


def handled_on_outcome(_world: World, change: Change, commit: Commit) -> Problem:
    """R5: what is remembered of causes changes when a dispatch ends, or is forgotten."""
    before: RatchetRecord | None = change.before
    after: RatchetRecord | None = change.after
    if before is None or after is None or set(after.handled) <= set(before.handled):
        return None
    ended = (DispatchStatus.COMPLETED, DispatchStatus.DIED)
    if any(each.after and each.after.status in ended for each in commit.of("dispatches")):
        return None
    return f"workspace {change.key[0]}: causes are remembered, and no dispatch ended"


class Causes:
    """What was dispatched of each item, within one enabled period and one pull request (I6)."""

    def __init__(self) -> None:
        self._ended: dict[str, list[tuple[FixerDispatch, DispatchStatus]]] = {}

    def forget(self, workspace_id: str) -> None:
        self._ended.pop(workspace_id, None)

    def switched(self, _world: World, change: Change, _commit: Commit) -> Problem:
        """On again, or another pull request: everything may be tried again."""
        before: RatchetRecord | None = change.before
        if before is not None and before.enabled != change.after.enabled:
            self.forget(change.after.workspace_id)
        return None

    def seen(self, _world: World, change: Change, _commit: Commit) -> Problem:
        """A clean view forgets conflicts; another pull request forgets everything."""
        before, after = change.before, change.after
        if before is not None and before.node_id != after.node_id:
            self.forget(after.workspace_id)
        if after.facts is not None and after.facts.mergeability is Mergeability.CLEAN:
            self._ended[after.workspace_id] = [
                (_without_conflict(dispatch), status)
                for dispatch, status in self._ended.get(after.workspace_id, [])
            ]
        return None

    def dispatched(self, world: World, change: Change, _commit: Commit) -> Problem:
        dispatch: FixerDispatch = change.after
        ended = self._ended.setdefault(dispatch.workspace_id, [])
        if change.before is not None:
            if dispatch.status not in LIVE_DISPATCH and change.before.status in LIVE_DISPATCH:
                ended.append((dispatch, dispatch.status))
            return None
        for cause in dispatch.causes:
            for item in cause.items:
                over = [before for before, _ in ended if _carried(before, cause, item.key, item.mark)]
                if any(before.status is DispatchStatus.COMPLETED for before in over):
                    return f"{cause.id} {item.key} {item.mark[-8:]} was handled, and is dispatched again"
                deaths = [before for before in over if before.status is DispatchStatus.DIED]
                at_work = sum(before.started_at is not None for before in deaths)
                counted = at_work + (len(deaths) - at_work) / FALSE_STARTS_A_DEATH
                if counted >= DEATH_LIMIT:
                    return f"{cause.id} {item.key} died {len(deaths)} times, and is dispatched again"
                loop = too_often(world, dispatch, cause.kind, item, [before for before, _ in ended])
                if loop is not None:
                    return loop
        return None


def _carried(dispatch: FixerDispatch, cause: Cause, key: str, mark: str) -> bool:
    for before in dispatch.causes:
        for item in before.items:
            same = item.mark == mark or (cause.kind is CauseKind.FEEDBACK and item.mark >= mark)
            if before.id == cause.id and item.key == key and same:
                return True
    return False


def _without_conflict(dispatch: FixerDispatch) -> FixerDispatch:
    causes = tuple(cause for cause in dispatch.causes if cause.kind is not CauseKind.CONFLICT)
    return dispatch if causes == dispatch.causes else attrs.evolve(dispatch, causes=causes)


# --- ends, I3


def over_is_over(world: World, change: Change, _commit: Commit) -> Problem:
    """What is stored as over does not run."""
    ended = change.after is not None and not change.after.is_live
    if not ended or change.before is None or change.before.status not in BUSY:
        return None
    running = [machine.id for machine in world.machines if change.before.run in machine.running]
    return f"{change.before.run} runs on {running}, and is stored as over" if running else None


def stops_for_a_person(world: World, change: Change, _commit: Commit) -> Problem:
    """A contradiction stops its workspace in the same transaction."""
    if change.after is None or change.after.end_reason is not EndReason.CONTRADICTORY:
        return None
    if change.before is not None and change.before.end_reason is EndReason.CONTRADICTORY:
        return None
    workspace = world.row("workspaces", change.after.workspace_id)
    stopped = workspace.stopped is not None or not workspace.is_live
    return None if stopped else f"session {change.after.id} is contradictory, and its workspace goes on"


# --- limits, I4


def session_limit(world: World, change: Change, _commit: Commit) -> Problem:
    if change.after is None or (change.before is not None and change.before.is_live):
        return None
    workspace_id, limit = change.after.workspace_id, settings_of(world).session_limit
    live = sum(1 for s in world.rows("sessions") if s.workspace_id == workspace_id and s.is_live)
    return f"workspace {workspace_id} has {live} live sessions, {limit} are allowed" if live > limit else None


def capacity(world: World, change: Change, _commit: Commit) -> Problem:
    """The ratchet dispatches no more fixers than may live at the same time."""
    if change.before is not None:
        return None
    limit = settings_of(world).capacity_all
    busy = [s.id for s in world.rows("sessions") if s.purpose is Purpose.FIXER and s.status in BUSY]
    return f"{len(busy)} fixers live, {limit} are allowed" if len(busy) > limit else None


class Budgets:
    """How many fixers the ratchet sends a workspace in a day, within one enabled period, whatever it has."""

    def __init__(self) -> None:
        self._sent: dict[str, list[datetime]] = {}

    def switched(self, _world: World, change: Change, _commit: Commit) -> Problem:
        """On again: a person says that everything may be tried again."""
        before: RatchetRecord | None = change.before
        if before is not None and before.enabled != change.after.enabled:
            self._sent.pop(change.after.workspace_id, None)
        return None

    def dispatched(self, world: World, change: Change, _commit: Commit) -> Problem:
        if change.before is not None:
            return None
        dispatch: FixerDispatch = change.after
        sent = self._sent.setdefault(dispatch.workspace_id, [])
        sent.append(dispatch.created_at)
        today = [at for at in sent if at > dispatch.created_at - timedelta(days=1)]
        allowed = settings_of(world).budget_per_day
        if len(today) <= allowed:
            return None
        return f"workspace {dispatch.workspace_id} gets {len(today)} fixers in a day, {allowed} are allowed"


# --- claims


def one_workspace_a_branch(world: World, change: Change, _commit: Commit) -> Problem:
    """A branch of the repository is one live workspace's, in whatever clone."""
    mine: Workspace = change.after
    others = [
        row.id
        for row in world.rows("workspaces")
        if row.id != mine.id and row.is_live and mine.is_live and row.branch == mine.branch
    ]
    return f"{mine.branch} is that of {mine.id} and of {others}" if others else None


def one_workspace_a_pull_request(world: World, change: Change, _commit: Commit) -> Problem:
    """A pull request is one live workspace's, in whatever clone."""
    mine: PullRequestSnapshot = change.after
    if mine.node_id is None or not world.row("workspaces", mine.workspace_id).is_live:
        return None
    others = [
        row.workspace_id
        for row in world.rows("pull_requests")
        if row.workspace_id != mine.workspace_id
        and row.node_id == mine.node_id
        and world.row("workspaces", row.workspace_id).is_live
    ]
    return f"{mine.node_id} is that of {mine.workspace_id} and of {others}" if others else None


def none_of_a_stranger(world: World, change: Change, _commit: Commit) -> Problem:
    """What is attached has a head that somebody here made: that its branch is called like ours is nothing."""
    before: PullRequestSnapshot | None = change.before
    after: PullRequestSnapshot = change.after
    if after.node_id is None or (before is not None and before.node_id == after.node_id):
        return None
    pull = world.github.pulls[after.node_id]
    if pull.past[0][1].head in world.github.strangers:
        return f"#{pull.number} of {pull.repository} is attached to {after.workspace_id}"
    return None


# --- facts, I5


def more_than_its_claim(change: Change) -> bool:
    """An archive lets go of the claim, and tells that with the workspace."""
    before: PullRequestSnapshot | None = change.before
    after: PullRequestSnapshot = change.after
    return before is not None and attrs.evolve(before, claim=None, version=0) != attrs.evolve(
        after, claim=None, version=0
    )


def facts_stay(_world: World, change: Change, _commit: Commit) -> Problem:
    """No fact is replaced by an earlier fetch, and none is cleared by a failed or a partial one."""
    before, after = change.before, change.after
    if before is None or before.node_id != after.node_id or before.facts is None:
        return None
    was, now = before.facts, after.facts
    if now is None:
        return f"#{was.number}: its facts are gone"
    for wrong, why in (
        (was != now and after.observation <= before.observation, "an earlier fetch replaces a later one"),
        (now.updated_at < was.updated_at, "an older updatedAt replaces a newer one"),
        (was.state is GitHubState.MERGED is not now.state, "merged, and then not"),
        (was.conversation_complete and not now.conversation_complete, "the conversation is cleared"),
        (
            was.checks_complete and not now.checks_complete and was.head.commit == now.head.commit,
            "the checks are cleared",
        ),
    ):
        if wrong:
            return f"#{was.number}: {why}"
    return None


def facts_were_told(world: World, change: Change, _commit: Commit) -> Problem:
    """I8: whoever fetched, each stored part is one that the forge told whole."""
    facts: PullRequestFacts | None = change.after.facts
    if facts is None:
        return None
    node_id = facts.node_id
    if facts.checks_complete and (node_id, facts.head.commit, facts.checks) not in world.served_checks:
        return f"#{facts.number}: checks that were never told of {facts.head.commit[-4:]}"
    told = (node_id, facts.reviews, facts.threads)
    if facts.conversation_complete and told not in world.served_conversations:
        return f"#{facts.number}: a conversation that was never told"
    return None


def of_their_pull_request(_world: World, change: Change, _commit: Commit) -> Problem:
    """R23: facts are of the pull request that the workspace has now, however late their fetch comes."""
    after = change.after
    if after.facts is None or after.facts.node_id == after.node_id:
        return None
    return f"workspace {after.workspace_id} has {after.node_id}, and facts of {after.facts.node_id}"


def newer_git_facts(_world: World, change: Change, _commit: Commit) -> Problem:
    if change.before is None or change.after is None or change.after.at >= change.before.at:
        return None
    return f"git facts of {change.key[0]}: older ones replace newer ones"


def as_many_as_asked(world: World, _change: Change, _commit: Commit) -> Problem:
    """A call that is repeated with its key, by the next process too, makes nothing more."""
    there = len(world.rows("workspaces"))
    return None if there <= world.plan.workspaces else f"{there} workspaces for {world.plan.workspaces} keys"


def same_host(_world: World, change: Change, _commit: Commit) -> Problem:
    """A workspace stays on the machine that has its worktree."""
    before, after = change.before, change.after
    if before is None or before.host_id in {None, after.host_id}:
        return None
    return f"workspace {after.id}: host {before.host_id} -> {after.host_id}"


def asked_once(world: World, change: Change, _commit: Commit) -> Problem:
    """What an agent left behind is asked for once."""
    if change.before is not None:
        return None
    action: ForgeAction = change.after
    same = [
        each.id
        for each in world.rows("forge_actions")
        if (each.session_id, each.order) == (action.session_id, action.order)
    ]
    return f"session {action.session_id} asked for the same twice: {same}" if len(same) > 1 else None


def over_with_its_reason(world: World, change: Change, _commit: Commit) -> Problem:
    """R22, R14: when the ratchet concludes that there is nothing to do here, no dispatch of its is live."""
    after: RatchetRecord = change.after
    if not decision_changed(change) or not _nothing_to_do(after.decision):
        return None
    live = [
        dispatch.id
        for dispatch in world.rows("dispatches")
        if dispatch.workspace_id == after.workspace_id and dispatch.status in LIVE_DISPATCH
    ]
    return f"workspace {after.workspace_id}: {after.decision}, and {live} live" if live else None


def _nothing_to_do(decision: Decision | None) -> bool:
    match decision:
        case Disabled() | Done():
            return True
        case Wait(reason=reason):
            return reason in (WaitReason.WORKSPACE, WaitReason.NO_PR, WaitReason.CLOSED)
        case _:
            return False


def missing_is_missing(world: World, change: Change, _commit: Commit) -> Problem:
    """Only the machine that has a worktree can say that it is gone."""
    after: Workspace = change.after
    if after.warning != WORKTREE_MISSING or after.worktree_path is None:
        return None
    there = any(after.worktree_path in m.worktrees for m in world.machines if m.id == after.host_id)
    return f"workspace {after.id}: its worktree is said to be missing" if there else None


# --- prompts, I10


def no_strangers_words(world: World, change: Change, _commit: Commit) -> Problem:
    after = change.after
    return f"prompt {after.id} holds a stranger's words" if after and world.hostile in after.text else None
