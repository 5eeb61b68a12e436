"""A process that dies anywhere while it puts a worktree away, and the next one that goes on."""
# ruff: noqa: ASYNC240 - what people do to files between two calls blocks nobody

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway_core.workspaces.ports import PutAwayOrder, WorktreeOrder
from headway_local import GitWorktrees
from headway_local.git import Git, GitResult

Run = Callable[..., str]
pytestmark = pytest.mark.anyio
MOST = 100


class Died(BaseException):
    """The process is gone."""


class Dying:
    """Counts the steps that are seen from outside: commands of git, and folders that are renamed."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Died


class DyingGit(Git):
    """Git, until the process dies: before a command that changes something."""

    def __init__(self, dying: Dying) -> None:
        super().__init__()
        self._dying = dying

    async def change(self, cwd: str, *words: str, **more: Any) -> GitResult:
        self._dying.step()
        return await super().change(cwd, *words, **more)


async def a_worktree(root: Path, git: Run) -> tuple[WorktreeOrder, PutAwayOrder]:
    repo = root / "repo"
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "f").write_text("hello\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=first")
    order = WorktreeOrder(
        workspace_id="one",
        repo_path=str(repo),
        base_path=str(root / "base"),
        path=str(root / "base" / "one"),
        branch="headway/one",
        new_branch=True,
        base_branch="main",
    )
    await GitWorktrees().create(order)
    away = PutAwayOrder(
        workspace_id="one",
        repo_path=order.repo_path,
        base_path=order.base_path,
        path=order.path,
        lose_ignored=False,
    )
    return order, away


def work(folder: Path, git: Run, *, nested: bool) -> None:
    """Commits of a reflog alone, staged content, and files; or a repository inside."""
    git(folder, "checkout", "--quiet", "--detach")
    (folder / "loose").write_text("loose\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=loose")
    git(folder, "checkout", "--quiet", "headway/one")
    (folder / "f").write_text("staged\n")
    git(folder, "add", "f")
    (folder / "f").write_text("written\n")
    if nested:
        inner = folder / "n"
        inner.mkdir()
        git(inner, "init", "--quiet")
        (inner / "p").write_text("inner\n")


@pytest.mark.recovers("archiving")
@pytest.mark.lesson("L4", "L7")
@pytest.mark.one_backend
@pytest.mark.kills
@pytest.mark.parametrize("nested", [False, True])
async def test_it_goes_on_wherever_its_process_died(
    tmp_path: Path, git: Run, monkeypatch: pytest.MonkeyPatch, nested: bool
) -> None:
    """Before the step nothing of the worktree was touched; after all, the same is kept at the same places."""
    rename = Path.rename
    expected: list[str] | None = None
    for at in range(MOST):
        root = tmp_path / str(at)
        order, away = await a_worktree(root, git)
        folder, repo = Path(order.path), Path(order.repo_path)
        work(folder, git, nested=nested)
        index = (repo / ".git/worktrees/one/index").read_bytes()
        tip = git(repo, "rev-parse", "headway/one")
        dying = Dying(at)

        def counted(self: Path, target: Path, dying: Dying = dying) -> Path:
            dying.step()
            return rename(self, target)

        monkeypatch.setattr(Path, "rename", counted)
        try:
            await GitWorktrees(DyingGit(dying)).put_away(away)
            died = False
        except Died:
            died = True
        monkeypatch.setattr(Path, "rename", rename)
        if folder.exists():
            assert (repo / ".git/worktrees/one/index").read_bytes() == index
            assert git(repo, "rev-parse", "headway/one") == tip
        kept = (await GitWorktrees().put_away(away)).kept
        told = [place.removeprefix(str(root)) for place in kept if "/earlier-" not in place]
        expected = expected or told
        assert told == expected
        assert not folder.exists()
        assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 1
        assert "staged" in git(repo, "show", "refs/headway/preserved/one/index:f")
        if nested:
            assert (root / "base/.headway-preserved/one/1/worktree/n/p").read_text() == "inner\n"
            assert (root / "base/.headway-preserved/one/1/git/HEAD").exists()
        else:
            assert git(repo, "show", "headway/one:f") == "written"
        if not died:
            break
    assert 10 < at < MOST
