"""A clean worktree is brought forward to a head that others pushed; nothing in it is ever overwritten."""

import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.workspaces.ports import WorktreeOrder
from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = pytest.mark.anyio
BRANCH = "headway/one"


@attrs.frozen
class Place:
    """A worktree of a pushed branch, and the clone of somebody else."""

    repo: Path
    bare: Path
    path: Path
    other: Path
    git: Run

    def somebody_pushes(self, name: str = "more", *, amends: bool = False) -> str:
        self.git(self.other, "pull", "--quiet", "--rebase", "origin", BRANCH)
        (self.other / name).write_text("more\n")
        self.git(self.other, "add", "--force", name)
        self.git(self.other, "commit", "--quiet", "--message", name, *(["--amend"] if amends else []))
        self.git(self.other, "push", "--quiet", "--force", "origin", f"HEAD:{BRANCH}")
        return self.git(self.other, "rev-parse", "HEAD")

    def commit(self, name: str) -> None:
        (self.path / name).write_text("mine\n")
        self.git(self.path, "add", name)
        self.git(self.path, "commit", "--quiet", "--message", name)

    @property
    def head(self) -> str:
        return self.git(self.path, "rev-parse", "HEAD")


@pytest.fixture
def worktrees() -> GitWorktrees:
    return GitWorktrees()


@pytest.fixture
async def place(tmp_path: Path, git: Run, worktrees: GitWorktrees) -> Place:
    repo, base, bare, other = (tmp_path / name for name in ("repo", "base", "origin.git", "other"))
    for folder in (repo, base):
        folder.mkdir()
    git(repo, "init", "--quiet")
    (repo / "README").write_text("hello\n")
    (repo / ".gitignore").write_text(".env\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=first")
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(repo, "remote", "add", "origin", str(bare))
    await worktrees.create(
        WorktreeOrder(
            workspace_id="one",
            repo_path=str(repo),
            base_path=str(base),
            path=str(base / "one"),
            branch=BRANCH,
            new_branch=True,
            base_branch="main",
        )
    )
    place = Place(repo, bare, base / "one", other, git)
    place.commit("work")
    git(place.path, "push", "--quiet", "origin", BRANCH)
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(bare), str(other))
    return place


async def test_a_clean_worktree_follows_what_others_pushed(place: Place, worktrees: GitWorktrees) -> None:
    """Also by several commits, and once more changes nothing."""
    place.somebody_pushes("one")
    head = place.somebody_pushes("two")
    for _ in range(2):
        assert await worktrees.fast_forward(str(place.path), BRANCH, head)
        assert place.head == head
    assert (place.path / "two").read_text() == "more\n"
    assert place.git(place.path, "status", "--porcelain") == ""


async def test_a_clone_of_one_branch_follows_too(place: Place, worktrees: GitWorktrees) -> None:
    """Its refspec never fetches the branch; it is asked for by name."""
    place.git(place.repo, "config", "remote.origin.fetch", "+refs/heads/main:refs/remotes/origin/main")
    head = place.somebody_pushes()
    assert await worktrees.fast_forward(str(place.path), BRANCH, head)
    assert place.head == head


def _edits(place: Place) -> None:
    (place.path / "README").write_text("mine\n")


def _stages(place: Place) -> None:
    _edits(place)
    place.git(place.path, "add", "README")


def _leaves_a_file(place: Place) -> None:
    (place.path / "notes").write_text("mine\n")


def _hides_an_edit(place: Place) -> None:
    _edits(place)
    place.git(place.path, "update-index", "--assume-unchanged", "README")


def _commits(place: Place) -> None:
    place.commit("mine")


def _is_elsewhere(place: Place) -> None:
    place.git(place.path, "checkout", "--quiet", "-b", "elsewhere")


def _is_on_no_branch(place: Place) -> None:
    place.git(place.path, "checkout", "--quiet", "--detach")


@pytest.mark.parametrize(
    "does",
    [_edits, _stages, _leaves_a_file, _hides_an_edit, _commits, _is_elsewhere, _is_on_no_branch],
    ids=lambda does: does.__name__,
)
async def test_what_a_person_does_there_stays(
    place: Place, worktrees: GitWorktrees, does: Callable[[Place], None]
) -> None:
    """Uncommitted work, work that status does not show, commits and another branch: nothing is moved."""
    head = place.somebody_pushes("README")
    does(place)
    before = (place.head, (place.path / "README").read_text(), sorted(p.name for p in place.path.iterdir()))
    assert not await worktrees.fast_forward(str(place.path), BRANCH, head)
    after = (place.head, (place.path / "README").read_text(), sorted(p.name for p in place.path.iterdir()))
    assert after == before


async def test_a_file_that_git_ignores_is_not_overwritten(place: Place, worktrees: GitWorktrees) -> None:
    """Somebody commits a file whose name is ignored, and it lies there with a person's content."""
    (place.path / ".env").write_text("SECRET\n")
    head = place.somebody_pushes(".env")
    assert not await worktrees.fast_forward(str(place.path), BRANCH, head)
    assert (place.path / ".env").read_text() == "SECRET\n"


async def test_a_branch_that_was_forced_is_not_followed(place: Place, worktrees: GitWorktrees) -> None:
    """The head does not contain the worktree's commit, or is one before it."""
    before = place.head
    first = place.git(place.path, "rev-parse", "HEAD^")
    assert not await worktrees.fast_forward(str(place.path), BRANCH, first)
    head = place.somebody_pushes(amends=True)
    assert not await worktrees.fast_forward(str(place.path), BRANCH, head)
    assert place.head == before


async def test_a_head_that_origin_does_not_have_is_not_followed(
    place: Place, worktrees: GitWorktrees
) -> None:
    """A fork's, or one that nobody pushed: it is asked for, and not there."""
    assert not await worktrees.fast_forward(str(place.path), BRANCH, "c" * 40)


async def test_an_origin_that_is_away_is_told(place: Place, worktrees: GitWorktrees) -> None:
    """Then it is tried again."""
    head = place.somebody_pushes()
    shutil.rmtree(place.bare)
    with pytest.raises(Unavailable):
        await worktrees.fast_forward(str(place.path), BRANCH, head)


async def test_changes_are_known_again(place: Place, worktrees: GitWorktrees) -> None:
    """The same changes have the same digest; another edit of the same file, or of a file in a folder, not."""

    async def digest() -> str | None:
        state = await worktrees.state(str(place.repo), str(place.path), "main")
        assert state is not None
        assert (state.changes is None) is not state.dirty
        return state.changes

    assert await digest() is None
    (place.path / "notes").mkdir()
    (place.path / "notes" / "a").write_text("1")
    first = await digest()
    assert first == await digest()
    (place.path / "notes" / "a").write_text("22")
    second = await digest()
    (place.path / "README").write_text("mine\n")
    third = await digest()
    place.git(place.path, "add", "README")
    assert len({first, second, third, await digest()}) == 4
