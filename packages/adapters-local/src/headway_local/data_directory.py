"""The data directory: its owner's alone, and the home of one host, which its `host-id` is bound to.

`host-id` is a line with the id, and the lines of its bond: which machine and which folder it was made for.
A copy of the file, or of the whole folder, is not what its bond says, so that nobody is two hosts by one id.
A file of the id alone, as older versions wrote it, is bound by whoever reads it first.
"""

import contextlib
import fcntl
import os
import re
import stat
from pathlib import Path

from headway_core.kernel.errors import Conflict, Unavailable
from headway_local.system import RandomIds, unused_name

ID = re.compile(r"[0-9a-zA-Z-]{1,40}")
_OTHERS = 0o077
_LONGEST = 8192
"""Bytes of `host-id`: an id, and a path that is as long as paths may be."""
_MACHINE_ID = Path("/etc/machine-id")
_SAME_PLACE = ("machine", "folder", "file")
"""What of a bond must hold; the path in it is for people, since a folder may be renamed."""
_NOBODY = "unknown"
"""A machine without an id, as most containers are: it is told from no other."""


def private_folder(folder: Path) -> None:
    """Make the folder with mode 0700; one that is there with a wider mode is tightened to it.

    `Unavailable` with what to do when it can't be: others would read worktrees, prompts and the database.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if not found.st_mode & _OTHERS:
            return
        if (shared := _shared(folder, found.st_mode)) is None:
            folder.chmod(0o700)
            return
    except OSError as error:
        raise Unavailable("data directory", f"{folder}: {error.strerror}") from error
    raise Unavailable(
        "data directory",
        f"{folder} is open to others (mode {stat.S_IMODE(found.st_mode):04o}) and {shared}:"
        " name a folder of Headway's own, or take the others' permissions away",
    )


def _shared(folder: Path, mode: int) -> str | None:
    """Why the folder's mode is not ours to change; None when it is."""
    real = folder.resolve()
    if mode & stat.S_ISVTX:
        return "shared on purpose"
    if real == Path(os.path.expanduser("~")).resolve() or real.parent == real:  # noqa: PTH111 - works without a home
        return "no folder of its own"
    return None


def host_id(folder: Path) -> str:
    """The id of the host that lives in the folder, made by whichever process comes first.

    `Conflict` with what to do when the file was copied from the folder of another host; `Unavailable` when it
    is damaged or can't be used.
    """
    path = folder / "host-id"
    try:
        if not path.exists():
            _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return _expect_bound(path, file.fileno())
    except OSError as error:
        raise Unavailable("data directory", f"{path}: {error.strerror}") from error


def _make(path: Path) -> None:
    """Make the file, complete before it has its name."""
    part = path.with_name(unused_name(f"{path.name}."))
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        bond = _bond(path, os.fstat(descriptor).st_ino)
        os.write(descriptor, f"{RandomIds().new()}\n{_lines(bond)}".encode())
        os.fsync(descriptor)
        path.hardlink_to(part)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        part.unlink()


def _expect_bound(path: Path, descriptor: int) -> str:
    file = os.fstat(descriptor)
    if not stat.S_ISREG(file.st_mode):
        raise Unavailable("host", f"{path} is damaged: it is no regular file")
    found, said = _parts(os.read(descriptor, _LONGEST))
    if not ID.fullmatch(found):
        raise Unavailable("host", f"{path} is damaged: it holds no id")
    here = _bond(path, file.st_ino)
    if said is None:
        _bind(path, here)
        return found
    others = [n for n in _SAME_PLACE if said[n] != here[n] and _NOBODY not in (said[n], here[n])]
    if others:
        origin = f"that of {said.get('at', 'another folder')}"
        raise Conflict(
            "host",
            found,
            f"{path} is a copy of {origin}{' on another machine' if 'machine' in others else ''},"
            " and each of two hosts of one id would run its agents."
            f" To make a host of its own of this folder: remove {path}."
            " If the folder was moved here, and nothing runs at the old place any more:"
            " leave nothing but the first line in that file",
        )
    return found


def _parts(content: bytes) -> tuple[str, dict[str, str] | None]:
    """The id, and its bond; None when it is not bound, or the bond was never finished."""
    first, _, rest = content.decode("utf-8", "replace").partition("\n")
    bond = dict(line.split(" ", 1) for line in rest.splitlines() if " " in line)
    return first.strip(), bond if all(bond.get(name) for name in _SAME_PLACE) else None


def _bind(path: Path, bond: dict[str, str]) -> None:
    """Bind a file that holds the id alone; what can't be written is read as it is."""
    with contextlib.suppress(PermissionError), path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found, said = _parts(file.read(_LONGEST))
        if said is None:  # nobody was quicker
            file.seek(0)
            file.write(f"{found}\n{_lines(bond)}".encode())
            file.truncate()
            file.flush()
            os.fsync(file.fileno())


def _bond(path: Path, file: int) -> dict[str, str]:
    """What this place is, by what no copy has too: the folder itself, the file itself, the machine."""
    return {
        "machine": _machine(),
        "folder": str(path.parent.stat().st_ino),
        "file": str(file),
        "at": str(path.parent.resolve()).replace("\n", "?"),
    }


def _lines(bond: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in bond.items())


def _machine() -> str:
    """The machine's own id, `_NOBODY` where it has none."""
    try:
        found = _MACHINE_ID.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        found = ""
    return found if ID.fullmatch(found) else _NOBODY
