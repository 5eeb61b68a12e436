"""What attempts print: how much of it is kept, and how it is read, with real processes."""

import contextlib
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from headway_core.kernel.errors import InvalidInput
from headway_core.processes import Exited, Launch, OutputPart
from headway_local import LocalSupervisor
from headway_local.outputs import read_part, tail
from headway_local.supervised_output import Output
from headway_testing.contracts.supervisor import RUN, until_ended

pytestmark = pytest.mark.anyio
Until = Callable[[Callable[[], bool]], None]
LIMIT = 4000
PRINTED = "".join(f"line {number}\n" for number in range(5000))


def shell(folder: Path, script: str) -> Launch:
    return Launch(run=RUN, argv=("sh", "-c", script), cwd=str(folder), environment={}, standard_input="")


async def read_all(supervisor: LocalSupervisor, limit: int) -> list[OutputPart]:
    parts, offset = [], 0
    while (part := await supervisor.read_output(RUN, offset, limit=limit)) is not None and part.text:
        parts.append(part)
        offset = part.next_offset
    return parts


def kept_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("output*"))


async def test_output_within_the_limit_is_kept_whole(tmp_path: Path) -> None:
    """Whatever the files it lies in: reading it gives every byte."""
    supervisor = LocalSupervisor(tmp_path / "data", output_limit=len(PRINTED) + 100)
    await supervisor.start(shell(tmp_path, "seq -f 'line %.0f' 0 4999"))
    assert await until_ended(supervisor) == Exited(exit_code=0)
    assert len(list(supervisor.folder(RUN).glob("output*"))) == 3
    for limit in (97, 1000, 1_000_000):
        parts = await read_all(supervisor, limit)
        assert "".join(part.text for part in parts) == PRINTED
        assert sum(part.left_out for part in parts) == 0
    assert await supervisor.output(RUN, limit=1_000_000) == PRINTED
    assert await supervisor.output(RUN, limit=30_000) == PRINTED[-30_000:]


async def test_of_long_output_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    """Within the limit on disk, exactly half of it from the beginning, and what lies between is counted."""
    supervisor = LocalSupervisor(tmp_path / "data", output_limit=LIMIT)
    await supervisor.start(shell(tmp_path, "seq -f 'line %.0f' 0 4999"))
    assert await until_ended(supervisor) == Exited(exit_code=0)
    folder = supervisor.folder(RUN)
    assert LIMIT * 3 // 4 <= kept_bytes(folder) <= LIMIT
    assert {path.stat().st_mode & 0o777 for path in folder.glob("output*")} == {0o600}
    for limit in (7, 500, 1_000_000):
        parts = await read_all(supervisor, limit)
        begin = "".join(part.text for part in parts if part.offset < LIMIT // 2)
        end = "".join(part.text for part in parts if part.offset >= LIMIT // 2)
        assert begin == PRINTED[: LIMIT // 2]
        assert len(end) >= LIMIT // 4
        assert PRINTED.endswith(end)
        assert [part.left_out for part in parts if part.left_out] == [len(PRINTED) - len(begin) - len(end)]
    assert await supervisor.output(RUN, limit=900) == PRINTED[-900:]


async def test_a_flood_costs_the_supervising_program_no_memory(tmp_path: Path, until: Until) -> None:
    """A hundred megabytes come and go; the program that keeps them stays as small as it was."""
    supervisor = LocalSupervisor(tmp_path / "data", output_limit=1_000_000)
    script = "while ! test -e go; do sleep 0.01; done; "
    script += "yes 0123456789 | head -c 100000000; touch said; exec sleep 60"
    await supervisor.start(shell(tmp_path, script))
    program = psutil.Process(int((supervisor.folder(RUN) / "started").read_text().split()[1]))
    before = program.memory_info().rss
    (tmp_path / "go").touch()
    until((tmp_path / "said").exists)
    assert program.memory_info().rss < before + 4_000_000
    assert kept_bytes(supervisor.folder(RUN)) <= 1_000_000
    await supervisor.stop(RUN)


async def test_output_is_readable_while_the_agent_runs(tmp_path: Path, until: Until) -> None:
    """What was printed is there soon, and a stop loses nothing of it, last words included."""
    supervisor = LocalSupervisor(tmp_path / "data")
    script = "trap 'echo bye; exit 4' TERM; echo hello; while :; do read -r line; done"
    await supervisor.start(shell(tmp_path, script))
    until(lambda: kept_bytes(supervisor.folder(RUN)) > 0)
    assert await supervisor.output(RUN) == "hello\n"
    assert await supervisor.stop(RUN) == Exited(exit_code=4)
    assert await supervisor.output(RUN) == "hello\nbye\n"


async def test_an_agent_that_closes_its_output_runs_on(tmp_path: Path) -> None:
    """Nobody waits for words of a program that can say none."""
    supervisor = LocalSupervisor(tmp_path / "data")
    await supervisor.start(shell(tmp_path, "echo hello; exec >&- 2>&-; sleep 0.1; exit 5"))
    assert await until_ended(supervisor) == Exited(exit_code=5)
    assert await supervisor.output(RUN) == "hello\n"


@contextlib.contextmanager
def room_in_each_file(size: int) -> Iterator[None]:
    """No file of this process becomes larger: a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_stops_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be written is read and left out; the words after it are kept when they can be, and no file
    without words takes the place of one with some.
    """
    monkeypatch.chdir(tmp_path)
    output = Output(LIMIT)

    def prints(text: str) -> None:
        os.write(output.sink, text.encode())
        assert output.take()

    with room_in_each_file(100):
        prints("a" * 150)
    prints("b" * 10)
    with room_in_each_file(0):
        for _ in range(5):
            prints("c" * 10)
    prints("d" * 10)
    os.close(output.sink)
    assert not output.take()
    os.close(output.source)
    parts, offset = [], 0
    while (part := read_part(tmp_path, offset, LIMIT)) is not None and part.text:
        parts.append((part.text, part.left_out))
        offset = part.next_offset
    assert parts == [("a" * 100, 0), ("b" * 10, 50), ("d" * 10, 50)]


async def test_characters_are_whole_in_every_part(tmp_path: Path) -> None:
    """Also where two files meet, and where something was left out."""
    (tmp_path / "output").write_bytes("aé".encode()[:2])
    (tmp_path / "output.2").write_bytes("é".encode()[1:] + "bñ".encode()[:2])
    (tmp_path / "output.10").write_bytes("ñ".encode()[1:] + "c直".encode())
    (tmp_path / "output.15").write_bytes("直".encode()[:2])
    parts, offset = [], 0
    while (part := read_part(tmp_path, offset, 4)) is not None and part.text:
        parts.append((part.text, part.offset, part.left_out))
        offset = part.next_offset
    assert parts == [("aéb", 0, 0), ("\ufffd", 4, 0), ("c", 11, 6), ("直", 12, 0)]
    assert part is not None
    assert part.next_offset == 15, "the rest of the last character may still come"
    assert tail(tmp_path, 6) == "c直\ufffd"
    assert tail(tmp_path, 5) == "直\ufffd"


async def test_files_that_the_agent_puts_there_are_not_followed(tmp_path: Path) -> None:
    """A link or a pipe in the place of the output says nothing, and hangs nobody."""
    (tmp_path / "secret").write_text("hush-hush")
    folder = tmp_path / "attempt"
    folder.mkdir()
    (folder / "output").symlink_to(tmp_path / "secret")
    (folder / "output.x").write_text("hush-hush")
    part = read_part(folder, 0, 100)
    assert part is not None
    assert (part.text, tail(folder, 100)) == ("", "")


@pytest.mark.parametrize(("offset", "limit"), [(-1, 100), (0, 3)])
async def test_what_is_asked_for_must_be_possible(tmp_path: Path, offset: int, limit: int) -> None:
    """No part begins before the first byte, and each has room for a character."""
    with pytest.raises(InvalidInput):
        await LocalSupervisor(tmp_path).read_output(RUN, offset, limit=limit)
