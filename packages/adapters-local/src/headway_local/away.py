"""Worktrees go away: what is in them is kept first, and nothing of them is touched before one single step.

That step is the renaming of the folder. Before it only objects and refs of the workspace's own are written
(`pinning`); after it the branch takes up the saved commit, if it is where it was, and git forgets the
worktree. A killed attempt is repeated: it finds by refs and folders, called by the workspace's id, where it
was.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.to_thread
import attrs

from headway_core.kernel.errors import Conflict, Unavailable
from headway_core.workspaces.ports import PutAway, PutAwayOrder
from headway_local import inventory, kept, snapshots
from headway_local.folders import LEAVING_PREFIX, TRASH_PREFIX, empty_trash
from headway_local.git import Git, GitRefused, presentable
from headway_local.inventory import read_regular
from headway_local.loose import chunks, loose_in, unfinished
from headway_local.paths import real_path
from headway_local.pinning import TRAILER, Pins, head_of, index_copy
from headway_local.references import local, registered, tree_of
from headway_local.submodules import trouble
from headway_local.system import unused_name

SHOWN = 5
LINK, SUBMODULE = "120000", "160000"


@attrs.frozen(kw_only=True)
class Found:
    """What a worktree holds, and the tree that git made of its files."""

    folder: Path
    seen: snapshots.Status
    tree: str
    disk: inventory.Disk
    ignored: tuple[str, ...]
    """Ignored files, those of submodules too."""
    raw: tuple[str, ...]
    """Files of which a checkout of the tree would give other bytes."""


@attrs.frozen(kw_only=True)
class Place:
    """A worktree that is to go."""

    order: PutAwayOrder
    folder: Path
    """Real path."""
    base: Path
    """Real path."""
    admin: Path | None
    """The repository's git folder for it; None when there is none any more."""

    @property
    def leaving(self) -> Path:
        """Where the folder is between the step and the last look."""
        return self.base / f"{LEAVING_PREFIX}{self.order.workspace_id}"


class CannotHold(Exception):
    """Git can't hold everything that is in a worktree."""


class Away:
    """Puts worktrees away."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def put_away(self, place: Place) -> PutAway:
        """As `Worktrees.put_away`, for a finished worktree."""
        pins = Pins(self._git, place.order.repo_path, place.order.workspace_id)
        await pins.make_room()
        if await anyio.to_thread.run_sync(os.path.lexists, place.leaving):
            await self._look_again(place, pins)
        await self._expect_unlocked(place)
        if await anyio.to_thread.run_sync(os.path.lexists, place.folder):
            await self._expect_free(place)
            if not await anyio.to_thread.run_sync(_removed_empty, place.folder):
                await self._take(place, pins)
        await anyio.to_thread.run_sync(empty_trash, place.base)
        return await self._finish(place, pins)

    async def _expect_unlocked(self, place: Place) -> None:
        """`Conflict` of one that a person locked: it may be on a disk that is not there now."""
        if place.admin is None or not await anyio.Path(place.admin, "locked").exists():
            return
        path, said = str(place.folder), await anyio.to_thread.run_sync(read_regular, place.admin / "locked")
        reason = presentable((said or b"").decode("utf-8", "replace")) or "no reason"
        raise Conflict("worktree", path, f"it is locked: {reason}; git worktree unlock {path} lets it go")

    async def _expect_free(self, place: Place) -> None:
        path = str(place.folder)
        for entry in await registered(self._git, place.order.repo_path):
            if not entry.gone and place.folder in Path(entry.path).parents:
                problem = (
                    f"the worktree {entry.path} lies in it: move or remove that one first (git worktree)"
                )
                raise Conflict("worktree", path, problem)

    async def _take(self, place: Place, pins: Pins) -> None:
        """Keep what is there, and take the folder away in one step."""
        found: Found | None = None
        if inventory.stands(place.folder, place.admin):
            assert place.admin is not None, "it stands"
            try:
                found = await self.look(place.folder, place.admin)
                if found.ignored and not place.order.lose_ignored:
                    raise _holds_ignored(place.folder, found.ignored)
                await self._save(place, place.admin, pins, found)
            except (CannotHold, GitRefused):
                found = None
        if found is None:
            if place.admin is not None:
                await self._save_administration(place, place.admin, pins)
            await self._keep(place, place.folder)
            return
        try:
            await anyio.to_thread.run_sync(place.folder.rename, place.leaving)
        except OSError as error:
            raise Conflict("worktree", str(place.folder), f"it can't be moved: {error.strerror}") from error
        with anyio.CancelScope(shield=True):
            again = await anyio.to_thread.run_sync(inventory.look, place.leaving, found.seen.all_ignored)
            await self._leave(place, whole=again != found.disk)  # somebody wrote between look and step

    async def _look_again(self, place: Place, pins: Pins) -> None:
        """Look at what an attempt that died had renamed: it may have been written to since its look."""
        whole = True
        if place.admin is not None and inventory.stands(place.leaving, place.admin):
            try:
                found = await self.look(place.leaving, place.admin)
                await self._save(place, place.admin, pins, found)
                whole = bool(found.ignored) and not place.order.lose_ignored
            except (CannotHold, GitRefused):
                pass
        await self._leave(place, whole=whole)

    async def _leave(self, place: Place, *, whole: bool) -> None:
        if whole:
            await self._keep(place, place.leaving)
        else:
            trash = place.base / unused_name(TRASH_PREFIX)
            await anyio.to_thread.run_sync(place.leaving.rename, trash)

    async def _keep(self, place: Place, folder: Path) -> None:
        base, owner = place.base, place.order.workspace_id
        follows = place.admin is not None
        await anyio.to_thread.run_sync(lambda: kept.keep(base, owner, folder, git_follows=follows))

    async def _save(self, place: Place, admin: Path, pins: Pins, found: Found) -> None:
        head = found.seen.head
        if found.raw:
            await pins.keep_raw(found.folder, found.raw, head)
        if found.tree != await tree_of(self._git, pins.repo, head):
            await pins.keep_tree("work", found.tree, [head] if head else [])
        await pins.keep_administration(admin, head, found.tree)

    async def _save_administration(self, place: Place, admin: Path, pins: Pins) -> None:
        """Keep what git still can of what is not in the folder; the git folder itself is kept as well."""
        _, head = await head_of(self._git, place.order.repo_path, admin)
        try:
            await pins.keep_administration(admin, head, None)
        except GitRefused:
            return  # an index or a HEAD that git can't read goes with the folder

    # What is there

    async def look(self, folder: Path, admin: Path) -> Found:
        """Look at everything in the folder. `CannotHold` says what git can't keep of it."""
        path = str(folder)
        seen = await snapshots.status(self._git, path)
        disk = await anyio.to_thread.run_sync(inventory.look, folder, seen.all_ignored)
        if disk.closed:
            raise CannotHold(f"{disk.closed[0]!r} can't be read")
        tree, entries = await self._tree(path, admin)
        ignored = list(seen.all_ignored)
        modules = {name for name, (mode, _) in entries.items() if mode == SUBMODULE}
        kept_by_remotes: set[str] = set()
        for inside in disk.repositories:
            if await self._is_all_tracked(path, inside, disk):
                continue  # what a test of the project reads as a bare repository
            if inside not in modules:
                raise CannotHold(f"{inside!r} is a git repository of its own")
            problem, its_ignored = await trouble(self._git, folder, inside, entries[inside][1])
            if problem is not None:
                raise CannotHold(f"the submodule {inside!r} {problem}")
            kept_by_remotes.add(inside)
            ignored += [f"{inside}/{name}" for name in its_ignored]
        await self._expect_nothing_in_modules(admin, folder, kept_by_remotes)
        outside = {
            name: facts
            for name, facts in disk.files.items()
            if not any(name.startswith(f"{module}/") for module in kept_by_remotes)
        }
        raw = await self._not_given_back(folder, admin, outside, entries)
        return Found(folder=folder, seen=seen, tree=tree, disk=disk, ignored=tuple(sorted(ignored)), raw=raw)

    async def _is_all_tracked(self, path: str, inside: str, disk: inventory.Disk) -> bool:
        """Whether a folder has nothing but files that git tracks as such, so that it is kept as they are."""
        files = {name for name in disk.files if name.startswith(f"{inside}/")}
        if not files or any(".git" in name.lower().split("/") for name in files):
            return False
        tracked = await self._git.ask(path, "ls-files", "-z", "--", f":(top,literal){inside}")
        return files <= set(tracked.out.split("\0"))

    async def _tree(self, path: str, admin: Path) -> tuple[str, dict[str, tuple[str, str]]]:
        """A tree of everything that is not ignored, and its entries: mode and id by path.

        Nothing is hidden from it: what the index says not to look at is looked at, if it is there.
        """
        async with index_copy(admin) as index:
            environment = {"GIT_INDEX_FILE": str(index)}
            await self._unhide(path, environment)
            await self._git.change(
                path, *snapshots.PLAIN, "add", "--all", "--sparse", "--", ":/", environment=environment
            )
            tree = (await self._git.change(path, "write-tree", environment=environment)).line
        listed = await self._git.ask(path, "ls-tree", "-r", "-z", "--full-tree", tree)
        entries = {}
        for line in listed.out.split("\0"):
            facts, _, name = line.partition("\t")
            if name:
                mode, _, blob = facts.split(" ")
                entries[name] = (mode, blob)
        return tree, entries

    async def _unhide(self, path: str, environment: dict[str, str]) -> None:
        """Take back `assume-unchanged`; and `skip-worktree` from what is there all the same."""
        answer = await self._git.change(
            path, *snapshots.PLAIN, "ls-files", "-v", "--full-name", "-z", environment=environment
        )
        flagged = [(line[0], line[2:]) for line in answer.out.split("\0") if line]
        assumed = [name for tag, name in flagged if tag.islower()]
        skipped = [
            name
            for tag, name in flagged
            if tag in "Ss" and await anyio.to_thread.run_sync(os.path.lexists, Path(path, name))
        ]
        for option, names in (("--no-assume-unchanged", assumed), ("--no-skip-worktree", skipped)):
            for some in chunks(names):
                await self._git.change(path, "update-index", option, "--", *some, environment=environment)

    async def _not_given_back(
        self,
        folder: Path,
        admin: Path,
        files: Mapping[str, tuple[int, ...]],
        entries: dict[str, tuple[str, str]],
    ) -> tuple[str, ...]:
        """The files whose bytes a checkout of the tree would not give back: line endings, filters."""
        missing = next((name for name in files if name not in entries), None)
        if missing is not None:
            raise CannotHold(f"git does not take {missing!r}")

        def differing() -> list[str]:
            return [n for n in files if inventory.blob(folder / n, entries[n][1]) != entries[n][1]]

        unlike = await anyio.to_thread.run_sync(differing)
        if not unlike:
            return ()
        async with index_copy(admin) as index:
            given = index.parent / "given"
            environment = {"GIT_INDEX_FILE": str(index)}
            path = str(folder)
            await self._git.change(path, "read-tree", "--empty", environment=environment)
            for some in chunks(unlike):
                words = [w for n in some for w in ("--cacheinfo", f"{entries[n][0]},{entries[n][1]},{n}")]
                await self._git.change(path, "update-index", "--add", *words, environment=environment)
                await self._git.change(
                    path,
                    "checkout-index",
                    "--force",
                    f"--prefix={given}/",
                    "--",
                    *some,
                    environment=environment,
                )

            def other() -> tuple[str, ...]:
                like = entries[unlike[0]][1]
                return tuple(
                    n for n in unlike if inventory.blob(given / n, like) != inventory.blob(folder / n, like)
                )

            found = await anyio.to_thread.run_sync(other)
        if any(stat.S_ISLNK(files[name][0]) or entries[name][0] == LINK for name in found):
            raise CannotHold(f"git does not take {found[0]!r} as it is")
        return found

    async def _expect_nothing_in_modules(self, admin: Path, folder: Path, seen: set[str]) -> None:
        """A submodule whose folder is gone may still have its repository in the worktree's git folder."""
        modules = admin / "modules"
        if not await anyio.Path(modules).is_dir():
            return
        there = {inventory.pointed(folder / inside / ".git") for inside in seen}
        disk = await anyio.to_thread.run_sync(inventory.look, modules)
        for inside in disk.repositories:
            if real_path(modules / inside) not in there:
                raise CannotHold(f"the repository of the submodule {inside!r} is there without its folder")

    # After the step

    async def _finish(self, place: Place, pins: Pins) -> PutAway:
        admin, repo = place.admin, place.order.repo_path
        if admin is not None and await anyio.Path(admin).exists():
            branch, head = await head_of(self._git, repo, admin)
            slot = await anyio.to_thread.run_sync(kept.incomplete, place.base, pins.workspace_id)
            if slot is not None:
                common = inventory.common_folder(repo)
                await anyio.to_thread.run_sync(kept.keep_administration, slot, admin, common)
            else:
                await self._forward(pins, admin, branch, head)
                await self.forget(place.order.repo_path, admin, pins.workspace_id)
        return PutAway(kept=await self._told(place, pins))

    async def _forward(self, pins: Pins, admin: Path, branch: str | None, head: str | None) -> None:
        """Let the branch take up the saved commit, if it is where it was; else the ref keeps it."""
        work = (await pins.refs()).get(f"{pins.prefix}/work")
        if work is None or branch is None or unfinished(admin):
            return
        place = inventory.place_of(admin)
        if any(e.branch == branch and e.path != str(place) for e in await registered(self._git, pins.repo)):
            return  # it is checked out elsewhere too: the files there would look like a revert of this
        try:
            parents = (await self._git.ask(pins.repo, "log", "-1", "--format=%P", work)).line
            if parents == (head or ""):
                await self._git.change(
                    pins.repo, "update-ref", "-m", "headway: save work", local(branch), work, head or ""
                )
        except Unavailable:
            return  # it moved, or is locked

    async def forget(self, repo_path: str, admin: Path, workspace_id: str) -> None:
        """Take the registration of a folder that is gone away; what it alone held is kept first."""
        pins = Pins(self._git, repo_path, workspace_id)
        _, head = await head_of(self._git, repo_path, admin)
        try:
            await pins.keep_administration(admin, head, await self._saved_tree(pins))
            name = "headway-removed"
        except GitRefused:
            name = "headway-kept"  # an index or a HEAD that git can't read
        aside = inventory.common_folder(repo_path) / unused_name(f"{name}-")

        def remove() -> None:
            for left in aside.parent.glob("headway-removed-*"):  # by an attempt that was killed
                shutil.rmtree(left, ignore_errors=True)
            try:
                admin.rename(aside)
            except OSError as error:
                raise Unavailable("git", f"cannot remove {admin}: {error.strerror}") from error
            if name == "headway-removed":
                shutil.rmtree(aside, ignore_errors=True)

        await anyio.to_thread.run_sync(remove)

    async def _saved_tree(self, pins: Pins) -> str | None:
        work = (await pins.refs()).get(f"{pins.prefix}/work")
        return await tree_of(self._git, pins.repo, work) if work else None

    async def _told(self, place: Place, pins: Pins) -> tuple[str, ...]:
        """Where everything is, from what is there. The ref of work that a branch took up goes."""
        refs = await pins.refs()
        places = []
        work = refs.get(f"{pins.prefix}/work")
        answer = await self._git.ask(
            pins.repo,
            *("for-each-ref", f"--format=%(objectname) %(refname) %(trailers:key={TRAILER},valueonly)"),
            "refs/heads/",
        )
        for line in answer.out.splitlines():
            commit, _, rest = line.partition(" ")
            ref, _, owner = rest.partition(" ")
            if commit and owner.strip() == pins.workspace_id and work in {None, commit}:
                places.append(ref)
                if work is not None:
                    await pins.forget("work", work)
                    refs.pop(f"{pins.prefix}/work")
                break
        places += sorted(refs)
        places += [str(slot / kept.WORKTREE) for slot in kept.slots(place.base, pins.workspace_id)]
        return tuple(map(presentable, places))

    async def remove(self, base: Path, folder: Path, admin: Path, *, lose_ignored: bool) -> None:
        """Remove a worktree without work. `Conflict` when it has some, or gets some meanwhile."""
        found = await self.expect_nothing_to_lose(folder, admin, lose_ignored=lose_ignored)
        trash = base / unused_name(TRASH_PREFIX)

        def take() -> bool:
            folder.rename(trash)
            if inventory.look(trash, found.seen.all_ignored) == found.disk:
                return True
            trash.rename(folder)
            return False

        try:
            taken = await anyio.to_thread.run_sync(take)
        except OSError as error:
            raise Unavailable("git", f"cannot remove {folder}: {error.strerror}") from error
        if not taken:
            raise Conflict("worktree", str(folder), "somebody works in it")
        await anyio.to_thread.run_sync(empty_trash, base)

    async def expect_nothing_to_lose(self, folder: Path, admin: Path, *, lose_ignored: bool) -> Found:
        """`Conflict` unless everything in the worktree is on a branch or a remote already."""
        path = str(folder)
        try:
            found = await self.look(folder, admin)
        except CannotHold as problem:
            raise Conflict("worktree", path, str(problem)) from problem
        if found.seen.dirty or found.raw or found.tree != await tree_of(self._git, path, found.seen.head):
            raise Conflict("worktree", path, "it holds uncommitted work")
        if unfinished(admin) or await loose_in(self._git, str(admin.parent.parent), admin):
            raise Conflict("worktree", path, "it holds commits that are on no branch")
        if found.ignored and not lose_ignored:
            raise _holds_ignored(folder, found.ignored)
        return found


def _removed_empty(folder: Path) -> bool:
    """Remove the folder if nothing at all is in it."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _holds_ignored(folder: Path, ignored: tuple[str, ...]) -> Conflict:
    some = presentable(", ".join(ignored[:SHOWN]))
    return Conflict("worktree", str(folder), f"it holds ignored files: {some}")
