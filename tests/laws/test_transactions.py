"""Law 3: a transaction is a short, synchronous, pure function. What breaks it is refused by the ledger.

Each test plants one violation in an otherwise good unit of work; the good one passes.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, cast

import attrs
import pytest

from headway_core.kernel.errors import Conflict
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import ImpureTransactionError, MemoryStore
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS
from headway_testing.contracts.ledger.samples import ABOUT, NOTES, Colour, Note, Painted

pytestmark = pytest.mark.anyio


class Desk:
    """A ledger that runs every unit of work twice, as the tests of the services have it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.ids = SequentialIds()
        self.store = MemoryStore(
            clock=self.clock, ids=self.ids, catalog=EventCatalog(SAMPLE_EVENTS), run_twice=True
        )
        self.notes: OwnedTable[Note] = self.store.writer(NOTES)
        self.remembered: list[str] = []

    def write(self, tx: Transaction, text: str, number: int = 1) -> None:
        self.notes.add(tx, Note(topic="t", number=number, text=text))

    async def stored(self) -> list[Note]:
        return await self.store.ledger.read(lambda tx: self.notes.query(tx, ABOUT, topic="t"))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def pure(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, f"{tx.new_id()} at {tx.now()}")
    tx.emit(Painted(item_id=tx.new_id(), colour=Colour.RED, at=tx.now()))


async def test_pure(desk: Desk) -> None:
    """A unit of work that draws its time and ids from the transaction is pure."""
    await desk.store.ledger.transact(lambda tx: pure(desk, tx))
    assert await desk.stored() == [Note(topic="t", number=1, text=f"id-000001 at {desk.clock.now()}")]


def id_from_elsewhere(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, desk.ids.new())


def time_from_elsewhere(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, str(desk.clock.advance(1)))


def chance(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, str(random.random()))


def memory_of_its_own(desk: Desk, tx: Transaction) -> None:
    desk.remembered.append("run")
    for number, text in enumerate(desk.remembered):
        desk.write(tx, f"{number} {text}", number=number)


def removed_once(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, "x")
    if not desk.remembered:
        desk.remembered.append("removed")
        desk.notes.remove(tx, "t", 1)


def event_from_elsewhere(desk: Desk, tx: Transaction) -> None:
    desk.write(tx, "always the same")
    tx.emit(Painted(item_id=desk.ids.new(), colour=Colour.RED))


def actor_from_elsewhere(desk: Desk, tx: Transaction) -> None:
    tx.emit(Painted(item_id="a", colour=Colour.RED), actor=desk.ids.new())


@pytest.mark.parametrize(
    "impure",
    [
        id_from_elsewhere,
        time_from_elsewhere,
        chance,
        memory_of_its_own,
        removed_once,
        event_from_elsewhere,
        actor_from_elsewhere,
    ],
)
async def test_impure(desk: Desk, impure: Callable[[Desk, Transaction], None]) -> None:
    """A unit of work that writes other things when it is run again is refused, and leaves nothing."""
    with pytest.raises(ImpureTransactionError):
        await desk.store.ledger.transact(lambda tx: impure(desk, tx))
    assert await desk.stored() == []
    assert await desk.store.ledger.read(desk.store.events.last_position) == 0


async def test_asynchronous(desk: Desk) -> None:
    """An `async def` as a unit of work is refused, and leaves nothing."""

    async def work(tx: Transaction) -> None:
        pure(desk, tx)

    with pytest.raises(TypeError, match="awaitable"):
        await desk.store.ledger.transact(cast("Callable[[Transaction], Any]", work))
    assert await desk.stored() == []


async def test_generator(desk: Desk) -> None:
    """A generator as a unit of work is refused: not a line of it would have run."""

    def work(tx: Transaction) -> Iterator[None]:
        pure(desk, tx)
        yield

    async def asynchronous(tx: Transaction) -> Any:
        pure(desk, tx)
        yield

    for wrong in (work, asynchronous):
        with pytest.raises(TypeError):
            await desk.store.ledger.transact(cast("Callable[[Transaction], Any]", wrong))
    assert await desk.stored() == []


@pytest.mark.lesson("L19")
async def test_nested(desk: Desk) -> None:
    """A transaction within another is refused and dooms it, even when the refusal is caught."""

    def work(tx: Transaction) -> None:
        pure(desk, tx)
        try:
            desk.store.ledger.transact(str).close()
        except TypeError:
            desk.remembered.append("caught")

    with pytest.raises(TypeError, match="is open here"):
        await desk.store.ledger.transact(work)
    assert desk.remembered == ["caught"]
    assert await desk.stored() == []


async def test_error_dooms(desk: Desk) -> None:
    """An error of a port dooms the unit of work that swallows it: nothing of it is stored."""
    await desk.store.ledger.transact(lambda tx: desk.write(tx, "first"))

    def work(tx: Transaction) -> str:
        desk.write(tx, "second", number=2)
        try:
            desk.write(tx, "first again")
        except Conflict:
            return "went on"
        return "no conflict"

    with pytest.raises(Conflict):
        await desk.store.ledger.transact(work)
    assert [note.text for note in await desk.stored()] == ["first"]


async def test_after_a_refusal(desk: Desk) -> None:
    """A refused unit of work leaves the ledger usable."""
    with pytest.raises(ImpureTransactionError):
        await desk.store.ledger.transact(lambda tx: id_from_elsewhere(desk, tx))
    await desk.store.ledger.transact(lambda tx: desk.write(tx, "good"))
    [note] = await desk.stored()
    await desk.store.ledger.transact(lambda tx: desk.notes.put(tx, attrs.evolve(note, text="better")))
    assert [note.text for note in await desk.stored()] == ["better"]
