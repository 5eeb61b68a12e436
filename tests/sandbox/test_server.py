"""The server as a process: CI for real, kills, adoption, and no process left behind."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from headway_sandbox import (
    CheckStatus,
    Conclusion,
    FaultKind,
    ReviewState,
    SandboxControl,
    SandboxProcess,
    World,
    launch,
)
from headway_sandbox.commands import RunView, WorldState
from headway_sandbox.errors import CommandRefused, ServerFailed
from headway_sandbox.server import _listen
from headway_sandbox.store import Store

pytestmark = pytest.mark.anyio

GOOD = "def answer():\n    return 42\n"
BAD = "def answer():\n    return 41\n"


@pytest.fixture
def start() -> Iterator[Callable[[World], SandboxProcess]]:
    """Launch servers that end with the test."""
    running: list[SandboxProcess] = []

    def begin(world: World) -> SandboxProcess:
        running.append(launch(world.state_file))
        return running[-1]

    yield begin
    for server in running:
        server.stop()


@pytest.fixture
async def github(
    make_world: Callable[..., World], start: Callable[[World], SandboxProcess]
) -> AsyncIterator[SandboxControl]:
    """The control client of a running server for the usual world."""
    async with start(make_world()).control() as control:
        yield control


async def until(
    github: SandboxControl, condition: Callable[[WorldState], Any], seconds: float = 15
) -> WorldState:
    """Wait until the world is so, and return it."""
    with anyio.fail_after(seconds):
        while True:  # another process's world has no event to wait for
            state = await github.state()
            if condition(state):
                return state
            await anyio.sleep(0.05)


def runs(state: WorldState) -> tuple[RunView, ...]:
    """Return the check runs of the only repository."""
    return state.repositories[0].runs


def finished(count: int) -> Callable[[WorldState], bool]:
    """Say that `count` runs are there and done."""
    return lambda state: [run.status for run in runs(state)] == [CheckStatus.COMPLETED] * count


def alive(pid: int) -> bool:
    """Say whether the process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def gone(*pids: int) -> None:
    """Wait until none of the processes runs."""
    with anyio.fail_after(5):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110 (not our children: no event)
            await anyio.sleep(0.02)


async def test_ci_runs_the_tests_of_what_was_pushed(github: SandboxControl, clone: Any) -> None:
    """A red push is red by the repository's own tests, the fix is green, and nobody asked for it."""
    red = clone.push("fix", {"sample.py": BAD})
    await github.open_pull_request("alice", "fix", "Fix")
    state = await until(github, finished(1))
    (run,) = runs(state)
    assert (run.commit, run.conclusion, run.title) == (
        red,
        Conclusion.FAILURE,
        "Tests failed with exit code 1",
    )
    assert "AssertionError: 41 != 42" in str(run.summary)
    green = clone.push("fix", {"sample.py": GOOD + "\n"})
    state = await until(github, finished(2))
    assert (runs(state)[1].commit, runs(state)[1].conclusion) == (green, Conclusion.SUCCESS)
    assert state.repositories[0].pulls[0].merge_state == "CLEAN"
    again = await github.rerun(runs(state)[0].id)
    assert again.id not in {run.id for run in runs(state)}
    state = await until(github, finished(3))
    assert [run.replaced for run in runs(state)] == [True, False, False]


SPY = (
    "import json, os, unittest\n\n\nclass Spy(unittest.TestCase):\n    def test(self):\n"
    "        print('ENV', sorted(os.environ))\n        print('HOME', os.environ['HOME'])\n"
)


async def test_ci_sees_a_scrubbed_environment(
    make_world: Callable[..., World],
    start: Callable[[World], SandboxProcess],
    clone: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command sees the few variables that are promised, and none of the server's."""
    monkeypatch.setenv("GITHUB_TOKEN", "secret-of-the-launcher")
    monkeypatch.setenv("VIRTUAL_ENV", "/known/to/the/server")
    world = make_world(ci_env={"EXTRA": "1"})
    server = start(world)
    assert b"secret-of-the-launcher" not in await anyio.Path(f"/proc/{server.pid}/environ").read_bytes()
    async with server.control() as github:
        clone.push("fix", {"test_spy.py": SPY})
        await github.open_pull_request("alice", "fix", "Fix")
        (run,) = runs(await until(github, finished(1)))
        names = {"EXTRA", "HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR"}
        line = next(line for line in str(run.summary).splitlines() if line.startswith("ENV"))
        assert set(eval(line[4:])) - {"LC_CTYPE", "PWD"} == names  # noqa: S307 (a list that we printed)
        assert str(world.state_file.parent) in str(run.summary)
    assert list((world.state_file.parent / "sandbox.sqlite.ci").iterdir()) == []


SLOW = (
    "import os, subprocess, sys, time, unittest\n\n\nclass Slow(unittest.TestCase):\n    def test(self):\n"
    "        folder = {folder!r}\n"
    "        if os.path.exists(os.path.join(folder, 'go')):\n            return\n"
    "        escaped = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=True)\n"
    "        with open(os.path.join(folder, 'draft'), 'w') as file:\n"
    "            file.write(f'{{os.getpid()}} {{os.getppid()}} {{escaped.pid}}')\n"
    "        os.rename(os.path.join(folder, 'draft'), os.path.join(folder, 'pids'))\n"
    "        time.sleep(600)\n"
)


async def _pids(folder: Path) -> list[int]:
    with anyio.fail_after(10):
        while not (folder / "pids").exists():  # noqa: ASYNC110 (written by another process)
            await anyio.sleep(0.02)
    return [int(word) for word in (folder / "pids").read_text().split()]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
async def test_interrupted_ci_runs_again_under_its_id(
    make_world: Callable[..., World],
    start: Callable[[World], SandboxProcess],
    clone: Any,
    tmp_path: Path,
    end: signal.Signals,
) -> None:
    """A server that dies takes its CI along; the next one has the same URL and repeats the run."""
    world = make_world()
    first = start(world)
    async with first.control() as github:
        clone.push("fix", {"test_slow.py": SLOW.format(folder=str(tmp_path))})
        await github.open_pull_request("alice", "fix", "Fix", key="open")
        pids = await _pids(tmp_path)
        assert all(alive(pid) for pid in pids)
        (interrupted,) = runs(await github.state())
        os.kill(first.pid, end)
        await gone(first.pid, *pids)
    (tmp_path / "go").touch()
    second = start(world)
    assert (second.url, second.adopted) == (first.url, False)
    async with second.control() as github:
        assert (await github.open_pull_request("alice", "fix", "Fix", key="open")).number == 1
        (run,) = runs(await until(github, finished(1)))
        assert (run.id, run.attempts) == (interrupted.id, 2)
        assert run.conclusion is Conclusion.SUCCESS


async def test_ci_time_limit(
    make_world: Callable[..., World], start: Callable[[World], SandboxProcess], clone: Any, tmp_path: Path
) -> None:
    """A command that does not end is ended with all that it started, and reported as TIMED_OUT."""
    async with start(make_world(ci_timeout=1.0)).control() as github:
        clone.push("fix", {"test_slow.py": SLOW.format(folder=str(tmp_path))})
        await github.open_pull_request("alice", "fix", "Fix")
        (run,) = runs(await until(github, finished(1)))
        assert run.conclusion is Conclusion.TIMED_OUT
    await gone(*await _pids(tmp_path))


async def test_one_server_a_file(
    make_world: Callable[..., World], start: Callable[[World], SandboxProcess], tmp_path: Path
) -> None:
    """A second launch adopts the first server; a second server on the file refuses to start."""
    world = make_world()
    first, second = start(world), start(world)
    assert (second.pid, second.adopted) == (first.pid, True)
    command = [sys.executable, "-m", "headway_sandbox", "serve", "--state", str(world.state_file)]
    done = await anyio.run_process(command, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    first.stop()
    assert not alive(first.pid)
    assert world.control_token not in (tmp_path / "sandbox.sqlite.log").read_text()
    for name in ("sandbox.sqlite", "sandbox.sqlite.token"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


async def test_http_doors(github: SandboxControl, make_world: Callable[..., World]) -> None:
    """Wrong tokens and foreign hosts are refused; limits stand on the answers of GraphQL."""
    world = make_world()
    async with httpx.AsyncClient(base_url=world.url, trust_env=False) as client:
        query = {"query": "{ viewer { login } rateLimit { cost remaining } }"}
        refused = await client.post("/graphql", json=query)
        assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")
        token = {"authorization": f"bearer {world.tokens['bob']}"}
        answer = await client.post("/graphql", json=query, headers=token)
        assert answer.json()["data"]["viewer"] == {"login": "bob"}
        assert answer.headers["x-ratelimit-resource"] == "graphql"
        assert answer.json()["data"]["rateLimit"]["remaining"] == int(answer.headers["x-ratelimit-remaining"])
        foreign = await client.post("/graphql", json=query, headers={**token, "host": "evil.example"})
        assert foreign.status_code == 400
        # A user's token does not open the control API, and nothing does without one.
        assert (await client.get("/control/state", headers=token)).status_code == 401
        assert (await client.post("/control/ClearFaults")).status_code == 401
        await github.add_fault(FaultKind.SLOW, seconds=0.3)
        began = time.monotonic()
        assert (await client.post("/graphql", json=query, headers=token)).status_code == 200
        assert time.monotonic() - began >= 0.3
    with pytest.raises(CommandRefused, match="PullRequest with the number of 7"):
        await github.review("bob", 7, ReviewState.COMMENTED, "hm")


async def test_a_taken_port_is_an_error(make_world: Callable[..., World]) -> None:
    """A server whose port somebody else took says so instead of moving elsewhere."""
    world = make_world()
    port = int(world.url.rpartition(":")[2])
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port):
        with pytest.raises(ServerFailed, match=f"port {port} on 127.0.0.1 is taken"):
            await anyio.to_thread.run_sync(launch, world.state_file)


def test_start_is_quick(make_world: Callable[..., World], start: Callable[[World], SandboxProcess]) -> None:
    """A server answers in less than one and a half seconds."""
    world = make_world()

    def once() -> float:
        began = time.monotonic()
        server = start(world)
        taken = time.monotonic() - began
        server.stop()
        return taken

    assert any(once() < 1.5 for _ in range(3))  # the machine may be busy


def test_importing_the_package_is_cheap() -> None:
    """Importing the package loads neither server nor GraphQL."""
    script = "import sys, headway_sandbox; print({'uvicorn', 'graphql', 'httpx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


async def test_rivals_get_the_same_server(
    make_world: Callable[..., World], start: Callable[[World], SandboxProcess]
) -> None:
    """Launches at the same moment end with one server, known to all of them."""
    world = make_world()
    found: list[SandboxProcess] = []

    async def one() -> None:
        found.append(await anyio.to_thread.run_sync(start, world))

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(one)
    assert len({server.pid for server in found}) == 1


def test_answers_do_not_wait_for_acknowledgements(make_world: Callable[..., World]) -> None:
    """The listener is named as TCP: asyncio sends small parts at once on connections of such a one only."""
    with contextlib.closing(Store(make_world().state_file)) as store, _listen(store, [0]) as listener:
        assert listener.proto == socket.IPPROTO_TCP
