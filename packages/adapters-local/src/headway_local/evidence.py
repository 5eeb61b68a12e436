"""What the files of a run say, believed only as far as they can be.

The agent is of the same user and may have written any of them, so a file is read without following or
waiting, and one that is not as the supervising program writes it is a problem that is told, never an
exception.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from headway_core.processes import Contradictory, Exited, NeverStarted, Probe, Running, Unreadable, Vanished
from headway_local.supervised_files import (
    BEGAN,
    ON_LINUX,
    STATE,
    boot_id,
    open_regular,
    pid_namespace,
    put_aside,
    read_small,
    stat_fields,
)
from headway_local.system import unused_name

PROGRAM = "supervised.py"
CLOSED = "closed yes\n"
SETTLED = "settled"
_SETTLED_BEFORE = "vanished"
"""What older versions called it, of a run whose supervisor had died."""
_EXITS = re.compile(r"(exit_code|signal) ([0-9]{1,3})|failed_to_start .{0,2000}", re.DOTALL)
_ONE_LINE = 500


@attrs.frozen(kw_only=True)
class StartedBy:
    """Who said that it runs the process, and by what its descendants are known."""

    pid: int
    start_time: int | None
    """In ticks since the machine was started; None where the system does not tell."""
    boot_id: str | None
    namespace: int | None = None
    """In which the pid means something; None: where everybody looks from."""
    output: int | None = None
    """The inode of the pipe that the process prints to."""
    cgroup: str | None = None
    cwd: str | None = None


@attrs.frozen(kw_only=True)
class RunEvidence:
    """The files of a run, as one look found them."""

    started: StartedBy | None = None
    closed: bool = False
    """The run was closed before it began."""
    held: bool = False
    """Somebody holds the lock."""
    ended: Exited | None = None
    printed: bool = False
    """Something was printed, so it began."""
    problem: str | None = None
    """The first file that can't be believed."""
    settled: bool = False
    """An earlier look found it over, and ended what was left of it."""
    verdict: Contradictory | None = None
    """What an earlier look concluded for good."""

    @property
    def says(self) -> Probe | None:
        """What follows if all of it is true; None: no sign of a start."""
        if self.verdict is not None:
            return self.verdict
        if self.problem is not None:
            return Unreadable(problem=self.problem)
        if self.closed:
            return NeverStarted()
        if self.held:
            return self.ended or Running()
        if self.ended is not None:
            return self.ended
        return None if self.started is None and not self.printed else Vanished()


def evidence(folder: Path) -> RunEvidence:
    """Look at the files of a run. A folder that can't be entered is a problem as well."""
    problems: list[str] = []
    # The order matters: the lock is taken before `started` is made, and goes after `exit` is.
    started, closed = _started(folder, problems)
    held = _lock_is_held(folder, problems)
    ended = _exit(folder, problems)
    verdict = _read(folder, "contradictory", problems)
    return RunEvidence(
        started=started,
        closed=closed,
        held=held,
        ended=ended,
        printed=os.path.lexists(folder / "output"),
        settled=any(os.path.lexists(folder / name) for name in (SETTLED, _SETTLED_BEFORE)),
        problem=problems[0] if problems else None,
        verdict=None if verdict is None else _verdict(verdict),
    )


def _read(folder: Path, name: str, problems: list[str]) -> str | None:
    try:
        return read_small(str(folder / name))
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.append(f"{name} can't be read: {error.strerror}")
        return None


def _facts(text: str) -> Mapping[str, str]:
    return {key: value for key, _, value in (line.partition(" ") for line in text.splitlines())}


def _started(folder: Path, problems: list[str]) -> tuple[StartedBy | None, bool]:
    text = _read(folder, "started", problems)
    if text is None:
        return None, False
    if text == CLOSED:
        return None, True
    facts = _facts(text)
    pid, start_time = facts.get("pid", ""), facts.get("start_time", "")
    if not _is_number(pid) or (ON_LINUX and not (_is_number(start_time) and facts.get("boot_id"))):
        problems.append("started does not say who runs it")
        return None, False
    cwd, output, space = facts.get("cwd", ""), facts.get("output", ""), facts.get("pid_namespace", "")
    with contextlib.suppress(ValueError):
        cwd = os.fsdecode(bytes.fromhex(cwd))
    return StartedBy(
        pid=int(pid),
        start_time=int(start_time) if start_time else None,
        boot_id=facts.get("boot_id"),
        namespace=int(space) if _is_number(space) else None,
        output=int(output) if _is_number(output) else None,
        cgroup=facts.get("cgroup"),
        cwd=cwd or None,
    ), False


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,19}", text) is not None


def _exit(folder: Path, problems: list[str]) -> Exited | None:
    text = _read(folder, "exit", problems)
    if text is None:
        return None
    said = _EXITS.fullmatch(text.removesuffix("\n"))
    match said.groups() if said else None:
        case None:
            problems.append("exit does not say how it ended")
            return None
        case ("exit_code", code):
            return Exited(exit_code=int(code))
        case ("signal", number):
            return Exited(signal=int(number))
        case _:
            return Exited(failed_to_start=text.partition(" ")[2].strip() or "unknown")


def _verdict(text: str) -> Contradictory:
    began, _, problem = text.partition(" ")
    return Contradictory(problem=problem.strip()[:_ONE_LINE] or "unknown", began=began != "closed")


def _lock_is_held(folder: Path, problems: list[str]) -> bool:
    """Look by a shared lock for microseconds, so that lookers never take each other for a holder."""
    try:
        descriptor = open_regular(str(folder / "lock"), os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError as error:
        problems.append(f"lock can't be read: {error.strerror}")
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        problems.append(f"lock can't be asked: {error.strerror}")
        return False
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False
    finally:
        os.close(descriptor)


def is_elsewhere(started: StartedBy) -> bool:
    """Whether it runs in another space of pids (in a container, say): from here only its lock can be seen."""
    return started.namespace not in {None, pid_namespace()}


def is_supervisor(started: StartedBy, folder: Path) -> bool:
    """Whether the process that `started` names lives, and supervises the run of this folder; at no cost."""
    if not ON_LINUX:
        return True
    if is_elsewhere(started):
        return False
    process = Path("/proc", str(started.pid))
    try:
        fields = stat_fields(started.pid)
        arguments = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    same = int(fields[BEGAN]) == started.start_time and started.boot_id == boot_id()
    given = folder_in([os.fsdecode(argument) for argument in arguments])
    return same and fields[STATE] not in "ZX" and given is not None and _is_at(process, given, folder)


def _is_at(process: Path, given: str, folder: Path) -> bool:
    """Whether a program that was given a folder is of this one, which may have been renamed since."""
    with contextlib.suppress(OSError):
        return given == os.path.realpath(folder) or Path(process / "cwd").samefile(folder)
    return False


def folder_in(arguments: list[str]) -> str | None:
    """The folder that a supervising program was given, by its real path; None for any other process."""
    for place, word in enumerate(arguments[:8]):
        if word == "attempt" and place and Path(arguments[place - 1]).name == PROGRAM:
            return os.path.realpath(arguments[place + 2]) if len(arguments) > place + 2 else None
    return None


def close_run(folder: Path) -> None:
    """Create `started` in the place of a program, which then never executes anything, if it is not there."""
    with _written_aside(folder / "started", CLOSED) as part, contextlib.suppress(FileExistsError):
        (folder / "started").hardlink_to(part)


def conclude(folder: Path, verdict: Contradictory) -> None:
    """Keep a verdict: what is contradictory once stays so, whatever is found later."""
    word = "began" if verdict.began else "closed"
    for attempt in range(2):
        with contextlib.suppress(OSError):
            if attempt:
                put_aside(str(folder))  # it is no folder any more
            make_private(folder)
            write(folder / "contradictory", f"{word} {verdict.problem}\n")
            return


def make_private(folder: Path) -> None:
    """Make the folder of a run; it and those around it, when they are new, are the owner's alone."""
    for each in (*reversed(folder.parents[:3]), folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def note_settled(folder: Path) -> None:
    """Keep that it was found to be over."""
    with contextlib.suppress(OSError):  # the folder may be gone, or anything
        write(folder / SETTLED, "")


def write(path: Path, text: str) -> None:
    """Write a file of the owner's alone, which is complete before it has its name."""
    with _written_aside(path, text) as part:
        part.replace(path)


@contextlib.contextmanager
def _written_aside(path: Path, text: str) -> Iterator[Path]:
    part = path.with_name(unused_name(f"{path.name}."))
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)
