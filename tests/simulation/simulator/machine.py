"""A machine of a world: its disk with worktrees, its locks, and the processes that outlive their runner."""

from typing import TYPE_CHECKING

import anyio
import attrs

from headway_core.processes import (
    Contradictory,
    Exited,
    Launch,
    NeverStarted,
    Probe,
    RunId,
    Running,
    Vanished,
)

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation
    from simulator.world import World


A_PERSONS_OWN = "/wt/demo/mine"
"""A worktree that a person made in the folder of ours."""


@attrs.define(kw_only=True)
class Worktree:
    """A worktree that git has registered."""

    branch: str
    head: str
    dirty: set[str] = attrs.field(factory=set)
    """Pieces of work that no commit has."""
    ignored: tuple[str, ...] = ()
    hidden: set[str] = attrs.field(factory=set)
    """Pieces of work that git's status does not show: in repositories inside, behind flags, in a reflog."""
    broken: bool = False
    """Its `.git` is gone."""


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
        self.folders: dict[str, set[str]] = {}
        """Folders that were kept whole: the pieces of work in them, by workspace."""
        self.kept: dict[str, list[str]] = {}
        """Where what was on no branch is, by workspace."""
        self.branches: dict[str, str] = {}
        """Local branches: the commit of each."""
        self.probes: dict[RunId, Probe] = {}
        """What can be seen of each run; one that is absent shows no sign of a start."""
        self.forged: dict[RunId, Probe] = {}
        """What agents wrote into the evidence of their own runs, while they run."""
        self.hung: dict[str, float] = {}
        """Subjects of runs whose files answer nobody before this time."""
        self.recovered_at = 0.0
        """When the runner that has recovered this host did."""
        self.on_their_way: dict[RunId, Launch] = {}
        """Supervisors that were started and have not written `started` yet."""
        self.executed: list[Launch] = []
        self.said: dict[tuple[RunId, str], bytes] = {}
        self.orphans: set[RunId] = set()
        """Runs whose supervisor died alone: what the agent started runs on until the group is ended."""

    def release_locks_of(self, process: "Incarnation") -> None:
        """A process is gone, and the operating system knows."""
        for name in [name for name, holder in self.held.items() if holder is process]:
            del self.held[name]

    @property
    def running(self) -> list[RunId]:
        return [run for run, found in self.probes.items() if isinstance(found, Running)]

    # Supervisors: each is a program of its own, whatever becomes of the runner

    def launch(self, launch: Launch) -> None:
        """Start the supervisor of a run."""
        self.on_their_way[launch.run] = launch
        self._world.spawn(self._supervise, launch)

    async def _supervise(self, launch: Launch) -> None:
        world, run = self._world, launch.run
        late = world.happens(f"supervisor of {run.subject}.{run.attempt} is late", 0.1)
        await anyio.sleep(world.luck.uniform(1, 8) if late else world.luck.random() * 0.3)
        del self.on_their_way[run]
        if not self.create_started(run):
            world.tell(f"{self.id} supervisor of {run} finds itself closed, and ends")
            return
        if world.happens(f"{run.subject}.{run.attempt} can not be executed", 0.04):
            self.set(run, Exited(failed_to_start="no such program"))
            return
        self.set(run, Running())
        self.executed.append(launch)
        world.tell(f"{self.id} executes {run}")
        world.watcher.executed(launch)
        world.spawn(world.agents.work, self, launch)

    def create_started(self, run: RunId) -> bool:
        """Create the file `started` exclusively: whether it was not there."""
        return run not in self.probes

    def set(self, run: RunId, found: Probe) -> None:
        self.probes[run] = found
        if isinstance(found, Vanished):
            self.orphans.add(run)
        self._world.tell(f"{self.id} {run} is {type(found).__name__}")

    def end(self, run: RunId, found: Exited | Vanished) -> None:
        """The agent of a run ends by itself, if it still runs."""
        if isinstance(self.probes.get(run), Running):
            self.forged.pop(run, None)  # its supervisor writes the truth over it
            self.set(run, found)

    def glance(self, run: RunId) -> Probe | None:
        """What the evidence of a run says, whoever wrote it."""
        return self.forged.get(run, self.probes.get(run))

    def settle(self, run: RunId) -> Probe:
        """Close a run that shows no sign of a start; end the group of one that vanished."""
        self.orphans.discard(run)
        if run not in self.probes:
            self.set(run, NeverStarted())
        if isinstance(self.probes[run], Running) and self.forged.pop(run, None) is not None:
            self.set(run, Contradictory(problem="it is recorded as over, and it ran on"))
        return self.probes[run]

    def stop(self, run: RunId) -> Probe:
        """End the group."""
        found = self.settle(run)
        if isinstance(found, Running):
            self.set(run, Exited(signal=15))
        return self.probes[run]
