"""Submodules: whether one may go with its worktree, because its remote has everything that is in it."""

from pathlib import Path

from headway_local import inventory, snapshots
from headway_local.git import Git, GitRefused, real_path
from headway_local.pinning import unfinished


async def trouble(git: Git, folder: Path, expected: str) -> tuple[str | None, tuple[str, ...]]:
    """Why it must be kept, None when it need not be; and its ignored files.

    `expected` is its commit, as the worktree has it.
    """
    path = str(folder)
    try:
        top = (await git.ask(path, "rev-parse", "--show-toplevel")).line
        if real_path(top) != real_path(path):
            return "has no repository", ()
        own = Path((await git.ask(path, "rev-parse", "--absolute-git-dir")).line)
        seen = await snapshots.status(git, path)
        disk = inventory.look(folder, seen.all_ignored)
        if disk.repositories or disk.closed:
            return "holds a repository of its own", ()
        if seen.dirty or seen.head != expected or unfinished(own):
            return "holds uncommitted work", ()
        flagged = await git.ask(path, "ls-files", "-v", "-z")
        if any(line[0] != "H" for line in flagged.out.split("\0") if line):
            return "hides files from git", ()
        if not (await git.ask(path, "remote")).out or (own / inventory.ADMINISTRATION).exists():
            return "has no remote", ()
        alone = await git.ask(
            path,
            *("--no-replace-objects", "rev-list", "--max-count=1", "--all", "--reflog", "HEAD"),
            *("--not", "--remotes"),
        )
        if alone.out:
            return "holds commits that are on no remote", ()
    except GitRefused as error:
        return f"can't be read ({error.problem})", ()
    return None, tuple(sorted(seen.all_ignored))
