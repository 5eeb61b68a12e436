"""The host's id and locks, across tasks and processes."""
# ruff: noqa: ASYNC220 - the files and processes of a test block nobody

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
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


async def test_a_host_id_is_bound_to_its_folder(host: LocalHost, tmp_path: Path) -> None:
    """Every way to copy an id, and the folder with it, is refused with what to do; the original goes on."""
    folder = tmp_path / "data"
    assert host.host_id
    copies = [tmp_path / name for name in ("by cp", "by cp -a", "by ln", "by ln -s", "over another")]
    for copy in copies:
        copy.mkdir(mode=0o700)
    assert LocalHost(copies[4]).host_id != host.host_id
    shutil.copyfile(folder / "host-id", copies[0] / "host-id")
    shutil.copytree(folder, copies[1], dirs_exist_ok=True)
    (copies[2] / "host-id").hardlink_to(folder / "host-id")
    (copies[3] / "host-id").symlink_to(folder / "host-id")
    shutil.copyfile(folder / "host-id", copies[4] / "host-id")
    for copy in copies:
        with pytest.raises(Conflict, match=rf"is a copy of that of {folder}") as refused:
            LocalHost(copy).host_id  # noqa: B018 - reading it is the act
        assert f"remove {copy}/host-id" in refused.value.problem
    assert LocalHost(folder).host_id == host.host_id
    (copies[0] / "host-id").unlink()
    assert LocalHost(copies[0]).host_id != host.host_id


async def test_a_disk_that_was_copied_to_another_machine_is_told(
    host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same folders under another machine's id are another host; a machine without one is any."""
    machine = tmp_path / "machine-id"
    monkeypatch.setattr("headway_local.data_directory._MACHINE_ID", machine)
    machine.write_text("3d1219c7c4c5404aaa1f6d2a48adfda4\n")
    assert host.host_id
    machine.write_text("11111111111111111111111111111111\n")
    with pytest.raises(Conflict, match="on another machine"):
        LocalHost(tmp_path / "data").host_id  # noqa: B018 - reading it is the act
    machine.unlink()
    assert LocalHost(tmp_path / "data").host_id == host.host_id


async def test_a_folder_that_was_moved_is_the_same_host(host: LocalHost, tmp_path: Path) -> None:
    """Renamed, or reached by a link, it keeps its id; one that was copied keeps it by a person's word."""
    known = host.host_id
    (tmp_path / "data").rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    assert LocalHost(tmp_path / "moved").host_id == known
    assert LocalHost(tmp_path / "link").host_id == known
    shutil.copytree(tmp_path / "moved", tmp_path / "restored")
    file = tmp_path / "restored" / "host-id"
    file.write_text(file.read_text().splitlines()[0])
    assert LocalHost(tmp_path / "restored").host_id == known
    shutil.copytree(tmp_path / "restored", tmp_path / "again")
    with pytest.raises(Conflict, match=r"copy of that of .*/restored"):
        LocalHost(tmp_path / "again").host_id  # noqa: B018 - reading it is the act


@pytest.mark.parametrize("text", ["h-1", "h-1\n", "h-1\nmachine\n", "h-1\nmachine x\nfol"])
async def test_an_id_of_an_older_version_is_bound(tmp_path: Path, text: str) -> None:
    """A file of the id alone, or of half a bond, keeps its id, and can't be copied any more."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "host-id").write_text(text)
    assert LocalHost(tmp_path / "data").host_id == "h-1"
    assert LocalHost(tmp_path / "data").host_id == "h-1"
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    with pytest.raises(Conflict, match="is a copy"):
        LocalHost(tmp_path / "copy").host_id  # noqa: B018 - reading it is the act


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777, 0o705, 0o711])
async def test_a_data_directory_that_is_open_is_closed(host: LocalHost, tmp_path: Path, mode: int) -> None:
    """Whoever made it, and however: nobody else reads the worktrees in it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(mode)
    async with host.runner() as held:
        assert held
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["home", "tmp"])
async def test_a_data_directory_that_is_not_ours_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home, and a folder that is shared on purpose, keep their mode, and are no data directory."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755 if name == "home" else 0o1777)
    before = folder.stat().st_mode
    with pytest.raises(Unavailable, match="open to others"):
        LocalHost(folder).host_id  # noqa: B018 - reading it is the act
    assert folder.stat().st_mode == before
    assert list(folder.glob("host-id")) == []


@pytest.mark.parametrize("kind", ["pipe", "folder"])
async def test_an_id_that_is_no_file_hangs_nobody(host: LocalHost, tmp_path: Path, kind: str) -> None:
    """A pipe or a folder in the place of the id is an error that names it."""
    (tmp_path / "data").mkdir(mode=0o700)
    path = tmp_path / "data" / "host-id"
    os.mkfifo(path) if kind == "pipe" else path.mkdir()
    with pytest.raises(Unavailable, match="host-id"):
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
