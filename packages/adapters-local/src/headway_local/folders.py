"""Folders of worktrees: which may be touched (L8), and how they are removed."""

import contextlib
import fcntl
import os
import shutil
from pathlib import Path

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_local.paths import real_path
from headway_local.supervised_files import open_regular
from headway_local.system import unused_name

TRASH_PREFIX = ".headway-removed-"
LEAVING_PREFIX = ".headway-leaving-"
"""Followed by the workspace's id: its worktree, renamed a moment ago, that is looked at once more."""
MAKING_PREFIX = ".headway-making-"
"""Followed by the name of the folder beside it: a worktree that is being made, or was never finished."""


def strictly_inside(base_path: str, path: str) -> Path:
    """The real path of a worktree's folder, which exists or not.

    `InvalidInput("path")` unless it lies strictly inside the real `base_path`, and is no symbolic link
    itself: through a link another workspace's folder would be meant.
    """
    if "\0" in path or not Path(path).is_absolute():
        raise InvalidInput("path", f"{path!r} is not absolute")
    base = real_path(base_path)
    real = real_path(path)
    if real == base or not real.is_relative_to(base):
        raise InvalidInput("path", f"{path!r} is not strictly inside {base_path!r}")
    if Path(path).is_symlink():
        raise InvalidInput("path", f"{path!r} is a symbolic link: move what it points at back there")
    return real


def occupied(folder: Path) -> bool:
    """Whether something is there that git would not make a worktree over."""
    if folder.is_dir() and not folder.is_symlink():
        return any(folder.iterdir())
    return os.path.lexists(folder)


def discard(base_path: str, folder: Path) -> None:
    """Take a folder away in one step, then delete it.

    Half a worktree is never seen: it is renamed first, and what a killed deletion left is deleted by the
    next one.
    """
    base = real_path(base_path)
    if os.path.lexists(folder):
        try:
            folder.rename(base / unused_name(TRASH_PREFIX))
        except OSError as error:
            raise Unavailable("git", f"cannot remove {folder}: {error.strerror}") from error
    empty_trash(base)


def empty_trash(base: Path) -> None:
    for trash in base.glob(f"{TRASH_PREFIX}*"):
        _make_writable(trash)
        shutil.rmtree(trash, ignore_errors=True)


def marker_of(folder: Path) -> Path:
    return folder.with_name(f"{MAKING_PREFIX}{folder.name}")


def mark_unfinished(folder: Path) -> Path:
    """Say, before anything is made, that nobody has ever worked in what will be in the folder."""
    marker = marker_of(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(marker, flags, 0o600)
        os.fsync(descriptor)
        os.close(descriptor)
    except OSError as error:
        raise Unavailable("git", f"cannot make {folder}: {error.strerror}") from error
    return marker


def in_use(marker: Path) -> bool:
    """Whether git still lives that somebody, killed meanwhile, started to make the worktree."""
    with contextlib.suppress(OSError):  # it is gone, or something that an agent has put there
        descriptor = open_regular(str(marker))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
    return False


def _make_writable(folder: Path) -> None:
    """Give folders write permission: without it (module caches) their files can't be removed."""
    for parent, names, _ in os.walk(folder):
        for name in names:
            inner = Path(parent, name)
            if not inner.is_symlink() and not os.access(inner, os.W_OK | os.X_OK):
                inner.chmod(0o700)
