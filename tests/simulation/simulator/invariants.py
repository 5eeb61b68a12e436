"""The invariants by name: which checker looks at which row, and what is looked at when a process acts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from headway_core.forge_actions.model import ActionStatus
from headway_core.kernel.events import DomainEvent
from headway_core.processes import Launch, RunId
from headway_core.sessions.model import BUSY, SESSION_TRANSITIONS, EndReason, Purpose, Session
from headway_core.workspaces.model import LIFECYCLE_TRANSITIONS, Workspace, WorkspaceStatus
from headway_testing.clock import EPOCH
from simulator import rows
from simulator.absence import Absence
from simulator.machine import Worktree
from simulator.store import Commit
from simulator.world import Watcher, World

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation

LATE_S = 100.0
"""For how long nothing but the trouble of its own workspace keeps a start from being carried out."""
INVARIANTS: Mapping[str, str] = {
    "I1": "each commit: workspaces, sessions and dispatches move along their tables",
    "I2": "tests/laws: the wiring gives each table one writer",
    "I3": "each commit: one live fixer and one live dispatch a workspace; each start of an agent: one runs,"
    " and nothing that is over",
    "I4": "each commit: live sessions of all purposes, fixers in their slots, fixers of a workspace in a day",
    "I5": "each commit: facts and git facts are replaced by newer ones, and not cleared",
    "I6": "each commit: what was handled is not dispatched again, nor what died three times",
    "I7": "each start of an agent: once an attempt, once a prompt; at rest: nothing left open",
    "I8": "each commit: every part of a view is one that the forge told whole, whoever asked",
    "I9": "missing: backups have no room yet",
    "I10": "each commit and each start of an agent: no stranger's words in a prompt",
    "I11": "each log line, each error that a caller gets; at the end: every event, every row",
    "I12": "each removal: ignored files are lost by a person's word; at the end: no byte is lost",
}
"""When each invariant is looked at, or what it waits for. The checkers bear its number in their names."""


class Invariants(Watcher):
    """All checkers of one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        causes, budgets, absence = rows.Causes(), rows.Budgets(), Absence()
        self._handed: set[tuple[str, str]] = set()
        self._runs: set[RunId] = set()
        self._checkers: dict[str, tuple[tuple[str, rows.RowChecker], ...]] = {
            "workspaces": (
                ("I1 lifecycle along the table", rows.along(LIFECYCLE_TRANSITIONS)),
                ("compare-and-swap", rows.one_version_further),
                ("events in the transaction", rows.told_by(*_WORKSPACE_EVENTS)),
                ("created once", rows.as_many_as_asked),
                ("a workspace stays on its host", rows.same_host),
                ("one live workspace a branch", rows.one_workspace_a_branch),
                ("only its own host acts", rows.missing_is_missing),
            ),
            "sessions": (
                ("I1 sessions along the table", rows.along(SESSION_TRANSITIONS)),
                ("compare-and-swap", rows.one_version_further),
                ("events in the transaction", rows.told_by(*_SESSION_EVENTS)),
                ("I3 one live fixer", rows.one_live_fixer),
                ("I4 session limit", rows.session_limit),
                ("I3 what is over is over", rows.over_is_over),
                ("I3 a contradiction stops its workspace", rows.stops_for_a_person),
                ("R33 recorded with its session", rows.recorded_with_its_session),
            ),
            "prompts": (
                ("events in the transaction", rows.told_by("prompt.queued", "prompt.status_changed")),
                ("I10 no stranger's words in a prompt", rows.no_strangers_words),
            ),
            "dispatches": (
                ("I1 dispatches along the table", rows.along(rows.DISPATCH_TRANSITIONS)),
                ("R21 each change is told once", rows.told_once),
                ("I3 one live dispatch", rows.one_live_dispatch),
                ("R14 dispatched for a reason", rows.dispatched_for_a_reason),
                ("I6 handled causes stay handled", causes.dispatched),
                ("I4 places of fixers", rows.capacity),
                ("I4 budget of a day", budgets.dispatched),
            ),
            "ratchets": (
                ("compare-and-swap", rows.one_version_further),
                (
                    "events in the transaction",
                    rows.told_by("ratchet.decided", "ratchet.switched", when=rows.decision_changed),
                ),
                (
                    "events in the transaction",
                    rows.told_by("ratchet.held", "ratchet.switched", when=rows.hold_changed),
                ),
                ("R14 only a switch turns it", rows.told_by("ratchet.switched", when=rows.switch_turned)),
                ("R5 handled on the outcome", rows.handled_on_outcome),
                ("R22 over with its reason", rows.over_with_its_reason),
                ("I6 handled causes stay handled", causes.switched),
                ("I4 budget of a day", budgets.switched),
                ("absence is no success", absence.decided),
            ),
            "pull_requests": (
                (
                    "events in the transaction",
                    rows.told_by(
                        "pull_request.attached",
                        "pull_request.changed",
                        "pull_request.ambiguous",
                        "pull_request.taken",
                        when=rows.more_than_its_claim,
                    ),
                ),
                ("one live workspace a pull request", rows.one_workspace_a_pull_request),
                ("none of a stranger is attached", rows.none_of_a_stranger),
                ("I5 facts stay", rows.facts_stay),
                ("I8 facts were told", rows.facts_were_told),
                ("R23 facts of its pull request", rows.of_their_pull_request),
                ("I6 handled causes stay handled", causes.seen),
                ("absence is no success", absence.seen),
            ),
            "git_facts": (("I5 git facts stay", rows.newer_git_facts),),
            "forge_actions": (
                ("compare-and-swap", rows.one_version_further),
                ("events in the transaction", rows.told_by("forge_action.changed")),
                ("each word once", rows.asked_once),
            ),
            "consumer_positions": (("each event once", rows.never_back),),
        }
        self._newest: datetime | None = None
        world.watcher = self

    def committed(self, commit: Commit) -> None:
        """Every commit, before anybody else sees it."""
        world = self._world
        world.steps += 1
        for change in commit.changes:
            for name, check in self._checkers.get(change.table, ()):
                problem = check(world, change, commit)
                if problem is not None:
                    world.violated(name, problem)
        problem = self._in_order(commit.events)
        if problem is not None:
            world.violated("events in commit order", problem)

    def _in_order(self, events: Iterable[DomainEvent]) -> rows.Problem:
        for event in events:
            if self._newest is not None and event.at < self._newest:
                return f"event {event.position} is older than its predecessor"
            self._newest = event.at
        return None

    def acts(self, process: "Incarnation", effect: str, workspace_id: str) -> None:
        """An effect on a workspace: under its lock, and on its own machine."""
        world = self._world
        workspace: Workspace | None = world.row("workspaces", workspace_id)
        if workspace is None or not workspace.is_live:
            return  # what nobody knows is cleared away by the runner
        if process.machine.held.get(workspace_id) is not process:
            world.violated("law 4 an effect needs the lock", f"{process.name}: {effect} of {workspace_id}")
        if workspace.host_id not in {None, process.machine.id}:
            world.violated(
                "only its own host acts",
                f"{process.name}: {effect} of {workspace_id}, of {workspace.host_id}",
            )

        intended = INTENTS.get(effect)
        if intended is not None and workspace.status not in intended:
            world.violated(
                "law 4 intent before effect",
                f"{process.name}: {effect} of {workspace_id}, {workspace.status}",
            )

    def removes(self, process: "Incarnation", workspace_id: str, tree: Worktree) -> None:
        """Files that git ignores are lost with a person's word alone, and it does not outlive its process."""
        if tree.ignored and workspace_id not in process.words:
            self._world.violated("I12 nothing is lost without a word", f"{process.name}: {workspace_id}")

    def posts(self, mark: str) -> None:
        """Something is written to the forge: its intent is stored."""
        action = next((each for each in self._world.rows("forge_actions") if each.mark == mark), None)
        if action is None or action.status is not ActionStatus.POSTING:
            self._world.violated("law 4 intent before effect", f"{mark} is posted, and is {action}")

    def executed(self, launch: Launch) -> None:
        """An agent is executed: I3 and I7, as the world sees them."""
        world, workspace_id = self._world, launch.environment["HEADWAY_WORKSPACE"]
        run = launch.run
        if run in self._runs:
            world.violated("I7 an attempt runs once", f"{run} is executed again")
        self._runs.add(run)
        given = (run.subject, launch.standard_input)
        if given in self._handed:
            world.violated("I7 no prompt twice", f"session {run.subject} gets its prompt again")
        self._handed.add(given)
        if world.hostile in launch.standard_input:
            world.violated("I10 no stranger's words in a prompt", f"session {run.subject}")
        session: Session | None = world.row("sessions", run.subject)
        if session is None or session.attempt < run.attempt:
            world.violated("law 4 intent before effect", f"{run} runs, and no row asked for it")
        fixers = [
            running
            for machine in world.machines
            for running in machine.running
            if (row := world.row("sessions", running.subject)) is not None
            and row.purpose is Purpose.FIXER
            and row.workspace_id == workspace_id
        ]
        if len(fixers) > 1:
            world.violated("I3 one live fixer", f"workspace {workspace_id}: {fixers} run")
        self._alone(launch, workspace_id)
        self._in_time(session)

    def _alone(self, launch: Launch, workspace_id: str) -> None:
        """Nothing of an earlier run lives in the worktree, and nobody is to look at it first."""
        world = self._world
        for machine in world.machines:
            for run in (*machine.running, *sorted(machine.orphans, key=str)):
                row: Session | None = world.row("sessions", run.subject)
                over = row is not None and (row.run != run or row.status not in BUSY)
                if over and row is not None and row.workspace_id == workspace_id and run != launch.run:
                    world.violated("I3 nothing starts beside what is over", f"{launch.run} beside {run}")
        workspace: Workspace | None = world.row("workspaces", workspace_id)
        mine: Session | None = world.row("sessions", launch.run.subject)
        if workspace is not None and workspace.stopped is not None and mine is not None:
            told = [row for row in world.rows("sessions") if row.end_reason is EndReason.CONTRADICTORY]
            ends = [row.ended_at for row in told if row.workspace_id == workspace_id]
            if any(at is not None and at < mine.last_active_at for at in ends):
                world.violated("I3 nothing starts where a person is to look", f"{launch.run} starts")

    def _in_time(self, session: Session | None) -> None:
        """A start is as late as its own files make it, and no others."""
        world = self._world
        for machine in world.machines:
            if session is None or session.run not in {each.run for each in machine.executed[-1:]}:
                continue
            hung = {subject for subject, until in machine.hung.items() if until > 0.0}
            here = {row.workspace_id for row in world.rows("sessions") if row.id in hung}
            asked_s = (session.last_active_at - EPOCH).total_seconds()
            waited_s = world.seconds() - max(asked_s, machine.recovered_at)
            if session.workspace_id not in here and waited_s > LATE_S:
                world.violated("one session's trouble stays its own", f"{session.id} waited {waited_s:.0f} s")


INTENTS: Mapping[str, frozenset[WorkspaceStatus]] = {
    "create worktree": frozenset({WorkspaceStatus.PROVISIONING}),
    "run script": frozenset({WorkspaceStatus.PROVISIONING}),
    "remove worktree": frozenset({WorkspaceStatus.PROVISIONING, WorkspaceStatus.ARCHIVING}),
    "put away": frozenset({WorkspaceStatus.PROVISIONING, WorkspaceStatus.ARCHIVING}),
    "fast-forward": frozenset({WorkspaceStatus.READY}),
    "start": frozenset({WorkspaceStatus.READY, WorkspaceStatus.ARCHIVING}),
}
"""The statuses of a workspace in which an effect is intended."""


_WORKSPACE_EVENTS = (
    "workspace.created",
    "workspace.status_changed",
    "workspace.branch_changed",
    "workspace.worktree_made",
    "workspace.warned",
    "workspace.cancel_asked",
    "workspace.work_preserved",
    "workspace.sessions_began",
    "workspace.stopped",
    "workspace.released",
)
_SESSION_EVENTS = ("session.created", "session.status_changed", "session.attempt_renewed", "session.ended")
