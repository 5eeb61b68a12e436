"""Git worktrees, so that a killed attempt can be repeated and two processes can share a repository.

What makes `create` repeatable is evidence that comes before the thing. A branch that it makes names its
workspace in the first entry of the branch's reflog, which the command that creates the branch writes. A
worktree that it makes has a marker in the base folder until it is finished; git holds a lock on the marker
while it works, also when whoever started it was killed. So nobody has ever worked in what
has a marker, and it may be discarded; and a branch with that entry is this workspace's own.
"""

import re
from pathlib import Path

import anyio
import anyio.to_thread

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
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
from headway_local import inventory, snapshots
from headway_local.away import Away, Place
from headway_local.folders import (
    discard,
    in_use,
    mark_unfinished,
    marker_of,
    occupied,
    strictly_inside,
)
from headway_local.forward import fast_forward
from headway_local.git import Git, GitRefused, presentable, storable
from headway_local.origin import LOOK_S, Origin
from headway_local.paths import real_path
from headway_local.preserved import PreservedWork
from headway_local.references import (
    Entry,
    commits,
    expect_branch_name,
    is_ancestor,
    local,
    on_origin,
    registered,
    upstream,
    valid_branch_name,
)
from headway_local.reflogs import first_entry, made_in
from headway_local.repositories import main_worktree, repository
from headway_local.strays import Strays

STILL_MAKING_S = 10.0
"""How long the git of somebody who was killed may take to end; its leash gives it 4 s."""
RECHECK_S = 0.01
_CHECKED_OUT = re.compile(r"is already (checked out|used by worktree) at")
_NAME_IN_THE_WAY = re.compile(r"'refs/heads/([^']*)' exists; cannot create")


class GitWorktrees(Worktrees):
    """Worktrees by the `git` command, 2.36 or newer. Any number of processes at once."""

    def __init__(self, git: Git | None = None) -> None:
        self._git = git or Git()
        self._origin = Origin(self._git)
        self._away = Away(self._git)
        self._preserved = PreservedWork(self._git)
        self._strays = Strays(self._git, self._away, self._unpushed_of_stray)

    async def repository(self, path: str) -> Repository:
        return await repository(self._git, path)

    async def main_path(self, path: str) -> str:
        return (await main_worktree(self._git, path)).path

    async def repair(self, path: str) -> None:
        # It ends with 1 for a worktree that is gone, when it has mended the others.
        await self._git.change(path, "worktree", "repair", codes=frozenset({0, 1}))

    async def valid_branch_name(self, name: str) -> bool:
        return await valid_branch_name(self._git, name)

    async def find_branch(self, repo_path: str, branch: str) -> BranchCheckout | None:
        await expect_branch_name(self._git, branch, field="branch")
        for entry in await registered(self._git, repo_path):
            if entry.branch == branch:
                return BranchCheckout(checked_out_at=entry.path)
        known = await commits(self._git, repo_path, local(branch), on_origin(branch))
        if known or branch in (await self._origin.tips(repo_path, branch) or {}):
            return BranchCheckout(checked_out_at=None)
        return None

    async def on_origin(self, repo_path: str, branch: str) -> bool | None:
        tips = await self._origin.tips(repo_path, branch, limit_s=LOOK_S)
        if tips is None or branch in tips:
            return None if tips is None else True
        seen = await commits(self._git, repo_path, on_origin(branch))
        return False if seen or await upstream(self._git, repo_path, branch) == on_origin(branch) else None

    async def has_commit(self, repo_path: str, branch: str) -> bool:
        if await commits(self._git, repo_path, local(branch), on_origin(branch)):
            return True
        return branch in (await self._origin.tips(repo_path, branch) or {})

    async def branches_below(self, repo_path: str, prefix: str) -> frozenset[str]:
        await expect_branch_name(self._git, prefix, field="branch_prefix")
        below = await self._git.ask(repo_path, "for-each-ref", "--format=%(refname)", f"{local(prefix)}/")
        return frozenset(name.removeprefix(local("")) for name in below.out.splitlines())

    async def in_the_way(self, repo_path: str, branch: str) -> str | None:
        parts = branch.split("/")
        leading = ["/".join(parts[:length]) for length in range(1, len(parts))]
        refs = [ref for name in leading for ref in (local(name), on_origin(name))]
        known = await commits(self._git, repo_path, *refs) if refs else {}
        for name in leading:
            if local(name) in known:
                return name
        seen = [name for name in leading if on_origin(name) in known]
        if not seen:
            return None
        there = await self._origin.tips(repo_path, *seen, limit_s=LOOK_S)
        return next((name for name in seen if there is None or name in there), None)

    async def create(self, order: WorktreeOrder) -> WorktreeOutcome:
        _expect_workspace_id(order.workspace_id)
        await expect_branch_name(self._git, order.branch, field="branch")
        await expect_branch_name(self._git, order.base_branch, field="base_branch")
        folder = await anyio.to_thread.run_sync(strictly_inside, order.base_path, order.path)
        await self._clear_unfinished(order.repo_path, order.base_path, folder)
        if await self._stands(order, folder):
            return WorktreeOutcome.REUSED
        made = await (self._new_branch(order) if order.new_branch else self._existing_branch(order))
        if made is WorktreeOutcome.BRANCH_TAKEN:
            return made
        try:
            await self._add(order, folder)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._take_back(order, folder, made)
            raise
        return WorktreeOutcome.CREATED

    async def _stands(self, order: WorktreeOrder, folder: Path) -> bool:
        """Whether the worktree stands already; the registration of a lost one is cleared away."""
        entry = await self._entry(order.repo_path, str(folder))
        if entry is None:
            if await anyio.to_thread.run_sync(occupied, folder):
                raise InvalidInput("path", f"{order.path!r} exists and is no worktree of this repository")
            return False
        if entry.gone:
            if entry.lock_reason is not None:
                raise Conflict("worktree", order.path, f"it is locked: {presentable(entry.lock_reason)}")
            await self._forget(order.repo_path, folder, order.workspace_id)
            return False
        admin = inventory.administration(order.repo_path, folder)
        if admin is None or not inventory.stands(folder, admin):
            raise InvalidInput("path", f"{order.path!r} is there, and its .git is not the worktree's")
        owner = inventory.owner_of(admin)
        if owner not in {None, order.workspace_id} or entry.branch != order.branch:
            raise InvalidInput("path", f"{order.path!r} is the worktree of another workspace or branch")
        return True

    async def _new_branch(self, order: WorktreeOrder) -> str | WorktreeOutcome | None:
        """Make the branch. Its commit when this call made it; None when an earlier attempt did."""
        ref = local(order.branch)
        known = await commits(self._git, order.repo_path, ref, on_origin(order.branch))
        if ref in known:
            return None if await self._is_ours(order) else WorktreeOutcome.BRANCH_TAKEN
        remote = await self._origin.tips(order.repo_path, order.branch, order.base_branch)
        if order.branch in (known if remote is None else remote) or (remote is None and known):
            return WorktreeOutcome.BRANCH_TAKEN
        start = await self._base(order, remote or {})
        return await self._make_branch(order, start)

    async def _make_branch(self, order: WorktreeOrder, start: str) -> str | WorktreeOutcome | None:
        """Create the ref, with the evidence of whose it is, unless somebody was quicker."""
        try:
            await self._git.change(
                order.repo_path,
                *("update-ref", "--create-reflog", "-m", _making(order.workspace_id)),
                *(local(order.branch), start, ""),
            )
        except GitRefused as error:
            blocking = _NAME_IN_THE_WAY.search(error.answer.error)
            if blocking is not None and blocking[1] != order.branch:
                problem = f"the branch {blocking[1]!r} does not leave room for {order.branch!r}"
                raise InvalidInput("branch", problem) from error
            if not await commits(self._git, order.repo_path, local(order.branch)):
                raise
            # A killed attempt's git may have been about to do just this.
            return None if await self._is_ours(order) else WorktreeOutcome.BRANCH_TAKEN
        return start

    async def _base(self, order: WorktreeOrder, remote: dict[str, str]) -> str:
        """The commit to begin at: fetched `origin/<base>`, else local, else the stale remote ref."""
        if order.base_branch in remote:
            fetched = await self._origin.fetch(order.repo_path, order.base_branch, remote[order.base_branch])
            if fetched is not None:
                return fetched
        refs = (local(order.base_branch), on_origin(order.base_branch))
        known = await commits(self._git, order.repo_path, *refs)
        for ref in refs:
            if ref in known:
                return known[ref]
        raise InvalidInput("base_branch", f"{order.base_branch!r} has no commit, here or on origin")

    async def _existing_branch(self, order: WorktreeOrder) -> str | WorktreeOutcome | None:
        """Have the branch here, at what `origin` has when it only went on there."""
        for entry in await registered(self._git, order.repo_path):
            if entry.branch == order.branch:
                if not entry.gone or entry.lock_reason is not None:
                    raise Conflict("branch", order.branch, f"is checked out at {entry.path}")
                await self._forget(order.repo_path, Path(entry.path), order.workspace_id)
        remote = await self._origin.tips(order.repo_path, order.branch) or {}
        fetched = None
        if order.branch in remote:
            fetched = await self._origin.fetch(order.repo_path, order.branch, remote[order.branch])
        known = await commits(self._git, order.repo_path, local(order.branch), on_origin(order.branch))
        here = known.get(local(order.branch))
        there = fetched or known.get(on_origin(order.branch))
        if here is None:
            if there is None:
                raise InvalidInput("branch", f"{order.branch!r} exists neither here nor on origin")
            made = await self._make_branch(order, there)
            for key, value in (("remote", "origin"), ("merge", local(order.branch))):
                await self._git.change(order.repo_path, "config", f"branch.{order.branch}.{key}", value)
            return None if made is WorktreeOutcome.BRANCH_TAKEN else made
        if there is not None and there != here and await is_ancestor(self._git, order.repo_path, here, there):
            await self._git.change(
                order.repo_path,
                *("update-ref", "-m", "headway: fast-forward", local(order.branch), there, here),
            )
        return None

    async def _add(self, order: WorktreeOrder, folder: Path) -> None:
        marker = await anyio.to_thread.run_sync(mark_unfinished, folder)
        try:
            await self._git.change(
                order.repo_path,
                *("worktree", "add", "--quiet", "--no-guess-remote", "--", str(folder), order.branch),
                held=str(marker),
            )
        except GitRefused as error:
            if _CHECKED_OUT.search(error.answer.error):
                problem = presentable(error.answer.error).splitlines()[-1]
                raise Conflict("branch", order.branch, problem) from error
            raise
        admin = inventory.administration(order.repo_path, folder)
        if admin is None:
            raise Unavailable("git", f"it has no folder for the worktree {folder}")
        await anyio.Path(admin, inventory.OWNER_FILE).write_text(order.workspace_id, encoding="ascii")
        await anyio.Path(marker).unlink()

    async def _take_back(
        self, order: WorktreeOrder, folder: Path, made: str | WorktreeOutcome | None
    ) -> None:
        """Leave nothing half made; the error that led here is told, not one of the clean-up."""
        try:
            await self._clear_unfinished(order.repo_path, order.base_path, folder)
            if isinstance(made, str):
                await self._git.change(order.repo_path, "update-ref", "-d", local(order.branch), made)
        except Unavailable:
            return  # the evidence stays, and the next attempt goes by it

    async def _clear_unfinished(self, repo_path: str, base_path: str, folder: Path) -> bool:
        """Discard a worktree that was never finished; False when there is no sign of one.

        The marker alone is none: an agent can make one too.
        """
        marker = marker_of(folder)
        if not await anyio.Path(marker).exists():
            return False
        limit = anyio.current_time() + STILL_MAKING_S
        while await anyio.to_thread.run_sync(in_use, marker):
            if anyio.current_time() > limit:
                raise Unavailable("git", f"{folder} is still being made", retry_after_s=STILL_MAKING_S)
            await anyio.sleep(RECHECK_S)
        unfinished = not await anyio.to_thread.run_sync(inventory.is_finished, repo_path, folder)
        if unfinished:
            await self._discard(repo_path, base_path, folder)
        await anyio.Path(marker).unlink(missing_ok=True)
        return unfinished

    async def state(self, repo_path: str, path: str, base_branch: str) -> WorktreeState | None:
        entry = await self._finished(repo_path, path)
        if entry is None:
            return None
        try:
            seen = await snapshots.status(self._git, path)
        except GitRefused:
            await registered(self._git, repo_path)
            return None  # the repository can be read, and this worktree can't
        return WorktreeState(
            branch=None if seen.branch is None else storable(seen.branch),
            head=seen.head,
            dirty=seen.dirty,
            unpushed=await self._unpushed(repo_path, path, seen, base_branch),
            ignored=seen.ignored,
            made=() if seen.head is None else await made_in(self._git, path),
            overruled=await self._git.overruled(path),
            changes=seen.changes,
        )

    async def fast_forward(self, path: str, branch: str, commit: str) -> bool:
        return await fast_forward(self._git, self._origin, path, branch, commit)

    async def _unpushed(self, repo_path: str, path: str, seen: snapshots.Status, base_branch: str) -> int:
        if seen.head is None:
            return 0
        return await self._origin.unpushed(repo_path, path, seen.head, seen.branch, base_branch)

    async def standing(self, repo_path: str, path: str) -> Standing:
        return await anyio.to_thread.run_sync(inventory.standing, repo_path, path)

    async def put_away(self, order: PutAwayOrder) -> PutAway:
        _expect_workspace_id(order.workspace_id)
        return await self._away.put_away(await self._place(order))

    async def _place(self, order: PutAwayOrder) -> Place:
        folder = await anyio.to_thread.run_sync(strictly_inside, order.base_path, order.path)
        await self._entry(order.repo_path, str(folder))  # refuses the repository itself
        return Place(
            order=order,
            folder=folder,
            base=real_path(order.base_path),
            admin=await anyio.to_thread.run_sync(inventory.administration, order.repo_path, folder),
        )

    async def preserved(self, repo_path: str, base_path: str) -> tuple[Preserved, ...]:
        return await self._preserved.all(repo_path, real_path(base_path))

    async def bring_back(self, repo_path: str, base_path: str, path: str, workspace_id: str) -> BroughtBack:
        _expect_workspace_id(workspace_id)
        folder = await anyio.to_thread.run_sync(strictly_inside, base_path, path)
        if await self._finished(repo_path, path) is None:
            raise InvalidInput("path", f"{path!r} is no worktree of this repository")
        return await self._preserved.bring_back(repo_path, real_path(base_path), folder, workspace_id)

    async def make_preserved_branch(
        self, repo_path: str, base_path: str, branch: str, workspace_id: str
    ) -> bool:
        _expect_workspace_id(workspace_id)
        await expect_branch_name(self._git, branch, field="branch")
        return await self._preserved.make_branch(repo_path, real_path(base_path), branch, workspace_id)

    async def drop_preserved(self, repo_path: str, base_path: str, workspace_id: str) -> None:
        _expect_workspace_id(workspace_id)
        await self._preserved.drop(repo_path, real_path(base_path), workspace_id)

    async def remove(self, repo_path: str, base_path: str, path: str, *, lose_ignored: bool) -> None:
        folder = await anyio.to_thread.run_sync(strictly_inside, base_path, path)
        entry = await self._entry(repo_path, str(folder))
        if await self._clear_unfinished(repo_path, base_path, folder):
            return
        admin = await anyio.to_thread.run_sync(inventory.administration, repo_path, folder)
        if entry is None or admin is None:
            if await anyio.Path(folder).exists():
                raise InvalidInput("path", f"{path!r} is no worktree of this repository")
            return
        if entry.lock_reason is not None:
            raise Conflict("worktree", path, f"it is locked: {presentable(entry.lock_reason)}")
        if not entry.gone:
            if not inventory.stands(folder, admin):
                raise Conflict("worktree", path, "its .git is gone or is another repository's")
            await self._away.remove(real_path(base_path), folder, admin, lose_ignored=lose_ignored)
        await self._discard(repo_path, base_path, folder)

    async def strays(
        self, repo_path: str, base_path: str, known: frozenset[str]
    ) -> tuple[StrayWorktree, ...]:
        return await self._strays.all(repo_path, base_path, known)

    async def _unpushed_of_stray(self, repo_path: str, path: str) -> int:
        base_branch = (await self.repository(repo_path)).default_branch
        return await self._unpushed(repo_path, path, await snapshots.status(self._git, path), base_branch)

    async def _finished(self, repo_path: str, path: str) -> Entry | None:
        """The registered worktree at a path, when it is there and was finished."""
        entry = await self._entry(repo_path, str(real_path(path)))
        if entry is None or entry.gone:
            return None
        folder = Path(entry.path)
        if marker_of(folder).exists() and not inventory.is_finished(repo_path, folder):
            return None
        return entry if inventory.stands(folder, inventory.administration(repo_path, folder)) else None

    async def _entry(self, repo_path: str, real: str) -> Entry | None:
        main, *others = await registered(self._git, repo_path)
        if real == main.path:
            raise InvalidInput("path", f"{real!r} is the repository itself")
        return next((entry for entry in others if entry.path == real), None)

    async def _discard(self, repo_path: str, base_path: str, folder: Path) -> None:
        """First the folder, then its registration: killed in between, a repetition knows what to do."""
        await anyio.to_thread.run_sync(discard, base_path, folder)
        await self._forget(repo_path, folder, None)

    async def _forget(self, repo_path: str, folder: Path, workspace_id: str | None) -> None:
        """Take the registration of a folder that is gone away, if there is one; what it alone held is kept
        for the workspace that it was made for.
        """
        admin = await anyio.to_thread.run_sync(inventory.administration, repo_path, folder)
        if admin is not None:
            await self._away.forget(repo_path, admin, inventory.owner_of(admin) or workspace_id or "unknown")

    async def _is_ours(self, order: WorktreeOrder) -> bool:
        """Whether an interrupted attempt of this workspace made the branch, by the reflog's first entry."""
        made = await first_entry(self._git, order.repo_path, order.branch)
        return made == _making(order.workspace_id)


def _making(workspace_id: str) -> str:
    """What the first entry of a branch's reflog says."""
    return f"headway: made for workspace {workspace_id}"


def _expect_workspace_id(workspace_id: str) -> None:
    if not inventory.WORKSPACE_ID.fullmatch(workspace_id):
        raise InvalidInput("workspace_id", f"{workspace_id!r} is no id")
