"""From a commit to whoever follows the log: in the same process and in another, on every ledger.

`python benchmarks/bench_wakeup.py [COMMITS]`. Measured from the call of `transact` until `EventFeed.follow`
has given the event to a subscriber; the clock is the system's monotonic one, which processes share. The ratio
is to the median of the transactions alone, in the same run. On SQLite nothing tells of another process's
commits but a look at the file, so there it is to the time between two looks. Exits 1 when a limit is broken.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import anyio
import anyio.to_thread
from furnished import databases, store_of

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.feed import EventFeed
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.store import Store
from headway_core.ratchet.events import RatchetHeld
from headway_sql.sqlite.database import WATCH_S
from headway_testing.clock import ManualClock, SequentialIds

PAUSE_S = 0.02
HERE, THERE = "this process", "another process"
LIMIT = 8.0
"""A follower reads in a transaction of its own, of as many statements as the one that wrote."""
LOOKS = 1.5
"""The limit of another process on SQLite, in times between two looks."""


async def follow(feed: EventFeed, after: int, note: Callable[[DomainEvent], None], count: int) -> None:
    """Note that many events after a position, as they come."""
    async with aclosing(feed.follow(after)) as events:
        async for event in events:
            note(event)
            count -= 1
            if not count:
                return


async def subscribe(url: str, count: int) -> None:
    """As another process: print who wrote each event, and when it was read."""
    async with store_of(url) as store:
        feed = EventFeed(store.ledger, store.events)
        after = await feed.position()
        print("ready", flush=True)
        await follow(feed, after, lambda event: print(event.actor, time.monotonic(), flush=True), count)


async def commit(store: Store, count: int) -> tuple[list[float], list[float]]:
    """When each transaction of one event was called, and how long it took."""
    began, took = [], []
    for number in range(count):
        began.append(time.monotonic())
        await store.ledger.transact(lambda tx: tx.emit(RatchetHeld(hold=None), actor=f"{number}"))  # noqa: B023  awaited in its own turn
        took.append(time.monotonic() - began[-1])
        await anyio.sleep(PAUSE_S)
    return began, took


async def beside(store: Store, count: int) -> tuple[list[float], list[float], list[float]]:
    """The same, and when a subscriber of this process had read each."""
    read = [0.0] * count

    def note(event: DomainEvent) -> None:
        read[int(event.actor)] = time.monotonic()

    feed = EventFeed(store.ledger, store.events)
    async with anyio.create_task_group() as group:
        group.start_soon(follow, feed, await feed.position(), note, count)
        began, took = await commit(store, count)
    return began, took, read


async def in_memory(count: int) -> None:
    store = MemoryStore(clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(ALL_EVENTS))
    began, took, read = await beside(store, count)
    tell(f"{'memory':10} {HERE}", began, read, median(took))


async def measure(kind: str, url: str, count: int) -> bool:
    """Print the figures of a database; whether a limit is broken."""
    async with store_of(url) as store:
        command = [sys.executable, __file__, "--subscribe", url, str(count)]
        start = partial(subprocess.Popen, command, stdout=subprocess.PIPE, text=True)
        other = await anyio.to_thread.run_sync(start)
        assert other.stdout is not None
        await anyio.to_thread.run_sync(other.stdout.readline)
        began, took, read = await beside(store, count)
        said, _ = await anyio.to_thread.run_sync(other.communicate)
        seen = {int(number): float(at) for number, at in (line.split() for line in said.splitlines())}
        alone = median(took)
        here = tell(f"{kind:10} {HERE}", began, read, alone, LIMIT)
        there = [seen[number] for number in range(count)]
        if kind == "sqlite":
            return tell(f"{kind:10} {THERE}", began, there, WATCH_S, LOOKS) or here
        return tell(f"{kind:10} {THERE}", began, there, alone, LIMIT) or here


def tell(
    where: str, began: list[float], read: list[float], baseline: float, limit: float | None = None
) -> bool:
    """Print how long it took; whether that is too long."""
    until = [(later - earlier) * 1000 for earlier, later in zip(began, read, strict=True)]
    ratio = median(until) / (baseline * 1000)
    slow = limit is not None and ratio > limit
    verdict = "" if limit is None else f"(at most {limit})  {'TOO SLOW' if slow else 'ok'}"
    print(
        f"{where:26} read after {median(until):7.3f} ms (p99 {quantiles(until, n=100)[98]:7.2f})"
        f"  / {baseline * 1000:7.3f} ms = {ratio:5.2f}  {verdict}"
    )
    return slow


def main(count: int) -> int:
    anyio.run(in_memory, count)
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        failed = [anyio.run(measure, kind, url, count) for kind, url in urls.items()]
    return int(any(failed))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--subscribe"]:
        anyio.run(subscribe, sys.argv[2], int(sys.argv[3]))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 200))
