"""A runner that is stopped: promptly, with its children gone and nothing half done."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import psutil
import pytest
from stage import Stage

import headway
from headway import Manual
from headway_core.workspaces import WorkspaceStatus

pytestmark = pytest.mark.anyio

LIMIT_S = 60
BOUND_S = 20
"""Far below what the duties sleep, back off or run for; far above what an ending takes here."""


@pytest.fixture
async def hw(tmp_path: Path, anyio_backend: str) -> AsyncIterator[headway.Headway]:
    async with headway.open(f"sqlite:///{tmp_path}/headway.db") as opened:
        yield opened


def stubborn(folder: Path) -> str:
    """A start-up script with a child that hears no signal but the last."""
    return (
        f"(trap '' TERM INT; echo $$ > {folder}/began.part; mv {folder}/began.part {folder}/began;"
        " sleep 1000 & wait) & sleep 1000"
    )


async def until_exists(path: Path) -> None:
    with anyio.fail_after(LIMIT_S):
        while not path.exists():  # noqa: ASYNC110, ASYNC240  another process makes it
            await anyio.sleep(0.05)


def with_cwd_in(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.lesson("R31")
async def test_a_stop_ends_sleeps_and_children_and_is_bounded(hw: headway.Headway, tmp_path: Path) -> None:
    """Duties that pause and one that runs a script: all end, the script's family too, within the bound.

    Nothing is half done: the workspace stays PROVISIONING, and the next runner goes on with it.
    """
    stage = Stage(folder=tmp_path).build()
    project = await hw.projects.register(
        str(stage.repository), github="acme/greeter", startup_script=stubborn(tmp_path)
    )
    made = await hw.workspaces.create(Manual(project_id=project.id, name="Fix login"))
    worktree = tmp_path / "headway.db.d" / "worktrees"
    async with hw.running():
        await until_exists(tmp_path / "began")
        assert with_cwd_in(worktree)
        began = anyio.current_time()
    assert anyio.current_time() - began < BOUND_S
    assert with_cwd_in(worktree) == []
    assert (await hw.workspaces.get(made.id)).status is WorkspaceStatus.PROVISIONING
    (tmp_path / "began").unlink()
    async with hw.running():
        await until_exists(tmp_path / "began")  # the same path, from its beginning
        await hw.workspaces.cancel(made.id)
        with anyio.fail_after(LIMIT_S):
            changed = hw.changes()
            while (await hw.workspaces.get(made.id)).status is not WorkspaceStatus.FAILED:
                await changed.wait()
                changed = hw.changes()
    assert with_cwd_in(worktree) == []
