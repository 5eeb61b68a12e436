"""Plays: a scenario whose process dies at its nth point, and again the one that recovers from that.

First a process acts and dies, then another one runs the host and dies, …, then a last one runs it in peace.
All invariants hold at each step, and everything comes to its end. Of crashes in a row only those are played
that leave the world in a new state.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import anyio
import attrs

from headway_core.container import CoreContainer
from simulator.chance import Chance
from simulator.incarnation import Incarnation
from simulator.loops import DeadlockError, run_seeded
from simulator.scenarios import Scenario, Stage
from simulator.states import Scout
from simulator.world import Plan, Violation, World


@attrs.frozen(kw_only=True)
class Played:
    """What came of a scenario with given crashes."""

    scenario: str
    crash_at: tuple[int, ...]
    died: tuple[bool, ...]
    """Whether each process that was to die came to its point."""
    violation: Violation | None
    states: Mapping[int, int]
    """By number of its points: the states in which the process that was not to die found the world, until all
    was at rest. Each state once."""
    trace: tuple[str, ...] = ()


def play(
    scenario: Scenario,
    *crash_at: int,
    seed: int = 1,
    traced: bool = False,
    backend: str = "asyncio",
    container: type[Any] = CoreContainer,
) -> Played:
    """Play a scenario: its process dies at the first point, the one that recovers at the second, …"""
    plays: list[_Play] = []

    async def main() -> None:
        world = World(Plan(seed=seed, workspaces=1, storm_s=0.0, crash_at=crash_at), traced=traced)
        plays.append(_Play(world, container, scenario))
        await plays[0].tell()

    try:
        run_seeded(main, order=Chance(seed).stream("order"), backend=backend)
    except DeadlockError as error:
        plays[0].world.violated("nothing waits for ever", str(error))
    played, world = plays[0], plays[0].world
    return Played(
        scenario=scenario.name,
        crash_at=crash_at,
        died=tuple(played.died),
        violation=world.violation,
        states=played.scout.found,
        trace=tuple(world.trace or ()),
    )


class _Play(Stage):
    def __init__(self, world: World, container: type[Any], scenario: Scenario) -> None:
        super().__init__(world, container)
        self._scenario = scenario
        self.died: list[bool] = []
        self.scout = Scout(world)

    async def chapters(self) -> None:
        """The process that acts, those that recover, and the end."""
        self.project_id = await self.prepare()
        await self._scenario.prepare(self)
        crashes = [*self.world.plan.crash_at, None]
        await self._act(crashes[0])
        if not self.world.rows("workspaces"):
            # It died before anything was stored: who asked asks again, with the same key.
            process = self.start(self.machine, "creator")
            await self._scenario.act(process, None)
            process.stopped()
        self.world.spawn(self._recover, crashes[1:])
        await self.come_to_rest()
        self.scout.stop()
        await self.be_put_away()

    async def _act(self, crash_at: int | None) -> None:
        """The process that acts, until it dies or has done it."""
        workspace = self.workspace if self.world.rows("workspaces") else None
        process = self._begin("actor", crash_at)
        self.world.spawn(process.live, lambda: self._scenario.act(process, workspace))
        await self._ended(process)

    async def _recover(self, crashes: Iterable[int | None]) -> None:
        """The runners, one after the other; the last one does not die, and is started anew."""
        for crash_at in itertools.chain(crashes, itertools.repeat(None)):
            process = self._begin("runner", crash_at)
            self.world.spawn(process.live, process.run)
            await self._ended(process)
            await anyio.sleep(1)

    def _begin(self, role: str, crash_at: int | None) -> Incarnation:
        process = self.start(self.machine, role, crash_at=crash_at)
        if crash_at is None:
            self.scout.follow(process)
        return process

    async def _ended(self, process: Incarnation) -> None:
        await process.ended.wait()
        if process.crash_at is not None:
            self.died.append(process.died)


def every_crash(scenario: Scenario, **how: Any) -> Iterator[Played]:
    """Every single crash: the last one played is the one that nobody died in."""
    for nth in itertools.count():
        played = play(scenario, nth, **how)
        yield played
        if not played.died[0]:
            return


def every_state(scenario: Scenario, *, crashes: int, **how: Any) -> Iterator[Played]:
    """Every state in which up to so many crashes, one after the other, can leave the world: each once.

    The process that acts dies, then the one that recovers, then the one that recovers from that, …
    """
    seen: set[int] = set()
    reached = [play(scenario, **how)]
    for _ in range(crashes):
        before, reached = reached, []
        for played in before:
            for point, state in played.states.items():
                if state not in seen:
                    seen.add(state)
                    reached.append(play(scenario, *played.crash_at, point, **how))
                    yield reached[-1]
