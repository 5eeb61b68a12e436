"""Folders that were kept whole, because git can't hold what is in them.

They lie in `<base>/.headway-preserved/<workspace id>/<number>/`: the worktree's folder as it was in
`worktree`, and the repository's git folder for it, if there was one, in `git`.
"""

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path

from headway_core.kernel.errors import Conflict, Unavailable
from headway_local import inventory
from headway_local.folders import discard

KEPT = ".headway-preserved"
WORKTREE, GIT = "worktree", "git"
MARK = "git-follows"
"""A file beside a kept folder whose git folder is not there yet."""


def slots(base: Path, workspace_id: str) -> list[Path]:
    """Where folders of the workspace are kept, the first one first."""
    return [slot for slot in _numbered(base, workspace_id) if os.path.lexists(slot / WORKTREE)]


def _numbered(base: Path, workspace_id: str) -> list[Path]:
    try:
        found = [child for child in (base / KEPT / workspace_id).iterdir() if child.name.isdecimal()]
    except OSError:
        return []
    return sorted(found, key=lambda child: int(child.name))


def incomplete(base: Path, workspace_id: str) -> Path | None:
    """A folder that was kept, and whose git folder is still to follow it."""
    return next((slot for slot in slots(base, workspace_id) if (slot / MARK).exists()), None)


def owners(base: Path) -> list[str]:
    """The workspaces of which something is kept in this base."""
    try:
        return sorted(child.name for child in (base / KEPT).iterdir() if child.is_dir())
    except OSError:
        return []


def keep(base: Path, workspace_id: str, folder: Path, *, git_follows: bool) -> Path:
    """Put a folder away whole, in one step; where it is now. `Conflict` when it can't be moved."""
    former = _numbered(base, workspace_id)
    slot = base / KEPT / workspace_id / str(int(former[-1].name) + 1 if former else 1)
    if former and not any(os.path.lexists(former[-1] / name) for name in (WORKTREE, GIT)):
        slot = former[-1]  # a killed attempt made it
    for place in (base / KEPT, base / KEPT / workspace_id, slot):
        if place.is_symlink():
            raise Conflict("worktree", str(folder), f"{place} is a symbolic link: remove that first")
    try:
        slot.mkdir(mode=0o700, parents=True, exist_ok=True)
        (base / KEPT).chmod(0o700)
        (slot / MARK).touch() if git_follows else (slot / MARK).unlink(missing_ok=True)
        folder.rename(slot / WORKTREE)
    except OSError as error:
        shutil.rmtree(slot, ignore_errors=True)
        raise Conflict("worktree", str(folder), f"it can't be moved: {error.strerror}") from error
    return slot


def keep_administration(slot: Path, admin: Path, common: Path) -> None:
    """Put the git folder of a kept worktree beside it, and let both know each other again."""
    its = inventory.pointed(slot / WORKTREE / ".git") == admin
    try:
        move(admin, slot / GIT)
        (slot / GIT / "commondir").write_bytes(os.fsencode(common) + b"\n")
        (slot / GIT / "gitdir").write_bytes(os.fsencode(slot / WORKTREE / ".git") + b"\n")
        if its:
            pointer = slot / WORKTREE / ".git"
            part = slot / "pointer"
            part.write_bytes(b"gitdir: " + os.fsencode(slot / GIT) + b"\n")
            part.replace(pointer)
        _tell_submodules(slot)
        (slot / MARK).unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable("git", f"cannot keep {admin}: {error.strerror}") from error


def _tell_submodules(slot: Path) -> None:
    """Let kept submodules and their repositories, which lie in the kept git folder, find each other."""
    modules = slot / GIT / "modules"
    if not modules.is_dir():
        return
    for inside in inventory.look(modules).repositories:
        _without_worktree(modules / inside / "config")
    for inside in inventory.look(slot / WORKTREE).repositories:
        pointer = slot / WORKTREE / inside / ".git"
        name = _module(pointer)
        if name is not None and (modules / name / "HEAD").is_file():
            pointer.write_bytes(b"gitdir: " + os.fsencode(modules / name) + b"\n")


def move(source: Path, target: Path) -> None:
    """Rename a folder, also to another file system: it is there when it is complete."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f"{target.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part, symlinks=True)
        part.rename(target)
        shutil.rmtree(source)


def drop(base: Path, workspace_id: str) -> None:
    """Delete everything that is kept of the workspace in this base."""
    discard(str(base), base / KEPT / workspace_id)
    with contextlib.suppress(OSError):
        (base / KEPT).rmdir()


def bring_back(slot: Path, folder: Path, workspace_id: str) -> str | None:
    """Let a fresh worktree have the kept files, and no others; the name that a foreign `.git` got.

    The worktree's own `.git` stays. A submodule gets its repository, which lay in the worktree's git folder.
    """
    source, foreign = slot / WORKTREE, None
    if source.is_symlink() or not source.is_dir():  # it lay in place of the worktree
        _copy(source, folder / f"{source.name}-of-{workspace_id}")
        return None
    for child in list(folder.iterdir()):
        if child.name != ".git":
            shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink()
    for child in source.iterdir():
        target = folder / child.name
        if child.name == ".git":
            if inventory.pointed(child) in {slot / GIT, None} and not child.is_dir():
                continue
            foreign = f".git-of-{workspace_id}"
            target = folder / foreign
        _copy(child, target)
    _give_repositories(slot, folder)
    return foreign


def _copy(source: Path, target: Path) -> None:
    mode = source.lstat().st_mode
    if stat.S_ISDIR(mode):
        shutil.copytree(source, target, symlinks=True, ignore=_special)
    elif stat.S_ISREG(mode) or stat.S_ISLNK(mode):
        shutil.copy2(source, target, follow_symlinks=False)


def _special(folder: str, names: list[str]) -> list[str]:
    """Pipes, sockets and devices, which hold nothing."""
    kinds = {name: Path(folder, name).lstat().st_mode for name in names}
    plain = (stat.S_ISREG, stat.S_ISLNK, stat.S_ISDIR)
    return [name for name, mode in kinds.items() if not any(kind(mode) for kind in plain)]


def _give_repositories(slot: Path, folder: Path) -> None:
    """Put into each submodule its repository, which lay in the git folder of the worktree."""
    modules = slot / GIT / "modules"
    if not modules.is_dir():
        return
    for inside in inventory.look(folder).repositories:
        pointer = folder / inside / ".git"
        name = _module(pointer)
        if name is None or not (modules / name / "HEAD").is_file():
            continue
        pointer.unlink()
        shutil.copytree(modules / name, pointer, symlinks=True)
        _without_worktree(pointer / "config")


def _module(pointer: Path) -> str | None:
    """The name of the module that a `.git` file of a submodule points at."""
    said = os.fsdecode(inventory.read_regular(pointer) or b"").strip()
    _, found, name = said.partition("/modules/")
    return name if found and ".." not in Path(name).parts else None


def _without_worktree(config: Path) -> None:
    """The line that says where the submodule was: from inside of it, nothing needs to be said."""
    if not config.is_file() or config.is_symlink():
        return
    lines = config.read_text("utf-8", "surrogateescape").splitlines(keepends=True)
    kept = [line for line in lines if not line.strip().lower().startswith("worktree")]
    config.write_text("".join(kept), "utf-8", "surrogateescape")
