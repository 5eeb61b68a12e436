"""Submodules: whether one may go with its worktree, because its remote has everything that is in it."""

import re
from pathlib import Path

import anyio
import anyio.to_thread

from headway_local import inventory, snapshots
from headway_local.git import Git, GitRefused
from headway_local.loose import chunks, ids_in, unfinished
from headway_local.paths import real_path

_ELSEWHERE = re.compile(r"(?!file:)[a-z+]+://|[^/]+:", re.IGNORECASE)
"""Of a remote that is reached by a network."""


async def trouble(git: Git, top: Path, inside: str, expected: str) -> tuple[str | None, tuple[str, ...]]:
    """Why it must be kept, None when it need not be; and its ignored files.

    `expected` is its commit, as the worktree at `top` has it.
    """
    folder = top / inside
    path = str(folder)
    try:
        found = (await git.ask(path, "rev-parse", "--show-toplevel")).line
        if real_path(found) != real_path(path):
            return "has no repository", ()
        own = Path((await git.ask(path, "rev-parse", "--absolute-git-dir")).line)
        seen = await snapshots.status(git, path)
        disk = await anyio.to_thread.run_sync(inventory.look, folder, seen.all_ignored)
        if disk.repositories or disk.closed:
            return "holds a repository of its own", ()
        if seen.dirty or seen.head != expected or unfinished(own):
            return "holds uncommitted work", ()
        flagged = await git.ask(path, "ls-files", "-v", "-z")
        if any(line[0] != "H" for line in flagged.out.split("\0") if line):
            return "hides files from git", ()
        if not await _are_committed(git, folder, disk):
            return "holds files that git would not give back as they are", ()
        if (own / inventory.ADMINISTRATION).exists():
            return "has worktrees of its own", ()
        if await _holds_more_than_remotes(git, top, path, own):
            return "holds commits that are on no remote", ()
    except GitRefused as error:
        return f"can't be read ({error.problem})", ()
    return None, tuple(sorted(seen.all_ignored))


async def _are_committed(git: Git, folder: Path, disk: inventory.Disk) -> bool:
    """Whether each file's very bytes are in the commit."""
    listed = await git.ask(str(folder), "ls-tree", "-r", "-z", "--full-tree", "HEAD")
    entries = dict(line.partition("\t")[::-2] for line in listed.out.split("\0") if line)

    def same() -> bool:
        ids = {name: facts.split(" ")[2] for name, facts in entries.items()}
        return all(
            name in ids and inventory.blob(folder / name, ids[name]) == ids[name] for name in disk.files
        )

    return await anyio.to_thread.run_sync(same)


async def _holds_more_than_remotes(git: Git, top: Path, path: str, own: Path) -> bool:
    """Whether anything that its git folder names is not on a remote, as far as that can be known."""
    remotes: list[str] = []
    for name in (await git.ask(path, "remote")).out.splitlines():
        remotes += await _reached(git, top, path, name)
    if not remotes:
        return True
    named = await anyio.to_thread.run_sync(ids_in, own)
    for some in chunks(named) if named else [[]]:
        alone = await git.ask(
            path,
            *("--no-replace-objects", "rev-list", "--max-count=1", "--ignore-missing"),
            *("--all", "--reflog", "HEAD", *some, "--not", *remotes),
        )
        if alone.out:
            return True
    return False


async def _reached(git: Git, top: Path, path: str, remote: str) -> list[str]:
    """What a remote has, as words for git. One that is a folder is asked: it may be gone, or go with us."""
    url = (await git.ask(path, "remote", "get-url", "--", remote)).line
    if _ELSEWHERE.match(url):
        return [f"--remotes={remote}"]
    place = real_path(Path(path, url.removeprefix("file://")))
    if not await anyio.Path(place).is_dir() or place.is_relative_to(top):
        return []
    tracked = await git.ask(path, "for-each-ref", "--format=%(objectname)", f"refs/remotes/{remote}/")
    found = []
    for commit in dict.fromkeys(tracked.out.split()):
        there = await git.ask(
            str(place),
            *("for-each-ref", "--count=1", "--contains", commit),
            codes=frozenset({0, 128, 129}),
        )
        if there.code == 0 and there.out:
            found.append(commit)
    return found
