"""A refresh that finds nothing new: statements, microseconds, and the ratio to a bare transaction.

The forge answers from memory, so that only Headway is measured. The bare transaction reads one row and
writes one row of the same table, in the same run. A refresh has two transactions: one draws
the observation's number before the forge is asked, one stores the outcome.

    python benchmarks/bench_refresh.py [refreshes]
"""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import anyio
from sqlalchemy import event
from sqlalchemy.engine import Engine

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.store import Store
from headway_core.kernel.transactions import Transaction
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import WATCHES, PRSnapshotService, Unchanged
from headway_core.schema import ALL_TABLES
from headway_core.settings.model import SETTINGS, SettingsRecord
from headway_core.workspaces.model import (
    WORKSPACES,
)
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.fakes import FakeForgeReader
from headway_testing.observations import an_observation
from headway_testing.pull_requests import pull_request_steps_on, pull_requests_on
from headway_testing.records import a_project, a_workspace

BATCHES = 5
LIMITS = {"memory": 30.0, "sqlite": 4.0}
"""Ratios not to be exceeded: two transactions, seven reads, two writes, and all facts compared."""


@asynccontextmanager
async def stores(folder: Path) -> AsyncIterator[dict[str, Store]]:
    """The product's tables in memory and in a file."""
    clock, ids, catalog = ManualClock(), SequentialIds(), EventCatalog(ALL_EVENTS)
    memory = MemoryStore(clock=clock, ids=ids, catalog=catalog)
    url = f"sqlite:///{folder / 'bench.db'}"
    async with SqlStore.open(url, specs=ALL_TABLES, catalog=catalog, clock=clock, ids=ids) as sqlite:
        yield {"memory": memory, "sqlite": sqlite}


async def attached(store: Store) -> PRSnapshotService:
    """A service whose workspace w1 has a pull request that does not change any more."""
    forge = FakeForgeReader()
    forge.observations["PR_1"] = an_observation()
    service, steps = pull_requests_on(store, forge), pull_request_steps_on(store)
    projects, workspaces = store.writer(PROJECTS), store.writer(WORKSPACES)
    settings = store.writer(SETTINGS)

    def work(tx: Transaction) -> None:
        settings.add(tx, SettingsRecord(quiet_time_s=0))
        projects.add(tx, a_project())
        workspace = workspaces.add(tx, a_workspace())
        steps.open_record(tx, workspace)
        steps.attach(tx, "w1", "PR_1")

    await store.ledger.transact(work)
    for _ in range(2):
        await service.refresh_workspace("w1")
    return service


async def timed(operation: Callable[[], Awaitable[object]], times: int) -> float:
    """Microseconds of one, the median of some batches."""
    found = []
    for _ in range(BATCHES):
        began = time.perf_counter()
        for _ in range(times):
            await operation()
        found.append((time.perf_counter() - began) / times * 1e6)
    return median(found)


async def statements(operation: Callable[[], Awaitable[object]]) -> list[str]:
    """The statements that one operation sends to SQLite."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement.split(maxsplit=1)[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        await operation()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sent


async def main(times: int) -> int:
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        async with stores(Path(folder)) as opened:
            for name, store in opened.items():
                service = await attached(store)
                watches = store.writer(WATCHES)

                def bare(tx: Transaction) -> None:
                    watch = watches.get(tx, "w1")  # noqa: B023  run before the loop goes on
                    assert watch is not None
                    watches.put(tx, watch)  # noqa: B023  awaited in its own turn

                async def refresh() -> None:
                    assert await service.refresh_workspace("w1") == Unchanged()  # noqa: B023  awaited in its own turn

                async def transact() -> None:
                    await store.ledger.transact(bare)  # noqa: B023  awaited in its own turn

                sent = await statements(refresh)
                base, full = await timed(transact, times), await timed(refresh, times)
                ratio = full / base
                told = f"{len(sent)} statements ({', '.join(sent)})" if sent else "no statements"
                slow = ratio > LIMITS[name]
                worst = max(worst, int(slow))
                print(
                    f"{name}: refresh {full:.0f} us, bare transaction {base:.0f} us, ratio {ratio:.1f}"
                    f"  (at most {LIMITS[name]:.0f})  {'TOO SLOW' if slow else 'ok'}"
                )
                print(f"{name}: {told}")
    return worst


if __name__ == "__main__":
    sys.exit(anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 300))
