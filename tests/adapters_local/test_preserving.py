"""Work is saved before it goes: what `preserve` keeps, and what `remove` refuses (I12, L7)."""
# ruff: noqa: ASYNC240 - what people do to files between two calls blocks nobody

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from headway_core.kernel.errors import Conflict, Unavailable
from headway_core.workspaces.ports import WorktreeOrder
from headway_local import GitWorktrees

Run = Callable[..., str]
pytestmark = [pytest.mark.anyio, pytest.mark.lesson("L7")]
REF = "refs/headway/preserved/one"


@attrs.frozen
class Workspace:
    """A worktree `one` on the branch `headway/one`."""

    order: WorktreeOrder
    git: Run

    @property
    def folder(self) -> Path:
        return Path(self.order.path)

    async def preserve(self) -> str | None:
        return await GitWorktrees().preserve(self.order.repo_path, self.order.path, "one")

    async def remove(self) -> None:
        await GitWorktrees().remove(
            self.order.repo_path, self.order.base_path, self.order.path, lose_ignored=False
        )

    def show(self, ref: str, name: str) -> str:
        """A file as a ref has it."""
        return self.git(self.order.repo_path, "show", f"{ref}:{name}")


@pytest.fixture
async def workspace(tmp_path: Path, git: Run) -> Workspace:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "README").write_text("hello\n")
    (repo / "old.txt").write_text("old\n")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "--message=first")
    order = WorktreeOrder(
        workspace_id="one",
        repo_path=str(repo),
        base_path=str(tmp_path / "base"),
        path=str(tmp_path / "base" / "one"),
        branch="headway/one",
        new_branch=True,
        base_branch="main",
    )
    await GitWorktrees().create(order)
    return Workspace(order, git)


async def test_everything_is_committed_on_the_branch(workspace: Workspace) -> None:
    """Changed, staged, untracked, renamed and deleted files are on the branch, by the repository's user."""
    (workspace.folder / "README").write_text("changed\n")
    (workspace.folder / "new dir").mkdir()
    (workspace.folder / "new dir" / "ünï\tcode.txt").write_text("new\n")
    (workspace.folder / "staged.txt").write_text("staged\n")
    workspace.git(workspace.folder, "add", "staged.txt")
    workspace.git(workspace.folder, "mv", "old.txt", "renamed.txt")
    assert await workspace.preserve() == "refs/heads/headway/one"
    assert workspace.git(workspace.folder, "status", "--porcelain") == ""
    assert workspace.show("headway/one", "README") == "changed"
    assert workspace.show("headway/one", "new dir/ünï\tcode.txt") == "new"
    log = workspace.git(workspace.folder, "log", "-1", "--format=%an|%ae|%cn|%s|%b")
    assert log.startswith("Ada Lovelace|ada@example.org|Ada Lovelace|Save work in progress|")
    assert "Headway-Workspace: one" in log
    await workspace.remove()
    assert not workspace.folder.exists()


async def test_without_a_user_headway_signs(workspace: Workspace, home: Path) -> None:
    """A repository that knows no user does not make the work be lost; nor does signing that is asked for."""
    (home / ".gitconfig").write_text("[commit]\n\tgpgSign = true\n[user]\n\tuseConfigOnly = true\n")
    (workspace.folder / "new.txt").write_text("new\n")
    assert await workspace.preserve() == "refs/heads/headway/one"
    assert workspace.git(workspace.folder, "log", "-1", "--format=%an <%ae>") == "Headway <headway@localhost>"


@pytest.mark.parametrize("state", ["merge", "detached"])
async def test_in_the_middle_of_something_a_ref_keeps_it(workspace: Workspace, state: str) -> None:
    """Conflict markers and work beside a branch never enter the branch; they are kept, and can be removed."""
    git, folder = workspace.git, workspace.folder
    if state == "merge":
        (folder / "README").write_text("mine\n")
        git(folder, "commit", "--quiet", "--all", "--message=mine")
        git(folder, "branch", "other", "main")
        git(workspace.order.repo_path, "checkout", "--quiet", "other")
        Path(workspace.order.repo_path, "README").write_text("theirs\n")
        git(workspace.order.repo_path, "commit", "--quiet", "--all", "--message=theirs")
        with pytest.raises(Exception, match="exit status 1"):
            git(folder, "merge", "other")
    else:
        git(folder, "checkout", "--quiet", "--detach")
        (folder / "README").write_text("<<<<<<< detached\n")
    tip = git(workspace.order.repo_path, "rev-parse", "headway/one")
    with pytest.raises(Conflict, match="uncommitted"):
        await workspace.remove()
    assert await workspace.preserve() == REF
    assert await workspace.preserve() == REF
    assert git(workspace.order.repo_path, "rev-parse", "headway/one") == tip
    assert "<<<<<<<" in workspace.show(REF, "README")
    (folder / "later.txt").write_text("later\n")
    with pytest.raises(Conflict, match="uncommitted"):
        await workspace.remove()
    first = git(workspace.order.repo_path, "rev-parse", REF)
    assert await workspace.preserve() == REF
    assert git(workspace.order.repo_path, "rev-parse", f"{REF}^2") == first
    await workspace.remove()
    assert workspace.show(REF, "later.txt") == "later"


async def test_commits_on_no_branch_are_kept(workspace: Workspace) -> None:
    """Commits that only a detached HEAD holds are no less somebody's work."""
    workspace.git(workspace.folder, "checkout", "--quiet", "--detach")
    workspace.git(workspace.folder, "commit", "--quiet", "--allow-empty", "--message=loose")
    loose = workspace.git(workspace.folder, "rev-parse", "HEAD")
    with pytest.raises(Conflict, match="on no branch"):
        await workspace.remove()
    assert await workspace.preserve() == REF
    await workspace.remove()
    assert workspace.git(workspace.order.repo_path, "rev-parse", REF) == loose


async def test_a_repository_inside_is_not_swallowed(workspace: Workspace) -> None:
    """Git would keep only the name of a repository inside a worktree: it is refused, and stays."""
    inner = workspace.folder / "lib" / "inner"
    inner.mkdir(parents=True)
    workspace.git(inner, "init", "--quiet")
    workspace.git(inner, "commit", "--quiet", "--allow-empty", "--message=inner")
    with pytest.raises(Conflict, match=r"lib/inner.*a git repository of its own"):
        await workspace.preserve()
    with pytest.raises(Conflict):
        await workspace.remove()
    assert (inner / ".git").exists()


async def test_a_submodule_with_work_is_not_lost(workspace: Workspace, tmp_path: Path) -> None:
    """A submodule with a commit of its own is refused; an untouched one goes with the worktree."""
    git, folder = workspace.git, workspace.folder
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    git(library, "commit", "--quiet", "--allow-empty", "--message=library")
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(folder, "commit", "--quiet", "--message=submodule")
    git(folder / "lib", "commit", "--quiet", "--allow-empty", "--message=fix")
    with pytest.raises(Conflict, match="submodule 'lib' holds work"):
        await workspace.preserve()
    with pytest.raises(Conflict, match="submodule"):
        await workspace.remove()
    git(folder / "lib", "reset", "--quiet", "--hard", "HEAD^")
    await workspace.remove()
    assert not folder.exists()


async def test_killed_between_commit_and_index_is_repeated(workspace: Workspace) -> None:
    """A branch that moved on without its index is no work: the repetition only sets the index right."""
    (workspace.folder / "new.txt").write_text("new\n")
    tip = workspace.git(workspace.folder, "rev-parse", "HEAD")
    await workspace.preserve()
    workspace.git(workspace.folder, "reset", "--quiet", "--mixed", tip)
    workspace.git(workspace.folder, "update-ref", "HEAD", "HEAD@{1}")
    assert workspace.git(workspace.folder, "status", "--porcelain") != ""
    assert await workspace.preserve() is None
    assert workspace.git(workspace.folder, "status", "--porcelain") == ""


async def test_the_index_is_left_alone_until_the_work_is_saved(workspace: Workspace) -> None:
    """When saving fails, worktree and index are as they were."""
    (workspace.folder / "README").write_text("staged\n")
    workspace.git(workspace.folder, "add", "README")
    (workspace.folder / "README").write_text("changed after\n")
    (workspace.folder / "secret").mkdir()
    workspace.git(workspace.folder / "secret", "init", "--quiet")  # git add fails: no commit to point at
    before = workspace.git(workspace.folder, "status", "--porcelain")
    with pytest.raises(Unavailable, match="git: "):
        await workspace.preserve()
    assert workspace.git(workspace.folder, "status", "--porcelain") == before
    assert workspace.git(workspace.folder, "show", ":README") == "staged"
