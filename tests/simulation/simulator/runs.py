"""Runs: one plan lived through, and what came of it."""

from collections.abc import Callable
from typing import Any

import attrs

from headway_core.container import CoreContainer
from simulator.chance import Chance
from simulator.invariants import Invariants
from simulator.loops import DeadlockError, run_seeded
from simulator.story import Story
from simulator.world import Plan, Violation, World


@attrs.frozen(kw_only=True)
class Run:
    """What came of a plan."""

    plan: Plan
    violation: Violation | None
    interventions: tuple[str, ...]
    """What went wrong and what people did, in order."""
    points: int
    """The number of points at which a process could have died."""
    commits: int
    crashes: int
    lasted_s: float
    """In the world's own time."""
    trace: tuple[str, ...]
    """A line a step; empty unless it was asked for."""


def live_through(
    plan: Plan, *, traced: bool = False, backend: str = "asyncio", container: type[Any] = CoreContainer
) -> Run:
    """Live through a plan: the same plan gives the same run, line by line."""
    worlds: list[World] = []

    async def main() -> float:
        world = World(plan, traced=traced)
        worlds.append(world)
        Invariants(world)
        await Story(world, container).tell()
        return world.seconds()

    order = Chance(plan.seed).stream("order") if plan.shuffled else None
    try:
        lasted = run_seeded(main, order=order, backend=backend)
    except DeadlockError as error:
        lasted = -1.0
        worlds[0].violation = Violation(invariant="nothing waits for ever", detail=str(error), at_s=0.0)
    world = worlds[0]
    return Run(
        plan=plan,
        violation=world.violation,
        interventions=tuple(world.happened),
        points=world.points,
        commits=world.steps,
        crashes=world.crashes,
        lasted_s=lasted,
        trace=tuple(world.trace or ()),
    )


Live = Callable[[Plan], Run]


def shrink(found: Run, *, live: Live = live_through, most: int = 200) -> Run:
    """The smallest run that was found with the same violation: fewer interventions, then a plainer schedule.

    Leaves out half of what happened, then quarters, …, for as long as the same invariant breaks; at most
    `most` runs are lived through.
    """
    best, left = found, most

    def same(plan: Plan) -> Run | None:
        nonlocal left
        left -= 1
        run = live(plan)
        broken, wanted = run.violation, found.violation
        return run if broken and wanted and broken.invariant == wanted.invariant else None

    plain = same(attrs.evolve(found.plan, shuffled=False))
    best = plain or best
    size = max(len(best.interventions) // 2, 1)
    while size and left > 0:
        start = 0
        while start < len(best.interventions) and left > 0:
            kept = best.interventions[:start] + best.interventions[start + size :]
            smaller = same(attrs.evolve(best.plan, keep=frozenset(kept)))
            if smaller is not None and len(smaller.interventions) < len(best.interventions):
                best = smaller
            else:
                start += size
        size //= 2
    return best
