"""Git on a fake disk: repositories, branches and worktrees.

What lasts (`FakeGit`) is apart from the port (`FakeWorktrees`), so that a test can end one process and start
another on the same disk.
"""

import posixpath
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import attrs

from headway_core.kernel.errors import Conflict, HeadwayError, InvalidInput
from headway_core.projects.ports import Repository
from headway_core.workspaces.ports import (
    BranchCheckout,
    BroughtBack,
    Preserved,
    PutAway,
    PutAwayOrder,
    Standing,
    StrayWorktree,
    WorktreeOrder,
    WorktreeOutcome,
    Worktrees,
    WorktreeState,
)
from headway_testing.clock import EPOCH
from headway_testing.crash_points import Point, no_point


@attrs.define(kw_only=True)
class FakeWorktree:
    """A worktree that git has registered."""

    repo_path: str
    branch: str
    head: str = "0" * 40
    dirty: bool = False
    changes: str = "dirty"
    """The digest of what is dirty."""
    diverged: bool = False
    """It can't be brought forward."""
    ignored: tuple[str, ...] = ()
    unpushed: int = 0
    overruled: tuple[str, ...] = ()
    owner: str | None = None
    """The workspace that it was made for; None: a person made it."""
    hidden: bool = False
    """It holds what git can't keep: it is put away as a folder."""
    broken: bool = False
    """Its `.git` is gone."""


@attrs.define(kw_only=True)
class FakeGit:
    """A disk: repositories, their branches, and the worktrees."""

    repositories: dict[str, Repository] = attrs.field(factory=dict)
    branches: dict[str, set[str]] = attrs.field(factory=dict)
    """Local and pushed branches, by repository."""
    worktrees: dict[str, FakeWorktree] = attrs.field(factory=dict)
    preserved: dict[str, tuple[str, ...]] = attrs.field(factory=dict)
    """What `put_away` has kept: the places, by workspace."""
    brought_back: list[tuple[str, str]] = attrs.field(factory=list)
    """Worktree paths, and the workspaces of which something was brought back into each."""

    def add_repository(
        self,
        path: str,
        *,
        origin_url: str | None = "https://github.com/octo/demo.git",
        branches: tuple[str, ...] = (),
    ) -> None:
        """A repository with `main` checked out."""
        self.repositories[path] = Repository(path=path, default_branch="main", origin_url=origin_url)
        self.branches[path] = {"main", *branches}


class FakeWorktrees(Worktrees):
    """Git on a fake disk. `refusals` names the error that a method raises instead of doing anything."""

    def __init__(self, git: FakeGit, point: Point = no_point) -> None:
        self.git = git
        self.point = point
        self.refusals: dict[str, HeadwayError] = {}
        self.calls: list[str] = []

    @asynccontextmanager
    async def _call(self, name: str) -> AsyncIterator[None]:
        self.calls.append(name)
        await self.point(f"before {name}")
        if name in self.refusals:
            raise self.refusals[name]
        yield
        await self.point(f"after {name}")

    async def repository(self, path: str) -> Repository:
        async with self._call("repository"):
            for root, repository in self.git.repositories.items():
                if path == root or path.startswith(f"{root}/"):
                    return repository
            raise InvalidInput("path", f"{path!r} is in no git repository")

    async def main_path(self, path: str) -> str:
        for root, worktree in self.git.worktrees.items():
            if path == root or path.startswith(f"{root}/"):
                return worktree.repo_path
        return (await self.repository(path)).path

    async def repair(self, path: str) -> None:
        async with self._call("repair"):
            for worktree in self.git.worktrees.values():
                if worktree.repo_path not in self.git.repositories:
                    worktree.repo_path = path

    async def on_origin(self, repo_path: str, branch: str) -> bool | None:
        return branch in self.git.branches[repo_path]

    async def has_commit(self, repo_path: str, branch: str) -> bool:
        return branch in self.git.branches[repo_path]

    async def branches_below(self, repo_path: str, prefix: str) -> frozenset[str]:
        return frozenset(name for name in self.git.branches[repo_path] if name.startswith(f"{prefix}/"))

    async def in_the_way(self, repo_path: str, branch: str) -> str | None:
        return in_the_way(branch, self.git.branches[repo_path])

    async def valid_branch_name(self, name: str) -> bool:
        """The rules of `git check-ref-format`, as far as tests meet them."""
        parts = name.split("/")
        return (
            name.isprintable()
            and not name.startswith("-")
            and not any(bad in name for bad in ("..", "@{", " ", "~", "^", ":", "?", "*", "[", "\\"))
            and all(p and not p.startswith(".") and not p.endswith((".", ".lock")) for p in parts)
        )

    async def find_branch(self, repo_path: str, branch: str) -> BranchCheckout | None:
        async with self._call("find_branch"):
            if branch not in self.git.branches[repo_path]:
                return None
            return BranchCheckout(checked_out_at=self._checked_out_at(repo_path, branch))

    def _checked_out_at(self, repo_path: str, branch: str) -> str | None:
        if branch == self.git.repositories[repo_path].default_branch:
            return repo_path
        for path, worktree in self.git.worktrees.items():
            if (worktree.repo_path, worktree.branch) == (repo_path, branch):
                return path
        return None

    async def create(self, order: WorktreeOrder) -> WorktreeOutcome:
        async with self._call("create"):
            _expect_inside(order.base_path, order.path)
            branches = self.git.branches[order.repo_path]
            stands = self.git.worktrees.get(order.path)
            answered = without_creating(
                order,
                stands_on=stands.branch if stands is not None else None,
                exists=order.branch in branches,
                checked_out_at=self._checked_out_at(order.repo_path, order.branch),
            )
            if answered is not None:
                return answered
            branches.add(order.branch)
            self.git.worktrees[order.path] = FakeWorktree(
                repo_path=order.repo_path, branch=order.branch, owner=order.workspace_id
            )
            return WorktreeOutcome.CREATED

    async def state(self, repo_path: str, path: str, base_branch: str) -> WorktreeState | None:
        async with self._call("state"):
            worktree = self.git.worktrees.get(path)
            if worktree is None or worktree.broken or worktree.repo_path != repo_path:
                return None
            return WorktreeState(
                branch=worktree.branch,
                head=worktree.head,
                dirty=worktree.dirty,
                unpushed=worktree.unpushed,
                ignored=worktree.ignored,
                overruled=worktree.overruled,
                changes=worktree.changes if worktree.dirty else None,
            )

    async def fast_forward(self, path: str, branch: str, commit: str) -> bool:
        async with self._call("fast_forward"):
            worktree = self.git.worktrees[path]
            if worktree.branch != branch or worktree.dirty or worktree.diverged:
                return False
            worktree.head = commit
            return True

    async def standing(self, repo_path: str, path: str) -> Standing:
        async with self._call("standing"):
            worktree = self.git.worktrees.get(path)
            if worktree is None:
                return Standing.MISSING
            astray = worktree.repo_path != repo_path  # the repository was moved
            return Standing.BROKEN if worktree.broken or astray else Standing.STANDS

    async def put_away(self, order: PutAwayOrder) -> PutAway:
        async with self._call("put_away"):
            _expect_inside(order.base_path, order.path)
            kept = self.git.preserved.get(order.workspace_id, ())
            worktree = self.git.worktrees.get(order.path)
            if worktree is None:
                return PutAway(kept=kept)
            place = how_kept(order, worktree)
            if place is not None:
                self.git.preserved[order.workspace_id] = kept = (*kept, place)
            await self.point("within put_away")
            del self.git.worktrees[order.path]
            return PutAway(kept=kept)

    async def preserved(self, repo_path: str, base_path: str) -> tuple[Preserved, ...]:
        async with self._call("preserved"):
            found = {
                owner: tuple(place for place in places if not place.startswith("refs/heads/"))
                for owner, places in sorted(self.git.preserved.items())
            }
            return tuple(
                Preserved(workspace_id=owner, places=places, size=1, since=EPOCH)
                for owner, places in found.items()
                if places
            )

    async def bring_back(self, repo_path: str, base_path: str, path: str, workspace_id: str) -> BroughtBack:
        async with self._call("bring_back"):
            places = self.git.preserved.get(workspace_id, ())
            if places and (path, workspace_id) not in self.git.brought_back:
                self.git.worktrees[path].dirty = True
                self.git.brought_back.append((path, workspace_id))
            return BroughtBack(told=tuple(f"{place} is here again" for place in places))

    async def make_preserved_branch(
        self, repo_path: str, base_path: str, branch: str, workspace_id: str
    ) -> bool:
        async with self._call("make_preserved_branch"):
            told = bool(self.git.preserved.get(workspace_id))
            if told:
                self.git.branches[repo_path].add(branch)
            return told

    async def drop_preserved(self, repo_path: str, base_path: str, workspace_id: str) -> None:
        async with self._call("drop_preserved"):
            self.git.preserved.pop(workspace_id, None)

    async def remove(self, repo_path: str, base_path: str, path: str, *, lose_ignored: bool) -> None:
        async with self._call("remove"):
            _expect_inside(base_path, path)
            worktree = self.git.worktrees.get(path)
            if worktree is None:
                return
            holds = worktree.dirty or worktree.hidden or worktree.broken
            expect_nothing_lost(path, dirty=holds, ignored=() if lose_ignored else worktree.ignored)
            del self.git.worktrees[path]

    async def strays(
        self, repo_path: str, base_path: str, known: frozenset[str]
    ) -> tuple[StrayWorktree, ...]:
        async with self._call("strays"):
            return tuple(
                StrayWorktree(
                    path=path, owner=worktree.owner, holds_work=worktree.dirty or worktree.unpushed > 0
                )
                for path, worktree in sorted(self.git.worktrees.items())
                if path.startswith(f"{base_path}/") and path not in known
            )


def in_the_way(branch: str, branches: Collection[str]) -> str | None:
    """Which of the branches is a leading part of the name."""
    return next((name for name in sorted(branches) if branch.startswith(f"{name}/")), None)


def without_creating(
    order: WorktreeOrder, *, stands_on: str | None, exists: bool, checked_out_at: str | None
) -> WorktreeOutcome | None:
    """What git answers to an order without making anything; None: it makes the worktree.

    `stands_on` is the branch of the worktree that is at the path already, `exists` is of the branch.
    """
    if stands_on == order.branch:
        return WorktreeOutcome.REUSED
    if stands_on is not None:
        raise InvalidInput("path", f"{order.path} is on {stands_on}")
    if order.new_branch and exists:
        return WorktreeOutcome.BRANCH_TAKEN
    if not order.new_branch and not exists:
        raise InvalidInput("branch", f"no branch {order.branch!r}")
    if checked_out_at is not None:
        raise Conflict("branch", order.branch, f"is checked out at {checked_out_at}")
    return None


def how_kept(order: PutAwayOrder, worktree: FakeWorktree) -> str | None:
    """Where the work of a worktree is when it went; None when it had none. `Conflict` for ignored files."""
    if worktree.hidden or worktree.broken:
        return f"{order.base_path}/.headway-preserved/{order.workspace_id}/1/worktree"
    expect_nothing_lost(order.path, dirty=False, ignored=() if order.lose_ignored else worktree.ignored)
    return f"refs/heads/{worktree.branch}" if worktree.dirty else None


def expect_nothing_lost(path: str, *, dirty: bool, ignored: tuple[str, ...]) -> None:
    """A worktree is removed only without work that no commit has. `Conflict` names what it holds."""
    if dirty:
        raise Conflict("worktree", path, "it holds uncommitted work")
    if ignored:
        raise Conflict("worktree", path, f"it holds ignored files: {', '.join(ignored)}")


def _expect_inside(base_path: str, path: str) -> None:
    plain = posixpath.normpath(path)
    if plain != path or not plain.startswith(f"{base_path}/"):
        raise InvalidInput("path", f"{path!r} is not strictly inside {base_path!r}")
