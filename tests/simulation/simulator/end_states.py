"""What must be true when nothing goes wrong any more: every intent closed, nothing lost, nothing left."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from headway_core.forge_actions.model import ActionStatus
from headway_core.kernel.conversion import CONVERTER
from headway_core.pull_requests.model import GitHubState
from headway_core.ratchet.decision import (
    AwaitingReview,
    Decision,
    Done,
    Held,
    Ready,
    Stalled,
    StallReason,
)
from headway_core.ratchet.model import LIVE_DISPATCH, RatchetRecord
from headway_core.sessions.model import BUSY, PromptStatus, SessionStatus
from headway_core.workspaces.model import Workspace, WorkspaceStatus
from simulator.machine import A_PERSONS_OWN

if TYPE_CHECKING:
    from simulator.world import World

_MOVING = (WorkspaceStatus.NEW, WorkspaceStatus.PROVISIONING, WorkspaceStatus.ARCHIVING)
_PASSING_STALLS = (
    StallReason.UNREACHABLE,
    StallReason.CI_UNKNOWN,
    StallReason.CI_STUCK,
    StallReason.NO_HEAD,
    StallReason.SESSION,
)
"""Stalls that end by themselves in a world where nothing goes wrong."""


def still_open(world: "World") -> Iterator[str]:
    """Intents without an outcome, and whatever else has not come to its end yet."""
    for workspace in world.rows("workspaces"):
        if workspace.status in _MOVING:
            yield f"workspace {workspace.id} is {workspace.status}"
    for session in world.rows("sessions"):
        if session.status in BUSY:
            yield f"session {session.id} is {session.status}"
    for action in world.rows("forge_actions"):
        unpushed = action.waits_for_push and action.order.head not in world.github.branches
        if action.status in (ActionStatus.PENDING, ActionStatus.POSTING) and not unpushed:
            yield f"action {action.id} is {action.status}: {action.problem}"
    for dispatch in world.rows("dispatches"):
        if dispatch.status in LIVE_DISPATCH:
            yield f"dispatch {dispatch.id} is {dispatch.status}"
    yield from _prompts(world)
    yield from _processes(world)
    last = world.store.log[-1].position
    for position in world.rows("consumer_positions"):
        if position.position < last:
            yield f"consumer {position.name} is at {position.position} of {last}"


def _prompts(world: "World") -> Iterator[str]:
    for prompt in world.rows("prompts"):
        if prompt.status is PromptStatus.DELIVERING:
            yield f"prompt {prompt.id} is DELIVERING"
        session = world.row("sessions", prompt.session_id)
        workspace = world.row("workspaces", prompt.workspace_id)
        waits = prompt.status is PromptStatus.QUEUED and session.status is SessionStatus.IDLE
        if waits and workspace.accepts_sessions:
            yield f"prompt {prompt.id} waits for the start of its session"


def _processes(world: "World") -> Iterator[str]:
    """Everything that runs is known, and nothing that is dead left something behind."""
    for machine in world.machines:
        if machine.recovered is None:
            yield f"{machine.id} has no runner that has recovered it"
        for run in machine.running:
            session = world.row("sessions", run.subject)
            if session is None or session.run != run or session.status not in BUSY:
                yield f"process {run} of {machine.id} is unknown"
        for orphan in machine.orphans:
            yield f"the group of {orphan} of {machine.id} was not ended"


def undecided(world: "World") -> Iterator[str]:
    """Ratchets that have not come to a conclusion which only people or the world change."""
    for ratchet in world.rows("ratchets"):
        workspace: Workspace = world.row("workspaces", ratchet.workspace_id)
        snapshot = world.row("pull_requests", ratchet.workspace_id)
        if not ratchet.enabled or not workspace.accepts_sessions:
            continue
        pull = world.github.open_pull_of(workspace.branch)
        facts = snapshot.facts
        if facts is None or facts.state is not GitHubState.OPEN:
            if pull is not None and facts is None:
                yield f"workspace {workspace.id} has not found #{pull.number}"
            continue
        if pull is not None and pull.node_id == facts.node_id and pull.now.head != facts.head.commit:
            yield f"workspace {workspace.id} has not seen {pull.now.head[-4:]}"
        if not _concluded(ratchet.decision):
            yield f"workspace {workspace.id}: {ratchet.decision}"


def _concluded(decision: Decision | None) -> bool:
    match decision:
        case Stalled(reason=reason):
            return reason not in _PASSING_STALLS
        case Ready() | AwaitingReview() | Done() | Held():
            return True
        case _:
            return False


def untrue(world: "World") -> Iterator[str]:
    """Conclusions that are not so: ready, and red."""
    for ratchet in world.rows("ratchets"):
        found: RatchetRecord = ratchet
        facts = world.row("pull_requests", found.workspace_id).facts
        pull = world.github.pulls.get(facts.node_id) if facts is not None else None
        if pull is None or not isinstance(found.decision, Ready) or pull.now.state is not GitHubState.OPEN:
            continue
        if not world.github.green(pull):
            yield f"workspace {found.workspace_id} is said to be ready, and its checks fail"
        if world.github.conflicts(pull.now.head):
            yield f"workspace {found.workspace_id} is said to be ready, and conflicts"


def lost_work(world: "World") -> Iterator[str]:
    """I12: pieces of work that no worktree, no branch and no kept folder holds."""
    kept: set[str] = set()
    tips = set(world.github.branches.values())
    for machine in world.machines:
        tips.update(machine.branches.values())
        kept |= {piece for pieces in machine.folders.values() for piece in pieces}
        for tree in machine.worktrees.values():
            kept |= tree.dirty | tree.hidden
            tips.add(tree.head)
    for tip in tips:
        for commit in world.github.history(tip):
            kept |= commit.work
    for piece in world.work:
        if piece not in kept:
            yield f"{piece} is lost"


def posted_twice(world: "World") -> Iterator[str]:
    """Each action has its effect at GitHub once."""
    seen: set[str] = set()
    for mark in world.github.marks:
        if mark in seen:
            yield f"{mark} was posted twice"
        seen.add(mark)


def left_behind(world: "World") -> Iterator[str]:
    """Worktrees that no live workspace knows, and no person made."""
    known = {workspace.worktree_path for workspace in world.rows("workspaces") if workspace.is_live}
    known.add(A_PERSONS_OWN)
    for machine in world.machines:
        for path in machine.worktrees:
            if path not in known:
                yield f"worktree {path} of {machine.id} belongs to nobody"


def told_secrets(world: "World") -> Iterator[str]:
    """I11: no secret in an event or a row."""
    for event in world.store.log:
        if world.secret in repr(CONVERTER.unstructure(event.payload)):
            yield f"event {event.position} holds a secret"
    for table, rows in world.store.stored.items():
        for key, row in rows.items():
            if world.secret in repr(row):
                yield f"{table} {key} holds a secret"
