"""Several processes on one database lose nothing, and wait for each other with patience."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from headway_core.kernel.transactions import ReadTransaction
from headway_sql import SqlStore
from headway_testing.contracts.ledger.samples import BRIGHT, ITEMS, ROOMS, Room

pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]
WRITER = Path(__file__).parent / "writer_process.py"
PROCESSES, TIMES = 3, 60


def writers(url: str) -> list["subprocess.Popen[str]"]:
    return [
        subprocess.Popen(
            [sys.executable, str(WRITER), url, str(TIMES), f"w{number}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]


@pytest.mark.lesson("S17", "L1", "L19")
async def test_nothing_is_lost(url: str, opening: Opening) -> None:
    """Processes that make the tables and the first rows at once, and then all count up: every
    count is there, events are complete and in order, and one claim of theirs wins.
    """
    running = await anyio.to_thread.run_sync(writers, url)
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


async def test_killed_writer(url: str, opening: Opening) -> None:
    """A process that is killed while it writes leaves whole transactions only, and no lock behind."""
    (running, *rest) = await anyio.to_thread.run_sync(writers, url)
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
