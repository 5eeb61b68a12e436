"""Runners and supervisors that are killed at random moments: an attempt is executed at most once."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from headway_core.processes import NeverStarted, Running, Vanished
from headway_core.sessions import run_of
from headway_local import LocalSupervisor
from headway_testing.contracts.supervisor import RUN, until_ended

pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]
Living = Callable[[], list[int]]
Until = Callable[[Callable[[], bool]], None]

RUNNERS = """
import os, sys, anyio
from pathlib import Path
from headway_core.processes import Launch
from headway_core.sessions import run_of
from headway_local import LocalSupervisor

root, worktree = Path(sys.argv[1]), sys.argv[2]

async def runner(attempt):
    supervisor = LocalSupervisor(root)
    while True:
        script = f"echo {attempt} >> executions; sleep 0.03"
        launch = Launch(run=run_of("s-1", attempt), argv=("sh", "-c", script), cwd=worktree,
                        environment={}, standard_input="go")
        await supervisor.start(launch)
        await supervisor.settle(run_of("s-1", attempt))
        attempt += 1

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        anyio.run(runner, int(line), backend="trio")
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


class Runners:
    """Starts runners without the time that Python takes to import; one at a time."""

    def __init__(self, root: Path, worktree: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUNNERS, str(root), str(worktree)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, attempt: int) -> int:
        """Start one that begins with this attempt; its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{attempt}\n")
        self._process.stdin.flush()
        return int(self._line())

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self._line() == "ended\n"

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = tmp_path / "worktree"
    folder.mkdir()
    return folder


@pytest.fixture
def runners(tmp_path: Path, worktree: Path) -> Iterator[Runners]:
    runners = Runners(tmp_path / "data", worktree)
    yield runners
    runners.close()


def attempts(root: Path) -> list[int]:
    folder = root / "sessions" / "s-1"
    return sorted(int(path.name) for path in folder.iterdir()) if folder.exists() else [0]


@pytest.mark.lesson("F7", "F13")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("victims", ["runner", "runner and supervisors"])
async def test_killed_at_random_moments(
    tmp_path: Path, runners: Runners, living: Living, until: Until, victims: str
) -> None:
    """However runners and supervisors die, no attempt is executed twice, and what settles stays so.

    The next runner begins with the attempt of the last, as a repeated start would, or with the one after.
    """
    chance = random.Random(7)
    root = tmp_path / "data"
    pid = runners.start(0)
    begun = anyio.current_time()
    until(lambda: attempts(root)[-1] >= 3)
    span = (anyio.current_time() - begun) * 0.7  # about two attempts, on this machine and now
    runners.kill(pid)
    for _ in range(30):
        pid = runners.start(attempts(root)[-1] + chance.choice((0, 1)))
        await anyio.sleep(chance.uniform(0.0, span))
        runners.kill(pid)
        if victims != "runner":
            for attempt in attempts(root)[-2:]:
                with suppress(FileNotFoundError, IndexError, ValueError, ProcessLookupError):
                    started = (root / "sessions/s-1" / str(attempt) / "started").read_text()
                    if not (root / "sessions/s-1" / str(attempt) / "exit").exists():
                        os.kill(int(started.split()[1]), signal.SIGKILL)
    supervisor = LocalSupervisor(root)
    seen = attempts(root)
    settled = {}
    for attempt in seen:
        await supervisor.settle(run_of("s-1", attempt))
        settled[attempt] = await until_ended(supervisor, run_of("s-1", attempt))
    executed = Counter(int(line) for line in (tmp_path / "worktree" / "executions").read_text().split())
    assert len(seen) > 5
    assert [attempt for attempt in seen if executed[attempt] > 1] == []
    for attempt, found in settled.items():
        if isinstance(found, NeverStarted):
            assert executed[attempt] == 0
        elif not isinstance(found, Vanished):
            assert executed[attempt] == 1
        assert not isinstance(found, Running)
        assert await supervisor.settle(run_of("s-1", attempt)) == found
    # A supervisor that was on its way finds its attempt closed, and goes.
    until(lambda: set(living()) <= {runners._process.pid})


@pytest.mark.recovers("running")
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_agents_outlive_their_runner(tmp_path: Path, worktree: Path, runners: Runners) -> None:
    """A runner that is killed leaves its agent running to its own end, for the next one to adopt."""
    supervisor = LocalSupervisor(tmp_path / "data")
    pid = runners.start(1)
    with anyio.fail_after(10):
        while not (worktree / "executions").exists():  # noqa: ASYNC110 - another process's file
            await anyio.sleep(0.002)
    runners.kill(pid)
    found = await until_ended(supervisor, RUN)
    assert found == await supervisor.settle(RUN)
    assert getattr(found, "exit_code", None) == 0
