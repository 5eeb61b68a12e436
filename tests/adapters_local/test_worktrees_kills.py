"""Worktrees made by processes that are killed, and by several processes at once."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from headway_core.workspaces.ports import WorktreeOrder, WorktreeOutcome
from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]

CREATORS = """
import os, sys, anyio
from headway_core.workspaces.ports import WorktreeOrder
from headway_local import GitWorktrees

repo, base = sys.argv[1:]

async def create(*names):
    for name in names:
        order = WorktreeOrder(
            workspace_id=name, repo_path=repo, base_path=base, path=f"{base}/{name}",
            branch=f"headway/{name}", new_branch=True, base_branch="main",
        )
        print(await GitWorktrees().create(order), flush=True)

print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        anyio.run(create, *line.split())
        os._exit(0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("ended", flush=True)
"""


class Creators:
    """Starts processes that make worktrees, without the time that Python takes to import."""

    def __init__(self, repo: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CREATORS, str(repo), str(repo.parent / "base")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.line() == "ready"

    def start(self, *names: str) -> int:
        """Start one that makes these; its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(names) + "\n")
        self._process.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def repo(tmp_path: Path, git: Run) -> Path:
    """A repository with enough files that a checkout takes a moment."""
    folder = tmp_path / "repo"
    (folder / "src").mkdir(parents=True)
    for number in range(300):
        (folder / "src" / f"{number}.txt").write_text(f"{number}\n" * 50)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    (tmp_path / "base").mkdir()
    return folder


@pytest.fixture
def creators(repo: Path) -> Iterator[tuple[Creators, Creators]]:
    two = (Creators(repo), Creators(repo))
    yield two
    for one in two:
        one.close()


def order(repo: Path, name: str) -> WorktreeOrder:
    place = repo.parent / "base"
    return WorktreeOrder(
        workspace_id=name,
        repo_path=str(repo),
        base_path=str(place),
        path=str(place / name),
        branch=f"headway/{name}",
        new_branch=True,
        base_branch="main",
    )


@pytest.mark.recovers("half-made")
@pytest.mark.lesson("L9")
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_create_killed_at_random_moments_is_repeated(
    repo: Path, git: Run, creators: tuple[Creators, Creators]
) -> None:
    """Killed anywhere, the next process makes a complete worktree of it, without another branch or lock."""
    chance = random.Random(1)
    first, _ = creators
    for number in range(10):
        name = f"w{number}"
        pid = first.start(name)
        await anyio.sleep(chance.uniform(0.0, 0.15))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while first.line() != "ended":
            pass  # it said that it had made the worktree, just before
        outcome = await GitWorktrees().create(order(repo, name))
        assert outcome in {WorktreeOutcome.CREATED, WorktreeOutcome.REUSED}
        state = await GitWorktrees().state(str(repo), order(repo, name).path, "main")
        assert state is not None
        assert (state.branch, state.dirty) == (f"headway/{name}", False)
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 11
    assert list((repo / ".git").rglob("*.lock")) == []
    assert len(list((repo.parent / "base").iterdir())) == 10


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_processes_share_a_repository(
    repo: Path, git: Run, creators: tuple[Creators, Creators]
) -> None:
    """Two processes that make worktrees in one repository at the same time both succeed."""
    for side, one in zip("ab", creators, strict=True):
        one.start(*(f"{side}{number}" for number in range(3)))
    said = [[one.line() for _ in range(4)] for one in creators]
    assert said == [["created", "created", "created", "ended"]] * 2
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 7
