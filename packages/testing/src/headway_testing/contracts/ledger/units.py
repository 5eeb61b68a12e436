"""The contract of the ledger: what a unit of work is."""

from collections.abc import Callable
from datetime import datetime
from typing import cast

import anyio
import anyio.lowlevel
import pytest

from headway_core.kernel.errors import Conflict
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_testing.clock import ManualClock
from headway_testing.contracts.ledger.case import (
    ROOM,
    Case,
    EventLoop,
    LedgerCase,
    item,
)
from headway_testing.contracts.ledger.samples import (
    ABOUT,
    BRIGHT,
    OF_ROOM,
    ROOMS,
    Colour,
    Note,
    Painted,
    Room,
)


class UnitsContract(LedgerCase):
    """All or nothing, locks, purity of form, cancellation."""

    async def test_rollback(self, case: Case) -> None:
        """An exception in the work leaves nothing of it: no insert, change, removal or event."""
        await case.put_items(item("kept", size=1), item("stays", size=2))

        def work(tx: Transaction) -> None:
            tx.lock(ROOM)
            case.items.add(tx, item("new"))
            case.items.replace(tx, item("kept", size=9))
            case.items.remove(tx, "stays")
            case.notes.put(tx, Note(topic="t", number=1, text="x"))
            tx.emit(Painted(item_id="new", colour=Colour.RED))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await case.transact(work)
        assert await case.ids(OF_ROOM, workspace_id=ROOM) == ["kept", "stays"]
        assert await case.read(lambda tx: case.notes.query(tx, ABOUT, topic="t")) == []
        assert await case.log() == []
        await case.put_items(item("new"))  # neither key nor index remembers

    async def test_doom(self, case: Case) -> None:
        """An error of a port rolls everything back, even when the work catches it."""
        await case.put_items(item("a"))

        def work(tx: Transaction) -> str:
            tx.lock(ROOM)
            case.items.add(tx, item("b"))
            try:
                case.items.add(tx, item("a"))
            except Conflict:
                return "caught"
            return "no conflict"

        with pytest.raises(Conflict, match="sample_items 'a'"):
            await case.transact(work)
        assert await case.item("b") is None

    async def test_doomed_for_good(self, case: Case) -> None:
        """After an error of a port each further call raises that error again: nothing is asked in vain of a
        database that has given up the transaction.
        """
        await case.put_items(item("a"))
        calls: list[bool] = []

        def work(tx: Transaction) -> None:
            tx.lock(ROOM)
            with pytest.raises(Conflict) as first:
                case.items.add(tx, item("a"))
            for call in (
                lambda: case.items.get(tx, "a"),
                lambda: case.items.query(tx, OF_ROOM, workspace_id=ROOM),
                lambda: case.items.add(tx, item("b")),
                lambda: case.notes.lock_row(tx, "t", 1),
                lambda: tx.lock("room-2"),
                lambda: tx.emit(Painted(item_id="a", colour=Colour.RED)),
            ):
                with pytest.raises(Conflict) as again:
                    call()
                calls.append(again.value is first.value)

        with pytest.raises(Conflict, match="sample_items 'a'"):
            await case.transact(work)
        assert set(calls) == {True}
        assert await case.item("b") is None

    async def test_doom_by_query(self, case: Case) -> None:
        """An error of a read port dooms too."""

        def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            with pytest.raises(TypeError):
                case.items.query(tx, OF_ROOM)

        with pytest.raises(TypeError, match="of_room"):
            await case.transact(work)
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

    @pytest.mark.parametrize("step", ["add", "replace", "remove"])
    async def test_unlocked(self, case: Case, step: str) -> None:
        """Writing a record of a workspace that is not locked is refused, and dooms."""
        await case.put_items(item("a"))

        def work(tx: Transaction) -> None:
            tx.lock("room-2")
            match step:
                case "add":
                    case.items.add(tx, item("b"))
                case "replace":
                    case.items.replace(tx, item("a", size=1))
                case _:
                    case.items.remove(tx, "a")

        with pytest.raises(RuntimeError, match="room-1 is not locked"):
            await case.transact(work)
        assert await case.ids(OF_ROOM, workspace_id=ROOM) == ["a"]

    async def test_locked(self, case: Case) -> None:
        """Inserting a workspace locks it; changing it needs the lock; an append-only table needs none."""

        def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            case.items.add(tx, item("a"))
            case.notes.add(tx, Note(topic="t", number=1, text="x"))

        await case.transact(work)
        with pytest.raises(RuntimeError, match="room-1 is not locked"):
            await case.transact(lambda tx: case.rooms.replace(tx, Room(id=ROOM, name="hall")))

    async def test_asynchronous_work(self, case: Case) -> None:
        """An `async def` as work is refused: it would not have run."""

        async def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))

        def leads_astray(tx: Transaction) -> object:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            return work(tx)

        for wrong in (work, leads_astray):
            with pytest.raises(TypeError, match="awaitable"):
                await case.transact(cast("Callable[[Transaction], None]", wrong))
        with pytest.raises(TypeError, match="awaitable"):
            await case.read(cast("Callable[[ReadTransaction], None]", work))
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

    async def test_unfinished_work(self, case: Case) -> None:
        """A generator as work is refused: it would not have run."""
        with pytest.raises(TypeError, match="generator"):
            await case.transact(lambda tx: (case.rooms.get(tx, key) for key in [ROOM]))

    async def test_nesting(self, case: Case) -> None:
        """A transaction inside another is refused at the call, and dooms the outer one."""

        def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            for opened in (case.transact, case.read):
                with pytest.raises(TypeError, match="is open here"):
                    opened(str).close()

        with pytest.raises(TypeError, match="is open here"):
            await case.transact(work)
        with pytest.raises(TypeError, match="is open here"):
            await case.read(lambda _: case.transact(str).close())
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

    async def test_end(self, case: Case) -> None:
        """A transaction that was kept beyond its end is refused by every port."""
        kept: list[Transaction] = []
        await case.transact(kept.append)
        tx = kept[-1]
        for late in (
            lambda: case.rooms.get(tx, ROOM),
            lambda: case.items.query(tx, BRIGHT),
            lambda: case.items.count(tx, BRIGHT),
            lambda: case.rooms.add(tx, Room(id=ROOM, name="kitchen")),
            lambda: case.rooms.lock_row(tx, ROOM),
            lambda: tx.lock(ROOM),
            lambda: case.notes.put(tx, Note(topic="t", number=1, text="x")),
            lambda: case.store.events.after(tx, 0),
            lambda: case.store.events.last_position(tx),
            lambda: tx.emit(Painted(item_id="a", colour=Colour.RED)),
        ):
            with pytest.raises(RuntimeError, match="over"):
                late()

    async def test_views_read(self, case: Case) -> None:
        """A read port has no way to write, and a view is no transaction to write in."""
        assert not isinstance(case.store.reader(ROOMS), OwnedTable)

        def view(tx: ReadTransaction) -> None:
            case.rooms.add(cast("Transaction", tx), Room(id=ROOM, name="kitchen"))

        with pytest.raises(TypeError):
            await case.read(view)
        with pytest.raises(TypeError):
            await case.read(lambda tx: case.rooms.lock_row(cast("Transaction", tx), ROOM))
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

    async def test_time_and_ids(self, case: Case, clock: ManualClock) -> None:
        """Time stands still within a transaction, and each id is new."""

        def work(tx: Transaction) -> tuple[datetime, datetime, str, str]:
            return tx.now(), tx.now(), tx.new_id(), tx.new_id()

        first, second, one, two = await case.transact(work)
        assert (first, second) == (clock.now(), clock.now())
        assert one != two
        later = clock.advance(5)
        assert (await case.transact(work))[:2] == (later, later)
        assert await case.read(lambda tx: (tx.now(), tx.now())) == (later, later)

    async def test_cancelled_before(self, case: Case) -> None:
        """A caller that is cancelled already does not begin."""
        runs: list[Transaction] = []
        with anyio.CancelScope() as scope:
            scope.cancel()
            await case.transact(runs.append)
        assert scope.cancelled_caught
        assert runs == []

    async def test_cancelled_within(self, case: Case) -> None:
        """A cancellation while the work runs comes after it: stored, returned, then cancelled."""
        returned = False
        loop = EventLoop()
        with anyio.CancelScope() as scope:

            def work(tx: Transaction) -> str:
                case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
                loop.call(scope.cancel)
                tx.emit(Painted(item_id="a", colour=Colour.RED))
                return "done"

            returned = await case.transact(work) == "done"
            await anyio.lowlevel.checkpoint()
            pytest.fail("the cancellation was lost")
        assert returned
        assert scope.cancelled_caught
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) == Room(id=ROOM, name="kitchen")
        assert len(await case.log()) == 1
        await case.put_items(item("a"))  # the ledger is free for the next
