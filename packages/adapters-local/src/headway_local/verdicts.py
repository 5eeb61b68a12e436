"""What became of a run: its evidence, held against the processes that live.

| the files say | and live | so it is |
|---|---|---|
| it runs | its program | `Running` |
| it runs | another, or nobody | contradictory: somebody else holds the lock |
| an end, or nothing at all | its program, at work | contradictory: somebody wrote the files |
| it ended, or vanished | others | that end, and they are killed |
| it never began | others | contradictory |
| it vanished | one in its folder | contradictory: nobody can know whose it is |
| any end | nobody | that end |

What is contradictory is killed, and stays so. A program at work has processes of its own; one without may be
on its way, or about to end.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from headway_core.kernel.errors import Unavailable
from headway_core.processes import (
    Contradictory,
    Ended,
    Exited,
    NeverStarted,
    Probe,
    Running,
    Unreadable,
    Vanished,
)
from headway_local.evidence import (
    RunEvidence,
    close_run,
    conclude,
    evidence,
    is_elsewhere,
    is_supervisor,
    make_private,
    note_settled,
)
from headway_local.supervised_files import ON_LINUX

if TYPE_CHECKING:
    from headway_local.survivors import Signs

PATIENCE_S = 2.0
"""How long what contradicts itself may do so: a program that ends writes one file after the other."""
PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.2
_OF_ANOTHER = "its lock is held by another than its supervisor"
_HIDDEN = "processes of it run, and its files say that it never began"


@attrs.frozen(kw_only=True)
class RunFiles:
    """Where a run keeps its files."""

    folder: Path
    """Its evidence."""
    told: Path
    """What it is told of: `out`, `gh`, `gitconfig` and its standard input."""

    @property
    def marks(self) -> frozenset[str]:
        """What the variables of its processes say, also of those that an older version started."""
        names = ("out", "gh", "gitconfig")
        return frozenset(str(folder / name) for folder in (self.told, self.folder) for name in names)


def glance(run: RunFiles) -> Probe | None:
    """What is known of it now, at no cost; None: no sign of a start. An end is only said to be one."""
    for _ in range(3):
        found = evidence(run.folder)
        if not isinstance(found.says, Running) or _program_lives(run, found):
            return found.says
        time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread: it may have ended between two looks
    return Contradictory(problem=_OF_ANOTHER)


def _program_lives(run: RunFiles, found: RunEvidence) -> bool:
    if found.started is not None:
        return is_elsewhere(found.started) or is_supervisor(found.started, run.folder)
    from headway_local import survivors  # noqa: PLC0415  psutil is slow to import

    return not ON_LINUX or bool(survivors.survivors([_signs(run, found)]).supervisors)


def settle(run: RunFiles) -> Probe:
    """What became of it, for good: of an end nothing lives any more. Without a sign of a start it is closed.

    `Unavailable` when something of it can't be killed.
    """
    from headway_local import survivors  # noqa: PLC0415  psutil is slow to import

    until, pause_s = time.monotonic() + PATIENCE_S, PAUSE_S
    while True:
        said = glance(run)
        if isinstance(said, Running):
            return said
        found = evidence(run.folder)
        alive = survivors.survivors([_signs(run, found)])
        if said is None and not alive.others:
            _close(run.folder)  # a program that is on its way finds it closed
            if isinstance(now := glance(run), NeverStarted | Unreadable):
                return now
            continue
        if not alive.supervisors or time.monotonic() > until:
            break
        time.sleep(pause_s)  # noqa: TID251 - in a worker thread, of processes that end in real time
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    verdict = _verdict(said, working=bool(alive.others), program=bool(alive.supervisors))
    if isinstance(verdict, Contradictory):
        conclude(run.folder, verdict)
    # Of one that was killed the cgroup is left, also when nobody lives.
    left = survivors.end([_signs(run, found)]) if alive.all or not isinstance(verdict, Exited) else ()
    if isinstance(verdict, Contradictory):
        conclude(run.folder, verdict)  # once more, should who was killed have taken it away
    if left:
        names = ", ".join(survivors.described(each) for each in left[:3])
        raise Unavailable("supervisor", f"{names} can't be ended")
    if isinstance(verdict, Vanished) and not found.settled and found.started and found.started.cwd:
        strangers = survivors.work_in(found.started.cwd, found.started)
        if strangers:
            names = ", ".join(survivors.described(each) for each in strangers[:3])
            verdict = Contradictory(problem=f"its supervisor died, and {names} works in its folder on")
            conclude(run.folder, verdict)
    if not found.settled:
        note_settled(run.folder)
    return verdict


def end_earlier(runs: list[RunFiles]) -> str | None:
    """End what lives of runs that are over; what can't be ended, in words; None when nothing lives."""
    known = [run for run in runs if run.folder.is_dir() or run.told.is_dir()]
    if not known:
        return None
    from headway_local import survivors  # noqa: PLC0415  psutil is slow to import

    left = survivors.end([_signs(run, evidence(run.folder)) for run in known])
    names = ", ".join(survivors.described(each) for each in left[:3])
    return f"{names} of an earlier start can't be ended" if left else None


def kill(run: RunFiles) -> None:
    """Kill the program and all that came of it."""
    from headway_local import survivors  # noqa: PLC0415  psutil is slow to import

    survivors.end([_signs(run, evidence(run.folder))])


def supervisor_pid(run: RunFiles) -> int | None:
    """The pid of its program, and of no other process; None when there is none yet."""
    from headway_local import survivors  # noqa: PLC0415  psutil is slow to import

    found = evidence(run.folder)
    if found.started is not None:
        return found.started.pid if is_supervisor(found.started, run.folder) else None
    programs = survivors.survivors([_signs(run, found)]).supervisors
    return max((program.pid for program in programs), default=None)


def _verdict(said: Probe | None, *, working: bool, program: bool) -> Ended:
    match said:
        case Contradictory():
            return said
        case None | NeverStarted() if working:
            return Contradictory(problem=_HIDDEN)
        case Exited() if working and program:
            return Contradictory(problem="its exit is recorded, and it ran on")
        case Unreadable(problem=problem) if working and program:
            return Contradictory(problem=f"{problem}, and it ran on")
        case Vanished() if working and program:
            return Contradictory(problem="its lock was free, and it ran on")
        case None | Running():
            return NeverStarted()
        case _:
            return said


def _close(folder: Path) -> None:
    try:
        make_private(folder)
        close_run(folder)
    except OSError as error:
        raise Unavailable("supervisor", f"{folder} can't be used: {error.strerror}") from error


def _signs(run: RunFiles, found: RunEvidence) -> "Signs":
    from headway_local.survivors import Signs  # noqa: PLC0415  psutil is slow to import

    return Signs(folder=run.folder, marks=run.marks, started=found.started, settled=found.settled)
