"""The contract of the ledger: many callers at once, in whatever order the ledger runs them."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import anyio.lowlevel
import attrs
import pytest

from headway_core.kernel.errors import Conflict
from headway_core.kernel.transactions import Transaction
from headway_testing.contracts.ledger.case import CALLERS, Case, LedgerCase
from headway_testing.contracts.ledger.samples import (
    ABOUT,
    NAMED,
    OF_ROOM,
    Colour,
    Item,
    Note,
    Painted,
    Room,
)

FEW = 3


async def at_once(call: Callable[[int], Awaitable[object]], callers: int = CALLERS) -> None:
    """Make the call for each number at the same time; none may wait for ever."""

    async def one(number: int) -> None:
        await call(number)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number in range(callers):
                group.start_soon(one, number)


class ConcurrencyContract(LedgerCase):
    """Nothing is lost, nothing is done twice, nobody waits for ever."""

    async def test_rooms_apart(self, case: Case) -> None:
        """Writers of different workspaces at once all come through, each event once and in order."""

        async def furnish(number: int) -> None:
            room = f"room-{number}"

            def work(tx: Transaction) -> None:
                tx.lock(room)
                if case.rooms.get(tx, room) is None:
                    case.rooms.add(tx, Room(id=room, name=room))
                made = case.items.query(tx, OF_ROOM, workspace_id=room)
                case.items.add(tx, Item(id=f"{room}-{len(made)}", workspace_id=room))
                tx.emit(Painted(item_id=f"{room}-{len(made)}", colour=Colour.RED), workspace_id=room)

            for _ in range(FEW):
                await case.transact(work)

        await at_once(furnish)
        log = await case.log(limit=CALLERS * FEW + 1)
        assert len(log) == CALLERS * FEW
        assert [event.position for event in log] == sorted({event.position for event in log})
        for number in range(CALLERS):
            items = [f"room-{number}-{nth}" for nth in range(FEW)]
            assert await case.ids(OF_ROOM, workspace_id=f"room-{number}") == items
            told = await case.log(workspace_id=f"room-{number}")
            assert [getattr(event.payload, "item_id", None) for event in told] == items

    async def test_readers_miss_no_event(self, case: Case) -> None:
        """A reader that goes on from the last position it saw sees every event, while others write."""
        seen: list[int] = []

        async def follow() -> None:
            while len(seen) < CALLERS * FEW:
                last = seen[-1] if seen else 0
                news = await case.read(partial(case.store.events.after, position=last))
                seen.extend(event.position for event in news)
                await anyio.lowlevel.checkpoint()

        async def tell(number: int) -> None:
            if number == CALLERS:
                await follow()
                return
            for _ in range(FEW):
                await case.transact(
                    lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED), workspace_id=f"r{number}")
                )

        await at_once(tell, CALLERS + 1)
        assert seen == [event.position for event in await case.log(limit=CALLERS * FEW + 1)]

    async def test_lock_order(self, case: Case) -> None:
        """Callers that lock two workspaces in opposite orders, in one step or in two, all come through."""
        rooms = ("room-a", "room-b")

        def furnish(tx: Transaction) -> None:
            for room in rooms:
                case.rooms.add(tx, Room(id=room, name=room))
                case.items.add(tx, Item(id=room, workspace_id=room))

        await case.transact(furnish)

        async def swap(number: int) -> None:
            first, second = rooms if number % 2 else rooms[::-1]

            def work(tx: Transaction) -> None:
                if number % 3:
                    tx.lock(first, second)
                else:
                    tx.lock(first)
                    tx.lock(second)
                for room in (first, second):
                    stored = case.items.get(tx, room)
                    assert stored is not None
                    case.items.replace(tx, attrs.evolve(stored, size=stored.size + 1))

            await case.transact(work)

        await at_once(swap)
        for room in rooms:
            stored = await case.item(room)
            assert stored is not None
            assert stored.size == CALLERS

    @pytest.mark.parametrize("there", [True, False])
    async def test_held_row(self, case: Case, there: bool) -> None:
        """Who holds a row counts alone, whether or not it is there: a limit over all workspaces is kept."""
        if there:
            await case.transact(lambda tx: case.notes.add(tx, Note(topic="limit", number=1, text="here")))
        outcomes: list[bool] = []

        async def take(number: int) -> None:
            def work(tx: Transaction) -> bool:
                tx.lock(f"room-{number}")
                case.notes.lock_row(tx, "limit", 1)
                if case.notes.count(tx, ABOUT, topic="taken") >= FEW:
                    return False
                case.notes.add(tx, Note(topic="taken", number=number, text=f"by {number}"))
                return True

            outcomes.append(await case.transact(work))

        await at_once(take)
        assert outcomes.count(True) == FEW
        assert await case.read(lambda tx: case.notes.count(tx, ABOUT, topic="taken")) == FEW

    async def test_held_row_is_read_as_it_is(self, case: Case) -> None:
        """Callers that hold a row, which the first of them makes, add one and put it back lose nothing."""

        async def count(_: int) -> None:
            def work(tx: Transaction) -> None:
                held = case.notes.lock_row(tx, "count", 1)
                total = int(held.text) + 1 if held else 1
                case.notes.put(tx, Note(topic="count", number=1, text=f"{total}"))

            await case.transact(work)

        await at_once(count)
        stored = await case.read(lambda tx: case.notes.get(tx, "count", 1))
        assert stored == Note(topic="count", number=1, text=f"{CALLERS}")

    async def test_index_decides(self, case: Case) -> None:
        """Of callers in different workspaces who want the same name one gets it; the others' work is run
        again, and finds by query who has it.
        """
        winners: list[str] = []

        async def want(number: int) -> None:
            room = f"room-{number}"

            def work(tx: Transaction) -> str:
                for known in case.rooms.query(tx, NAMED, name="the best"):
                    return known.id
                return case.rooms.add(tx, Room(id=room, name="the best")).id

            winners.append(await case.transact(work))

        await at_once(want)
        assert len(winners) == CALLERS
        assert len(set(winners)) == 1

    async def test_errors_of_others(self, case: Case) -> None:
        """Units of work that fail beside others take nothing from them, and leave nothing."""
        await case.transact(lambda tx: case.rooms.add(tx, Room(id="room", name="kitchen")))
        failing = {number for number in range(CALLERS) if number % FEW == 0}
        clashing = {number for number in range(CALLERS) if number % FEW == 1}
        failed: set[int] = set()

        async def call(number: int) -> None:
            def work(tx: Transaction) -> None:
                tx.lock("room")
                case.items.add(tx, Item(id=f"item-{number}", workspace_id="room"))
                tx.emit(Painted(item_id=f"item-{number}", colour=Colour.RED))
                if number in failing:
                    raise ZeroDivisionError
                if number in clashing:
                    case.rooms.add(tx, Room(id="room", name="hall"))

            try:
                await case.transact(work)
            except (ZeroDivisionError, Conflict):
                failed.add(number)

        await at_once(call)
        assert failed == failing | clashing
        kept = sorted(f"item-{number}" for number in set(range(CALLERS)) - failed)
        assert await case.ids(OF_ROOM, workspace_id="room") == kept
        assert sorted(getattr(event.payload, "item_id", "") for event in await case.log()) == kept
