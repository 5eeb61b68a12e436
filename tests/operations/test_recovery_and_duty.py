"""Recovery of a host, and the duty that provisions."""

from typing import Any

import anyio
import pytest

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.operations import ProvisionDuty
from headway_core.testing.fakes_machine import FakeWorktree
from headway_core.workspaces import WORKSPACES, WorkspaceStatus
from headway_core.workspaces.ports import StrayWorktree

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
REPO = "/src/demo"


def duty_of(host: Any) -> ProvisionDuty:
    return ProvisionDuty(
        host.core.ledger(),
        workspaces=host.world.store.reader(WORKSPACES),
        provisioning=host.provisioning,
        locks=host.core.locks(),
    )


async def all_in(host: Any, status: WorkspaceStatus) -> bool:
    return all(w.status is status for w in await host.world.workspaces())


@pytest.mark.lesson("L5")
async def test_what_was_begun_or_asked_for_is_brought_to_an_end(world: Any, host: Any) -> None:
    """NEW, PROVISIONING and ARCHIVING; what is at rest stays as it is."""
    new, begun, going = await host.create("New"), await host.create("Begun"), await host.ready("Going")
    failed, resting = await host.create("Failed"), await host.ready("Resting")
    await host.lifecycle.cancel(failed.id)
    await world.store.ledger.transact(lambda tx: host.lifecycle.begin_provisioning(tx, begun.id, "host-1"))
    await world.store.ledger.transact(lambda tx: host.lifecycle.begin_archive(tx, going.id))
    recovered = await world.host().recovery.recover()
    ended = {w.name: w.status for w in await world.workspaces()}
    assert ended == {
        "New": S.READY,
        "Begun": S.READY,
        "Going": S.ARCHIVED,
        "Failed": S.FAILED,
        "Resting": S.READY,
    }
    assert {w.id for w in recovered.settled} == {new.id, begun.id, going.id}
    assert await host.lifecycle.get(resting.id) == resting


@pytest.mark.lesson("L11")
async def test_what_somebody_acts_on_is_left_alone_however_old_it_is(world: Any, host: Any) -> None:
    """Liveness is the lock; a day is nothing."""
    made = await host.create()
    await world.store.ledger.transact(lambda tx: host.lifecycle.begin_provisioning(tx, made.id, "host-1"))
    world.clock.advance(86_400)
    other = world.host()
    async with host.core.locks().workspace(made.id):
        recovered = await other.recovery.recover()
    assert recovered.settled == ()
    assert (await host.lifecycle.get(made.id)).status is S.PROVISIONING
    assert "create" not in other.worktrees.calls


async def test_another_hosts_workspaces_are_that_hosts(world: Any, host: Any) -> None:
    """Neither provisioned, archived nor looked at from here."""
    ready = await host.ready()
    world.git.worktrees.clear()
    other = world.host("host-2")
    recovered = await other.recovery.recover()
    assert (recovered.missing, recovered.settled) == ((), ())
    assert (await host.lifecycle.get(ready.id)).warning is None


async def test_strange_folders_are_reported_and_left(world: Any, host: Any) -> None:
    """Every known worktree aside, also that of a provisioning; with what git says of them."""
    await host.ready()
    world.git.worktrees["/wt/demo/clean"] = FakeWorktree(repo_path=REPO, branch="a")
    world.git.worktrees["/wt/demo/dirty"] = FakeWorktree(repo_path=REPO, branch="b", dirty=True)
    recovered = await host.recovery.recover()
    assert recovered.strays == (
        StrayWorktree(path="/wt/demo/clean", holds_work=False),
        StrayWorktree(path="/wt/demo/dirty", holds_work=True),
    )
    assert len(world.git.worktrees) == 3


async def test_one_trouble_keeps_nothing_else_from_its_end(world: Any, host: Any) -> None:
    """It is told in words, and met again next time."""
    await host.ready("Lost")
    made = await host.create("New")
    host.worktrees.refusals["state"] = Unavailable("git", "broken")
    host.worktrees.refusals["strays"] = InvalidInput("path", "no repository")
    recovered = await host.recovery.recover()
    assert [w.id for w in recovered.settled] == [made.id]
    assert len(recovered.problems) == 2
    assert any("demo" in problem for problem in recovered.problems)


async def test_an_archive_that_must_not_lose_ignored_files_goes_back(world: Any, host: Any) -> None:
    """Nobody's word outlives its process: the person is asked again."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].ignored = (".env",)
    await world.store.ledger.transact(lambda tx: host.lifecycle.begin_archive(tx, ready.id))
    await host.recovery.recover()
    back = await host.lifecycle.get(ready.id)
    assert back.status is S.READY
    assert ".env" in back.error
    assert ready.worktree_path in world.git.worktrees


async def test_the_duty_provisions_what_is_due_here(world: Any, host: Any) -> None:
    """NEW of nobody and what this host has begun; nothing of another host, and no archive."""
    for name in ("a", "b", "c", "d", "e", "f"):
        await host.create(name)
    foreign = await host.create("foreign")
    await world.store.ledger.transact(lambda tx: host.lifecycle.begin_provisioning(tx, foreign.id, "host-2"))
    assert await duty_of(host).run() is None
    statuses = {w.name: w.status for w in await world.workspaces()}
    assert statuses.pop("foreign") is S.PROVISIONING
    assert set(statuses.values()) == {S.READY}


async def test_the_duty_works_on_four_at_once_and_takes_new_ones_meanwhile(world: Any) -> None:
    """A long script holds up nobody else; a fifth waits for a free hand."""
    host = world.host()
    await host.register(startup_script="make setup")
    host.scripts.gate = anyio.Event()
    began = host.scripts.runs
    async with anyio.create_task_group() as group:
        await host.create("a")
        group.start_soon(duty_of(host).run)
        with anyio.fail_after(5):
            for expected, name in enumerate(("b", "c", "d", "e"), start=1):
                while len(began) < expected:
                    await anyio.lowlevel.checkpoint()
                await host.create(name)
            while len(began) < 4:
                await anyio.lowlevel.checkpoint()
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            assert len(began) == 4
            host.scripts.gate.set()
    assert len(began) == 5
    assert await all_in(host, S.READY)


async def test_a_trouble_of_one_backs_off_the_duty_after_the_others_are_done(world: Any, host: Any) -> None:
    """What is no refusal of git's is raised at the end of the run; its intent stays open."""
    bad, good = await host.create("bad"), await host.create("good")
    provision = host.provisioning.provision

    async def broken(workspace_id: str) -> Any:
        if workspace_id == bad.id:
            raise ZeroDivisionError
        return await provision(workspace_id)

    host.provisioning.provision = broken
    with pytest.raises(ExceptionGroup) as caught:
        await duty_of(host).run()
    assert caught.group_contains(ZeroDivisionError)
    assert (await host.lifecycle.get(good.id)).status is S.READY
    assert (await host.lifecycle.get(bad.id)).status is S.NEW


async def test_the_duty_does_not_spin_on_what_somebody_else_holds(world: Any, host: Any) -> None:
    """Tried once as it stands, then left to the next run."""
    made = await host.create()
    async with world.host().core.locks().workspace(made.id):
        with anyio.fail_after(5):
            assert await duty_of(host).run() is None
    assert (await host.lifecycle.get(made.id)).status is S.NEW


async def test_a_stop_leaves_nothing_half_done(world: Any) -> None:
    """Cancelled in a script, the intent stays; the next runner goes on with the same worktree."""
    host = world.host()
    await host.register(startup_script="make setup")
    host.scripts.gate = anyio.Event()
    made = await host.create()
    async with anyio.create_task_group() as group:
        group.start_soon(duty_of(host).run)
        with anyio.fail_after(5):
            await host.scripts.began.wait()
        group.cancel_scope.cancel()
    assert (await host.lifecycle.get(made.id)).status is S.PROVISIONING
    assert world.held["host-1"] == set()
    await duty_of(world.host()).run()
    assert (await host.lifecycle.get(made.id)).status is S.READY
    assert len(world.git.worktrees) == 1
