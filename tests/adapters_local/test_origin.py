"""What was pushed, in every kind of clone: by what `origin` has."""

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from headway_core.workspaces.ports import WorktreeOrder
from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]

CLONES = {
    "whole": (),
    "single branch": ("--single-branch",),
    "shallow": ("--depth=1",),
    "shallow, all branches": ("--depth=1", "--no-single-branch"),
    "single other branch": ("--single-branch", "--branch=develop"),
    "without blobs": ("--filter=blob:none", "--single-branch"),
}


@attrs.frozen
class Clone:
    """A clone with a worktree on `feature`, and `origin`."""

    git: Run
    origin: Path
    repo: Path
    order: WorktreeOrder
    worktrees: GitWorktrees

    def commit(self, name: str, folder: str | Path | None = None) -> str:
        folder = folder or self.order.path
        Path(folder, name).write_text(f"{name}\n")
        self.git(folder, "add", name)
        self.git(folder, "commit", "--quiet", "--message", name)
        return self.git(folder, "rev-parse", "HEAD")

    async def unpushed(self) -> int:
        state = await self.worktrees.state(str(self.repo), self.order.path, "main")
        assert state is not None
        return state.unpushed


@pytest.fixture
def clone(tmp_path: Path, git: Run) -> Callable[[str], Clone]:
    origin, first = tmp_path / "origin.git", tmp_path / "first"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", str(origin), str(first))
    for name in ("a", "b"):
        (first / name).write_text(f"{name}\n")
        git(first, "add", name)
        git(first, "commit", "--quiet", "--message", name)
    git(first, "push", "--quiet", "origin", "HEAD:main", "HEAD:develop")

    def make(kind: str) -> Clone:
        repo = tmp_path / "repo"
        git(tmp_path, "clone", "--quiet", *CLONES[kind], f"file://{origin}", str(repo))
        order = WorktreeOrder(
            workspace_id="one",
            repo_path=str(repo),
            base_path=str(tmp_path / "trees"),
            path=str(tmp_path / "trees/one"),
            branch="feature",
            new_branch=True,
            base_branch="main",
        )
        return Clone(git, origin, repo, order, GitWorktrees())

    return make


@pytest.mark.parametrize("kind", CLONES)
async def test_what_was_pushed_is_not_unpushed(clone: Callable[[str], Clone], kind: str) -> None:
    """Whatever the clone fetches by itself: commits are unpushed until `origin` has them, and no longer."""
    there = clone(kind)
    await there.worktrees.create(there.order)
    assert await there.unpushed() == 0
    there.commit("work")
    assert await there.unpushed() == 1
    there.git(there.order.path, "push", "--quiet", "origin", "HEAD")
    assert await there.unpushed() == 0
    there.commit("more")
    assert await there.unpushed() == 1
    there.git(there.order.path, "push", "--quiet", "origin", "HEAD")
    assert await there.unpushed() == 0


@pytest.mark.parametrize("kind", CLONES)
async def test_what_others_added_to_the_branch_leaves_it_pushed(
    clone: Callable[[str], Clone], tmp_path: Path, kind: str
) -> None:
    """A branch that went on at `origin`, by commits that are not here, has this head all the same."""
    there = clone(kind)
    await there.worktrees.create(there.order)
    there.commit("work")
    there.git(there.order.path, "push", "--quiet", "origin", "HEAD")
    other = tmp_path / "other"
    there.git(tmp_path, "clone", "--quiet", "--branch=feature", str(there.origin), str(other))
    there.commit("theirs", other)
    there.git(other, "push", "--quiet", "origin", "HEAD")
    assert await there.unpushed() == 0
    there.commit("mine")
    assert await there.unpushed() == 1


@pytest.mark.parametrize("kind", ["whole", "shallow"])
async def test_a_push_by_address_is_a_push(clone: Callable[[str], Clone], kind: str) -> None:
    """`git push <address>` moves no remote-tracking ref, and is a push."""
    there = clone(kind)
    await there.worktrees.create(there.order)
    there.commit("work")
    there.git(there.order.path, "push", "--quiet", str(there.origin), "HEAD:refs/heads/feature")
    assert await there.unpushed() == 0


async def test_a_push_under_another_name_is_none(clone: Callable[[str], Clone]) -> None:
    """The branch's own name counts: the pull request of `feature` does not have what `elsewhere` has."""
    there = clone("single branch")
    await there.worktrees.create(there.order)
    there.commit("work")
    there.git(there.order.path, "push", "--quiet", "origin", "HEAD:elsewhere")
    assert await there.unpushed() == 1


async def test_a_head_that_the_base_has_holds_nothing_unpushed(
    clone: Callable[[str], Clone], tmp_path: Path
) -> None:
    """A base that was pulled, and that the clone's refspec never follows, is what `origin` says it is."""
    there = clone("single other branch")
    await there.worktrees.create(there.order)
    other = tmp_path / "other"
    there.git(tmp_path, "clone", "--quiet", str(there.origin), str(other))
    there.commit("theirs", other)
    there.git(other, "push", "--quiet", "origin", "HEAD")
    there.git(there.order.path, "pull", "--quiet", "--ff-only", "origin", "main")
    assert await there.unpushed() == 0


async def test_without_an_answer_what_is_known_here_stands(clone: Callable[[str], Clone]) -> None:
    """An `origin` that is away makes nothing pushed, and what was seen to be pushed stays so."""
    there = clone("shallow")
    await there.worktrees.create(there.order)
    there.commit("work")
    there.git(there.order.path, "push", "--quiet", "origin", "HEAD")
    away = there.origin.with_suffix(".away")
    there.origin.rename(away)
    assert await there.unpushed() == 1
    away.rename(there.origin)
    assert await attrs.evolve(there, worktrees=GitWorktrees()).unpushed() == 0
    there.origin.rename(away)
    assert await there.unpushed() == 0


async def test_a_refspec_moves_no_branch_of_a_person(clone: Callable[[str], Clone], tmp_path: Path) -> None:
    """What the repository's configuration says that a fetch should do besides is not done by ours."""
    there = clone("whole")
    there.git(there.repo, "branch", "mine")
    mine = there.commit("mine", there.repo)
    there.git(there.repo, "branch", "--force", "mine", mine)
    there.git(there.repo, "config", "--add", "remote.origin.fetch", "+refs/heads/main:refs/heads/mine")
    there.git(there.repo, "config", "remote.origin.prune", "true")
    other = tmp_path / "other"
    there.git(tmp_path, "clone", "--quiet", str(there.origin), str(other))
    tip = there.commit("theirs", other)
    there.git(other, "push", "--quiet", "origin", "HEAD")
    await there.worktrees.create(there.order)
    assert there.git(there.order.path, "rev-parse", "HEAD") == tip
    assert there.git(there.repo, "rev-parse", "mine") == mine
