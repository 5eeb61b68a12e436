"""Recovery of a host, and the duty that provisions."""

from typing import Any

import anyio
import attrs
import pytest

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.operations import WorkspaceDuty, WorktreeDuty
from headway_core.processes import NeverStarted, Running
from headway_core.sessions import SESSIONS, SessionStatus, run_of
from headway_core.workspaces import WORKSPACES, WorkspaceStatus
from headway_core.workspaces.model import WORKTREE_BROKEN, WORKTREE_MISSING
from headway_core.workspaces.ports import StrayWorktree
from headway_testing.crash_points import Crash
from headway_testing.fakes import FakeWorktree

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
REPO = "/src/demo"


def duty_of(host: Any) -> WorkspaceDuty:
    return WorkspaceDuty(
        host.core.ledger(),
        workspaces=host.world.store.reader(WORKSPACES),
        provisioning=host.provisioning,
        archive=host.archive,
        locks=host.core.locks(),
    )


async def all_in(host: Any, status: WorkspaceStatus) -> bool:
    return all(w.status is status for w in await host.world.workspaces())


@pytest.mark.recovers("new", "provisioning", "archiving")
@pytest.mark.lesson("L5")
async def test_what_was_begun_or_asked_for_is_brought_to_an_end(world: Any, host: Any) -> None:
    """NEW, PROVISIONING and ARCHIVING; what is at rest stays as it is."""
    new, begun, going = await host.create("New"), await host.create("Begun"), await host.ready("Going")
    failed, resting = await host.create("Failed"), await host.ready("Resting")
    await host.lifecycle.cancel(failed.id)
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_provisioning(tx, begun.id, "host-1"))
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_archive(tx, going.id))
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


@pytest.mark.recovers("starting", "delivering", "running")
async def test_sessions_are_recovered_with_their_host(world: Any, host: Any) -> None:
    """A start without a sign is closed for good and begun under the next number; what runs is adopted."""
    begun, runs = (
        await host.ready("Begun", initial_prompt="Go"),
        await host.ready("Runs", initial_prompt="Go"),
    )
    await host.executor.round()
    (lost,) = await host.sessions.list(begun.id)
    del world.processes.found[run_of(lost.id, 1)]  # as if the runner had died before its supervisor began

    def starting(tx: Any) -> None:
        tx.lock(begun.id)
        table = world.store.writer(SESSIONS)
        table.replace(tx, attrs.evolve(table.get(tx, lost.id), status=SessionStatus.STARTING))

    await world.store.ledger.transact(starting)
    successor = world.host()
    await successor.recovery.recover()
    (renewed,), (adopted,) = [await successor.sessions.list(w.id) for w in (begun, runs)]
    assert (renewed.status, renewed.attempt) == (SessionStatus.STARTING, 2)
    assert world.processes.found[run_of(lost.id, 1)] == NeverStarted()
    assert (adopted.status, adopted.attempt) == (SessionStatus.RUNNING, 1)


@pytest.mark.lesson("L11")
async def test_what_somebody_acts_on_is_left_alone_however_old_it_is(world: Any, host: Any) -> None:
    """Liveness is the lock; a day is nothing."""
    made = await host.create()
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_provisioning(tx, made.id, "host-1"))
    world.clock.advance(86_400)
    other = world.host()
    async with host.core.locks().workspace(made.id):
        recovered = await other.recovery.recover()
    assert recovered.settled == ()
    assert (await host.lifecycle.get(made.id)).status is S.PROVISIONING
    assert "create" not in other.worktrees.calls


@pytest.mark.recovers("missing")
async def test_a_worktree_that_is_gone_is_told_and_made_anew_by_a_retry(world: Any, host: Any) -> None:
    """A warning, and nothing is made by itself: a person may have taken it away."""
    ready = await host.ready()
    world.git.worktrees.clear()
    recovered = await host.recovery.recover()
    assert [w.id for w in recovered.missing] == [ready.id]
    warned = await host.lifecycle.get(ready.id)
    assert (warned.status, warned.warning) == (S.READY, "the worktree is missing")
    assert world.git.worktrees == {}
    await host.provisioning.retry(ready.id)
    await duty_of(host).run()
    again = await host.lifecycle.get(ready.id)
    assert (again.status, again.warning, again.worktree_path) == (S.READY, None, ready.worktree_path)
    assert world.git.worktrees[again.worktree_path].branch == ready.branch


@pytest.mark.recovers("relocated")
async def test_worktrees_of_a_repository_that_was_moved_are_repaired_by_the_next_runner(
    world: Any, host: Any
) -> None:
    """The new path is stored before git repairs anything, so a crash between them loses no worktree."""
    ready = await host.ready()
    del world.git.repositories[REPO]
    world.git.add_repository("/src/moved")

    async def dies(name: str) -> None:
        if name == "before repair":
            raise Crash(name)

    with pytest.raises(Crash):
        await world.host(point=dies).projects.change("demo", path="/src/moved")
    assert (await host.projects.get("demo")).repo_path == "/src/moved"
    assert world.git.worktrees[ready.worktree_path].repo_path == REPO
    recovered = await world.host().recovery.recover()
    assert (recovered.missing, recovered.problems) == ((), ())
    assert world.git.worktrees[ready.worktree_path].repo_path == "/src/moved"
    assert await host.lifecycle.get(ready.id) == ready


@pytest.mark.recovers("missing")
async def test_a_worktree_without_its_git_is_kept_before_it_is_made_anew(world: Any, host: Any) -> None:
    """Recovery says what is there, and the retry keeps it: nothing is written over, and where is told."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].broken = True
    await host.recovery.recover()
    warned = await host.lifecycle.get(ready.id)
    assert (warned.status, warned.warning) == (S.READY, WORKTREE_BROKEN)
    await host.provisioning.retry(ready.id)
    await duty_of(host).run()
    again = await host.lifecycle.get(ready.id)
    assert (again.status, again.warning) == (S.READY, None)
    (place,) = world.git.preserved[ready.id]
    assert place in (await host.lifecycle.init_output(ready.id)).text


def worktree_duty_of(host: Any) -> WorktreeDuty:
    duty: WorktreeDuty = host.core.operations.worktree_duty()
    return duty


async def test_a_worktree_that_an_agent_deletes_is_noticed_while_the_runner_runs(
    world: Any, host: Any
) -> None:
    """Warned of within a round, nothing starts there, and a worktree that is back is well again."""
    ready = await host.ready()
    trees = dict(world.git.worktrees)
    world.git.worktrees.clear()
    for _ in range(2):
        await worktree_duty_of(host).run()
        lost = await host.lifecycle.get(ready.id)
        assert (lost.warning, lost.accepts_sessions, lost.is_retryable) == (WORKTREE_MISSING, False, True)
    world.git.worktrees.update(trees)
    await worktree_duty_of(host).run()
    assert (await host.lifecycle.get(ready.id)).warning is None


async def test_a_retry_need_not_wait_for_the_look(world: Any, host: Any) -> None:
    """An agent has just deleted its worktree: the retry sees it by itself, and restores it."""
    ready = await host.ready()
    world.git.worktrees.clear()
    assert (await host.provisioning.retry(ready.id)).status is S.PROVISIONING
    await duty_of(host).run()
    assert ready.worktree_path in world.git.worktrees


async def test_another_hosts_workspaces_are_that_hosts(world: Any, host: Any) -> None:
    """Neither provisioned, archived nor looked at from here."""
    ready = await host.ready()
    world.git.worktrees.clear()
    other = world.host("host-2")
    recovered = await other.recovery.recover()
    assert (recovered.missing, recovered.settled) == ((), ())
    assert (await host.lifecycle.get(ready.id)).warning is None


@pytest.mark.recovers("leftover")
@pytest.mark.lesson("L9", "L10")
async def test_leftovers_without_work_are_removed(world: Any, host: Any) -> None:
    """What an archived workspace left here goes when git says that it holds nothing; else it is reported."""
    ready, archived = await host.ready(), await host.ready("Archived")
    await host.archive.archive(archived.id)
    trees = world.git.worktrees
    left = FakeWorktree(repo_path=REPO, branch="a", owner=archived.id)
    trees["/wt/demo/clean"] = left
    trees["/wt/demo/dirty"] = attrs.evolve(left, branch="b", dirty=True)
    trees["/wt/demo/ahead"] = attrs.evolve(left, branch="c", unpushed=1)
    recovered = await host.recovery.recover()
    assert recovered.removed == ("/wt/demo/clean",)
    assert recovered.strays == (
        StrayWorktree(path="/wt/demo/ahead", owner=archived.id, holds_work=True),
        StrayWorktree(path="/wt/demo/dirty", owner=archived.id, holds_work=True),
    )
    assert set(trees) == {ready.worktree_path, "/wt/demo/dirty", "/wt/demo/ahead"}
    assert recovered.problems == ()


@pytest.mark.recovers("leftover")
@pytest.mark.parametrize("whose", ["a person", "another database", "another host", "a live one", "an agent"])
async def test_what_this_database_did_not_leave_is_never_removed(world: Any, host: Any, whose: str) -> None:
    """However clean: a person's own worktree, another database's, another host's, one that is in use."""
    other = world.host("host-2")
    archived = await (other if whose == "another host" else host).ready("Archived")
    if whose != "a live one":
        await (other if whose == "another host" else host).archive.archive(archived.id)
    if whose == "an agent":
        await host.ready("Runs", initial_prompt="Go")
        await host.executor.round()
        (session,) = await world.sessions()

        def slip_in(tx: Any) -> None:
            tx.lock(archived.id)
            world.store.writer(SESSIONS).add(
                tx, attrs.evolve(session, id="slipped", workspace_id=archived.id, version=0)
            )

        await world.store.ledger.transact(slip_in)
        world.processes.found[run_of("slipped", session.attempt)] = Running()
    owner = {"a person": None, "another database": "0f0f0f0f"}.get(whose, archived.id)
    world.git.worktrees["/wt/demo/clean"] = FakeWorktree(repo_path=REPO, branch="a", owner=owner)
    recovered = await host.recovery.recover()
    assert recovered.removed == ()
    assert "/wt/demo/clean" in world.git.worktrees
    assert "/wt/demo/clean" in [stray.path for stray in recovered.strays]


async def test_a_leftover_at_the_path_of_an_archived_workspace_is_its(world: Any, host: Any) -> None:
    """A folder that was never finished says nothing of its owner: its path does."""
    archived = await host.ready("Archived")
    await host.archive.archive(archived.id)
    world.git.worktrees[archived.worktree_path] = FakeWorktree(repo_path=REPO, branch="a")
    assert (await host.recovery.recover()).removed == (archived.worktree_path,)


async def test_a_leftover_that_git_will_not_remove_is_reported(world: Any, host: Any) -> None:
    """The removal asks git once more: what somebody works in by then stays."""
    archived = await host.ready("Archived")
    await host.archive.archive(archived.id)
    world.git.worktrees["/wt/demo/clean"] = FakeWorktree(
        repo_path=REPO, branch="a", ignored=(".env",), owner=archived.id
    )
    recovered = await host.recovery.recover()
    assert recovered.removed == ()
    assert [stray.path for stray in recovered.strays] == ["/wt/demo/clean"]
    assert "/wt/demo/clean" in world.git.worktrees


async def test_what_is_made_during_the_look_is_no_leftover(world: Any, host: Any) -> None:
    """Two hosts with one folder: a workspace that the other provisions meanwhile is asked for again."""
    looks = host.worktrees.strays
    other = world.host("host-2")

    async def strays(*asked: Any) -> Any:
        await other.ready()  # created and made after this host has read what is known
        return await looks(*asked)

    host.worktrees.strays = strays
    recovered = await host.recovery.recover()
    assert (recovered.removed, recovered.strays) == ((), ())
    assert len(world.git.worktrees) == 1


@pytest.mark.recovers("archiving")
@pytest.mark.lesson("L4", "L5", "L11")
async def test_an_archive_whose_process_died_is_gone_on_with_by_the_duty(world: Any, host: Any) -> None:
    """Without a new start of the runner; while somebody archives, the duty leaves it alone."""
    ready = await host.ready()
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_archive(tx, ready.id))
    async with world.host().core.locks().workspace(ready.id):
        await duty_of(host).run()
        assert (await host.lifecycle.get(ready.id)).status is S.ARCHIVING
    await duty_of(world.host("host-2")).run()
    assert (await host.lifecycle.get(ready.id)).status is S.ARCHIVING
    await duty_of(host).run()
    assert (await host.lifecycle.get(ready.id)).status is S.ARCHIVED
    assert world.git.worktrees == {}


async def test_an_archive_of_what_no_host_has_is_pinned_to_the_one_that_began_it(
    world: Any, host: Any
) -> None:
    """A cancelled NEW one has no host: its archive gets one, which goes on after a crash."""
    made = await host.create()
    await host.lifecycle.cancel(made.id)
    archived = await host.archive.archive(made.id)
    assert (archived.workspace.status, archived.workspace.host_id) == (S.ARCHIVED, "host-1")


async def test_one_trouble_keeps_nothing_else_from_its_end(world: Any, host: Any) -> None:
    """It is told in words, and met again next time."""
    await host.ready("Lost")
    made = await host.create("New")
    host.worktrees.refusals["standing"] = Unavailable("git", "broken")
    host.worktrees.refusals["strays"] = InvalidInput("path", "no repository")
    recovered = await host.recovery.recover()
    assert [w.id for w in recovered.settled] == [made.id]
    assert len(recovered.problems) == 2
    assert any("demo" in problem for problem in recovered.problems)


async def test_an_archive_that_must_not_lose_ignored_files_goes_back(world: Any, host: Any) -> None:
    """Nobody's word outlives its process: the person is asked again."""
    ready = await host.ready()
    world.git.worktrees[ready.worktree_path].ignored = (".env",)
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_archive(tx, ready.id))
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
    await world.store.ledger.transact(lambda tx: host.workspaces.begin_provisioning(tx, foreign.id, "host-2"))
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
