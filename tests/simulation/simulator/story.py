"""The long story: hosts that run, die and come back, callers and people, a storm and the calm after it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from headway_core.container import CoreContainer
from headway_core.operations.model import Settled
from simulator import end_states
from simulator.bots import bots
from simulator.incarnation import Incarnation, only_expected
from simulator.machine import Machine
from simulator.people import call, missing, outsiders, people
from simulator.world import CLONE, REPO, World

QUICK: dict[str, Any] = {
    "ratchet_default": True,
    "session_limit": 3,
    "quiet_time_s": 8,
    "ci_limit_s": 90,
    "part_limit_s": 60,
    "view_limit_s": 60,
    "fixer_limit_s": 60,
    "turn_limit_s": 100,
    "death_pause_s": 1,
    "false_start_s": 0,
    "cadence_hot_s": 8,
    "cadence_settled_s": 15,
    "cadence_quiet_s": 60,
    "discovery_s": 15,
}
"""Settings of a world: everything takes its time there too, but less of it."""
STOPS_WITHIN_S = 10.0
"""For how long a process may go on that was told to stop."""
PATIENCE_S = 1800.0
"""For how long a calm world may take to come to its end."""


class Story:
    """One run of a world from its beginning to its end."""

    def __init__(self, world: World, container: type[Any] = CoreContainer) -> None:
        self.world = world
        self._container = container

    async def tell(self) -> None:
        """Everything that happens; ends early when an invariant is violated."""
        world = self.world
        async with anyio.create_task_group() as group:
            world.tasks = group
            group.start_soon(self._unless_over, group.cancel_scope)
            with surprises(world):
                await self.chapters()
            group.cancel_scope.cancel()

    async def _unless_over(self, scope: anyio.CancelScope) -> None:
        """End what goes on when an invariant is violated."""
        await self.world.over.wait()
        scope.cancel()

    async def chapters(self) -> None:
        """Hosts and callers in a storm, and the calm after it."""
        world = self.world
        stormy, world.stormy = world.stormy, False
        await self.prepare()
        world.stormy = stormy
        for machine in world.machines:
            world.spawn(self.keep_running, machine)
        world.spawn(outsiders if world.plan.outsiders else bots if world.plan.bots else people, world)
        for machine in world.machines:
            world.spawn(self._keep_calling, machine)
        await anyio.sleep(world.plan.storm_s)
        world.stormy = False
        world.tell("THE STORM IS OVER")
        await self.come_to_an_end()

    async def come_to_an_end(self) -> None:
        """Nothing goes wrong any more: everything comes to rest, is put away, and is judged."""
        await self.come_to_rest()
        await self.be_put_away()

    async def be_put_away(self) -> None:
        """What is at rest is archived, nothing is left of it, and the end is judged."""
        await self._put_everything_away()
        await self._start_anew()
        await self.come_to_rest()
        self._judge()

    def start(self, machine: Machine, role: str, *, crash_at: int | None = None) -> Incarnation:
        """A new process of the product."""
        return Incarnation(self.world, machine, role, container=self._container, crash_at=crash_at)

    async def prepare(self) -> str:
        """Quick settings, in every other world a place for one fixer alone, and the project: its id."""
        process = self.start(self.world.machines[0], "setup")
        places = 1 + self.world.plan.seed % 2
        more: dict[str, Any] = {"budget_per_day": 2} if self.world.plan.outsiders else {}
        if self.world.plan.bots:
            more |= {"budget_between_progress": 50, "budget_per_day": 50}
        if self.world.plan.cursed:
            more["death_pause_s"] = 0  # else the storm is over before the ratchet gives up
        await process.core.settings.service().change(
            **QUICK | more, capacity_all=places, capacity_project=places
        )
        project = await process.core.projects.service().register(REPO, startup_script="make setup")
        if self.world.plan.clones:
            await process.core.projects.service().register(CLONE, slug="clone", startup_script="make setup")
        process.stopped()
        return project.id

    async def keep_running(self, machine: Machine) -> None:
        """What a service manager does: one runner, started again when it died or was stopped."""
        world = self.world
        while True:
            process = self.start(machine, "runner")
            world.spawn(process.live, process.run)
            with anyio.move_on_after(world.luck.uniform(20, 80)):
                await process.ended.wait()
            if process.alive and world.happens(f"{process.name} is stopped", 0.3):
                await self._stop(process)
            elif process.alive and world.happens(f"another runner is started beside {process.name}", 0.1):
                second = self.start(machine, "runner")
                world.spawn(second.live, second.run)
                await second.ended.wait()
            await process.ended.wait()
            await anyio.sleep(world.luck.uniform(0.1, 5))

    async def _keep_calling(self, machine: Machine) -> None:
        world = self.world
        while world.stormy or missing(world, machine):
            process = self.start(machine, "app")
            world.spawn(process.live, lambda process=process: call(process))
            await process.ended.wait()
            await anyio.sleep(world.luck.uniform(0.1, 5))

    async def come_to_rest(self) -> None:
        """Liveness: when nothing goes wrong any more, every workspace reaches its end."""
        world = self.world
        until = world.seconds() + PATIENCE_S
        while left := [
            *end_states.still_open(world),
            *end_states.undecided(world),
            *end_states.untrue(world),
        ]:
            if world.seconds() > until:
                world.violated("everything comes to its end", "; ".join(left[:5]))
                return
            await anyio.sleep(3)
        world.tell("everything is at rest")

    async def _put_everything_away(self) -> None:
        """A person archives all that is there: nothing is lost by it, and nothing is left over."""
        world = self.world
        for machine in world.machines:
            process = self.start(machine, "archivist")
            for workspace in world.rows("workspaces"):
                if workspace.host_id in {None, machine.id} and workspace.is_live:
                    result = await process.archive(workspace.id, lose_ignored=True)
                    if not isinstance(result, Settled) or result.workspace.is_live:
                        world.violated("an archive goes through", f"{result}")
            process.stopped()

    async def _start_anew(self) -> None:
        """Every runner is stopped and started once more: what nobody knows is cleared away."""
        for process in list(self.world.alive):
            await self._stop(process)

    async def _stop(self, process: Incarnation) -> None:
        """SIGTERM: it ends by itself, soon, whatever it is at (R31)."""
        process.scope.cancel()
        with anyio.move_on_after(STOPS_WITHIN_S) as patience:
            await process.ended.wait()
        if patience.cancelled_caught:
            self.world.violated("R31 a stop ends in time", f"{process.name} goes on")

    def _judge(self) -> None:
        world = self.world
        for name, problems in (
            ("I7 every intent is closed", end_states.still_open(world)),
            ("I7 no worktree is orphaned", end_states.left_behind(world)),
            ("I12 no byte is lost", end_states.lost_work(world)),
            ("posted once", end_states.posted_twice(world)),
            ("I11 no secret is told", end_states.told_secrets(world)),
        ):
            for problem in problems:
                world.violated(name, problem)


@contextmanager
def surprises(world: World) -> Iterator[None]:
    """What the product logs as an exception, and no design foresees, ends the run."""
    logger, handler = logging.getLogger("headway_core"), _Surprises(world)
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


class _Surprises(logging.Handler):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._world.says("log", f"{record.getMessage()}: {error!r}")
        if error is not None and not only_expected(error):
            self._world.violated("no surprise", f"{record.getMessage()}: {error!r}")
