"""What the ledger's threads and views leave of the process that they run in."""

import gc
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import anyio
import pytest

from headway_core.kernel.transactions import ReadTransaction
from headway_sql import SqlStore

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]

pytestmark = pytest.mark.anyio


def threads() -> set[str]:
    """The ledger's threads that run now, by the kind of their work."""
    names = (thread.name for thread in threading.enumerate())
    return {name.rpartition("_")[0] for name in names if name.startswith("headway-")}


async def test_threads_end_with_their_store(opening: Opening) -> None:
    """A store has threads while it is open, and leaves none behind."""
    async with opening() as store:
        await store.ledger.transact(lambda tx: None)
        await store.ledger.read(store.events.last_position)
        assert threads() == {"headway-writer", "headway-reader"}
    assert threads() == set()


async def test_a_view_gives_the_collector_back(opening: Opening) -> None:
    """Cycles are collected again after a view, one that fails too; and not where the application does not."""
    during: list[bool] = []

    def look(tx: ReadTransaction) -> None:
        during.append(gc.isenabled())

    def fail(tx: ReadTransaction) -> None:
        raise ZeroDivisionError

    async with opening() as store:
        await store.ledger.read(look)
        assert gc.isenabled()
        with pytest.raises(ZeroDivisionError):
            await store.ledger.read(fail)
        assert gc.isenabled()
        gc.disable()
        try:
            await store.ledger.read(look)
            assert not gc.isenabled()
        finally:
            gc.enable()
    assert during == [False, False]


async def test_views_that_overlap(opening: Opening) -> None:
    """However many there are at once, and whichever ends last, cycles are collected afterwards."""
    together = threading.Barrier(3)

    def meet(tx: ReadTransaction) -> None:
        together.wait(30)

    async with opening() as store, anyio.create_task_group() as group:
        for _ in range(3 * 4):
            group.start_soon(store.ledger.read, meet)
    assert gc.isenabled()
