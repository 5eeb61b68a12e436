"""The files of a supervised run, for the program that writes them and for whoever reads them.

Standard library only, as `supervised`. The agent is of the same user, so each of these files may be anything
by the time it is opened: nothing here follows a link, waits for a pipe, or reads more than a few lines.
"""

# Importing pathlib would double the time of the start.
# ruff: noqa: PTH102, PTH104, PTH106, PTH108, PTH110, PTH112, PTH123
import contextlib
import errno
import fcntl
import os
import select
import stat
import sys
import time

LOCK_PATIENCE_S = 10.0
LONGEST = 16_384
"""Bytes of a file of evidence: a few lines, of which one may tell a path."""
ON_LINUX = sys.platform == "linux"
CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
"""Where the hierarchy of cgroups (version 2) is mounted."""
CGROUP_PREFIX = "headway-"
STATE, PARENT, BEGAN = 0, 1, 19
"""Places in `stat_fields`: the letter of its state, a pid, ticks since the machine was started."""
_WITHOUT_WAITING = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_regular(path: str, flags: int = os.O_RDONLY) -> int:
    """Open a regular file that is there, without following or waiting; `OSError` says what is wrong."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.EINVAL, "is no regular file")
    descriptor = os.open(path, flags | _WITHOUT_WAITING)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file")
    return descriptor


def read_small(path: str, limit: int = LONGEST) -> str:
    """The text of a small regular file; `OSError` says what is wrong."""
    descriptor = open_regular(path)
    try:
        content = os.read(descriptor, limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise OSError(errno.EFBIG, "is too large")
    return content.decode("utf-8", "replace")


def create(path: str) -> int:
    """Create a file for writing; whatever has its name already is put aside."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _WITHOUT_WAITING
    try:
        return os.open(path, flags, 0o600)
    except FileExistsError:
        put_aside(path)
        return os.open(path, flags, 0o600)


def put_aside(path: str) -> None:
    """Take a name away from whatever has it."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, f"{path}-{os.urandom(8).hex()}.aside")


def write_file(path: str, text: str) -> None:
    """Write a file that is complete, and on disk, before it has its name."""
    part = f"{path}.{os.urandom(8).hex()}"
    descriptor = create(part)
    os.write(descriptor, text.encode("utf-8", "surrogateescape"))
    os.fsync(descriptor)
    os.close(descriptor)
    try:
        os.rename(part, path)
    except (IsADirectoryError, NotADirectoryError, FileExistsError):
        put_aside(path)
        os.rename(part, path)
    sync_folder()


def sync_folder() -> None:
    """What has a name in the present folder keeps it, also when the power is cut."""
    folder = os.open(".", os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def identity(pid: int) -> str:
    """A process, in a way that no other process will ever match (Linux; elsewhere its pid)."""
    lines = [f"pid {pid}"]
    if ON_LINUX:
        lines.append(f"start_time {stat_fields(pid)[BEGAN]}")
        lines.append(f"boot_id {boot_id()}")
    return "\n".join(lines) + "\n"


def stat_fields(pid: "int | str") -> "list[str]":
    """What Linux tells of a process after its name, as `STATE`; `OSError` when it is gone."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat_file:
        return stat_file.read().rpartition(")")[2].split()


def pid_namespace() -> "int | None":
    """The space in which pids mean something (a container's own); None where the system does not tell."""
    with contextlib.suppress(OSError):
        return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - as above
    return None


def boot_id() -> str:
    """What names the time since the machine was started, and no other."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
        return boot.read().strip()


def take_lock() -> bool:
    """Hold `lock` until this process ends. False: the run is another's, or closed."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open("lock", os.O_RDWR | os.O_CREAT | os.O_EXCL | _WITHOUT_WAITING, 0o600))
    descriptor = open_regular("lock", os.O_RDWR)
    give_up = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Somebody only looks (for microseconds), or another start of this attempt was quicker.
            if os.path.lexists("started") or time.monotonic() > give_up:
                return False
            select.select([], [], [], 0.002)
        else:
            return True


def claim(facts: str) -> bool:
    """Create `started` exclusively, with these lines: whoever does it decides whether the run ever begins."""
    write_file("mine", facts)
    try:
        os.link("mine", "started")
    except FileExistsError:
        return False
    finally:
        os.unlink("mine")
    sync_folder()  # a power cut must not forget it once the program has run
    return True


def enter_cgroup() -> "str | None":
    """Move this process into a cgroup of its own, where that is allowed: no descendant leaves it by itself.

    Returns the cgroup's folder; None where there is none. It lies below the present one, whose limits and end
    it shares. Root may do it anywhere, and does it where systemd does not own the cgroups.
    """
    if os.geteuid() == 0 and os.path.isdir("/run/systemd/system"):
        return None
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/cgroup", encoding="utf-8", errors="replace") as mine:
            own = next(line[3:].rstrip("\n") for line in mine if line.startswith("0::/"))
        for mount in CGROUPS if ".." not in own else ():
            above = mount + own.rstrip("/")
            if os.path.exists(f"{above}/cgroup.procs"):
                folder = f"{above}/{CGROUP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
                os.mkdir(folder, 0o755)
                return folder if _move_to(folder) else None
    return None


def _move_to(folder: str) -> bool:
    try:
        with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as processes:
            processes.write("0")
    except OSError:
        with contextlib.suppress(OSError):
            os.rmdir(folder)
        return False
    return True


def leave_cgroup(folder: str) -> None:
    """Move this process, the last one, back to where it came from, and remove the cgroup."""
    with contextlib.suppress(OSError):
        with open(f"{folder}/../cgroup.procs", "w", encoding="ascii") as processes:
            processes.write("0")
        os.rmdir(folder)
