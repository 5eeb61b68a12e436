"""A supervisor of processes that are not there, and that outlive their runner.

What lasts (`FakeProcesses`) is apart from the port (`FakeSupervisor`), so that a test can end one
process of Headway and start another while the agents run on.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import attrs

from headway_core.kernel.errors import Conflict, HeadwayError, InvalidInput
from headway_core.processes import (
    Contradictory,
    Exited,
    Launch,
    NeverStarted,
    OutputPart,
    Probe,
    RunId,
    Running,
    Supervisor,
    Vanished,
)
from headway_testing.crash_points import Point, no_point


@attrs.define(kw_only=True)
class FakeProcesses:
    """A machine: what became of each run, and what every executed agent was given."""

    found: dict[RunId, Probe] = attrs.field(factory=dict)
    """What a probe sees; a run that is absent shows no sign of a start."""
    spawned: dict[RunId, Launch] = attrs.field(factory=dict)
    """Supervisors on their way: `started` is not written yet. They go on without their runner."""
    executed: list[Launch] = attrs.field(factory=list)
    """Every execution of an agent, in order."""
    outcomes: list[Probe] = attrs.field(factory=list)
    """What the next executions come to; `Running` until told when there is none left."""
    files: dict[tuple[RunId, str], bytes] = attrs.field(factory=dict)
    """What agents left in `$HEADWAY_OUT`, by run and name; under the name `output`, what they printed."""
    orphans: set[RunId] = attrs.field(factory=set)
    """Runs whose supervisor died alone: what the agent started runs on until somebody ends the group."""
    unkillable: set[str] = attrs.field(factory=set)
    """Subjects (ids of sessions) whose processes survive a stop."""
    forged: dict[RunId, Probe] = attrs.field(factory=dict)
    """What a glance at the evidence of a run shows instead of the truth: its agent wrote it."""

    @property
    def running(self) -> list[RunId]:
        """The runs that run now."""
        return [run for run, found in self.found.items() if isinstance(found, Running)]

    def wake(self) -> None:
        """Let every supervisor that is on its way go on: it creates `started`, or finds it and ends."""
        for run, launch in list(self.spawned.items()):
            del self.spawned[run]
            if run in self.found:
                continue
            outcome = self.outcomes.pop(0) if self.outcomes else Running()
            self._set(run, outcome)
            if not isinstance(outcome, NeverStarted):
                self.executed.append(launch)

    def end_orphans(self, runs: tuple[RunId, ...]) -> bool:
        """End what lives of these runs; False when something of them can't be ended."""
        living = self.orphans & set(runs)
        self.orphans -= {run for run in living if run.subject not in self.unkillable}
        return self.orphans.isdisjoint(runs)

    def end(self, subject: str, found: Exited | Vanished | Contradictory) -> None:
        """What runs of this subject (a session's id) ends like this."""
        self._set(next(run for run in self.running if run.subject == subject), found)

    def _set(self, run: RunId, found: Probe) -> None:
        self.found[run] = found
        if isinstance(found, Vanished):
            self.orphans.add(run)


class FakeSupervisor(Supervisor):
    """Runs of fake processes. `refusals` names the error that a method raises instead of acting, `broken` the
    error that every method raises for a subject, and `hung` the subjects for which no method ever answers.
    """

    def __init__(self, processes: FakeProcesses, point: Point = no_point) -> None:
        self.processes = processes
        self.point = point
        self.refusals: dict[str, HeadwayError] = {}
        self.broken: dict[str, Exception] = {}
        self.hung: set[str] = set()
        self.calls: list[str] = []

    @asynccontextmanager
    async def _call(self, name: str, subject: str) -> AsyncIterator[None]:
        self.calls.append(name)
        await self.point(f"before {name}")
        if name in self.refusals:
            raise self.refusals[name]
        if subject in self.broken:
            raise self.broken[subject]
        if subject in self.hung:
            await anyio.sleep_forever()
        yield
        await self.point(f"after {name}")

    async def start(self, launch: Launch) -> Probe:
        async with self._call("start", launch.run.subject):
            if launch.run not in self.processes.found and not self.processes.end_orphans(launch.after):
                problem = "a process of an earlier start can't be ended"
                self.processes.found[launch.run] = Contradictory(problem=problem, began=False)
            if launch.run not in self.processes.found:
                self.processes.spawned[launch.run] = launch
                await self.point("within start")
                self.processes.wake()
            return self.processes.found[launch.run]

    async def probe(self, run: RunId) -> Probe | None:
        async with self._call("probe", run.subject):
            return self.processes.forged.get(run, self.processes.found.get(run))

    async def settle(self, run: RunId) -> Probe:
        async with self._call("settle", run.subject):
            return self._truth(run)

    async def stop(self, run: RunId, *, grace_s: float = 10.0) -> Probe:
        async with self._call("stop", run.subject):
            found = self._truth(run)
            if isinstance(found, Running) and run.subject not in self.processes.unkillable:
                found = self.processes.found[run] = Exited(signal=15)
            return found

    def _truth(self, run: RunId) -> Probe:
        """What became of a run. One that runs, while its evidence says otherwise, is ended."""
        found = self.processes.found.setdefault(run, NeverStarted())
        said = self.processes.forged.get(run, found)
        if isinstance(found, Running) and said != found:
            found = self.processes.found[run] = Contradictory(problem="it is recorded as over, and it ran on")
        self.processes.orphans.discard(run)
        return found

    async def said(self, run: RunId, name: str, *, limit: int = 1_000_000) -> bytes | None:
        async with self._call("said", run.subject):
            content = self.processes.files.get((run, name))
            if content is not None and len(content) > limit:
                raise InvalidInput("name", f"{name} has more than {limit} bytes")
            return content

    async def output(self, run: RunId, *, limit: int = 65_536) -> str:
        async with self._call("output", run.subject):
            return self.processes.files.get((run, "output"), b"").decode()[-limit:]

    async def read_output(self, run: RunId, offset: int, *, limit: int = 65_536) -> OutputPart | None:
        async with self._call("read_output", run.subject):
            if run not in self.processes.found:
                return None
            printed = self.processes.files.get((run, "output"), b"")
            text = printed[offset : offset + limit].decode("utf-8", "ignore")
            return OutputPart(text=text, offset=offset, next_offset=offset + len(text.encode()), left_out=0)

    async def kept(self, kind: str) -> tuple[str, ...]:
        async with self._call("kept", ""):
            return tuple(sorted({run.subject for run in self.processes.found if run.kind == kind}))

    async def remove(self, kind: str, subject: str) -> None:
        async with self._call("remove", subject):
            runs = [run for run in self.processes.found if (run.kind, run.subject) == (kind, subject)]
            if any(run in self.processes.running for run in runs):
                raise Conflict(kind, subject, "it runs")
            for run in runs:
                del self.processes.found[run]
            for name in [key for key in self.processes.files if key[0] in runs]:
                del self.processes.files[name]
