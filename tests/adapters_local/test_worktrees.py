"""Worktrees of real repositories, with and without `origin`."""
# ruff: noqa: ASYNC240 - what people do to files between two calls blocks nobody

import os
from collections.abc import Callable
from pathlib import Path

import anyio
import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
from headway_core.workspaces.ports import BranchCheckout, Standing, WorktreeOutcome
from headway_local import GitWorktrees
from headway_testing.contracts.worktrees import WorktreesContract, WorktreeStage

Run = Callable[..., str]
pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]


@attrs.frozen
class RealStage(WorktreeStage):
    """A repository on the disk."""

    git: Run

    async def add_branch(self, name: str) -> None:
        self.git(self.repo_path, "branch", name)

    async def write(self, worktree: str, name: str) -> None:
        Path(worktree, name).write_text("work\n")

    async def write_ignored(self, worktree: str, name: str) -> None:
        exclude = Path(self.repo_path, ".git/info/exclude")
        exclude.write_text(f"{name}\n")
        Path(worktree, name).write_text("secret\n")

    async def take_git_away(self, worktree: str) -> None:
        Path(worktree, ".git").unlink()


@pytest.fixture
def stage(tmp_path: Path, git: Run) -> RealStage:
    repo, base, elsewhere = tmp_path / "repo", tmp_path / "worktrees", tmp_path / "elsewhere"
    for folder in (repo, base, elsewhere):
        folder.mkdir()
    git(repo, "init", "--quiet", "--initial-branch=main")
    (repo / "README").write_text("hello\n")
    git(repo, "add", "README")
    git(repo, "commit", "--quiet", "--message=first")
    return RealStage(str(repo), str(base), str(elsewhere), git)


@pytest.fixture
def worktrees() -> GitWorktrees:
    return GitWorktrees()


@pytest.fixture
def origin(stage: RealStage, tmp_path: Path, git: Run) -> Path:
    """A bare `origin` of the repository, which knows `main`."""
    bare = tmp_path / "origin.git"
    git(tmp_path, "clone", "--quiet", "--bare", stage.repo_path, str(bare))
    git(stage.repo_path, "remote", "add", "origin", str(bare))
    git(stage.repo_path, "fetch", "--quiet", "origin")
    return bare


@pytest.fixture
def push(origin: Path, tmp_path: Path, git: Run) -> Callable[[str, str], str]:
    """Somebody else pushes a commit to a branch of `origin`; its id."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(origin), str(other))

    def somebody_pushes(branch: str, name: str) -> str:
        git(other, "fetch", "--quiet")
        exists = git(other, "ls-remote", "origin", f"refs/heads/{branch}")
        git(other, "checkout", "--quiet", "-B", branch, f"origin/{branch}" if exists else "origin/main")
        (other / name).write_text("more\n")
        git(other, "add", name)
        git(other, "commit", "--quiet", "--message", name)
        git(other, "push", "--quiet", "origin", branch)
        return git(other, "rev-parse", "HEAD")

    return somebody_pushes


class TestGitWorktrees(WorktreesContract):
    """The contract, on real git."""


async def test_repository_tells_its_origin_without_credentials(
    worktrees: GitWorktrees, stage: RealStage, git: Run
) -> None:
    """A folder deep inside, and a worktree, lead to the main one; no password is told (I11)."""
    git(stage.repo_path, "remote", "add", "origin", "https://me:sec%40ret@github.com/octo/demo.git")
    Path(stage.repo_path, "deep").mkdir()
    await worktrees.create(stage.order("one"))
    for inside in (f"{stage.repo_path}/deep", stage.order("one").path):
        found = await worktrees.repository(inside)
        assert (found.path, found.origin_url) == (stage.repo_path, "https://github.com/octo/demo.git")


async def test_default_branch_is_the_one_of_origin(
    worktrees: GitWorktrees, stage: RealStage, origin: Path, git: Run
) -> None:
    """`origin/HEAD` says what the default branch is, whatever is checked out; a bare repository its HEAD."""
    git(stage.repo_path, "remote", "set-head", "origin", "main")
    git(stage.repo_path, "checkout", "--quiet", "-b", "mine")
    assert (await worktrees.repository(stage.repo_path)).default_branch == "main"
    bare = await worktrees.repository(str(origin))
    assert (bare.path, bare.default_branch, bare.origin_url) == (str(origin), "main", stage.repo_path)


async def test_detached_repository_has_no_default_branch(
    worktrees: GitWorktrees, stage: RealStage, git: Run
) -> None:
    """Nobody guesses a default branch."""
    git(stage.repo_path, "checkout", "--quiet", "--detach")
    with pytest.raises(InvalidInput, match="path: HEAD is detached"):
        await worktrees.repository(stage.repo_path)


@pytest.mark.parametrize("name", [b"x\xff", b"\xed\xa0\x80/y", b"\xc3"], ids=ascii)
async def test_a_branch_that_is_no_text_is_told_as_text(
    worktrees: GitWorktrees, stage: RealStage, git: Run, name: bytes
) -> None:
    """An agent may call it so; what is told of it can be stored, and is no name of another branch."""
    order = stage.order("one")
    await worktrees.create(order)
    git(order.path, "checkout", "--quiet", "-b", os.fsdecode(name))
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert state.branch is not None
    assert state.branch.encode().decode("unicode_escape").encode("latin-1") == name
    assert "\\x" in state.branch


@given(name=st.one_of(st.text(max_size=30), st.from_regex(r"[-@./~^:{}a-z]{1,12}", fullmatch=True)))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_name_is_refused_or_round_trips(
    worktrees: GitWorktrees, stage: RealStage, git: Run, name: str
) -> None:
    """Whatever a branch is called: it is refused by name, or exactly that branch exists afterwards."""
    order = stage.order("one", branch=name)
    head = git(stage.repo_path, "rev-parse", "HEAD")
    try:
        outcome = await worktrees.create(order)
    except InvalidInput:
        assert not await worktrees.valid_branch_name(name)
        return
    if outcome is WorktreeOutcome.BRANCH_TAKEN:
        assert name == "main"
        return
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.branch, state.head) == (name, head)
    await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
    git(stage.repo_path, "update-ref", "-d", f"refs/heads/{name}")


async def test_unusable_names_are_refused_before_git(worktrees: GitWorktrees) -> None:
    """Names too long for a file, names of commits, and text that is none, are no branches."""
    for name in ("a" * 300, "x/" + "b" * 201, "0" * 40, "f" * 64, "a\0b", "\ud800", "\udcff"):
        assert not await worktrees.valid_branch_name(name)


async def test_a_tag_of_the_same_name_is_not_meant(
    worktrees: GitWorktrees, stage: RealStage, git: Run
) -> None:
    """A branch is taken by its full name: a tag called the same does not lead elsewhere."""
    await stage.add_branch("v1")
    tip = git(stage.repo_path, "rev-parse", "refs/heads/v1")
    git(stage.repo_path, "commit", "--quiet", "--allow-empty", "--message=second")
    git(stage.repo_path, "tag", "v1")
    order = stage.order("one", branch="v1", new_branch=False)
    await worktrees.create(order)
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.branch, state.head, state.dirty) == ("v1", tip, False)


async def test_name_in_the_way_is_refused(worktrees: GitWorktrees, stage: RealStage) -> None:
    """A branch `headway` leaves no room for `headway/one`: no other suffix would help, so it is refused."""
    await stage.add_branch("headway")
    with pytest.raises(InvalidInput, match=r"branch: .*'headway' does not leave room"):
        await worktrees.create(stage.order("one"))


async def test_new_branch_begins_at_what_origin_has(
    worktrees: GitWorktrees, stage: RealStage, push: Callable[[str, str], str]
) -> None:
    """The base is fetched: what others have pushed meanwhile is there."""
    tip = push("main", "news.txt")
    order = stage.order("one")
    assert await worktrees.create(order) is WorktreeOutcome.CREATED
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.head, state.unpushed) == (tip, 0)


async def test_without_origin_the_base_is_local_then_stale(
    worktrees: GitWorktrees, stage: RealStage, push: Callable[[str, str], str], origin: Path, git: Run
) -> None:
    """When origin can't be reached: the local base, else what origin had when it was last seen."""
    stale = push("develop", "dev.txt")
    git(stage.repo_path, "fetch", "--quiet", "origin")
    origin.rename(origin.with_suffix(".gone"))
    git(stage.repo_path, "commit", "--quiet", "--allow-empty", "--message=local")
    for name, base, expected in (
        ("one", "main", git(stage.repo_path, "rev-parse", "main")),
        ("two", "develop", stale),
    ):
        await worktrees.create(stage.order(name, base_branch=base))
        state = await worktrees.state(stage.repo_path, stage.order(name).path, base)
        assert state is not None
        assert state.head == expected


async def test_missing_base_is_refused(worktrees: GitWorktrees, stage: RealStage, git: Run) -> None:
    """A base without a commit names the field, and leaves neither branch nor folder."""
    with pytest.raises(InvalidInput) as refused:
        await worktrees.create(stage.order("one", base_branch="nowhere"))
    assert refused.value.field == "base_branch"
    assert git(stage.repo_path, "branch", "--format=%(refname)") == "refs/heads/main"
    assert list(Path(stage.base_path).iterdir()) == []


async def test_branch_that_only_origin_has_is_taken_and_found(
    worktrees: GitWorktrees, stage: RealStage, push: Callable[[str, str], str]
) -> None:
    """Work that somebody pushed under the name of a new branch is seen before a push would clash."""
    push("headway/one", "theirs.txt")
    assert await worktrees.find_branch(stage.repo_path, "headway/one") == BranchCheckout(checked_out_at=None)
    assert await worktrees.create(stage.order("one")) is WorktreeOutcome.BRANCH_TAKEN


async def test_branch_of_origin_is_resumed_where_it_stands(
    worktrees: GitWorktrees, stage: RealStage, push: Callable[[str, str], str], git: Run
) -> None:
    """A pushed branch is fetched, follows origin, and one that is behind here is moved forward."""
    push("feature", "a.txt")
    order = stage.order("one", branch="feature", new_branch=False)
    await worktrees.create(order)
    assert git(order.path, "rev-parse", "--abbrev-ref", "feature@{upstream}") == "origin/feature"
    await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
    tip = push("feature", "b.txt")
    await worktrees.create(order)
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.head, state.unpushed) == (tip, 0)


async def test_branch_with_commits_of_its_own_is_not_moved(
    worktrees: GitWorktrees, stage: RealStage, push: Callable[[str, str], str], git: Run
) -> None:
    """A branch that has gone another way here stays where it is: nothing is thrown away."""
    push("feature", "a.txt")
    git(stage.repo_path, "branch", "--quiet", "feature")
    git(stage.repo_path, "checkout", "--quiet", "feature")
    git(stage.repo_path, "commit", "--quiet", "--allow-empty", "--message=mine")
    mine = git(stage.repo_path, "rev-parse", "HEAD")
    git(stage.repo_path, "checkout", "--quiet", "main")
    order = stage.order("one", branch="feature", new_branch=False)
    await worktrees.create(order)
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.head, state.unpushed) == (mine, 1)


async def test_unpushed_counts_against_the_branch_then_the_base(
    worktrees: GitWorktrees, stage: RealStage, origin: Path, git: Run
) -> None:
    """Commits are unpushed until origin's branch of the same name has them."""
    order = stage.order("one")
    await worktrees.create(order)
    counts = []
    for push_it in (False, True):
        git(order.path, "commit", "--quiet", "--allow-empty", "--message=work")
        if push_it:
            git(order.path, "push", "--quiet", "origin", "HEAD")
        state = await worktrees.state(stage.repo_path, order.path, "main")
        assert state is not None
        counts.append(state.unpushed)
    assert counts == [1, 0]


async def test_no_hook_runs(worktrees: GitWorktrees, stage: RealStage, tmp_path: Path) -> None:
    """Neither a worktree nor a preserved commit runs a hook of the repository."""
    marker = tmp_path / "hook-ran"
    for hook in ("post-checkout", "pre-commit", "post-commit", "reference-transaction"):
        path = Path(stage.repo_path, ".git/hooks", hook)
        path.write_text(f"#!/bin/sh\necho {hook} >> {marker}\n")
        path.chmod(0o755)
    order = stage.order("one")
    await worktrees.create(order)
    await stage.write(order.path, "work.txt")
    await worktrees.put_away(stage.away("one"))
    assert not Path(order.path).exists()
    assert not marker.exists()


@pytest.mark.lesson("L9")
async def test_failed_create_leaves_nothing(worktrees: GitWorktrees, stage: RealStage, git: Run) -> None:
    """When git can't make the worktree, its folder, its registration and its new branch are gone."""
    Path(stage.repo_path, ".gitattributes").write_text("README filter=broken\n")
    git(stage.repo_path, "add", ".gitattributes")
    git(stage.repo_path, "commit", "--quiet", "--message=filter")
    git(stage.repo_path, "config", "--global", "filter.broken.smudge", "false")
    git(stage.repo_path, "config", "--global", "filter.broken.required", "true")
    with pytest.raises(Unavailable, match="git: worktree: "):
        await worktrees.create(stage.order("one"))
    assert list(Path(stage.base_path).iterdir()) == []
    assert git(stage.repo_path, "branch", "--format=%(refname)") == "refs/heads/main"
    assert git(stage.repo_path, "worktree", "list", "--porcelain").count("worktree ") == 1
    git(stage.repo_path, "config", "--global", "--unset", "filter.broken.required")
    assert await worktrees.create(stage.order("one")) is WorktreeOutcome.CREATED


@pytest.mark.lesson("L9", "L10")
@pytest.mark.parametrize("reached", ["branch", "marker", "worktree", "no .git", "no registration"])
async def test_killed_create_is_repeated(
    worktrees: GitWorktrees, stage: RealStage, git: Run, reached: str
) -> None:
    """Whatever a killed attempt left, the next one of its workspace goes on, and no other does."""
    order = stage.order("one")
    reason = "headway: made for workspace one"
    head = git(stage.repo_path, "rev-parse", "HEAD")
    git(stage.repo_path, "update-ref", "--create-reflog", "-m", reason, f"refs/heads/{order.branch}", head)
    if reached != "branch":
        Path(stage.base_path, ".headway-making-one").touch()
    if reached not in {"branch", "marker"}:
        git(stage.repo_path, "worktree", "add", order.path, order.branch)
        Path(order.path, "half").write_text("half\n")
        Path(stage.repo_path, ".git/worktrees/one/index").unlink()  # git writes it last
    if reached in {"no .git", "no registration"}:
        Path(order.path, ".git").unlink()
    if reached == "no registration":
        git(stage.repo_path, "worktree", "prune")
    two = stage.order("two", branch=order.branch)
    assert await worktrees.create(two) is WorktreeOutcome.BRANCH_TAKEN
    assert await worktrees.create(order) is WorktreeOutcome.CREATED
    state = await worktrees.state(stage.repo_path, order.path, "main")
    assert state is not None
    assert (state.branch, state.dirty) == (order.branch, False)
    assert await worktrees.create(order) is WorktreeOutcome.REUSED
    assert [path.name for path in Path(stage.base_path).iterdir()] == ["one"]


@pytest.mark.lesson("L9")
async def test_unfinished_worktree_is_no_work(worktrees: GitWorktrees, stage: RealStage, git: Run) -> None:
    """What was never finished counts as no work and is removed, though git calls it dirty."""
    order = stage.order("one")
    Path(stage.base_path, ".headway-making-one").touch()
    git(stage.repo_path, "worktree", "add", "-b", order.branch, order.path)
    Path(order.path, "README").unlink()
    Path(stage.repo_path, ".git/worktrees/one/index").unlink()  # git writes it last
    assert await worktrees.state(stage.repo_path, order.path, "main") is None
    (stray,) = await worktrees.strays(stage.repo_path, stage.base_path, frozenset())
    assert (stray.path, stray.holds_work) == (order.path, False)
    await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
    assert list(Path(stage.base_path).iterdir()) == []


async def test_worktree_of_another_workspace_is_not_reused(worktrees: GitWorktrees, stage: RealStage) -> None:
    """The same path and branch for another workspace is refused, and the worktree stays."""
    order = stage.order("one")
    await worktrees.create(order)
    with pytest.raises(InvalidInput, match="path"):
        await worktrees.create(attrs.evolve(order, workspace_id="two"))
    assert await worktrees.create(order) is WorktreeOutcome.REUSED


@pytest.mark.lesson("L9")
async def test_folder_that_is_in_the_way_is_kept(worktrees: GitWorktrees, stage: RealStage) -> None:
    """A folder with somebody's files is never written over; an empty one is used."""
    order = stage.order("one")
    Path(order.path).mkdir()
    keep = Path(order.path, "precious.txt")
    keep.write_text("mine\n")
    with pytest.raises(InvalidInput, match="path"):
        await worktrees.create(order)
    with pytest.raises(InvalidInput, match="path"):
        await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=True)
    keep.unlink()
    assert await worktrees.create(order) is WorktreeOutcome.CREATED


async def test_worktree_deleted_behind_our_back_is_made_again(
    worktrees: GitWorktrees, stage: RealStage, tmp_path: Path
) -> None:
    """A registration without its folder blocks neither a retry, nor the branch, nor a removal."""
    order = stage.order("one")
    await worktrees.create(order)
    Path(order.path).rename(tmp_path / "away")
    assert await worktrees.state(stage.repo_path, order.path, "main") is None
    assert await worktrees.standing(stage.repo_path, order.path) is Standing.MISSING
    assert await worktrees.create(order) is WorktreeOutcome.CREATED
    Path(order.path).rename(tmp_path / "away too")
    resumed = stage.order("two", branch=order.branch, new_branch=False)
    assert await worktrees.create(resumed) is WorktreeOutcome.CREATED
    Path(resumed.path).rename(tmp_path / "away again")
    await worktrees.remove(stage.repo_path, stage.base_path, resumed.path, lose_ignored=False)
    assert await worktrees.find_branch(stage.repo_path, order.branch) == BranchCheckout(checked_out_at=None)


@pytest.mark.lesson("L8")
@pytest.mark.parametrize("target", ["outside", "another worktree"])
async def test_a_link_leads_nowhere(
    worktrees: GitWorktrees, stage: RealStage, tmp_path: Path, git: Run, target: str
) -> None:
    """A symbolic link in the stage of a worktree never leads a removal to what it points at."""
    victim = tmp_path / "victim"
    if target == "outside":
        git(stage.repo_path, "worktree", "add", "--quiet", "-b", "theirs", str(victim))
    else:
        victim = Path(stage.order("two").path)
        await worktrees.create(stage.order("two"))
    link = Path(stage.order("one").path)
    link.symlink_to(victim)
    for act in (
        worktrees.remove(stage.repo_path, stage.base_path, str(link), lose_ignored=True),
        worktrees.create(stage.order("one")),
    ):
        with pytest.raises(InvalidInput, match="path"):
            await act
    assert (victim / "README").exists()


@pytest.mark.lesson("L8")
async def test_a_link_on_the_way_leads_nowhere(
    worktrees: GitWorktrees, stage: RealStage, tmp_path: Path
) -> None:
    """A parent folder that is a link out of the base is seen through; a base that is a link is fine."""
    (tmp_path / "out").mkdir()
    Path(stage.base_path, "team").symlink_to(tmp_path / "out")
    with pytest.raises(InvalidInput, match="path"):
        await worktrees.create(stage.order("one", path=f"{stage.base_path}/team/one"))
    alias = tmp_path / "alias"
    alias.symlink_to(stage.base_path)
    order = stage.order("one", base_path=str(alias), path=f"{alias}/one")
    assert await worktrees.create(order) is WorktreeOutcome.CREATED
    assert await worktrees.create(order) is WorktreeOutcome.REUSED
    await worktrees.remove(stage.repo_path, str(alias), order.path, lose_ignored=False)
    assert not Path(order.path).exists()


async def test_repository_itself_is_never_removed(worktrees: GitWorktrees, stage: RealStage) -> None:
    """The main worktree is no workspace's, even when it lies inside the base."""
    base = str(Path(stage.repo_path).parent)
    with pytest.raises(InvalidInput, match="the repository itself"):
        await worktrees.remove(stage.repo_path, base, stage.repo_path, lose_ignored=True)
    assert Path(stage.repo_path, "README").exists()


async def test_worktree_locked_by_a_person_is_kept(
    worktrees: GitWorktrees, stage: RealStage, git: Run
) -> None:
    """`git worktree lock` says no to us too."""
    order = stage.order("one")
    await worktrees.create(order)
    git(stage.repo_path, "worktree", "lock", "--reason=mine", order.path)
    with pytest.raises(Conflict, match="locked: mine"):
        await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=True)


@pytest.mark.recovers("trash")
async def test_killed_removal_is_repeated(worktrees: GitWorktrees, stage: RealStage) -> None:
    """A removal that was killed after the folder went is finished by the next one, and its rest by others."""
    order = stage.order("one")
    await worktrees.create(order)
    trash = Path(stage.base_path, ".headway-removed-0")
    Path(order.path).rename(trash)
    (trash / "read-only").mkdir()
    (trash / "read-only" / "file").write_text("x")
    (trash / "read-only").chmod(0o500)
    assert await worktrees.strays(stage.repo_path, stage.base_path, frozenset()) == ()
    await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
    assert list(Path(stage.base_path).iterdir()) == []


async def test_strays_hold_work_unless_git_says_no(
    worktrees: GitWorktrees, stage: RealStage, origin: Path, git: Run
) -> None:
    """Unpushed commits, ignored files and folders unknown to git count as work; empty folders do not."""
    for name in ("known", "clean", "ahead", "env"):
        await worktrees.create(stage.order(name))
    git(stage.order("ahead").path, "commit", "--quiet", "--allow-empty", "--message=work")
    await stage.write_ignored(stage.order("env").path, ".env")
    Path(stage.base_path, "empty").mkdir()
    Path(stage.base_path, "foreign").mkdir()
    Path(stage.base_path, "foreign/file").write_text("x")
    strays = await worktrees.strays(stage.repo_path, stage.base_path, frozenset({stage.order("known").path}))
    assert {Path(stray.path).name: stray.holds_work for stray in strays} == {
        "clean": False,
        "ahead": True,
        "env": True,
        "empty": False,
        "foreign": True,
    }


async def test_two_at_once_on_one_repository(worktrees: GitWorktrees, stage: RealStage) -> None:
    """Creations that race for git's own locks all succeed."""
    orders = [stage.order(f"w{number}") for number in range(6)]
    outcomes: list[WorktreeOutcome] = []

    async def create(number: int) -> None:
        outcomes.append(await worktrees.create(orders[number]))

    async with anyio.create_task_group() as group:
        for number in range(len(orders)):
            group.start_soon(create, number)
    assert outcomes == [WorktreeOutcome.CREATED] * len(orders)


async def test_cancelled_create_leaves_nothing_half_made(
    worktrees: GitWorktrees, stage: RealStage, git: Run
) -> None:
    """Cancelled at any moment, there is no worktree or a complete one; a repetition succeeds."""
    for number, delay in enumerate((0.0, 0.01, 0.02, 0.03, 0.05)):
        order = stage.order(f"w{number}")
        with anyio.move_on_after(delay):
            await worktrees.create(order)
        assert list(Path(stage.base_path).glob(".headway-making-*")) == []
        assert await worktrees.create(order) in {WorktreeOutcome.CREATED, WorktreeOutcome.REUSED}
