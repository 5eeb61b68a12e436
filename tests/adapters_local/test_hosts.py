"""The host's id and locks, across tasks and processes."""
# ruff: noqa: ASYNC220 - the files and processes of a test block nobody

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_local import LocalHost

pytestmark = pytest.mark.anyio

HOLD = """
import sys, anyio
from pathlib import Path
from headway_local import LocalHost

async def main():
    host = LocalHost(Path(sys.argv[1]))
    async with host.runner() as runner, host.workspace("w-1") as workspace:
        print(runner, workspace, host.host_id, flush=True)
        sys.stdin.readline()
anyio.run(main)
"""


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    return LocalHost(tmp_path / "data")


async def test_locks_exclude_within_a_process(host: LocalHost) -> None:
    """The second one who asks for a workspace is told no at once; other workspaces are free."""
    async with (
        host.workspace("w-1") as first,
        host.workspace("w-1") as second,
        host.workspace("w-2") as other,
    ):
        assert (first, second, other) == (True, False, True)
    async with host.workspace("w-1") as again:
        assert again is True


async def test_a_refused_one_releases_nothing(host: LocalHost) -> None:
    """Who was told no leaves the lock of the holder alone."""
    async with host.runner() as first:
        async with host.runner() as second:
            assert (first, second) == (True, False)
        async with host.runner() as third:
            assert third is False


async def test_locks_are_released_by_errors_and_cancellation(host: LocalHost) -> None:
    """However the block is left, the lock is free."""
    with pytest.raises(RuntimeError):
        async with host.runner():
            raise RuntimeError
    with anyio.move_on_after(0.01):
        async with host.runner() as held:
            assert held
            await anyio.sleep_forever()
    async with host.runner() as held:
        assert held


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_locks_die_with_their_process(host: LocalHost, tmp_path: Path) -> None:
    """Another process excludes us, agrees on the host's id, and its SIGKILL frees what it held."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline().split() == ["True", "True", host.host_id]
    async with host.runner() as runner, host.workspace("w-1") as workspace, host.workspace("w-2") as free:
        assert (runner, workspace, free) == (False, False, True)
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    async with host.runner() as runner, host.workspace("w-1") as workspace:
        assert (runner, workspace) == (True, True)


async def test_a_lock_is_not_inherited(host: LocalHost) -> None:
    """A process that the holder started does not keep the lock."""
    child = None
    try:
        async with host.runner():
            child = subprocess.Popen(["sleep", "60"], close_fds=False)
        async with host.runner() as held:
            assert held
    finally:
        assert child is not None
        child.kill()
        child.wait()


async def test_everything_is_the_owners_alone(host: LocalHost, tmp_path: Path) -> None:
    """The data directory and what lies in it can be read by nobody else."""
    async with host.runner(), host.workspace("w-1"):
        assert host.host_id
    paths = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert {
        path.name: oct(path.stat().st_mode & 0o777) for path in paths if path.stat().st_mode & 0o077
    } == {}


async def test_nothing_is_touched_before_the_first_use(tmp_path: Path) -> None:
    """A container constructs a host without making a folder."""
    LocalHost(tmp_path / "data")
    assert not (tmp_path / "data").exists()


async def test_ids_agree_when_they_race(tmp_path: Path) -> None:
    """Hosts of one data directory that begin at once have one id, of its own for each directory."""
    found = set()

    def read() -> None:
        found.add(LocalHost(tmp_path / "data").host_id)

    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(anyio.to_thread.run_sync, read)
    assert len(found) == 1
    assert LocalHost(tmp_path / "other").host_id not in found
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["host-id"]


async def test_a_damaged_id_is_told(host: LocalHost, tmp_path: Path) -> None:
    """An empty or strange file is an error that names it, never a new id."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "host-id").write_text("")
    with pytest.raises(Unavailable, match="host-id is damaged"):
        host.host_id  # noqa: B018 - reading it is the act


async def test_a_data_directory_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A file in the place of the data directory is `Unavailable`, with the path."""
    (tmp_path / "data").write_text("")
    with pytest.raises(Unavailable, match=r"data directory: .*data"):
        async with LocalHost(tmp_path / "data").runner():
            pass


@pytest.mark.parametrize("workspace_id", ["", "../x", "a/b", "a" * 41])
async def test_ids_of_workspaces_are_checked(host: LocalHost, workspace_id: str) -> None:
    """What is no id never becomes part of a path."""
    with pytest.raises(InvalidInput, match="workspace_id"):
        async with host.workspace(workspace_id):
            pass
