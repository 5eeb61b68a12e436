"""What is kept of workspaces: listed, brought back into a fresh worktree, and dropped by a person's word."""

import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.to_thread

from headway_core.kernel.errors import Unavailable
from headway_core.workspaces.ports import BroughtBack, Preserved
from headway_local import inventory, kept, snapshots
from headway_local.git import Git
from headway_local.pinning import PRESERVED, Pins
from headway_local.references import is_id, local

BEGUN, DONE = "headway-bringing-back", "headway-brought-back"


class PreservedWork:
    """Reads the refs and folders that `away` and `pinning` write."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def all(self, repo_path: str, base: Path) -> tuple[Preserved, ...]:
        """Everything that is kept, by workspace."""
        refs: dict[str, list[str]] = defaultdict(list)
        times: dict[str, list[float]] = defaultdict(list)
        answer = await self._git.ask(
            repo_path, "for-each-ref", "--format=%(creatordate:unix) %(refname)", PRESERVED
        )
        for line in answer.out.splitlines():
            at, _, name = line.partition(" ")
            owner = name.removeprefix(PRESERVED).partition("/")[0]
            refs[owner].append(name)
            times[owner] += [float(at)] if at else []  # a tree has no time
        folders = {owner: kept.slots(base, owner) for owner in kept.owners(base)}
        found = []
        for owner in sorted({*refs, *(owner for owner, slots in folders.items() if slots)}):
            slots = folders.get(owner, [])
            times[owner] += [slot.stat().st_mtime for slot in slots]
            size = await self._size(repo_path, refs[owner]) if refs[owner] else 0
            for slot in slots:
                size += await anyio.to_thread.run_sync(inventory.size_of, slot)
            found.append(
                Preserved(
                    workspace_id=owner,
                    places=(*refs[owner], *(str(slot / kept.WORKTREE) for slot in slots)),
                    size=size,
                    since=datetime.fromtimestamp(min(times[owner], default=0.0), UTC),
                )
            )
        return tuple(found)

    async def _size(self, repo_path: str, refs: list[str]) -> int:
        """Bytes on the disk of what nothing else reaches."""
        others = (f"--exclude={PRESERVED}*", "--all")
        answer = await self._git.ask(
            repo_path, "rev-list", "--objects", "--disk-usage", *refs, "--not", *others
        )
        return int(answer.line)

    async def make_branch(self, repo_path: str, base: Path, branch: str, workspace_id: str) -> bool:
        """As `Worktrees.make_preserved_branch`."""
        for commit in await self._made_on(repo_path, base, workspace_id):
            known = await self._git.ask(repo_path, "rev-list", "--no-walk", "--ignore-missing", commit)
            if known.out:
                words = ("update-ref", "-m", f"headway: restore {workspace_id}", local(branch), commit, "")
                await self._git.change(repo_path, *words)
                return True
        return False

    async def _made_on(self, repo_path: str, base: Path, workspace_id: str) -> list[str]:
        """The commits that what is preserved was made on, the best known first."""
        pins = Pins(self._git, repo_path, workspace_id)
        refs, found = await pins.refs(), []
        for name in ("work", "raw", "index"):
            if commit := refs.get(f"{pins.prefix}/{name}"):
                found += (await self._git.ask(repo_path, "log", "-1", "--format=%P", commit)).line.split()
        for slot in reversed(kept.slots(base, workspace_id)):
            log = await anyio.to_thread.run_sync(
                inventory.read_regular, slot / kept.GIT / "logs/HEAD", inventory.FILE_LIMIT
            )
            if log:
                found += [os.fsdecode(log.splitlines()[-1]).split(" ")[1]]
        return [commit for commit in found if is_id(commit)]

    async def bring_back(self, repo_path: str, base: Path, folder: Path, workspace_id: str) -> BroughtBack:
        """As `Worktrees.bring_back`, for a worktree that stands.

        Files in its git folder say that it has begun, and that it was done.
        """
        path = str(folder)
        admin = inventory.administration(repo_path, folder)
        if admin is None or await anyio.Path(admin, DONE).exists():
            return BroughtBack(told=())
        if not await anyio.Path(admin, BEGUN).exists():
            if (await snapshots.status(self._git, path)).dirty:
                return BroughtBack(told=("the worktree has work of its own: nothing was brought back",))
            await anyio.Path(admin, BEGUN).touch()
        told = await self._bring_back(repo_path, base, folder, workspace_id)
        await anyio.Path(admin, DONE).touch()
        return BroughtBack(told=tuple(told))

    async def _bring_back(self, repo_path: str, base: Path, folder: Path, workspace_id: str) -> list[str]:
        pins = Pins(self._git, repo_path, workspace_id)
        refs, path = await pins.refs(), str(folder)
        slots = kept.slots(base, workspace_id)
        at_hand = {f"{pins.prefix}/{name}" for name in ("work", "raw")} | {pins.prefix}
        told = []
        files = refs.get(f"{pins.prefix}/work") or refs.get(pins.prefix)
        if slots:
            try:
                foreign = await anyio.to_thread.run_sync(kept.bring_back, slots[-1], folder, workspace_id)
            except OSError as error:
                raise Unavailable("git", f"cannot copy to {folder}: {error.strerror}") from error
            told.append(f"the files of {slots[-1] / kept.WORKTREE} are here")
            if foreign is not None:
                told.append(f"the .git that lay there is here as {foreign}")
        elif files is not None:
            await self._git.change(
                path, "restore", f"--source={files}", "--worktree", "--no-overlay", "--", ":/"
            )
            told.append("its uncommitted files are here")
            beyond = await self._git.ask(
                path, "rev-list", "--count", f"{files}^..HEAD", codes=frozenset({0, 128})
            )
            if beyond.line.strip() not in {"", "0"}:
                told.append(f"they do not have what the branch got since: git log {files[:12]}^..HEAD")
        raw = refs.get(f"{pins.prefix}/raw")
        if raw is not None and not slots:
            await self._write_raw(path, raw)
        index = refs.get(f"{pins.prefix}/index")
        if index is not None:
            staged = await self._git.ask(path, "ls-tree", "--name-only", index)
            if not any(name.startswith(".headway-side-") for name in staged.out.splitlines()):
                await self._git.change(path, "read-tree", index)
                told.append("what was staged is staged")
                at_hand.add(f"{pins.prefix}/index")
        told += [f"{ref} keeps more: git show {ref}" for ref in sorted(refs) if ref not in at_hand]
        told += [f"{slot / kept.WORKTREE} keeps more" for slot in slots[:-1]]
        return told

    async def _write_raw(self, path: str, commit: str) -> None:
        """Write the very bytes, which no filter sees: a tree is unpacked without attributes."""
        listed = await self._git.ask(path, "ls-tree", "-r", "-z", "--full-tree", commit)
        for line in listed.out.split("\0"):
            facts, _, name = line.partition("\t")
            if name:
                blob = facts.split(" ")[2]
                await self._unpack(path, blob, Path(path, name))

    async def _unpack(self, path: str, blob: str, target: Path) -> None:
        # `unpack-file` writes the blob as it is to a file of its own in the folder.
        made = (await self._git.change(path, "unpack-file", blob)).line
        await anyio.Path(target.parent).mkdir(parents=True, exist_ok=True)
        mode = (await anyio.Path(target).stat()).st_mode if await anyio.Path(target).exists() else 0o644
        await anyio.Path(path, made).chmod(mode & 0o777)
        await anyio.Path(path, made).rename(target)

    async def drop(self, repo_path: str, base: Path, workspace_id: str) -> None:
        """Remove the refs and the folders."""
        for ref, commit in (await Pins(self._git, repo_path, workspace_id).refs()).items():
            await self._git.change(repo_path, "update-ref", "-d", ref, commit)
        await anyio.to_thread.run_sync(kept.drop, base, workspace_id)
