"""Several processes on one database file lose nothing, and wait for each other with patience."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.kernel.ledger import ReadTransaction
from headway_core.testing.contracts.ledger.samples import BRIGHT, ITEMS, NOTES, ROOMS, Note, Room
from headway_sql import SqlStore, patience

pytestmark = pytest.mark.anyio

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]
WRITER = Path(__file__).parent / "writer_process.py"
PROCESSES, TIMES = 3, 60


def writers(path: Path) -> list["subprocess.Popen[str]"]:
    return [
        subprocess.Popen(
            [sys.executable, str(WRITER), str(path), str(TIMES), f"w{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]


@pytest.mark.lesson("S17", "L1", "L19")
async def test_nothing_is_lost(path: Path, opening: Opening) -> None:
    """Processes that make the file, its tables and the first rows at once, and then all count up: every
    count is there, events are complete and in order, and one claim of theirs wins.
    """
    running = await anyio.to_thread.run_sync(writers, path)
    outputs = [await anyio.to_thread.run_sync(process.communicate) for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    assert sorted(out for out, _ in outputs) == ["lost\n", "lost\n", "won\n"]
    async with opening() as store:

        def view(tx: ReadTransaction) -> tuple[int, int, list[tuple[int, str]]]:
            counter = store.reader(ITEMS).get(tx, "counter")
            assert counter is not None
            log = store.events.after(tx, 0, limit=1000)
            bright = store.reader(ITEMS).count(tx, BRIGHT)
            return counter.size, bright, [(event.position, event.actor) for event in log]

        size, bright, log = await store.ledger.read(view)
    assert (size, bright, len(log)) == (PROCESSES * TIMES, 1, PROCESSES * TIMES)
    assert [position for position, _ in log] == sorted({position for position, _ in log})
    assert [sum(actor == f"w{n}" for _, actor in log) for n in range(PROCESSES)] == [TIMES] * PROCESSES


async def test_killed_writer(path: Path, opening: Opening) -> None:
    """A process that is killed while it writes leaves whole transactions only, and no lock behind."""
    (running, *rest) = await anyio.to_thread.run_sync(writers, path)
    try:
        async with opening() as store:
            with anyio.fail_after(60):
                while await store.ledger.read(store.events.last_position) < TIMES // 4:  # noqa: ASYNC110  across processes
                    await anyio.sleep(0.005)
            for process in (running, *rest):
                process.kill()
                await anyio.to_thread.run_sync(process.communicate)

            def view(tx: ReadTransaction) -> tuple[int, int]:
                counter = store.reader(ITEMS).get(tx, "counter")
                return (counter.size if counter else 0), len(store.events.after(tx, 0, limit=1000))

            size, events = await store.ledger.read(view)
            assert size == events > 0
            await store.ledger.transact(lambda tx: store.writer(ROOMS).add(tx, Room(id="r2", name="hall")))
    finally:
        for process in (running, *rest):
            process.kill()


async def test_patience(path: Path, opening: Opening) -> None:
    """A writer waits while another process writes, and is cancelled promptly meanwhile."""
    async with opening() as store:
        notes = store.writer(NOTES)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with anyio.move_on_after(0.1) as scope:
                await store.ledger.transact(lambda tx: notes.put(tx, Note(topic="t", number=1, text="x")))
            assert scope.cancelled_caught
            async with anyio.create_task_group() as group:
                group.start_soon(
                    store.ledger.transact, lambda tx: notes.put(tx, Note(topic="t", number=2, text="y"))
                )
                await anyio.sleep(patience.ATTEMPT_S * 1.5)  # longer than one attempt
                other.execute("COMMIT")
        assert await store.ledger.read(lambda tx: notes.get(tx, "t", 1)) is None
        assert await store.ledger.read(lambda tx: notes.get(tx, "t", 2)) is not None


async def test_end_of_patience(path: Path, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    """When patience ends it is `Unavailable`, with the time after which to come again."""
    monkeypatch.setattr(patience, "PATIENCE_S", 0.1)
    async with opening() as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Unavailable, match="locked by another process") as raised:
                await store.ledger.transact(lambda _: None)
            assert raised.value.retry_after == 1
            assert await store.ledger.read(store.events.last_position) == 0  # readers never wait


async def test_one_view(path: Path, opening: Opening) -> None:
    """A view is of one moment, whatever other processes commit while it is read."""
    async with opening() as store:

        def view(tx: ReadTransaction) -> tuple[list[Note], list[Note]]:
            before = store.reader(NOTES).query(tx, NOTES.queries[0], topic="t")
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("INSERT INTO sample_notes VALUES ('t', 1, 'x')")
            return before, store.reader(NOTES).query(tx, NOTES.queries[0], topic="t")

        assert await store.ledger.read(view) == ([], [])
        assert await store.ledger.read(lambda tx: store.reader(NOTES).get(tx, "t", 1)) is not None
