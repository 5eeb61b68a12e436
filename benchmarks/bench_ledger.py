"""What the ledger adds to a transaction of five statements, as ratios measured in one run.

`python benchmarks/bench_ledger.py [ROUNDS]`: the same statements, on the same file with the same pragmas,

- raw: SQLAlchemy Core, prebuilt, in the main thread;
- hop: the same function through one `anyio.to_thread.run_sync`;
- transact: through the ledger, with records, locks, doom, compare-and-swap and an event.

The file lies in memory where the machine has such a folder: waiting for a disk would be the same for all
three, and flatter the ratio.

Ratios are the medians over alternating batches, so that a noisy machine meets all three alike. Exits 1
when `transact` costs more than 1.5 hops or 3 raw transactions.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import anyio.to_thread
import attrs
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, insert, select, update

from headway_core.kernel.events import EventCatalog
from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore, metadata_of
from headway_sql.metadata import EVENTS
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.samples import ITEMS, OF_ROOM, ROOMS, Colour, Item, Painted, Room

MEMORY = Path("/dev/shm")  # noqa: S108  a folder of our own is made in it
BATCH = 50
ROOM_COUNT = 200
EMPTY_ROOM = "room-empty"
LIMITS = {"hop": 1.5, "raw": 3.0}


class Raw:
    """The statements as anybody would write them: read the room, add, change, select, log."""

    def __init__(self, engine: Engine, begin: str | None = "BEGIN IMMEDIATE", name: str = "raw") -> None:
        self._engine = engine
        self._begin = begin
        self._name = name
        tables = metadata_of(SAMPLE_TABLES).tables
        rooms, items, log = tables[ROOMS.name], tables[ITEMS.name], tables[EVENTS]
        self._room = select(rooms).where(rooms.c.id == bindparam("key"))
        self._add = insert(items)
        facts: dict[str, Any] = {name: bindparam(name) for name in items.c.keys() if name != "id"}  # noqa: SIM118  no dict
        self._change = (
            update(items)
            .where(items.c.id == bindparam("key"), items.c.version == bindparam("stored"))
            .values(facts)
        )
        self._select = (
            select(items).where(items.c.workspace_id == bindparam("room")).order_by(items.c.size, items.c.id)
        )
        self._log = insert(log)

    def run(self, number: int) -> None:
        with self._engine.connect() as connection:
            self.work(connection, number)
            connection.commit()

    def work(self, connection: Connection, number: int) -> None:
        """The five statements, on a connection."""
        key, room = f"{self._name}-{number}", f"room-{number % ROOM_COUNT}"
        now = "2026-01-05T12:00:00.000000+00:00"
        if self._begin is not None:
            connection.exec_driver_sql(self._begin)
        connection.execute(self._room, {"key": room}).one()
        item: dict[str, object] = {
            "id": key,
            "workspace_id": room,
            "colour": "BLUE",
            "size": 0,
            "broken": False,
            "tag": None,
            "due_at": now,
            "shape": None,
            "parts": "[]",
            "labels": "[]",
            "version": 1,
        }
        connection.execute(self._add, item)
        later = {**item, "size": 1, "version": 2, "key": key, "stored": 1}
        del later["id"]
        changed = connection.execute(self._change, later)
        assert changed.rowcount == 1
        connection.execute(self._select, {"room": EMPTY_ROOM}).all()
        connection.execute(
            self._log,
            {
                "workspace_id": room,
                "at": now,
                "actor": "headway",
                "event": "sample.painted",
                "version": 1,
                "data": "{}",
            },
        )


def as_the_ledger(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous = FULL")


class Ours:
    """The same five statements as a unit of work."""

    def __init__(self, store: SqlStore, name: str = "ours") -> None:
        self._name = name
        self._ledger = store.ledger
        self._rooms = store.writer(ROOMS)
        self._items = store.writer(ITEMS)

    async def run(self, number: int) -> None:
        await self._ledger.transact(partial(self._work, number))

    def _work(self, number: int, tx: Transaction) -> None:
        room = f"room-{number % ROOM_COUNT}"
        tx.lock(room)
        assert self._rooms.get(tx, room) is not None
        added = self._items.add(tx, Item(id=f"{self._name}-{number}", workspace_id=room, due_at=tx.now()))
        self._items.replace(tx, attrs.evolve(added, size=1))
        self._items.query(tx, OF_ROOM, workspace_id=EMPTY_ROOM)
        tx.emit(Painted(item_id=added.id, colour=Colour.RED), workspace_id=room)

    def furnish(self, tx: Transaction) -> None:
        for number in range(ROOM_COUNT):
            self._rooms.add(tx, Room(id=f"room-{number}", name=f"room {number}"))


async def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds a transaction, by way and batch."""
    path = folder / "bench.db"
    async with SqlStore.open(
        f"sqlite:///{path}",
        specs=SAMPLE_TABLES,
        catalog=EventCatalog(SAMPLE_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(),
        migrate=False,
    ) as store:
        ours = Ours(store)
        engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
        event.listen(engine, "connect", as_the_ledger)
        await store.ledger.transact(ours.furnish)
        raw = Raw(engine)

        async def in_this_thread(number: int) -> None:
            raw.run(number)

        async def through_a_hop(number: int) -> None:
            await anyio.to_thread.run_sync(raw.run, number)

        ways: dict[str, Callable[[int], Awaitable[None]]] = {
            "raw": in_this_thread,
            "hop": through_a_hop,
            "transact": ours.run,
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        number = 0
        for batch in range(rounds + 1):
            for way, run in ways.items():
                began = time.perf_counter()
                for _ in range(BATCH):
                    number += 1
                    await run(number)
                if batch:  # the first one warms up
                    times[way].append((time.perf_counter() - began) / BATCH)
        engine.dispose()
    return times


def main(rounds: int) -> int:
    failed = False
    for backend in ("asyncio", "trio"):
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            times = anyio.run(measure, Path(folder), rounds, backend=backend)
        for way, taken in times.items():
            print(f"{backend:8} {way:9} {median(taken) * 1000:7.3f} ms")
        for way, limit in LIMITS.items():
            ratio = median(ours / theirs for ours, theirs in zip(times["transact"], times[way], strict=True))
            failed = failed or ratio > limit
            verdict = "ok" if ratio <= limit else "TOO SLOW"
            print(f"{backend:8} transact / {way:4} {ratio:5.2f}  (at most {limit})  {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 20))
