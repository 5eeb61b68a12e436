"""A machine of a world: its disk with worktrees, its locks, and the processes that outlive their runner."""

from typing import TYPE_CHECKING

import anyio
import attrs

from headway_core.sessions.ports import Exited, Launch, NeverStarted, Probe, Running, Vanished

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation
    from simulator.world import World

Attempt = tuple[str, int]
"""Session id and number."""


@attrs.define(kw_only=True)
class Worktree:
    """A worktree that git has registered."""

    branch: str
    head: str
    dirty: set[str] = attrs.field(factory=set)
    """Pieces of work that no commit has."""
    ignored: tuple[str, ...] = ()


class Machine:
    """One host: what is on its disk and what runs there."""

    def __init__(self, world: "World", host_id: str) -> None:
        self._world = world
        self.id = host_id
        self.held: dict[str, Incarnation] = {}
        """Who holds which lock."""
        self.recovered: Incarnation | None = None
        """The runner that has recovered this host, while it lives."""
        self.worktrees: dict[str, Worktree] = {}
        self.branches: dict[str, str] = {}
        """Local branches: the commit of each."""
        self.probes: dict[Attempt, Probe] = {}
        """What can be seen of each attempt; one that is absent shows no sign of a start."""
        self.on_their_way: dict[Attempt, Launch] = {}
        """Supervisors that were started and have not written `started` yet."""
        self.executed: list[Launch] = []
        self.said: dict[tuple[str, int, str], bytes] = {}
        self.orphans: set[Attempt] = set()
        """Attempts whose supervisor died alone: what the agent started runs on until the group is ended."""

    def release_locks_of(self, process: "Incarnation") -> None:
        """A process is gone, and the operating system knows."""
        for name in [name for name, holder in self.held.items() if holder is process]:
            del self.held[name]

    @property
    def running(self) -> list[Attempt]:
        return [attempt for attempt, found in self.probes.items() if isinstance(found, Running)]

    # Supervisors: each is a program of its own, whatever becomes of the runner

    def launch(self, launch: Launch) -> None:
        """Start the supervisor of an attempt."""
        self.on_their_way[launch.session_id, launch.attempt] = launch
        self._world.spawn(self._supervise, launch)

    async def _supervise(self, launch: Launch) -> None:
        world, attempt = self._world, (launch.session_id, launch.attempt)
        late = world.happens(f"supervisor of {launch.session_id}.{launch.attempt} is late", 0.1)
        await anyio.sleep(world.luck.uniform(1, 8) if late else world.luck.random() * 0.3)
        del self.on_their_way[attempt]
        if not self.create_started(attempt):
            world.tell(f"{self.id} supervisor of {attempt} finds itself closed, and ends")
            return
        if world.happens(f"{launch.session_id}.{launch.attempt} can not be executed", 0.04):
            self.set(attempt, Exited(failed_to_start="no such program"))
            return
        self.set(attempt, Running())
        self.executed.append(launch)
        world.tell(f"{self.id} executes {attempt}")
        world.watcher.executed(launch)
        world.spawn(world.agents.work, self, launch)

    def create_started(self, attempt: Attempt) -> bool:
        """Create the file `started` exclusively: whether it was not there."""
        return attempt not in self.probes

    def set(self, attempt: Attempt, found: Probe) -> None:
        self.probes[attempt] = found
        if isinstance(found, Vanished):
            self.orphans.add(attempt)
        self._world.tell(f"{self.id} {attempt} is {type(found).__name__}")

    def end(self, attempt: Attempt, found: Exited | Vanished) -> None:
        """The agent of an attempt ends by itself, if it still runs."""
        if isinstance(self.probes.get(attempt), Running):
            self.set(attempt, found)

    def settle(self, attempt: Attempt) -> Probe:
        """Close an attempt that shows no sign of a start; end the group of one that vanished."""
        self.orphans.discard(attempt)
        if attempt not in self.probes:
            self.set(attempt, NeverStarted())
        return self.probes[attempt]

    def stop(self, attempt: Attempt) -> Probe:
        """End the group."""
        found = self.settle(attempt)
        if isinstance(found, Running):
            self.set(attempt, Exited(signal=15))
        return self.probes[attempt]
