"""What every `Worktrees` does. An adapter's test subclasses `WorktreesContract` and gives it a stage."""

import enum
from abc import ABC, abstractmethod
from typing import ClassVar

import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput
from headway_core.workspaces.ports import (
    BranchCheckout,
    PutAwayOrder,
    Standing,
    WorktreeOrder,
    WorktreeOutcome,
    Worktrees,
)
from headway_testing.contracts.suite import Capability, PortContract

HOSTILE_NAMES = (
    *("", "-", "--force", "-b", "--upload-pack=touch /tmp/x", "a b", "a..b", "a/../b", "/a", "a/", "a//b"),
    *("@{-1}", "a@{1}", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", ".a", "a/.b", "a.lock", "a.", "a\nb"),
)
"""Each could be an option, a path or another revision, and none is a branch."""
GOOD_NAMES = ("fix", "headway/fix-login", "feature/ünïcode", "v1.2", "UPPER_case", "a-b.c+d")


class WorktreesCapability(Capability):
    """What an adapter of git may lack; the rest holds for each."""

    IGNORED_FILES = enum.auto()
    """It knows which files git ignores, and keeps them until it is told to lose them."""
    STRAYS = enum.auto()
    """It finds worktrees that no workspace knows."""
    BROKEN_WORKTREES = enum.auto()
    """It tells a worktree whose `.git` is gone from one that is gone."""


@attrs.frozen
class WorktreeStage(ABC):
    """A repository with a commit on `main`, which is checked out, and without `origin`."""

    repo_path: str
    base_path: str
    """An existing folder beside the repository, empty."""
    elsewhere: str
    """An existing folder that is in no repository."""

    @abstractmethod
    async def add_branch(self, name: str) -> None:
        """Somebody makes a branch at `main`, and checks it out nowhere."""

    @abstractmethod
    async def write(self, worktree: str, name: str) -> None:
        """Somebody leaves an untracked file in a worktree."""

    @abstractmethod
    async def write_ignored(self, worktree: str, name: str) -> None:
        """Somebody leaves a file that git ignores in a worktree."""

    @abstractmethod
    async def take_git_away(self, worktree: str) -> None:
        """Somebody deletes what makes the folder a worktree; its files stay."""

    def away(self, name: str, *, lose_ignored: bool = False) -> PutAwayOrder:
        """Put the worktree of the workspace `<name>` away."""
        return PutAwayOrder(
            workspace_id=name,
            repo_path=self.repo_path,
            base_path=self.base_path,
            path=f"{self.base_path}/{name}",
            lose_ignored=lose_ignored,
        )

    def order(
        self,
        name: str,
        *,
        branch: str | None = None,
        new_branch: bool = True,
        base_branch: str = "main",
        base_path: str | None = None,
        path: str | None = None,
    ) -> WorktreeOrder:
        """A new branch `headway/<name>` from `main` in `<base>/<name>`, for the workspace `<name>`."""
        return WorktreeOrder(
            workspace_id=name,
            repo_path=self.repo_path,
            base_path=self.base_path if base_path is None else base_path,
            path=f"{self.base_path}/{name}" if path is None else path,
            branch=f"headway/{name}" if branch is None else branch,
            new_branch=new_branch,
            base_branch=base_branch,
        )


@pytest.mark.anyio
class WorktreesContract(PortContract):
    """Subclasses define the fixtures `worktrees` (a `Worktrees`) and `stage` (a `WorktreeStage`)."""

    port = Worktrees
    capabilities: ClassVar[frozenset[WorktreesCapability]] = frozenset(WorktreesCapability)

    async def test_repository_is_found_from_its_folder(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """A repository tells its path and its default branch."""
        found = await worktrees.repository(stage.repo_path)
        assert (found.path, found.default_branch) == (stage.repo_path, "main")

    async def test_folder_in_no_repository_is_refused(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """A folder outside of every repository, and one that does not exist, name the field `path`."""
        for path in (stage.elsewhere, f"{stage.elsewhere}/nothing"):
            with pytest.raises(InvalidInput) as refused:
                await worktrees.repository(path)
            assert refused.value.field == "path"

    async def test_worktree_belongs_to_its_repository(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """Its main path is that of the repository; a repair where nothing was moved changes nothing."""
        order = stage.order("one")
        await worktrees.create(order)
        before = await worktrees.state(stage.repo_path, order.path, "main")
        await worktrees.repair(stage.repo_path)
        for path in (stage.repo_path, order.path):
            assert await worktrees.main_path(path) == stage.repo_path
        with pytest.raises(InvalidInput, match="path"):
            await worktrees.main_path(stage.elsewhere)
        assert await worktrees.state(stage.repo_path, order.path, "main") == before

    async def test_names_of_branches_are_judged(self, worktrees: Worktrees) -> None:
        """What git would read otherwise is no name of a branch; slashes, dots and other scripts are fine."""
        names = (*HOSTILE_NAMES, *GOOD_NAMES)
        judged = [name for name in names if await worktrees.valid_branch_name(name)]
        assert judged == list(GOOD_NAMES)

    async def test_what_a_new_branch_starts_from_is_known(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """A branch that is here has a commit; one that is nowhere has none."""
        assert await worktrees.has_commit(stage.repo_path, "main")
        assert not await worktrees.has_commit(stage.repo_path, "nowhere")
        assert not await worktrees.on_origin(stage.repo_path, "nowhere")

    async def test_branches_below_a_prefix_are_told(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """By their whole names, deeper ones too; the prefix itself, and one that only begins so, are not."""
        for name in ("a/b", "a/c/d", "ab/c", "b"):
            await stage.add_branch(name)
        assert await worktrees.branches_below(stage.repo_path, "a") == {"a/b", "a/c/d"}
        for prefix in ("a/b", "nothing"):
            assert await worktrees.branches_below(stage.repo_path, prefix) == frozenset()

    async def test_branch_in_the_way_is_named(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """One whose name is a leading part of the new one; a mere beginning of it, or itself, is none."""
        await stage.add_branch("a/b")
        for name in ("a/b/c", "a/b/c/d"):
            assert await worktrees.in_the_way(stage.repo_path, name) == "a/b"
        for name in ("a/b", "a/bc", "a/bc/d", "b"):
            assert await worktrees.in_the_way(stage.repo_path, name) is None

    async def test_new_branch_is_made_once(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A worktree is created on its new branch; asked again, the same one is reused."""
        order = stage.order("one")
        assert await worktrees.create(order) is WorktreeOutcome.CREATED
        state = await worktrees.state(stage.repo_path, order.path, "main")
        assert state is not None
        assert (state.branch, state.dirty, state.unpushed, state.ignored) == ("headway/one", False, 0, ())
        assert await worktrees.create(order) is WorktreeOutcome.REUSED

    async def test_somebodys_branch_is_taken(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A new branch never takes over a name that exists, and nothing is made."""
        await stage.add_branch("headway/one")
        order = stage.order("one")
        assert await worktrees.create(order) is WorktreeOutcome.BRANCH_TAKEN
        assert await worktrees.state(stage.repo_path, order.path, "main") is None

    async def test_existing_branch_is_resumed(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A branch that exists gets a worktree."""
        await stage.add_branch("feature")
        order = stage.order("one", branch="feature", new_branch=False)
        assert await worktrees.create(order) is WorktreeOutcome.CREATED
        state = await worktrees.state(stage.repo_path, order.path, "main")
        assert state is not None
        assert state.branch == "feature"

    async def test_missing_branch_is_refused(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A branch that is to be resumed and exists nowhere names the field `branch`."""
        order = stage.order("one", branch="nowhere", new_branch=False)
        with pytest.raises(InvalidInput) as refused:
            await worktrees.create(order)
        assert refused.value.field == "branch"
        assert await worktrees.state(stage.repo_path, order.path, "main") is None

    async def test_branch_is_checked_out_once(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A branch that the repository or another worktree has checked out is a conflict."""
        await worktrees.create(stage.order("one"))
        for branch in ("main", "headway/one"):
            with pytest.raises(Conflict):
                await worktrees.create(stage.order("two", branch=branch, new_branch=False))
        assert await worktrees.state(stage.repo_path, stage.order("two").path, "main") is None

    async def test_branch_is_found_with_its_place(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """A branch is found with the worktree that has it, the main one included; a missing one is not."""
        await stage.add_branch("free")
        order = stage.order("one")
        await worktrees.create(order)
        expected = {
            "main": BranchCheckout(checked_out_at=stage.repo_path),
            "headway/one": BranchCheckout(checked_out_at=order.path),
            "free": BranchCheckout(checked_out_at=None),
            "nowhere": None,
        }
        assert {name: await worktrees.find_branch(stage.repo_path, name) for name in expected} == expected

    @pytest.mark.parametrize("tail", ["", "/..", "/../beside", "-beside/x", "/a/../../beside"])
    async def test_nothing_outside_the_base_is_touched(
        self, worktrees: Worktrees, stage: WorktreeStage, tail: str
    ) -> None:
        """A path that is not strictly inside the base is refused by `create` and by `remove`."""
        path = f"{stage.base_path}{tail}"
        with pytest.raises(InvalidInput) as create:
            await worktrees.create(stage.order("one", path=path))
        with pytest.raises(InvalidInput) as remove:
            await worktrees.remove(stage.repo_path, stage.base_path, path, lose_ignored=True)
        away = attrs.evolve(stage.away("one"), path=path)
        with pytest.raises(InvalidInput) as put_away:
            await worktrees.put_away(away)
        fields = (create.value.field, remove.value.field, put_away.value.field)
        assert fields == ("path", "path", "path")
        assert await worktrees.find_branch(stage.repo_path, "headway/one") is None

    async def test_uncommitted_work_is_never_removed(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """A worktree with an untracked file is not removed, but put away: the branch has the file, and a
        repetition tells the same.
        """
        order = stage.order("one")
        await worktrees.create(order)
        await stage.write(order.path, "work.txt")
        with pytest.raises(Conflict):
            await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=True)
        for _ in range(2):
            assert (await worktrees.put_away(stage.away("one"))).kept == ("refs/heads/headway/one",)
            assert await worktrees.standing(stage.repo_path, order.path) is Standing.MISSING
        assert await worktrees.state(stage.repo_path, order.path, "main") is None

    async def test_a_worktree_without_work_goes_without_a_trace(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """Nothing is kept of it, and nothing is preserved."""
        order = stage.order("one")
        await worktrees.create(order)
        assert await worktrees.standing(stage.repo_path, order.path) is Standing.STANDS
        assert (await worktrees.put_away(stage.away("one"))).kept == ()
        assert await worktrees.preserved(stage.repo_path, stage.base_path) == ()
        assert await worktrees.find_branch(stage.repo_path, order.branch) == BranchCheckout(
            checked_out_at=None
        )

    async def test_what_git_can_not_hold_is_kept_and_brought_back(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """A folder that is no worktree any more is kept whole, comes back into another, and is dropped."""
        self.needs(WorktreesCapability.BROKEN_WORKTREES)
        order = stage.order("one")
        await worktrees.create(order)
        await stage.write(order.path, "work.txt")
        await stage.take_git_away(order.path)
        assert await worktrees.standing(stage.repo_path, order.path) is Standing.BROKEN
        assert await worktrees.state(stage.repo_path, order.path, "main") is None
        (kept,) = (await worktrees.put_away(stage.away("one"))).kept
        assert (await worktrees.put_away(stage.away("one"))).kept == (kept,)
        (preserved,) = await worktrees.preserved(stage.repo_path, stage.base_path)
        assert (preserved.workspace_id, preserved.places) == ("one", (kept,))
        again = stage.order("two", branch=order.branch, new_branch=False)
        assert await worktrees.create(again) is WorktreeOutcome.CREATED
        back = await worktrees.bring_back(stage.repo_path, stage.base_path, again.path, "one")
        assert back.told
        state = await worktrees.state(stage.repo_path, again.path, "main")
        assert state is not None
        assert state.dirty
        ask = stage.repo_path, stage.base_path, "made/again"
        assert not await worktrees.make_preserved_branch(*ask, "another")
        assert await worktrees.make_preserved_branch(*ask, "one")
        assert await worktrees.find_branch(stage.repo_path, "made/again") == BranchCheckout(
            checked_out_at=None
        )
        for _ in range(2):
            await worktrees.drop_preserved(stage.repo_path, stage.base_path, "one")
            assert await worktrees.preserved(stage.repo_path, stage.base_path) == ()

    async def test_ignored_files_need_a_word(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """Ignored files are listed, and lost only when the caller says so."""
        self.needs(WorktreesCapability.IGNORED_FILES)
        order = stage.order("one")
        await worktrees.create(order)
        await stage.write_ignored(order.path, ".env")
        state = await worktrees.state(stage.repo_path, order.path, "main")
        assert state is not None
        assert (state.ignored, state.dirty) == ((".env",), False)
        with pytest.raises(Conflict):
            await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
        with pytest.raises(Conflict):
            await worktrees.put_away(stage.away("one"))
        assert (await worktrees.put_away(stage.away("one", lose_ignored=True))).kept == ()
        assert await worktrees.state(stage.repo_path, order.path, "main") is None

    async def test_changes_keep_a_worktree_where_it_is(
        self, worktrees: Worktrees, stage: WorktreeStage
    ) -> None:
        """It stands on its own commit; with changes, which have a digest, it is not brought forward."""
        order = stage.order("one")
        await worktrees.create(order)
        clean = await worktrees.state(stage.repo_path, order.path, "main")
        assert clean is not None
        assert clean.head is not None
        assert clean.changes is None
        assert await worktrees.fast_forward(order.path, order.branch, clean.head)
        await stage.write(order.path, "notes")
        dirty = await worktrees.state(stage.repo_path, order.path, "main")
        assert dirty is not None
        assert dirty.changes is not None
        assert not await worktrees.fast_forward(order.path, order.branch, clean.head)

    async def test_branch_outlives_its_worktree(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """Removal keeps the branch, is no error when repeated, and the branch can be resumed."""
        order = stage.order("one")
        await worktrees.create(order)
        for _ in range(2):
            await worktrees.remove(stage.repo_path, stage.base_path, order.path, lose_ignored=False)
        found = await worktrees.find_branch(stage.repo_path, order.branch)
        assert found == BranchCheckout(checked_out_at=None)
        again = stage.order("two", branch=order.branch, new_branch=False)
        assert await worktrees.create(again) is WorktreeOutcome.CREATED

    async def test_strays_are_told_with_their_work(self, worktrees: Worktrees, stage: WorktreeStage) -> None:
        """Worktrees that no workspace knows are told, and whether they hold work."""
        self.needs(WorktreesCapability.STRAYS)
        for name in ("known", "clean", "dirty"):
            await worktrees.create(stage.order(name))
        await stage.write(stage.order("dirty").path, "work.txt")
        known = frozenset({stage.order("known").path})
        strays = await worktrees.strays(stage.repo_path, stage.base_path, known)
        assert {stray.path: stray.holds_work for stray in strays} == {
            stage.order("clean").path: False,
            stage.order("dirty").path: True,
        }
