"""Which repository git finds from a folder, and the files in it that steer git: looked at, not asked of git.

The rules are git's own (`setup.c`): from the folder upwards, at each step first `.git`, a folder or a file
that names one, then the folder itself as a bare repository.
"""

import os
import re
import stat
from pathlib import Path

import attrs

from headway_local.paths import real_path

_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}")
_READ_LIMIT = 4_096
_INDEX_LIMIT = 1024 * 1024 * 1024
_INDEX_PART = 1024 * 1024
_REPOSITORY_MODE = b"\x00\x00\xe0\x00"
"""The mode of a repository within the repository, as an index has it."""

Stamp = tuple[tuple[int, ...], ...]
"""What changes with files: device, inode, size and times of each; nothing of one that is not there."""


@attrs.frozen
class Located:
    """A repository, as git finds it."""

    top: Path | None
    """The top folder of the worktree; None in a bare repository, and inside of a git folder."""
    git_dir: Path
    """The worktree's own git folder."""
    common_dir: Path
    """The git folder that all worktrees share: `git_dir` itself, but in a linked worktree."""

    @property
    def shared_settings(self) -> Path:
        return self.common_dir / "config"

    @property
    def own_settings(self) -> Path:
        """The file of configuration that a worktree may have beside the shared one."""
        return self.git_dir / "config.worktree"

    @property
    def has_own_settings(self) -> bool:
        return os.path.lexists(self.own_settings)


class Unclear:
    """Something is there that git might take for a repository, and we do not."""


def find(cwd: str | Path) -> Located | Unclear | None:
    """The repository that git finds from a folder; None when there is none for sure."""
    unclear = False
    start = real_path(cwd)
    for folder in (start, *start.parents):
        inner = folder / ".git"
        if inner.is_file():
            return _named(inner) or Unclear()
        found = _repository(inner, folder) or _repository(folder, None)
        if found is not None:
            return found
        unclear = unclear or os.path.lexists(inner) or os.path.lexists(folder / "HEAD")
    return Unclear() if unclear else None


def find_at(folder: Path) -> Located | None:
    """The repository whose top folder this is; git does not look into what it can't take for one."""
    found = find(folder)
    return found if isinstance(found, Located) and found.top == real_path(folder) else None


def _named(file: Path) -> Located | None:
    """The repository that a `.git` file names."""
    kind, _, named = _line(file).partition(b": ")
    if kind != b"gitdir" or not named:
        return None
    return _repository(file.parent / os.fsdecode(named), file.parent)


def _repository(git_dir: Path, top: Path | None) -> Located | None:
    """The repository of a git folder, if git takes it for one."""
    shared = os.fsdecode(_line(git_dir / "commondir"))
    common_dir = git_dir / shared if shared else git_dir
    if not all(os.access(common_dir / name, os.X_OK) for name in ("objects", "refs")):
        return None
    head = git_dir / "HEAD"
    if head.is_symlink():
        valid = str(head.readlink()).startswith("refs/")
    else:
        valid = _HEAD.match(_line(head)) is not None
    return Located(top, real_path(git_dir), real_path(common_dir)) if valid else None


def _line(file: Path) -> bytes:
    """The beginning of a small file without its line's end; nothing when it can't be read."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(handle, _READ_LIMIT).rstrip(b"\r\n")
    except OSError:
        return b""
    finally:
        os.close(handle)


def stamp(*files: Path) -> Stamp:
    """What tells whether the files are as they were."""
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        seen = file.stat()
    except OSError:
        return ()
    return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def may_hold_repositories(found: Located) -> bool:
    """Whether the index of a worktree may name repositories within it; yes when it can't be read."""
    try:
        return any(map(_has_repository_mode, (found.git_dir / "index", *found.git_dir.glob("sharedindex.*"))))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _has_repository_mode(index: Path) -> bool:
    handle = os.open(index, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb", buffering=0) as file:
        seen = os.fstat(handle)
        if not stat.S_ISREG(seen.st_mode) or seen.st_size > _INDEX_LIMIT:
            return True
        end = b""
        while part := file.read(_INDEX_PART):
            if _REPOSITORY_MODE in end + part:
                return True
            end = (end + part)[1 - len(_REPOSITORY_MODE) :]
    return False
