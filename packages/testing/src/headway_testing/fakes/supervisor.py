"""A supervisor of processes that are not there, and that outlive their runner.

What lasts (`FakeProcesses`) is apart from the port (`FakeSupervisor`), so that a test can end one
process of Headway and start another while the agents run on.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from headway_core.kernel.errors import Conflict, HeadwayError, InvalidInput
from headway_core.sessions.ports import (
    Exited,
    Launch,
    NeverStarted,
    OutputPart,
    Probe,
    Running,
    Supervisor,
    Vanished,
)
from headway_testing.crash_points import Point, no_point

Attempt = tuple[str, int]
"""Session id and number."""


@attrs.define(kw_only=True)
class FakeProcesses:
    """The world: what became of each attempt, and what every executed agent was given."""

    found: dict[Attempt, Probe] = attrs.field(factory=dict)
    """What a probe sees; an attempt that is absent shows no sign of a start."""
    spawned: dict[Attempt, Launch] = attrs.field(factory=dict)
    """Supervisors on their way: `started` is not written yet. They go on without their runner."""
    executed: list[Launch] = attrs.field(factory=list)
    """Every execution of an agent, in order."""
    outcomes: list[Probe] = attrs.field(factory=list)
    """What the next executions come to; `Running` until told when there is none left."""
    files: dict[tuple[str, int, str], bytes] = attrs.field(factory=dict)
    """What agents left in `$HEADWAY_OUT`, by attempt and name."""
    orphans: set[Attempt] = attrs.field(factory=set)
    """Attempts whose supervisor died alone: what the agent started runs on until somebody ends the group."""
    unkillable: set[str] = attrs.field(factory=set)
    """Sessions whose processes survive a stop."""

    @property
    def running(self) -> list[Attempt]:
        """The attempts whose agent runs now."""
        return [attempt for attempt, found in self.found.items() if isinstance(found, Running)]

    def wake(self) -> None:
        """Let every supervisor that is on its way go on: it creates `started`, or finds it and ends."""
        for attempt, launch in list(self.spawned.items()):
            del self.spawned[attempt]
            if attempt in self.found:
                continue
            outcome = self.outcomes.pop(0) if self.outcomes else Running()
            self._set(attempt, outcome)
            if not isinstance(outcome, NeverStarted):
                self.executed.append(launch)

    def end(self, session_id: str, found: Exited | Vanished) -> None:
        """The session's running agent ends like this."""
        self._set(next(a for a in self.running if a[0] == session_id), found)

    def _set(self, attempt: Attempt, found: Probe) -> None:
        self.found[attempt] = found
        if isinstance(found, Vanished):
            self.orphans.add(attempt)


class FakeSupervisor(Supervisor):
    """Attempts on fake processes. `refusals` names the error that a method raises instead of acting, and
    `broken` the error that every method raises for a session.
    """

    def __init__(self, processes: FakeProcesses, point: Point = no_point) -> None:
        self.processes = processes
        self.point = point
        self.refusals: dict[str, HeadwayError] = {}
        self.broken: dict[str, Exception] = {}
        self.calls: list[str] = []

    @asynccontextmanager
    async def _call(self, name: str, session_id: str) -> AsyncIterator[None]:
        self.calls.append(name)
        await self.point(f"before {name}")
        if name in self.refusals:
            raise self.refusals[name]
        if session_id in self.broken:
            raise self.broken[session_id]
        yield
        await self.point(f"after {name}")

    async def start(self, launch: Launch) -> Probe:
        async with self._call("start", launch.session_id):
            attempt = (launch.session_id, launch.attempt)
            if attempt not in self.processes.found:
                self.processes.spawned[attempt] = launch
                await self.point("within start")
                self.processes.wake()
            return self.processes.found[attempt]

    async def probe(self, session_id: str, attempt: int) -> Probe | None:
        async with self._call("probe", session_id):
            return self.processes.found.get((session_id, attempt))

    async def settle(self, session_id: str, attempt: int) -> Probe:
        async with self._call("settle", session_id):
            self.processes.orphans.discard((session_id, attempt))
            return self.processes.found.setdefault((session_id, attempt), NeverStarted())

    async def stop(self, session_id: str, attempt: int, *, grace_s: float = 10.0) -> Probe:
        async with self._call("stop", session_id):
            self.processes.orphans.discard((session_id, attempt))
            found = self.processes.found.setdefault((session_id, attempt), NeverStarted())
            if isinstance(found, Running) and session_id not in self.processes.unkillable:
                found = self.processes.found[session_id, attempt] = Exited(signal=15)
            return found

    async def said(self, session_id: str, attempt: int, name: str, *, limit: int = 1_000_000) -> bytes | None:
        async with self._call("said", session_id):
            content = self.processes.files.get((session_id, attempt, name))
            if content is not None and len(content) > limit:
                raise InvalidInput("name", f"{name} has more than {limit} bytes")
            return content

    async def output(self, session_id: str, attempt: int, *, limit: int = 65_536) -> str:
        async with self._call("output", session_id):
            return self.processes.files.get((session_id, attempt, "output"), b"").decode()[-limit:]

    async def read_output(
        self, session_id: str, attempt: int, offset: int, *, limit: int = 65_536
    ) -> OutputPart | None:
        async with self._call("read_output", session_id):
            if (session_id, attempt) not in self.processes.found:
                return None
            printed = self.processes.files.get((session_id, attempt, "output"), b"")
            text = printed[offset : offset + limit].decode("utf-8", "ignore")
            return OutputPart(text=text, offset=offset, next_offset=offset + len(text.encode()), left_out=0)

    async def kept(self) -> tuple[str, ...]:
        async with self._call("kept", ""):
            return tuple(sorted({session_id for session_id, _ in self.processes.found}))

    async def remove(self, session_id: str) -> None:
        async with self._call("remove", session_id):
            if any(running == session_id for running, _ in self.processes.running):
                raise Conflict("session", session_id, "it runs")
            for attempt in [key for key in self.processes.found if key[0] == session_id]:
                del self.processes.found[attempt]
            for name in [key for key in self.processes.files if key[0] == session_id]:
                del self.processes.files[name]
