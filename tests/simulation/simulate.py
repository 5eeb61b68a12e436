"""`nox -s simulate -- --runs 10000 --seed 1`: many seeded runs on all cores, every crash, and the teeth."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from functools import partial

from defects import DEFECTS, SURPRISE
from simulator import (
    INVARIANTS,
    SCENARIOS,
    Plan,
    Run,
    Violation,
    every_crash,
    every_state,
    live_through,
    shrink,
)

SHOWN = 60
"""Lines of a failing run's trace."""


STORMS_S = (20.0, 20.0, 20.0, 40.0, 40.0, 90.0)
WORKSPACES = (1, 2, 2, 3)

CURSED = 7
BESET = 21
CLONED = 33
TALKATIVE = 35


def plan_of(seed: int) -> Plan:
    """The plan of a seed: every fourth has two hosts; workspaces and the length of the storm vary.

    In one of fifty all agents die, for long enough that the ratchet gives up; in one of fifty strangers open
    and close pull requests, in one a repository is registered from two clones, in one a bot is never content.
    """
    if seed % 50 == CURSED:
        return Plan(seed=seed, workspaces=1, storm_s=150.0, cursed=True)
    if seed % 50 == CLONED:
        return Plan(seed=seed, workspaces=2, storm_s=40.0, clones=True)
    if seed % 50 == BESET:
        return Plan(seed=seed, workspaces=1, storm_s=300.0, outsiders=True)
    if seed % 50 == TALKATIVE:
        return Plan(seed=seed, workspaces=1, storm_s=400.0, bots=True)
    return Plan(
        seed=seed,
        hosts=2 if seed % 4 == 0 else 1,
        workspaces=WORKSPACES[seed // 4 % len(WORKSPACES)],
        storm_s=STORMS_S[seed // 16 % len(STORMS_S)],
    )


def run_of(seed: int, backend: str = "asyncio") -> Run:
    return live_through(plan_of(seed), backend=backend)


def many(runs: int, seed: int, jobs: int, backend: str) -> list[Run]:
    """Live through many plans; the runs that violated something."""
    began, done, points, crashes, happened = time.perf_counter(), 0, 0, 0, 0
    bad: list[Run] = []
    with multiprocessing.Pool(jobs) as pool:
        for run in pool.imap_unordered(
            partial(run_of, backend=backend), range(seed, seed + runs), chunksize=8
        ):
            done, points, crashes = done + 1, points + run.points, crashes + run.crashes
            happened += len(run.interventions)
            if run.violation is not None:
                bad.append(run)
                print(f"seed {run.plan.seed}: {run.violation}", flush=True)
            if done % 500 == 0:
                print(f"  {done} runs, {done / (time.perf_counter() - began):.1f} a second", flush=True)
    took = time.perf_counter() - began
    print(
        f"{done} runs in {took:.0f} s on {jobs} processes ({done / took:.1f} a second): {points} points, "
        f"{happened} interventions, {crashes} crashes, {len(bad)} runs with a violation"
    )
    return bad


def show(run: Run) -> None:
    """A failing run, made small, and the end of its trace."""
    small = shrink(run)
    print(f"\nseed {run.plan.seed}: {small.violation}")
    print(f"{len(run.interventions)} interventions, of which {len(small.interventions)} are needed:")
    for name in small.interventions:
        print(f"  {name}")
    print("\n".join(live_through(small.plan, traced=True).trace[-SHOWN:]))


Exhausted = tuple[str, int, list[int], list[tuple[tuple[int, ...], Violation]], float]
"""A scenario, its crash points, the states after one crash, two, …, what was violated, and the seconds."""


def _exhaust(task: tuple[int, int]) -> Exhausted:
    number, crashes = task
    scenario, began = SCENARIOS[number], time.perf_counter()
    points, states = -1, [0] * crashes  # the last one played is the one that nobody died in
    bad = []
    for played in every_crash(scenario):
        points += 1
        if played.violation is not None:
            bad.append((played.crash_at, played.violation))
    for played in every_state(scenario, crashes=crashes):
        states[len(played.crash_at) - 1] += 1
        if played.violation is not None:
            bad.append((played.crash_at, played.violation))
    return scenario.name, points, states, bad, time.perf_counter() - began


def exhaustive(crashes: int, jobs: int, only: str) -> bool:
    """Every single crash of each scenario, and every state that so many crashes in a row can leave."""
    good, began = True, time.perf_counter()
    points, states = 0, [0] * crashes
    print("scenario | crash points | states after 1, 2, … crashes | seconds")
    with multiprocessing.Pool(jobs) as pool:
        numbers = [number for number, scenario in enumerate(SCENARIOS) if only in scenario.name]
        tasks = [(number, crashes) for number in reversed(numbers)]  # the longest first
        for name, its_points, its_states, bad, took in pool.imap_unordered(_exhaust, tasks):
            points += its_points
            states = [one + more for one, more in zip(states, its_states, strict=True)]
            print(f"{name} | {its_points} | {', '.join(map(str, its_states))} | {took:.0f}", flush=True)
            for crash_at, violation in bad:
                good = False
                print(f"{name} {crash_at}: {violation}", flush=True)
    took = time.perf_counter() - began
    print(f"all | {points} | {', '.join(map(str, states))} | {took:.0f} on {jobs} processes")
    return good


Bite = tuple[str, str, Violation | None]
"""A planted defect, what found it, and what it violated."""


def _bite(name: str, most: int) -> Bite:
    with DEFECTS[name]():
        for found_by, violation in _hunt(most):
            if violation is not None and violation.invariant == SURPRISE:
                raise AssertionError(f"{name} breaks the product, and no invariant: {violation}")
            if violation is not None:
                return name, found_by, violation
    return name, f"NOT in {most} runs, and by no crash", None


def _hunt(most: int) -> Iterator[tuple[str, Violation | None]]:
    """Seeded runs; then every state that a crash of a short scenario leaves."""
    for number in range(1, most + 1):
        yield f"run {number}", live_through(plan_of(number)).violation
    for scenario in SCENARIOS:
        for played in every_state(scenario, crashes=1):
            yield f"{scenario.name}, crash at {played.crash_at[0]}", played.violation


def teeth(most: int, jobs: int) -> bool:
    """How soon each planted defect is found."""
    good = True
    print("planted defect | found by | as a violation of")
    with multiprocessing.Pool(jobs, maxtasksperchild=1) as pool:
        waiting = [pool.apply_async(_bite, (name, most)) for name in DEFECTS]
        for each in waiting:
            name, found_by, violation = each.get()
            good = good and violation is not None
            print(f"{name} | {found_by} | {violation and violation.invariant}", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="seeded runs of the long story")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio", help="of the runs")
    parser.add_argument("--replay", type=int, metavar="SEED", help="the whole trace of one run, and no more")
    parser.add_argument("--exhaustive", action="store_true", help="every crash of the short scenarios too")
    parser.add_argument("--scenario", default="", help="those whose name has this, of --exhaustive")
    parser.add_argument("--crashes", type=int, default=2, help="so many in a row, of --exhaustive")
    parser.add_argument("--teeth", type=int, metavar="MOST", default=0, help="hunt the planted defects too")
    parser.add_argument("--invariants", action="store_true", help="when each is looked at, and no more")
    asked = parser.parse_args()
    if asked.invariants:
        print("\n".join(f"{name}: {when}" for name, when in INVARIANTS.items()))
        return 0
    if asked.replay is not None:
        run = live_through(plan_of(asked.replay), traced=True)
        print("\n".join(run.trace))
        return 0 if run.violation is None else 1
    bad = many(asked.runs, asked.seed, asked.jobs, asked.backend)
    for run in bad[:3]:
        show(run)
    good = not bad
    if asked.exhaustive:
        good = exhaustive(asked.crashes, asked.jobs, asked.scenario) and good
    if asked.teeth:
        good = teeth(asked.teeth, asked.jobs) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
