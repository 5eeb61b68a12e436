"""A commit of another process wakes who waits here: at once on PostgreSQL, soon on SQLite."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore
from headway_testing.contracts.ledger.samples import NOTES, Colour, Note, Painted

pytestmark = pytest.mark.anyio

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]
WRITER = Path(__file__).parent / "writer_process.py"


def emit(tx: Transaction) -> None:
    tx.emit(Painted(item_id="a", colour=Colour.RED))


async def test_another_store_wakes(opening: Opening) -> None:
    """A commit that wrote events wakes whoever waits in another store of the database, each time anew."""
    async with opening() as here, opening() as there:
        for _ in range(3):
            changed = here.ledger.changed()
            await there.ledger.transact(emit)
            with anyio.fail_after(10):
                await changed.wait()


async def test_another_process_wakes(url: str, opening: Opening) -> None:
    """So does one of another process, while this one does nothing but wait."""
    async with opening() as store:
        changed = store.ledger.changed()
        writer = await anyio.to_thread.run_sync(
            lambda: subprocess.run([sys.executable, str(WRITER), url, "1", "w"], check=True)
        )
        assert writer.returncode == 0
        with anyio.fail_after(10):
            await changed.wait()


async def test_nothing_to_tell(opening: Opening) -> None:
    """A commit without events wakes nobody elsewhere; neither does one's own commit a second time."""
    async with opening() as here, opening() as there:
        notes = there.writer(NOTES)
        changed = here.ledger.changed()
        await there.ledger.transact(lambda tx: notes.put(tx, Note(topic="t", number=1, text="x")))
        await anyio.sleep(0.6)  # longer than SQLite is left alone
        assert not changed.is_set()
        await here.ledger.transact(emit)
        assert changed.is_set()
        changed = here.ledger.changed()
        await anyio.sleep(0.6)
        assert not changed.is_set()


async def test_errors_come_out_as_they_are(opening: Opening) -> None:
    """An error inside an open store is not wrapped, for all that something watches beside it."""
    with pytest.raises(ZeroDivisionError):
        async with opening():
            raise ZeroDivisionError
    with pytest.raises(ExceptionGroup) as raised:
        async with opening():
            raise ExceptionGroup("two", [ZeroDivisionError(), KeyError()])
    assert raised.value.message == "two"


async def test_cancelled(opening: Opening) -> None:
    """A cancellation passes through an open store, and closes it."""
    opened: list[SqlStore] = []
    with anyio.fail_after(10), anyio.CancelScope() as scope:
        async with opening() as store:
            opened.append(store)
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert opened[0].open_transactions() == 0
