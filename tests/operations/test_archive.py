"""Archive: stopped, preserved, removed, in this order; or back, with nothing lost."""

from typing import Any

import anyio
import attrs
import pytest

from headway_core.kernel.errors import IllegalTransition, NotFound, Unavailable
from headway_core.kernel.transactions import Transaction
from headway_core.operations import Busy, HoldsIgnored, NotDue, Settled
from headway_core.processes import Running
from headway_core.sessions import SESSIONS, EndReason, SessionStatus, run_of
from headway_core.workspaces import WorkspaceStatus

pytestmark = pytest.mark.anyio
S = WorkspaceStatus


async def test_an_archived_workspace_keeps_its_branch_and_nothing_else(world: Any, host: Any) -> None:
    """ARCHIVED, no worktree, its claims free; doing it again changes nothing."""
    ready = await host.ready()
    result = await host.archive.archive(ready.id, actor="ada")
    assert isinstance(result, Settled)
    assert (result.workspace.status, result.workspace.branch) == (S.ARCHIVED, ready.branch)
    assert (result.workspace.preserved, result.workspace.branch_claim) == (None, None)
    assert world.git.worktrees == {}
    assert ready.branch in world.git.branches["/src/demo"]
    assert await host.archive.archive(ready.id) == result


@pytest.mark.lesson("L7")
async def test_uncommitted_work_is_preserved_before_the_worktree_goes(world: Any, host: Any) -> None:
    """Where it is kept is a stored fact (I12)."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].dirty = True
    archived = (await host.archive.archive(ready.id)).workspace
    assert archived.preserved == f"refs/heads/{ready.branch}"
    assert world.git.preserved == {ready.id: (archived.preserved,)}


async def test_ignored_files_are_lost_only_with_a_persons_word(world: Any, host: Any) -> None:
    """Without it nothing is touched, not even a session."""
    ready = await host.ready(initial_prompt="Go")
    await host.executor.round()
    world.git.worktrees[ready.worktree_path].ignored = (".env",)
    before = await host.lifecycle.get(ready.id)
    assert await host.archive.archive(ready.id) == HoldsIgnored(workspace=before, files=(".env",))
    assert await host.lifecycle.get(ready.id) == before
    assert len(world.processes.running) == 1
    archived = (await host.archive.archive(ready.id, lose_ignored=True)).workspace
    assert archived.status is S.ARCHIVED


@pytest.mark.lesson("L6", "L18")
async def test_sessions_end_before_the_worktree_does(world: Any, host: Any) -> None:
    """Running ones are stopped, idle ones closed, and no prompt is delivered afterwards."""
    ready = await host.ready(initial_prompt="Go")
    await host.executor.round()
    await host.sessions.start_chat(ready.id, None)
    seen: list[int] = []

    async def point(name: str) -> None:
        if name == "before put_away":
            seen.append(len(world.processes.running))

    host.worktrees.point = point
    await host.archive.archive(ready.id)
    assert seen == [0]
    running, idle = await world.sessions()
    assert (running.status, running.end_reason) == (SessionStatus.COMPLETED, EndReason.STOPPED_BY_HEADWAY)
    assert (idle.status, idle.end_reason) == (SessionStatus.COMPLETED, EndReason.CLOSED)
    await host.executor.round()
    assert world.processes.running == []


@pytest.mark.lesson("L6")
async def test_a_session_that_slips_in_is_stopped_once_more(world: Any, host: Any) -> None:
    """After ARCHIVED nothing lives, whatever happened between."""
    ready = await host.ready(initial_prompt="Go")
    await host.executor.round()
    (known,) = await world.sessions()
    slipped = attrs.evolve(known, id="slipped", version=0)

    async def point(name: str) -> None:
        if name == "before put_away":
            await world.store.ledger.transact(slip_in)

    def slip_in(tx: Transaction) -> None:
        tx.lock(ready.id)
        world.store.writer(SESSIONS).add(tx, slipped)
        world.processes.found[run_of("slipped", slipped.attempt)] = Running()

    host.worktrees.point = point
    await host.archive.archive(ready.id)
    assert {session.id for session in await world.sessions()} == {known.id, "slipped"}
    assert all(session.status is SessionStatus.COMPLETED for session in await world.sessions())
    assert world.processes.running == []


@pytest.mark.lesson("L4", "L18")
@pytest.mark.parametrize("broken", ["put_away"])
async def test_what_git_refuses_puts_everything_back(world: Any, host: Any, broken: str) -> None:
    """READY again with the reason, the worktree and its work where they were; the next try succeeds."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].dirty = True

    async def point(name: str) -> None:
        if name == f"before {broken}":
            raise Unavailable("git", "locked")

    host.worktrees.point = point
    back = (await host.archive.archive(ready.id)).workspace
    assert (back.status, back.error) == (S.READY, "archive failed: git: locked")
    assert ready.worktree_path in world.git.worktrees
    assert await world.statuses(ready.id) == ["PROVISIONING", "READY", "ARCHIVING", "READY"]
    host.worktrees.point = host.scripts.point
    assert (await host.archive.archive(ready.id)).workspace.status is S.ARCHIVED


@pytest.mark.lesson("L18", "F10")
async def test_a_process_that_can_not_be_ended_keeps_its_worktree(world: Any, host: Any) -> None:
    """Fail closed: nothing is removed under a running agent."""
    ready = await host.ready(initial_prompt="Go")
    await host.executor.round()
    (session,) = await world.sessions()
    world.processes.unkillable.add(session.id)
    back = (await host.archive.archive(ready.id)).workspace
    assert back.status is S.READY
    assert back.error.startswith("archive failed: supervisor")
    assert ready.worktree_path in world.git.worktrees


async def test_a_process_that_outlives_the_archive_is_left_to_the_runner(world: Any, host: Any) -> None:
    """The archive is done and says so; the stop is a stored intent."""
    ready = await host.ready(initial_prompt="Go")
    await host.executor.round()
    (known,) = await world.sessions()
    slipped = attrs.evolve(known, id="slipped", version=0)
    settle, calls = host.executor.settle_all, []

    async def settle_all(workspace_id: str) -> None:
        calls.append(workspace_id)
        if len(calls) == 2:
            raise Unavailable("supervisor", "busy")
        await settle(workspace_id)
        await world.store.ledger.transact(slip_in)

    def slip_in(tx: Transaction) -> None:
        tx.lock(ready.id)
        world.store.writer(SESSIONS).add(tx, slipped)
        world.processes.found[run_of("slipped", slipped.attempt)] = Running()

    host.archive._executor.settle_all = settle_all
    assert (await host.archive.archive(ready.id)).workspace.status is S.ARCHIVED
    assert (await host.sessions.get("slipped")).status is SessionStatus.STOPPING
    await world.host().executor.round()
    assert (await host.sessions.get("slipped")).status is SessionStatus.COMPLETED
    assert world.processes.running == []


async def test_a_failed_workspace_without_a_worktree_is_archived(world: Any, host: Any) -> None:
    """There is nothing to preserve; also one that no host ever took."""
    made = await host.create()
    await host.lifecycle.cancel(made.id)
    assert (await host.archive.archive(made.id)).workspace.status is S.ARCHIVED
    assert host.worktrees.calls == ["repository"]


async def test_a_worktree_that_is_gone_is_no_hindrance(world: Any, host: Any) -> None:
    """There is nothing left to preserve."""
    ready = await host.ready()
    world.git.worktrees.clear()
    assert (await host.archive.archive(ready.id)).workspace.status is S.ARCHIVED


async def test_what_is_not_at_rest_is_not_archived(world: Any, host: Any) -> None:
    """NEW is cancelled first; another host's is that host's; a busy one is busy."""
    made = await host.create()
    with pytest.raises(IllegalTransition):
        await host.archive.archive(made.id)
    with pytest.raises(NotFound):
        await host.archive.archive("nobody")
    ready = await host.ready("Other")
    assert isinstance(await world.host("host-2").archive.archive(ready.id), NotDue)
    async with world.host().core.locks().workspace(ready.id) as mine:
        assert mine
        assert await host.archive.archive(ready.id) == Busy(workspace_id=ready.id)


async def test_an_archive_waits_a_moment_for_a_runner_at_work(world: Any, host: Any) -> None:
    """A person's word does not fail because a session was just being looked at."""
    ready = await host.ready()
    host.archive._patience_s = 5.0
    held = anyio.Event()

    async def hold() -> None:
        async with world.host().core.locks().workspace(ready.id):
            held.set()
            await anyio.sleep(0.01)

    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        await held.wait()
        result = await host.archive.archive(ready.id)
    assert result.workspace.status is S.ARCHIVED
