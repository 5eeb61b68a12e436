"""Worktrees made by processes that are killed, and by several processes at once."""


import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headway_core.workspaces.ports import WorktreeOrder, WorktreeOutcome
from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = pytest.mark.anyio

CREATE = """
import anyio, sys
from headway_core.workspaces.ports import WorktreeOrder
from headway_local import GitWorktrees

repo, base, *names = sys.argv[1:]
async def create():
    print("ready", flush=True)
    sys.stdin.readline()
    for name in names:
        order = WorktreeOrder(
            workspace_id=name, repo_path=repo, base_path=base, path=f"{base}/{name}",
            branch=f"headway/{name}", new_branch=True, base_branch="main",
        )
        print(await GitWorktrees().create(order), flush=True)
anyio.run(create)
"""


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


def creator(repo: Path, *names: str) -> subprocess.Popen[str]:
    """A process that is ready to make worktrees."""
    process = subprocess.Popen(
        [sys.executable, "-c", CREATE, str(repo), str(repo.parent / "base"), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


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


@pytest.mark.lesson("L9")
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_create_killed_at_random_moments_is_repeated(repo: Path, git: Run) -> None:
    """Killed anywhere, the next process makes a complete worktree of it, without another branch or lock."""
    chance = random.Random(1)
    for number in range(8):
        name = f"w{number}"
        process = creator(repo, name)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        try:
            process.wait(chance.uniform(0.0, 0.12))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        outcome = await GitWorktrees().create(order(repo, name))
        assert outcome in {WorktreeOutcome.CREATED, WorktreeOutcome.REUSED}
        state = await GitWorktrees().state(str(repo), order(repo, name).path, "main")
        assert state is not None
        assert (state.branch, state.dirty) == (f"headway/{name}", False)
    listed = git(repo, "worktree", "list", "--porcelain")
    assert listed.count("worktree ") == 9
    assert list((repo / ".git").rglob("*.lock")) == []
    assert len(list((repo.parent / "base").iterdir())) == 8


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_processes_share_a_repository(repo: Path, git: Run) -> None:
    """Two processes that make worktrees in one repository at the same time both succeed."""
    both = [creator(repo, *(f"{side}{number}" for number in range(3))) for side in "ab"]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0].split() for process in both]
    assert said == [["created"] * 3] * 2
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 7
