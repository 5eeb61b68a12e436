"""Which processes have to do with a folder."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def processes_of(folder: Path) -> list[tuple[int, str]]:
    """Living processes that have to do with it, by arguments, folder or environment: (pid, words)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            traces = words + str(entry.joinpath("cwd").readlink())
            traces += entry.joinpath("environ").read_bytes().decode(errors="replace")
            zombie = entry.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if str(folder) in traces and not zombie:
            found.append((int(entry.name), words))
    return found


def kill(pid: int) -> None:
    """SIGKILL, unless it is gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def expect_no_process(folder: Path) -> None:
    """Nothing that was started is left; what is ending has a moment for it."""
    deadline = time.monotonic() + 10
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)  # noqa: TID251  other processes end on the real clock
    assert not left, left
