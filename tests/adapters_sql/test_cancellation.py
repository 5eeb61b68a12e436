"""On threads too a unit of work is committed if and only if it returned."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql import SqlStore
from headway_sql.opening import database_of
from headway_testing.contracts.ledger.samples import ABOUT, NOTES, Note

pytestmark = pytest.mark.anyio
native = pytest.mark.parametrize("anyio_backend", ["asyncio"])
"""Trio and anyio know only scopes; these are asyncio's own ways to cancel."""

NOTE = Note(topic="t", number=1, text="stored")


class Gate:
    """A unit of work that stands still on its thread until it is let through."""

    def __init__(self, store: SqlStore, note: Note = NOTE) -> None:
        self._notes = store.writer(NOTES)
        self._note = note
        self._through = threading.Event()
        self._loop = anyio.lowlevel.current_token()
        self.entered = anyio.Event()

    def work(self, tx: Transaction) -> str:
        self._notes.put(tx, self._note)
        anyio.from_thread.run_sync(self.entered.set, token=self._loop)
        assert self._through.wait(30)
        return "returned"

    def open(self) -> None:
        self._through.set()


def stored(store: SqlStore) -> Callable[[ReadTransaction], Note | None]:
    notes = store.reader(NOTES)
    return lambda tx: notes.get(tx, NOTE.topic, NOTE.number)


async def let_through_later(gate: Gate) -> None:
    """Only after the event loop has gone round several times: a cancellation would be through by then."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()
    gate.open()


async def test_scope(store: SqlStore) -> None:
    """A scope that is cancelled while the thread works: stored, returned, then cancelled."""
    gate = Gate(store)
    returned: list[str] = []

    async def caller() -> None:
        returned.append(await store.ledger.transact(gate.work))
        await anyio.lowlevel.checkpoint()
        returned.append("not cancelled")

    async with anyio.create_task_group() as group:
        group.start_soon(caller)
        await gate.entered.wait()
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await let_through_later(gate)
    assert returned == ["returned"]
    assert await store.ledger.read(stored(store)) == NOTE


async def test_waiting_for_a_turn(url: str, store: SqlStore) -> None:
    """A writer that waits behind others is cancelled at once, and never begins."""
    writers = database_of(url).writers
    gates = [Gate(store, Note(topic="t", number=n, text=f"{n}")) for n in range(writers)]
    runs: list[Transaction] = []
    async with anyio.create_task_group() as group:
        for gate in gates:
            group.start_soon(store.ledger.transact, gate.work)
            await gate.entered.wait()
        with anyio.move_on_after(0.01) as scope:
            await store.ledger.transact(runs.append)
        for gate in gates:
            gate.open()
    assert scope.cancelled_caught
    assert runs == []
    await store.ledger.transact(runs.append)
    assert len(runs) == 1


@native
async def test_task_cancel(store: SqlStore, anyio_backend: str) -> None:
    """`task.cancel()`, even repeated, waits for the unit of work; the next await delivers it."""
    gate = Gate(store)
    reached: list[str] = []

    async def caller() -> None:
        reached.append(await store.ledger.transact(gate.work))
        await asyncio.sleep(30)
        reached.append("not cancelled")

    task = asyncio.create_task(caller())
    await gate.entered.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    await let_through_later(gate)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reached == ["returned"]
    assert await store.ledger.read(stored(store)) == NOTE


@native
async def test_task_and_scope(store: SqlStore, anyio_backend: str) -> None:
    """Cancelled in both ways at once, it waits all the same."""
    gate = Gate(store)
    reached: list[str] = []
    tasks: list[asyncio.Task[None] | None] = []

    async def caller() -> None:
        tasks.append(asyncio.current_task())
        reached.append(await store.ledger.transact(gate.work))
        await asyncio.sleep(30)
        reached.append("not cancelled")

    async with anyio.create_task_group() as group:
        group.start_soon(caller)
        await gate.entered.wait()
        [task] = tasks
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await let_through_later(gate)
    assert reached == ["returned"]
    assert await store.ledger.read(stored(store)) == NOTE


@native
async def test_returned_is_not_cancelled(store: SqlStore, anyio_backend: str) -> None:
    """A task whose last step was the unit of work ends with its result: committed, so returned."""
    gate = Gate(store)
    task = asyncio.ensure_future(store.ledger.transact(gate.work))
    await gate.entered.wait()
    task.cancel()
    await let_through_later(gate)
    assert await task == "returned"
    assert await store.ledger.read(stored(store)) == NOTE


@native
async def test_error_is_kept(store: SqlStore, anyio_backend: str) -> None:
    """A cancelled unit of work that fails raises its own error, and is rolled back."""
    gate = Gate(store)

    def work(tx: Transaction) -> None:
        gate.work(tx)
        raise ZeroDivisionError

    task = asyncio.ensure_future(store.ledger.transact(work))
    await gate.entered.wait()
    task.cancel()
    await let_through_later(gate)
    with pytest.raises(ZeroDivisionError):
        await task
    assert await store.ledger.read(stored(store)) is None


async def by_timeout(store: SqlStore, gate: Gate, reached: list[str]) -> None:
    async with asyncio.timeout(None) as limit, fires_within(limit, gate):
        reached.append(await store.ledger.transact(gate.work))
        await asyncio.sleep(30)


async def by_wait_for(store: SqlStore, gate: Gate, reached: list[str]) -> None:
    async def steps() -> None:
        reached.append(await store.ledger.transact(gate.work))
        await asyncio.sleep(30)

    async with opened_after(gate, 1.0):
        await asyncio.wait_for(steps(), 0.5)  # long enough to get to work on any machine


@asynccontextmanager
async def fires_within(limit: asyncio.Timeout, gate: Gate) -> AsyncIterator[None]:
    """The time-out fires while the unit of work stands still, however long it took to get there."""

    async def fire() -> None:
        await gate.entered.wait()
        limit.reschedule(asyncio.get_running_loop().time())
        await asyncio.sleep(0.05)
        gate.open()

    firing = asyncio.create_task(fire())
    try:
        yield
    finally:
        gate.open()
        firing.cancel()


@asynccontextmanager
async def opened_after(gate: Gate, seconds: float) -> AsyncIterator[None]:
    async def later() -> None:
        await asyncio.sleep(seconds)
        gate.open()

    opening = asyncio.create_task(later())
    try:
        yield
    finally:
        opening.cancel()


@native
@pytest.mark.parametrize("limited", [by_timeout, by_wait_for])
async def test_time_outs(
    store: SqlStore, anyio_backend: str, limited: Callable[[SqlStore, Gate, list[str]], Awaitable[None]]
) -> None:
    """Asyncio's time-outs fire at the await after the unit of work."""
    gate = Gate(store)
    reached: list[str] = []
    with pytest.raises(TimeoutError):
        await limited(store, gate, reached)
    assert reached == ["returned"]
    assert await store.ledger.read(stored(store)) == NOTE


@native
async def test_time_out_that_was_left(store: SqlStore, anyio_backend: str) -> None:
    """A time-out that fires within the unit of work, and is left before the next await, cancels nothing
    afterwards: whoever asked has withdrawn, and nobody would catch it.
    """
    gate = Gate(store)
    async with asyncio.timeout(None) as limit, fires_within(limit, gate):
        returned = await store.ledger.transact(gate.work)
    assert returned == "returned"
    assert limit.expired()
    for _ in range(5):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@native
async def test_cancelled_on_the_way(store: SqlStore, anyio_backend: str) -> None:
    """Cancelled at whatever step on the way to its thread: it never runs, or it is stored and returned."""
    notes = store.writer(NOTES)
    outcomes: list[bool] = []
    for steps in range(2000):
        note = Note(topic="steps", number=steps, text=f"{steps}")
        task = asyncio.ensure_future(store.ledger.transact(partial(notes.add, record=note)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        try:
            returned = await task == note
        except asyncio.CancelledError:
            returned = False
        found = await store.ledger.read(partial(notes.query, query=ABOUT, topic="steps"))
        assert (note in found) == returned
        assert store.open_transactions() == 0
        outcomes.append(returned)
        if outcomes.count(True) > 5 < outcomes.count(False):
            return
    pytest.fail("one of the two outcomes was never met")


async def test_nesting_from_the_thread(store: SqlStore) -> None:
    """A transaction opened through the event loop from within a unit of work is refused as well, instead of
    waiting for itself.
    """
    loop = anyio.lowlevel.current_token()

    def work(tx: Transaction) -> None:
        anyio.from_thread.run(store.ledger.transact, lambda _: None, token=loop)

    with anyio.fail_after(30), pytest.raises(TypeError, match="is open here"):
        await store.ledger.transact(work)
