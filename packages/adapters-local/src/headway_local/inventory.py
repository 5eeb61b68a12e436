"""What lies on the disk, by looking there: never by what git's status or its list of worktrees says.

Paths are relative to the worktree, with `/`; bytes that are no UTF-8 are kept as surrogates, as git's are.
"""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import attrs

from headway_core.workspaces.ports import Standing
from headway_local.folders import occupied
from headway_local.paths import real_path
from headway_local.supervised_files import open_regular

POINTER_LIMIT = 4096
"""Bytes of a `.git` file; a longer one is none."""
FILE_LIMIT = 64 * 1024 * 1024
"""Bytes of a file in a git folder that are looked through."""
ADMINISTRATION = "worktrees"
"""The folder in a repository's git folder that has one folder for each linked worktree."""
OWNER_FILE = "headway-workspace"
"""In a worktree's git folder: the workspace that it was made for."""
WORKSPACE_ID = re.compile(r"[0-9a-zA-Z-]{1,40}")
_SHA256_DIGITS = 64
"""Characters of an id in a repository of that format; all others have SHA-1."""
_BARE = frozenset({"HEAD", "objects", "refs"})


@attrs.frozen(kw_only=True)
class Disk:
    """Everything in a worktree's folder but its own `.git`, and what git ignores."""

    files: dict[str, tuple[int, ...]]
    """Regular files and symbolic links; of each what changes when it is written."""
    repositories: tuple[str, ...]
    """Folders that are git repositories of their own, whatever git thinks of them."""
    closed: tuple[str, ...]
    """Folders that can't be looked into."""


def look(folder: Path, skipped: frozenset[str] = frozenset()) -> Disk:
    """Look at a folder. `skipped` are files, and folders that end with `/`, that are passed over."""
    files: dict[str, tuple[int, ...]] = {}
    repositories: list[str] = []
    closed: list[str] = []
    for inside, entries in _folders(folder, skipped, closed.append):
        names = {entry.name for entry in entries}
        if inside and (names >= _BARE or any(name.lower() == ".git" for name in names)):
            repositories.append(inside)
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if not inside and entry.name != ".git" and entry.name.lower() == ".git":
                repositories.append(entry.name)
            if path == ".git" or path in skipped or entry.is_dir(follow_symlinks=False):
                continue
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # it went while we looked
            if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                files[path] = (
                    *(found.st_mode, found.st_ino, found.st_size),
                    *(found.st_mtime_ns, found.st_ctime_ns),
                )
    return Disk(files=files, repositories=tuple(sorted(repositories)), closed=tuple(sorted(closed)))


def _folders(
    top: Path, skipped: frozenset[str], closed: Callable[[str], None]
) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """Each folder with what is in it; links are not entered, and what is mounted there is closed."""
    device, waiting = top.stat().st_dev, [""]
    while waiting:
        inside = waiting.pop()
        try:
            if (top / inside).stat().st_dev != device:
                raise OSError  # noqa: TRY301 - as one that can't be read
            with os.scandir(top / inside) as found:
                entries = list(found)
        except OSError:
            closed(inside or ".")
            continue
        yield inside, entries
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if entry.is_dir(follow_symlinks=False) and path != ".git" and f"{path}/" not in skipped:
                waiting.append(path)


def blob(path: Path, like: str) -> str | None:
    """The id that git would give the very bytes of a file or link, in the form of the id `like`.

    None when it can't be read.
    """
    try:
        if path.is_symlink():
            content = os.fsencode(path.readlink())
            return _hash(like, len(content), [content])
        descriptor = open_regular(str(path))
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            return _hash(like, size, iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return None


def _hash(like: str, size: int, parts: Iterable[bytes]) -> str:
    digest = hashlib.new("sha256" if len(like) == _SHA256_DIGITS else "sha1", usedforsecurity=False)
    digest.update(b"blob %d\0" % size)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def common_folder(repo_path: str) -> Path:
    """The git folder that all worktrees of a repository share, which may be a bare one."""
    repo = real_path(repo_path)
    git = repo / ".git"
    if git.is_dir():
        return real_path(git)
    return pointed(git) or repo


def read_regular(file: Path, limit: int = POINTER_LIMIT) -> bytes | None:
    """The first bytes of a regular file; None when it is none, or can't be read. An agent may put a pipe
    or a link in any place: nothing is followed, and nothing waited for.
    """
    try:
        descriptor = open_regular(str(file))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as opened:
        return opened.read(limit)


def pointed(file: Path) -> Path | None:
    """The real path of what a `.git` file points at; None when it is no regular file that points."""
    content = read_regular(file)
    target = re.fullmatch(r"gitdir: ?(.+?)[\r\n]*", os.fsdecode(content or b""), re.DOTALL)
    if target is None or "\0" in target[1]:
        return None
    return real_path(Path(file.parent, target[1]))


def administration(repo_path: str, folder: Path) -> Path | None:
    """The git folder that the repository has for the worktree at this place, whatever is there by now."""
    folders = common_folder(repo_path) / ADMINISTRATION
    said = pointed(folder / ".git")  # the quick way, when the worktree is as it should be
    if said is not None and said.parent == folders and place_of(said) == folder:
        return said
    try:
        with os.scandir(folders) as found:
            candidates = sorted(entry.path for entry in found if entry.is_dir(follow_symlinks=False))
    except OSError:
        return None
    for candidate in map(Path, candidates):
        if place_of(candidate) == folder:
            return real_path(candidate)
    return None


def place_of(candidate: Path) -> Path | None:
    """Where the worktree of such a git folder is to be; None when it does not say."""
    said = os.fsdecode(read_regular(candidate / "gitdir") or b"").rstrip("\r\n")
    return real_path(Path(candidate, said).parent) if said and "\0" not in said else None


def owner_of(admin: Path | None) -> str | None:
    """The workspace that a worktree was made for, as its git folder says; None when it says nothing."""
    if admin is None:
        return None
    said = (read_regular(admin / OWNER_FILE) or b"").decode("ascii", "replace")
    return said if WORKSPACE_ID.fullmatch(said) else None


def stands(folder: Path, admin: Path | None) -> bool:
    """Whether the folder is that very worktree: its `.git` points at the repository's folder for it."""
    return admin is not None and pointed(folder / ".git") == admin


def is_finished(repo_path: str, folder: Path) -> bool:
    """Whether the worktree was ever complete: it says whose it is, or has an index.

    Both come last, so nobody has worked in one that has neither; an agent can take one of them away.
    """
    admin = administration(repo_path, folder)
    return owner_of(admin) is not None or (admin is not None and (admin / "index").exists())


def standing(repo_path: str, path: str) -> Standing:
    """As `Worktrees.standing`."""
    folder = real_path(path)
    if not os.path.lexists(path):
        return Standing.MISSING
    if stands(folder, administration(repo_path, folder)):
        return Standing.STANDS
    return Standing.BROKEN if occupied(folder) else Standing.MISSING


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder, links not followed."""
    total = 0
    for _, entries in _folders(folder, frozenset(), lambda _: None):
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
