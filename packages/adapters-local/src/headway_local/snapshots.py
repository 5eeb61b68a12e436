"""What git's status says of a worktree."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import attrs

from headway_local.git import Git

IGNORED_LIMIT = 100
FILES_LIMIT = 1000
"""So many files of a folder that is not tracked are looked at, to know its changes again."""
PLAIN = (
    *("-c", "core.untrackedCache=false", "-c", "core.ignoreCase=false", "-c", "core.precomposeUnicode=false"),
    *("-c", "core.trustctime=true", "-c", "core.checkStat=default", "-c", "core.ignoreStat=false"),
    *("-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false"),
)
"""So that git looks at the files, whatever a repository's configuration makes of them."""
_PATH_AFTER = {"1": 8, "2": 9, "u": 10}
"""How many words stand before the path in a line of `git status --porcelain=v2`."""


@attrs.frozen(kw_only=True)
class Status:
    """What `git status` says."""

    branch: str | None
    """None when HEAD is detached."""
    head: str | None
    """None before the first commit."""
    dirty: bool
    ignored: tuple[str, ...]
    """At most 100."""
    all_ignored: frozenset[str]
    changes: str | None
    """A digest of what is dirty: of the entries, and of what the disk says of their files."""


async def status(git: Git, path: str) -> Status:
    answer = await git.ask(
        path,
        *PLAIN,
        *("status", "--porcelain=v2", "--branch", "-z"),
        *("--untracked-files=normal", "--ignored=traditional", "--ignore-submodules=none"),
    )
    head: str | None = None
    branch: str | None = None
    dirty = False
    ignored, entries = [], []
    lines = iter(answer.out.split("\0"))
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            if name == "branch.oid":
                head = None if value == "(initial)" else value
            if name == "branch.head":
                branch = None if value == "(detached)" else value
        elif kind == "!":
            ignored.append(rest)
        elif kind:
            dirty = True
            entries.append(line)
            if kind == "2":
                next(lines)  # the path that it was renamed from
    return Status(
        branch=branch,
        head=head,
        dirty=dirty,
        ignored=tuple(sorted(ignored)[:IGNORED_LIMIT]),
        all_ignored=frozenset(ignored),
        changes=await anyio.to_thread.run_sync(_digest, path, entries) if entries else None,
    )


def _digest(path: str, entries: list[str]) -> str:
    """Of the entries, and of the time and size of each file that they name; of a folder, of what is in it."""
    digest = hashlib.sha256()
    for entry in entries:
        kind = entry[0]
        name = entry.split(" ", _PATH_AFTER.get(kind, 1))[-1]
        digest.update(f"{entry}\0".encode("utf-8", "surrogateescape"))
        for file in itertools.islice(_files(Path(path, name)), FILES_LIMIT):
            try:
                stat = file.lstat()
            except OSError:
                continue
            digest.update(f"{file}\0{stat.st_mtime_ns}\0{stat.st_size}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    """The file, or the folder with everything in it; no link is followed."""
    yield path
    if path.is_dir() and not path.is_symlink():
        for folder, folders, files in os.walk(path):
            yield from (Path(folder, name) for name in sorted((*folders, *files)))
