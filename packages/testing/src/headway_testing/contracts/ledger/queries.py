"""The contract of the ledger: what is selected, and the log of events."""

from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import attrs
import pytest

from headway_core.kernel.tables import Query
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock
from headway_testing.contracts.ledger.case import CALLERS, NOON, ROOM, Case, LedgerCase, item
from headway_testing.contracts.ledger.samples import (
    ABOUT,
    BIGGER,
    BRIGHT,
    BROKEN,
    DUE,
    EARLIEST,
    IN_COLOUR,
    IN_KITCHENS,
    LATEST,
    OF_ROOM,
    TAGGED,
    Box,
    Colour,
    Item,
    Note,
    Painted,
    Room,
    Unlisted,
)


class QueriesContract(LedgerCase):
    """Queries and events."""

    @pytest.mark.parametrize(
        ("query", "parameters", "expected"),
        [
            (IN_COLOUR, {"workspace_id": ROOM, "colour": Colour.BLUE}, ["b", "c", "d", "e"]),
            (IN_COLOUR, {"workspace_id": "room-2", "colour": Colour.BLUE}, []),
            (OF_ROOM, {"workspace_id": ROOM}, ["d", "e", "c", "a", "b"]),
            (BRIGHT, {}, ["a"]),
            (TAGGED, {}, ["d", "c", "a"]),
            (BROKEN, {"broken": True}, ["b"]),
            (BROKEN, {"broken": False}, ["a", "c", "d", "e"]),
            (DUE, {"due_at": NOON}, ["c", "b"]),
            (BIGGER, {"size": -1}, ["e", "c"]),
            (BIGGER, {"size": 2}, ["a", "b"]),
            (EARLIEST, {}, ["a", "d", "c", "b", "e"]),
            (LATEST, {}, ["e", "b", "c"]),
        ],
        ids=lambda value: value.name if isinstance(value, Query) else None,
    )
    async def test_queries(
        self, case: Case, query: Query, parameters: dict[str, Any], expected: list[str]
    ) -> None:
        """Queries select and sort alike on every ledger: None lowest, the key breaks ties, then the limit."""
        await case.put_items(
            item("e", size=0, due_at=NOON + timedelta(microseconds=1)),
            item("d", size=-1, tag="z"),
            item("c", size=2, tag="Z", due_at=NOON - timedelta(days=400)),
            item("b", size=3, broken=True, due_at=NOON),
            item("a", size=3, tag="A", colour=Colour.RED),
        )
        assert await case.ids(query, **parameters) == expected
        counted = await case.read(lambda tx: case.items.count(tx, query, **parameters))
        assert counted == len(expected) or query.limit is not None

    async def test_count_ignores_limit(self, case: Case) -> None:
        """A count is of all that the query selects, whatever its limit."""
        sizes = range(1, 6)
        await case.put_items(*(item(f"i{size}", size=size) for size in sizes))
        assert len(await case.ids(BIGGER, size=0)) == BIGGER.limit
        assert await case.read(lambda tx: case.items.count(tx, BIGGER, size=0)) == len(sizes)

    async def test_rows_of_parents(self, case: Case) -> None:
        """A query may select the rows of what another table's query selects, as this transaction sees it."""

        def furnish(tx: Transaction) -> list[str]:
            for number, name in enumerate(("kitchen", "hall"), start=1):
                case.rooms.add(tx, Room(id=f"room-{number}", name=name))
            for number, room in enumerate((1, 2, 3, 1, 1)):
                tx.lock(f"room-{room}")
                item_id, tag = f"i{number}", f"{number}" if number else None
                case.items.add(tx, Item(id=item_id, workspace_id=f"room-{room}", size=number, tag=tag))
            return [each.id for each in case.items.query(tx, IN_KITCHENS)]

        assert await case.transact(furnish) == ["i4", "i3"]
        assert await case.read(lambda tx: case.items.count(tx, IN_KITCHENS)) == 2  # noqa: PLR2004  as above

        def rename(tx: Transaction) -> list[str]:
            tx.lock("room-1")
            room = case.rooms.get(tx, "room-1")
            assert room is not None
            case.rooms.replace(tx, attrs.evolve(room, name="bath"))
            return [each.id for each in case.items.query(tx, IN_KITCHENS)]

        assert await case.transact(rename) == []
        assert await case.ids(IN_KITCHENS) == []

    async def test_numbers_in_keys(self, case: Case) -> None:
        """A number in a key is a number: 10 comes after 9."""
        notes = [Note(topic="t", number=number, text=f"text {number}") for number in (1, 9, 10, 11)]

        def work(tx: Transaction) -> None:
            for note in reversed(notes):
                case.notes.add(tx, note)

        await case.transact(work)
        assert await case.read(lambda tx: case.notes.query(tx, ABOUT, topic="t")) == notes
        assert await case.read(lambda tx: case.notes.get(tx, "t", 10)) == notes[2]

    @pytest.mark.parametrize(
        ("query", "parameters"),
        [
            (OF_ROOM, {}),
            (OF_ROOM, {"workspace_id": ROOM, "colour": "RED"}),
            (OF_ROOM, {"workspace_id": None}),
            (Query(name="of_room", equal=("id",)), {"id": "a"}),
        ],
        ids=["too few", "too many", "None", "of another table"],
    )
    async def test_wrong_queries(self, case: Case, query: Query, parameters: dict[str, Any]) -> None:
        """A query that the spec does not list, or with other parameters than its own, is refused."""
        for select in (case.items.query, case.items.count):
            with pytest.raises(TypeError):
                await case.read(partial(select, query=query, **parameters))

    async def test_events(self, case: Case, clock: ManualClock) -> None:
        """Events come back in the order of the commits, with who, when and what, and page by position."""
        red = Painted(item_id="a", colour=Colour.RED, shape=Box(width=1), at=NOON)
        green = Painted(item_id="b", colour=Colour.GREEN)
        started = clock.now()

        def first(tx: Transaction) -> None:
            tx.emit(red, workspace_id=ROOM, actor="ann")
            tx.emit(green)

        await case.transact(first)
        clock.advance(1)
        await case.transact(lambda tx: tx.emit(red, workspace_id="room-2"))
        log = await case.log()
        assert [(e.payload, e.workspace_id, e.actor, e.at) for e in log] == [
            (red, ROOM, "ann", started),
            (green, None, "headway", started),
            (red, "room-2", "headway", clock.now()),
        ]
        positions = [event.position for event in log]
        assert positions == sorted(set(positions))
        assert positions[0] > 0
        assert await case.log(limit=2) == log[:2]
        assert await case.log(workspace_id="room-2") == log[2:]
        assert await case.read(lambda tx: case.store.events.after(tx, positions[0])) == log[1:]
        assert await case.read(case.store.events.last_position) == positions[-1]

    async def test_no_events(self, case: Case) -> None:
        """The position of an empty log is 0."""
        assert await case.read(case.store.events.last_position) == 0
        assert await case.log() == []

    async def test_unlisted_event(self, case: Case) -> None:
        """An event that the catalog does not list is refused, and dooms."""

        def work(tx: Transaction) -> None:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            with pytest.raises(TypeError):
                tx.emit(Unlisted())

        with pytest.raises(TypeError, match="Unlisted"):
            await case.transact(work)
        assert await case.read(lambda tx: case.rooms.get(tx, ROOM)) is None

    async def test_changed(self, case: Case) -> None:
        """`changed` is set by a commit that wrote events, and by nothing else."""
        changed = case.store.ledger.changed()
        await case.put_items(item("a"))
        await case.read(lambda tx: case.items.get(tx, "a"))

        def fails(tx: Transaction) -> None:
            tx.emit(Painted(item_id="a", colour=Colour.RED))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await case.transact(fails)
        assert not changed.is_set()
        await case.transact(lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED)))
        assert changed.is_set()
        assert not case.store.ledger.changed().is_set()

    async def test_wake_up(self, case: Case) -> None:
        """Who takes `changed`, reads and then waits misses no event, wherever the commit falls."""
        seen: list[int] = []

        async def follow() -> None:
            while len(seen) < CALLERS:
                changed = case.store.ledger.changed()
                log = await case.log()
                if len(log) == len(seen):
                    await changed.wait()
                seen[:] = [event.position for event in log]

        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(follow)
                for _ in range(CALLERS):
                    group.start_soon(
                        case.transact, lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED))
                    )
