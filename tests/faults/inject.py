"""`nox -s faults -- --cycles 10000 --seed 1`: what core believes while a forge answers wrongly.

With `--over-http` the same over real HTTP: the adapter, and the sandbox in a process of its own. Its
seasons have a world and a seed each, `--jobs` of them run at a time.
"""

import argparse
import sys
import time
from functools import partial

import anyio
from in_memory import InMemory
from witness import Figures, Wrong

CALM_EVERY = 500


async def in_memory(cycles: int, seed: int, rate: float) -> Figures:
    rehearsal = InMemory(seed, rate=rate)
    try:
        await rehearsal.live(cycles, calm_every=CALM_EVERY)
    except Wrong as error:
        raise Wrong(f"seed {seed}, cycle {rehearsal.figures.cycles}: {error}") from None
    return rehearsal.figures


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cycles", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--rate", type=float, default=0.3)
    arguments.add_argument("--over-http", action="store_true")
    arguments.add_argument("--jobs", type=int, default=1)
    given = arguments.parse_args()
    began = time.perf_counter()
    try:
        if given.over_http:
            import over_http  # noqa: PLC0415  the adapter and the sandbox are needed for this alone

            figures = over_http.seasons(given.cycles, given.seed, given.jobs)
        else:
            figures = anyio.run(partial(in_memory, given.cycles, given.seed, given.rate))
    except Wrong as error:
        print(error)
        return 1
    figures.show(time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
