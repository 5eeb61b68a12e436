"""Transactions a second on SQLite and PostgreSQL, against SQLAlchemy without a ledger, in one run.

`python benchmarks/bench_databases.py [ROUNDS]`: the five statements of `bench_ledger.py`, on one database,

- raw: SQLAlchemy Core, synchronous, prebuilt, in the main thread;
- async driver: the same through SQLAlchemy's asynchronous engine (aiosqlite, asyncpg), on asyncio;
- transact: through the ledger, with records, doom, compare-and-swap and an event; on PostgreSQL with two
  statements more, that hold the workspace and the log;
- the last two by 16 callers at once as well;
- 1, 2 and 4 processes that write to 200 workspaces, with how often a work was run again.

The SQLite file lies in memory where the machine has such a folder, and the PostgreSQL server does not wait
for its disk, so that neither hides what the ledger costs. Ratios are medians over alternating batches. Exits
1 when `transact` costs more than 2.5 raw transactions on PostgreSQL (SQLite's limit: `bench_ledger.py`).
"""

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import anyio
from bench_ledger import BATCH, MEMORY, ROOM_COUNT, Ours, Raw, as_the_ledger
from furnished import databases
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from headway_core.kernel.errors import Unavailable
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.samples import ITEMS, Colour, Item, Painted

CALLERS = 16
LIMITS = {"postgresql": 2.5}
SECONDS = 2.0
"""How long processes write together."""

Way = Callable[[int], Awaitable[None]]


def opened(url: str, name: str = "ours") -> contextlib.AbstractAsyncContextManager[SqlStore]:
    return SqlStore.open(
        url,
        specs=SAMPLE_TABLES,
        catalog=EventCatalog(SAMPLE_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(name),
        migrate=False,
    )


def kind_of(url: str) -> str:
    return url.partition(":")[0]


def synchronous(url: str) -> tuple[Engine, str | None]:
    """An engine as anybody would make it, and how a transaction that writes begins."""
    if kind_of(url) == "postgresql":
        return create_engine(url.replace("postgresql:", "postgresql+psycopg:")), None
    engine = create_engine(url, connect_args={"isolation_level": None})
    event.listen(engine, "connect", as_the_ledger)
    return engine, "BEGIN IMMEDIATE"


def asynchronous(url: str) -> AsyncEngine:
    """The same with the asynchronous driver."""
    if kind_of(url) == "postgresql":
        return create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"), pool_size=CALLERS)
    engine = create_async_engine(
        url.replace("sqlite:", "sqlite+aiosqlite:"), connect_args={"isolation_level": None, "timeout": 30}
    )

    def pragma(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")

    event.listen(engine.sync_engine, "connect", pragma)
    return engine


async def ways_of(url: str, backend: str, ours: Ours, stack: contextlib.AsyncExitStack) -> dict[str, Way]:
    engine, begin = synchronous(url)
    stack.callback(engine.dispose)
    raw = Raw(engine, begin, name=f"raw-{backend}")

    async def in_this_thread(number: int) -> None:
        raw.run(number)

    ways: dict[str, Way] = {"raw": in_this_thread, "transact": ours.run}
    if backend == "asyncio":
        driver = asynchronous(url)
        stack.push_async_callback(driver.dispose)
        work = Raw(engine, begin, name="driver").work

        async def through_the_driver(number: int) -> None:
            async with driver.connect() as connection:
                await connection.run_sync(work, number)
                await connection.commit()

        ways["async driver"] = through_the_driver
    return ways


async def measure(url: str, backend: str, rounds: int) -> dict[str, list[float]]:
    """Seconds a transaction, by way and batch."""
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened(url, backend))
        ours = Ours(store, name=f"ours-{backend}")
        if backend == "asyncio":
            await store.ledger.transact(ours.furnish)
        ways = await ways_of(url, backend, ours, stack)
        crowds = {f"{way}, {CALLERS} at once": run for way, run in ways.items() if way != "raw"}
        times: dict[str, list[float]] = {way: [] for way in (*ways, *crowds)}
        number = 0
        for batch in range(rounds + 1):
            for way, run in ways.items():
                began = time.perf_counter()
                for _ in range(BATCH):
                    number += 1
                    await run(number)
                if batch:  # the first one warms up
                    times[way].append((time.perf_counter() - began) / BATCH)
            for way, run in crowds.items():
                began = time.perf_counter()
                async with anyio.create_task_group() as group:
                    for caller in range(CALLERS):
                        group.start_soon(several, run, number + caller * 4)
                number += CALLERS * 4
                if batch:
                    times[way].append((time.perf_counter() - began) / (CALLERS * 4))
    return times


async def several(run: Way, after: int) -> None:
    for number in range(1, 5):
        await run(after + number)


def compare(url: str, rounds: int) -> bool:
    """Print the figures of a database; whether a limit is broken."""
    failed = False
    kind = kind_of(url)
    for backend in ("asyncio", "trio"):
        times = anyio.run(measure, url, backend, rounds, backend=backend)
        for way, taken in times.items():
            ratio = median(one / raw for one, raw in zip(taken, times["raw"], strict=True))
            verdict = ""
            if way == "transact" and kind in LIMITS:
                failed = failed or ratio > LIMITS[kind]
                verdict = f"  (at most {LIMITS[kind]})  {'ok' if ratio <= LIMITS[kind] else 'TOO SLOW'}"
            print(
                f"{kind:10} {backend:7} {way:24} {median(taken) * 1000:7.3f} ms"
                f" {1 / median(taken):7.0f}/s  / raw {ratio:5.2f}{verdict}"
            )
    return failed


async def write(url: str, name: str) -> None:
    """As one of the processes: write to workspaces at random, as two callers; tell how much was done."""
    runs = done = busy = 0
    dice = random.Random(name)
    async with opened(url, name) as store:
        items = store.writer(ITEMS)
        ends = time.monotonic() + SECONDS

        def work(room: str, tx: Transaction) -> None:
            nonlocal runs
            runs += 1
            tx.lock(room)
            item = items.add(tx, Item(id=tx.new_id(), workspace_id=room))
            tx.emit(Painted(item_id=item.id, colour=Colour.RED), workspace_id=room)

        async def caller() -> None:
            nonlocal done, busy
            while time.monotonic() < ends:
                room = f"room-{dice.randrange(ROOM_COUNT)}"
                try:
                    await store.ledger.transact(partial(work, room))
                except Unavailable:
                    busy += 1
                else:
                    done += 1

        async with anyio.create_task_group() as group:
            group.start_soon(caller)
            group.start_soon(caller)
    print(json.dumps({"done": done, "again": runs - done, "unavailable": busy}))


def together(url: str) -> None:
    """Print what 1, 2 and 4 processes do together."""
    first = 0.0
    for count in (1, 2, 4):
        program = [sys.executable, __file__, "--write", url]
        running = [
            subprocess.Popen([*program, f"{kind_of(url)}-{count}-{nth}"], stdout=subprocess.PIPE)
            for nth in range(count)
        ]
        told = [json.loads(process.communicate()[0]) for process in running]
        rate = sum(each["done"] for each in told) / SECONDS
        first = first or rate
        again, unavailable = (sum(each[name] for each in told) for name in ("again", "unavailable"))
        print(
            f"{kind_of(url):10} {count} processes over {ROOM_COUNT} workspaces {rate:7.0f}/s"
            f"  / one {rate / first:5.2f}  run again {again}, unavailable {unavailable}"
        )


def main(rounds: int) -> int:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None))
        urls = stack.enter_context(databases(Path(folder))).values()
        failed = [compare(url, rounds) for url in urls]
        for url in urls:
            together(url)
    return int(any(failed))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        anyio.run(write, sys.argv[2], sys.argv[3])
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 12))
