"""Who lives of a run, known by more than one sign, since a process can lose each of them.

Its supervising program is known by its arguments. What it executed, and whatever that started, are known by
the tree of processes, the session that the program founded, the variables that they inherited, the pipe that
they print to, and the cgroup where there is one.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs
import psutil

from headway_local.evidence import StartedBy, folder_in, is_elsewhere, is_supervisor
from headway_local.supervised_files import BEGAN, CGROUP_PREFIX, CGROUPS, ON_LINUX, boot_id, stat_fields

MARKS = ("HEADWAY_OUT", "GH_CONFIG_DIR", "GIT_CONFIG_GLOBAL")
"""The variables of a process that name a place of its run alone."""
TRIES = 100
PAUSE_S = 0.02
WORKS_ON_S = 1.0
"""How long what only works in the folder must be seen there: git of our own does so for a moment."""
_PLAIN = re.compile(r"[^A-Za-z0-9._+-]")


@attrs.frozen(kw_only=True)
class Signs:
    """By what the processes of one run are known."""

    folder: Path
    """Of its evidence, which its supervising program was given."""
    marks: frozenset[str]
    """The values of `MARKS` that it alone has."""
    started: StartedBy | None
    settled: bool
    """It was found to be over before. Its numbers (of its session, of its pipe) may be another's by now."""


@attrs.frozen(kw_only=True)
class Survivors:
    """The living processes of some runs."""

    supervisors: tuple[psutil.Process, ...] = ()
    """Supervising programs."""
    others: tuple[psutil.Process, ...] = ()
    """What they executed, and whatever came of that."""

    @property
    def all(self) -> tuple[psutil.Process, ...]:
        return (*self.supervisors, *self.others)


def survivors(runs: Sequence[Signs]) -> Survivors:
    """Who lives of these runs. Neither this process nor who started it is ever among them."""
    living = _living()
    spared = {os.getpid(), *_ancestors(os.getpid(), living)}
    folders = {os.path.realpath(run.folder) for run in runs}
    programs = {pid for pid, row in living.items() if folder_in(row.arguments) in folders} - spared
    found = set(_found(runs, living, by_number=not programs)) - spared - programs
    roots = found | programs
    found |= {pid for pid in living.keys() - spared - programs if _descends(pid, roots, spared, living)}
    return Survivors(
        supervisors=tuple(living[pid].process for pid in sorted(programs)),
        others=tuple(living[pid].process for pid in sorted(found)),
    )


def end(runs: Sequence[Signs]) -> tuple[psutil.Process, ...]:
    """Kill who lives of these runs, until nobody is found or a few seconds are over; who lives still."""
    left: tuple[psutil.Process, ...] = ()
    for _ in range(TRIES):
        left = survivors(runs).all
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()  # refuses when the pid is another process's by now
        time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread, of processes that end in real time
    for run in runs:
        if (cgroup := _cgroup(run)) is not None:
            _remove(cgroup)
    return left


def _remove(cgroup: Path) -> None:
    """Remove a cgroup, which is busy for a moment after its last process was killed."""
    for _ in range(10):
        try:
            cgroup.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread, of processes that end in real time
        else:
            return


def work_in(folder: str, since: StartedBy) -> tuple[psutil.Process, ...]:
    """Who works in the folder, began after the run did, and is neither a person's nor another run's.

    It may have lost every other sign. A person's processes have a terminal; what only passes by is gone soon.
    """
    until = time.monotonic() + WORKS_ON_S
    while True:
        found = tuple(_working_in(os.path.realpath(folder), since))
        if not found or time.monotonic() > until:
            return found
        time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread, of processes that end in real time


def described(process: psutil.Process) -> str:
    """A process in words that hold nothing which it could have chosen freely."""
    name = "unknown"
    with contextlib.suppress(psutil.Error):
        name = _PLAIN.sub("?", process.name())[:40] or name
    return f"process {process.pid} ({name})"


@attrs.frozen
class _Row:
    process: psutil.Process
    parent: int
    arguments: list[str]


def _living() -> dict[int, _Row]:
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError), process.oneshot():
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = _Row(process, process.ppid(), process.cmdline())
    return found


def _ancestors(pid: int, living: dict[int, _Row]) -> list[int]:
    """Whose child it is, and whose that is, up to the first process of all."""
    found: list[int] = []
    while (row := living.get(pid)) is not None and row.parent not in found and row.parent > 1:
        pid = row.parent
        found.append(pid)
    return found


def _descends(pid: int, roots: set[int], spared: set[int], living: dict[int, _Row]) -> bool:
    """Whether a root is above it, and nobody between who is spared."""
    return next((above in roots for above in _ancestors(pid, living) if above in roots | spared), False)


def _found(runs: Sequence[Signs], living: dict[int, _Row], *, by_number: bool) -> Iterator[int]:
    """Those of the runs by any sign but the tree. Of numbers only where there is no tree any more."""
    marks = frozenset[str]().union(*(run.marks for run in runs))
    sessions = {session for run in runs if by_number and (session := _session(run)) is not None}
    pipes = {pipe for run in runs if by_number and (pipe := _pipe(run)) is not None}
    members = {pid for run in runs for pid in _members(_cgroup(run))}
    for pid, row in living.items():
        with contextlib.suppress(psutil.Error, OSError):
            if (
                pid in members
                or (sessions and os.getsid(pid) in sessions)
                or not marks.isdisjoint(_marks_of(row.process))
                or (pipes and not pipes.isdisjoint(_open_files(pid)))
            ):
                yield pid


def _marks_of(process: psutil.Process) -> Iterable[str]:
    try:
        given = process.environ()
    except (psutil.Error, OSError):
        return ()  # another user's, or gone
    return [given[name] for name in MARKS if name in given]


def _session(run: Signs) -> int | None:
    """The session that the supervising program founded; None when the number may be another's by now.

    It is free again when all the session's processes have ended, and after a boot.
    """
    started = run.started
    if started is None or run.settled or not _is_of_this_boot(started) or is_elsewhere(started):
        return None
    if psutil.pid_exists(started.pid) and not is_supervisor(started, run.folder):
        with contextlib.suppress(psutil.Error):
            if psutil.Process(started.pid).status() == psutil.STATUS_ZOMBIE:
                return started.pid  # the dead program, which its parent may not have collected yet
        return None
    return started.pid


def _is_of_this_boot(started: StartedBy) -> bool:
    return not ON_LINUX or started.boot_id == boot_id()


def _pipe(run: Signs) -> str | None:
    started = run.started
    if started is None or started.output is None or run.settled or not _is_of_this_boot(started):
        return None
    return f"pipe:[{started.output}]"


def _open_files(pid: int) -> list[str]:
    found = []
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - thousands of them
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))  # noqa: PTH115 - as above
    return found


def _cgroup(run: Signs) -> Path | None:
    """The run's cgroup, if it is named as its own program names one: never one that holds others."""
    started = run.started
    if started is None or started.cgroup is None or not _is_of_this_boot(started):
        return None
    path = Path(started.cgroup)
    own = path.name.startswith(f"{CGROUP_PREFIX}{started.pid}-") and ".." not in path.parts
    return path if own and started.cgroup.startswith(tuple(f"{mount}/" for mount in CGROUPS)) else None


def _members(cgroup: Path | None) -> set[int]:
    if cgroup is not None:
        with contextlib.suppress(OSError):
            return {int(line) for line in (cgroup / "cgroup.procs").read_text().split()}
    return set()


def _working_in(folder: str, since: StartedBy) -> Iterator[psutil.Process]:
    if not ON_LINUX or not _is_of_this_boot(since):
        return
    living = _living()
    mine = {os.getpid(), *_ancestors(os.getpid(), living)}
    programs = {pid for pid, row in living.items() if folder_in(row.arguments) is not None}
    for pid, row in living.items():
        with contextlib.suppress(psutil.Error, OSError):
            above = {pid, *_ancestors(pid, living)}
            if pid in mine or os.getpid() in above or not above.isdisjoint(programs):
                continue
            where = row.process.cwd()
            inside = where == folder or where.startswith(f"{folder}/")
            if (
                inside
                and row.process.terminal() is None
                and int(stat_fields(pid)[BEGAN]) >= (since.start_time or 0)
            ):
                yield row.process
