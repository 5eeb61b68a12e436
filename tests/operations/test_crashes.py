"""A process that dies anywhere, and the next one that finds what it left (I7)."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from headway_core.workspaces import Workspace, WorkspaceStatus
from headway_testing.crash_points import Crash, CrashPoints

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
MOST_POINTS = 100
BACKENDS = ("asyncio", "trio")

Scenario = Callable[[Any], Awaitable[Workspace]]
"""Prepares a world, without crashes, and returns the workspace that is acted on."""


def is_crash(error: BaseException) -> bool:
    """Whether nothing but the crash came out, alone or in the groups of the tasks that died with it."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_crash(inner) for inner in error.exceptions)
    return isinstance(error, Crash)


async def dies(act: Callable[[Any], Awaitable[Any]], host: Any) -> bool:
    """Run it; whether its process died."""
    try:
        await act(host)
    except BaseException as error:
        if not is_crash(error):
            raise
        return True
    return False


async def recover(host: Any) -> None:
    await host.recovery.recover()


async def new(host: Any) -> Workspace:
    """A NEW workspace with a prompt; the first name of its branch is taken in git, and there is a script."""
    await host.register(startup_script="make setup")
    made: Workspace = await host.create(initial_prompt="Go")
    host.world.git.branches["/src/demo"].add("headway/fix-login")  # after creation has looked
    return made


async def provision(host: Any) -> None:
    for workspace in await host.world.workspaces():
        await host.provisioning.provision(workspace.id)


async def ready_and_dirty(host: Any) -> Workspace:
    """A READY workspace with uncommitted work and a running agent."""
    await host.register()
    ready: Workspace = await host.ready(initial_prompt="Go")
    await host.executor.round()
    host.world.git.worktrees[ready.worktree_path].dirty = True
    return ready


async def archive(host: Any) -> None:
    for workspace in await host.world.workspaces():
        await host.archive.archive(workspace.id)


async def crash_and_recover(
    worlds: Any, scenario: Scenario, act: Any, *crashes: int
) -> tuple[Any, Workspace, bool]:
    """Die at the nth point of `act`, then at the nth of each recovery; recover in peace at last.

    Returns the world, the workspace as it stands, and whether every process died.
    """
    world = worlds()
    made = await scenario(world.host())
    died = []
    for number, nth in enumerate(crashes):
        died.append(await dies(recover if number else act, world.host(point=CrashPoints(nth))))
    last = world.host()
    recovered = await last.recovery.recover()
    assert recovered.strays == ()
    assert recovered.problems == ()
    assert await last.recovery.recover() is not None
    return world, await last.lifecycle.get(made.id), all(died)


def assert_provisioned(world: Any, workspace: Workspace) -> None:
    """READY on the second name of its branch, with the one worktree, which is its own."""
    assert (workspace.status, workspace.warning, workspace.error) == (S.READY, None, None)
    assert workspace.branch == "headway/fix-login-2"
    assert {path: tree.branch for path, tree in world.git.worktrees.items()} == {
        workspace.worktree_path: "headway/fix-login-2"
    }
    made = {"main", "feature", "held", "headway/fix-login", "headway/fix-login-2"}
    assert world.git.branches["/src/demo"] == made


@pytest.mark.recovers("new", "provisioning", "script")
@pytest.mark.lesson("L5", "L9", "L11", "L13")
async def test_a_provisioning_that_died_anywhere_ends_ready_exactly_once(worlds: Any) -> None:
    """Every single crash, before and after each effect and each transaction."""
    points = 0
    for nth in range(MOST_POINTS):
        world, workspace, died = await crash_and_recover(worlds, new, provision, nth)
        assert_provisioned(world, workspace)
        assert await world.statuses(workspace.id) == ["PROVISIONING", "READY"]
        await world.host().executor.round()
        assert [launch.standard_input for launch in world.processes.executed] == ["Go"]
        if not died:
            break
        points += 1
    assert 10 < points < MOST_POINTS


@pytest.mark.kills
@pytest.mark.lesson("L5", "L13")
async def test_a_recovery_that_dies_as_well_is_recovered_from(worlds: Any, anyio_backend: str) -> None:
    """Every pair of crashes, each on one backend: the second in the process that recovers from the first."""
    for first in range(MOST_POINTS):
        any_died = False
        for second in range(BACKENDS.index(anyio_backend) ^ first & 1, MOST_POINTS, len(BACKENDS)):
            world, workspace, died = await crash_and_recover(worlds, new, provision, first, second)
            assert_provisioned(world, workspace)
            assert (await world.statuses(workspace.id)).count("READY") == 1
            if not died:
                break
            any_died = True
        if not any_died:
            break


@pytest.mark.recovers("archiving")
@pytest.mark.lesson("L4", "L5", "L6", "L7", "L18")
async def test_an_archive_that_died_anywhere_goes_on_and_loses_nothing(worlds: Any) -> None:
    """Before its intent it never happened; after it, it ends ARCHIVED with the work preserved."""
    points, ended = 0, set()
    for nth in range(MOST_POINTS):
        world, workspace, died = await crash_and_recover(worlds, ready_and_dirty, archive, nth)
        ended.add(workspace.status)
        assert world.git.preserved or world.git.worktrees[workspace.worktree_path].dirty
        if workspace.status is S.ARCHIVED:
            assert (world.git.worktrees, world.processes.running) == ({}, [])
            assert not any(session.is_live for session in await world.sessions())
        if not died:
            break
        points += 1
    assert 10 < points < MOST_POINTS
    assert ended == {S.READY, S.ARCHIVED}


async def test_a_crash_is_no_error_of_the_product(worlds: Any) -> None:
    """The harness itself: a dead process refuses everything, and its locks are free."""
    world = worlds()
    made = await new(world.host())
    point = CrashPoints(3)
    dead = world.host(point=point)
    assert await dies(provision, dead)
    assert point.crashed
    passed = list(point.passed)
    assert await dies(provision, dead)
    assert point.passed == passed
    assert world.held["host-1"] == set()
    assert (await world.host().lifecycle.get(made.id)).status is not S.FAILED
