"""Two hosts on one database: each touches only its own, and a person moves what a retired one had."""

from typing import Any

import attrs
import pytest

from headway_core.board import StatusReason
from headway_core.forge_actions import FORGE_ACTIONS
from headway_core.hosts import LOST_AFTER
from headway_core.kernel.errors import Conflict, IllegalTransition, NotFound
from headway_core.operations import NotDue, WorkspaceDuty
from headway_core.processes import Exited
from headway_core.ratchet.decision import Wait, WaitReason
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.slots import read_slots
from headway_core.sessions import (
    EndReason,
    FixerRequest,
    NotReady,
    NotReadyReason,
    PromptStatus,
    SessionStatus,
    Started,
    WhenLive,
    run_of,
)
from headway_core.settings import SettingsRecord
from headway_core.workspaces import MOVABLE, WORKSPACES, Workspace, WorkspaceStatus

pytestmark = pytest.mark.anyio
S = WorkspaceStatus


@pytest.fixture
async def other(world: Any, host: Any) -> Any:
    """The second host; both have runners."""
    second = world.host("host-2")
    await host.core.hosts.service().report()
    await second.core.hosts.service().report()
    return second


async def lose(world: Any, survivor: Any) -> None:
    """The other one's runner is not seen any more, and the survivor's duty records it."""
    world.clock.advance(LOST_AFTER.total_seconds())
    await survivor.core.hosts.service().report()
    await survivor.core.hosts.service().notice_losses()


async def retire(world: Any, survivor: Any, host_id: str) -> None:
    await lose(world, survivor)
    await survivor.core.hosts.service().retire(host_id)


def duty_of(host: Any) -> WorkspaceDuty:
    found = [duty for duty in host.core.duties() if isinstance(duty, WorkspaceDuty)]
    return found[0]


async def acquire(host: Any, workspace_id: str) -> Any:
    request = FixerRequest(
        workspace_id=workspace_id, label="fix-ci", causes=("CI",), prompt="Fix", when_live=WhenLive.RESTART
    )
    return await host.core.sessions.fixers().acquire_and_dispatch(request, wait_s=0)


async def become(world: Any, workspace: Workspace, **changes: Any) -> None:
    """A workspace as nobody would leave it: for each status that a host may die in."""
    table = world.store.writer(WORKSPACES)

    def work(tx: Any) -> None:
        tx.lock(workspace.id)
        table.replace(tx, attrs.evolve(table.get(tx, workspace.id), **changes))

    await world.store.ledger.transact(work)


async def test_a_workspace_is_pinned_to_the_host_that_provisions_it_first(
    world: Any, host: Any, other: Any
) -> None:
    """Its worktree lies in that host's folder; the other host has nothing to do with it from then on."""
    made = await host.create()
    await duty_of(other).run()
    pinned = await host.lifecycle.get(made.id)
    assert (pinned.status, pinned.host_id) == (S.READY, "host-2")
    assert pinned.worktree_path == f"/wt-of-host-2/demo/fix-login-{made.id}"
    assert isinstance(await host.provisioning.provision(made.id), NotDue)
    assert isinstance(await host.archive.archive(made.id), NotDue)
    assert host.worktrees.calls == ["repository"]


@pytest.mark.lesson("L11")
async def test_no_duty_touches_what_is_another_hosts(world: Any, host: Any, other: Any) -> None:
    """Provisioning, sessions, archive, leftovers: a host's duties and its recovery leave them alone."""
    running, going, begun = await host.ready("Running"), await host.ready("Going"), await host.create("Begun")
    await host.sessions.start_chat(running.id, "Go")
    await host.executor.round()

    def intents(tx: Any) -> None:
        host.workspaces.begin_archive(tx, going.id)
        host.workspaces.begin_provisioning(tx, begun.id, "host-1")

    await world.store.ledger.transact(intents)
    before, trees = await world.everything(), dict(world.git.worktrees)
    await duty_of(other).run()
    await other.executor.round()
    await other.executor.recover()
    recovered = await other.recovery.recover()
    assert await world.everything() == before
    assert world.git.worktrees == trees
    assert (recovered.settled, recovered.missing, recovered.removed, recovered.strays) == ((), (), (), ())
    assert {call for call in other.worktrees.calls if call != "strays"} == set()
    assert len(world.processes.running) == 1


async def test_leftovers_in_a_folder_of_both_hosts(world: Any) -> None:
    """A worktree of the other host in a folder that a person gave for both is no leftover."""
    host = world.host()
    await host.register(worktree_base_path="/shared")
    other = world.host("host-2")
    ready = await other.ready()
    assert ready.worktree_path == f"/shared/fix-login-{ready.id}"
    recovered = await host.recovery.recover()
    assert (recovered.removed, recovered.strays) == ((), ())
    assert ready.worktree_path in world.git.worktrees


async def test_intents_are_anybodys_and_effects_the_hosts(world: Any, host: Any, other: Any) -> None:
    """A fixer that is asked for on one host is started by the other, which has the worktree."""
    ready = await other.ready()
    assert isinstance(await acquire(host, ready.id), Started)
    await host.executor.round()
    assert world.processes.executed == []
    await other.executor.round()
    [launch] = world.processes.executed
    assert launch.cwd == ready.worktree_path


async def test_nothing_is_asked_of_a_lost_host(world: Any, host: Any, other: Any) -> None:
    """A fixer is refused, and nothing is created; when the host returns, it is not."""
    ready = await other.ready()
    await lose(world, host)
    refused = await acquire(host, ready.id)
    assert refused == NotReady(reason=NotReadyReason.HOST_LOST, status=S.READY)
    assert await world.sessions() == []
    await other.core.hosts.service().report()
    assert isinstance(await acquire(host, ready.id), Started)


async def test_what_runs_on_a_lost_host_goes_on(world: Any, host: Any, other: Any) -> None:
    """Nobody can know that it ended: its sessions live, and are its own to end when it returns."""
    ready = await other.ready()
    await acquire(other, ready.id)
    await other.executor.round()
    await lose(world, host)
    await host.executor.round()
    await host.recovery.recover()
    [session] = await world.sessions()
    assert session.status is SessionStatus.RUNNING
    world.processes.end(session.id, Exited(exit_code=0))
    await other.executor.round()
    assert [s.status for s in await world.sessions()] == [SessionStatus.COMPLETED]


@pytest.mark.parametrize("status", sorted(MOVABLE))
async def test_any_live_status_of_a_retired_host_is_moved(
    world: Any, host: Any, other: Any, status: WorkspaceStatus
) -> None:
    """PROVISIONING here, on the branch that is its own, with a fresh worktree and nothing of the old one."""
    ready = await other.ready()
    del world.git.worktrees[ready.worktree_path]
    came_from = S.READY if status is S.ARCHIVING else None
    await become(world, ready, status=status, archiving_from=came_from, error="old", warning="old")
    await retire(world, host, "host-2")
    moved = await host.core.operations.moving().move_here(ready.id, actor="ann")
    assert (moved.status, moved.host_id, moved.worktree_path) == (S.PROVISIONING, "host-1", None)
    assert (moved.archiving_from, moved.error, moved.warning) == (None, None, None)
    await duty_of(host).run()
    settled = await host.lifecycle.get(ready.id)
    assert (settled.status, settled.branch) == (S.READY, ready.branch)
    assert settled.worktree_path == f"/wt/demo/fix-login-{ready.id}"
    assert world.git.worktrees[settled.worktree_path].branch == ready.branch


@pytest.mark.recovers("retired")
async def test_what_may_have_run_there_is_lost_and_what_waited_goes_on(
    world: Any, host: Any, other: Any
) -> None:
    """In the transaction of the move: a running fixer FAILED, lost; a waiting prompt is told here."""
    ready = await other.ready()
    del world.git.worktrees[ready.worktree_path]
    await acquire(other, ready.id)
    await other.executor.round()
    await host.sessions.start_chat(ready.id, "Later")
    await become(world, ready, status=S.PROVISIONING)  # so that the chat has not begun
    await retire(world, host, "host-2")
    await host.core.operations.moving().move_here(ready.id)
    fixer, chat = await host.sessions.list(ready.id)
    assert (fixer.status, fixer.end_reason) == (SessionStatus.FAILED, EndReason.LOST)
    assert chat.status is SessionStatus.IDLE
    await duty_of(host).run()
    await host.executor.round()
    assert [launch.standard_input for launch in world.processes.executed] == ["Fix", "Later"]
    assert isinstance(await acquire(host, ready.id), Started)


@pytest.mark.recovers("retired")
async def test_a_prompt_on_its_way_to_a_retired_host_is_unknown(world: Any, host: Any, other: Any) -> None:
    """Nobody knows whether the agent got it, so it is not repeated by itself (I7)."""
    ready = await other.ready()
    await acquire(other, ready.id)
    await retire(world, host, "host-2")
    await host.core.operations.moving().move_here(ready.id)
    [prompt] = await world.prompts()
    assert prompt.status is PromptStatus.UNKNOWN


async def test_only_from_a_retired_host_to_one_that_is_not(world: Any, host: Any, other: Any) -> None:
    """Not from a lost one, not from this one, not to a retired one; not what is unknown or archived."""
    ready, mine = await other.ready(), await host.ready("Mine")
    archived = await other.ready("Archived")
    await other.archive.archive(archived.id)
    move = host.core.operations.moving().move_here
    with pytest.raises(NotFound):
        await move("nothing")
    with pytest.raises(Conflict, match="not retired"):
        await move(ready.id)
    await lose(world, host)
    with pytest.raises(Conflict, match="not retired"):
        await move(ready.id)
    await host.core.hosts.service().retire("host-2")
    with pytest.raises(Conflict, match="already"):
        await move(mine.id)
    with pytest.raises(IllegalTransition):
        await move(archived.id)
    with pytest.raises(Conflict, match="host-2"):
        await other.core.operations.moving().move_here(mine.id)
    assert (await host.lifecycle.get(ready.id)).host_id == "host-2"


@pytest.mark.recovers("moved")
async def test_a_late_outcome_of_the_old_host_is_none(world: Any, host: Any, other: Any) -> None:
    """A host that was asleep in its provisioning while its workspace was moved writes nothing into it."""
    made = await other.create()

    class Slept(Exception):
        pass

    create = other.worktrees.create

    async def create_late(order: Any) -> Any:
        outcome = await create(order)
        await retire(world, host, "host-2")
        await host.core.operations.moving().move_here(made.id)
        return outcome

    other.worktrees.create = create_late
    with pytest.raises(Conflict, match="belongs to host host-1"):
        await other.provisioning.provision(made.id)
    moved = await host.lifecycle.get(made.id)
    assert (moved.status, moved.host_id, moved.worktree_path) == (S.PROVISIONING, "host-1", None)


@pytest.mark.recovers("moved")
async def test_a_late_end_of_an_archive_is_none(world: Any, host: Any, other: Any) -> None:
    """The same for a host that was asleep in an archive: the workspace is not ARCHIVED under the new one."""
    ready = await other.ready()
    put_away = other.worktrees.put_away

    async def put_away_late(order: Any) -> Any:
        kept = await put_away(order)
        await retire(world, host, "host-2")
        await host.core.operations.moving().move_here(ready.id)
        return kept

    other.worktrees.put_away = put_away_late
    with pytest.raises(Conflict, match="belongs to host host-1"):
        await other.archive.archive(ready.id)
    assert (await host.lifecycle.get(ready.id)).status is S.PROVISIONING


async def test_a_branch_that_was_never_pushed_is_said_so(world: Any, host: Any, other: Any) -> None:
    """There is nothing to make a worktree of: FAILED with the reason, never a new branch of that name."""
    ready = await other.ready()
    del world.git.worktrees[ready.worktree_path]
    world.git.branches["/src/demo"].discard(ready.branch)
    await retire(world, host, "host-2")
    await host.core.operations.moving().move_here(ready.id)
    await duty_of(host).run()
    failed = await host.lifecycle.get(ready.id)
    assert (failed.status, failed.branch) == (S.FAILED, ready.branch)
    assert failed.error is not None
    assert ready.branch in failed.error


async def ratcheted(world: Any, host: Any) -> Workspace:
    """A READY workspace of the host whose ratchet is on and due."""
    made: Workspace = await host.create("Ratcheted", ratchet=True)
    await host.provisioning.provision(made.id)
    return made


def ratchet_duty_of(host: Any) -> RatchetDuty:
    return next(duty for duty in host.core.duties() if isinstance(duty, RatchetDuty))


async def test_the_host_that_can_ask_git_decides(world: Any, host: Any, other: Any) -> None:
    """The other leaves the workspace to it, and does not spin on what is due there."""
    made = await ratcheted(world, other)
    pause = await ratchet_duty_of(host).run()
    assert (await other.core.ratchet.service().explain(made.id)).decision is None
    assert pause is not None
    assert pause >= 1
    await ratchet_duty_of(other).run()
    decided = (await other.core.ratchet.service().explain(made.id)).decision
    assert decided == Wait(reason=WaitReason.NO_PR, recheck_at=decided.recheck_at)
    assert "state" in other.worktrees.calls
    assert "state" not in host.worktrees.calls


async def test_a_lost_host_is_waited_for(world: Any, host: Any, other: Any) -> None:
    """By whichever host is there: Wait(workspace), HOST_LOST on the board; over when it returns."""
    made = await ratcheted(world, other)
    await ratchet_duty_of(other).run()
    await lose(world, host)
    for process in (host, other):
        await process.core.events.reader().catch_up(process.core.ratchet.consumer())
    await ratchet_duty_of(host).run()
    decided = (await host.core.ratchet.service().explain(made.id)).decision
    assert decided == Wait(reason=WaitReason.WORKSPACE, recheck_at=decided.recheck_at)
    assert (await host.core.board.service().get(made.id)).status_reason is StatusReason.HOST_LOST
    [card] = await host.core.board.service().cards()
    assert card.status_reason is StatusReason.HOST_LOST
    await other.core.hosts.service().report()
    await host.core.events.reader().catch_up(host.core.ratchet.consumer())
    await ratchet_duty_of(other).run()
    decided = (await host.core.ratchet.service().explain(made.id)).decision
    assert decided == Wait(reason=WaitReason.NO_PR, recheck_at=decided.recheck_at)
    assert (await host.core.board.service().get(made.id)).status_reason is not StatusReason.HOST_LOST


async def test_fixers_of_a_lost_host_take_no_place(world: Any, host: Any, other: Any) -> None:
    """Their slots are free for the others until it returns."""
    ready = await other.ready()
    await acquire(other, ready.id)

    async def taken() -> int:
        tables = host.core.ratchet.tables()
        slots = await world.store.ledger.read(lambda tx: read_slots(tx, tables, SettingsRecord()))
        return len(slots.taken)

    assert await taken() == 1
    await lose(world, host)
    assert await taken() == 0
    await other.core.hosts.service().report()
    assert await taken() == 1


async def test_a_retired_host_takes_nothing_new(world: Any, host: Any, other: Any) -> None:
    """Its runner may still be there; a NEW workspace is left to the others."""
    await retire(world, host, "host-2")
    made = await host.create()
    await duty_of(other).run()
    assert (await host.lifecycle.get(made.id)).status is S.NEW
    await duty_of(host).run()
    assert (await host.lifecycle.get(made.id)).host_id == "host-1"


@pytest.mark.recovers("agent-output")
async def test_what_an_agent_said_is_read_on_its_host(world: Any, host: Any, other: Any) -> None:
    """Whichever host's consumer comes first, the words become an intent, once."""
    ready = await other.ready()
    await acquire(other, ready.id)
    await other.executor.round()
    [session] = await world.sessions()
    said = b'{"title": "Fix login", "body": "Done."}'
    world.processes.files[run_of(session.id, session.attempt), "pull-request.json"] = said
    world.processes.end(session.id, Exited(exit_code=0))
    await other.executor.round()
    for process in (host, other, host, other):
        await process.core.events.reader().catch_up(process.core.forge_actions.agent_output())
    assert len(await world.rows(FORGE_ACTIONS)) == 1
