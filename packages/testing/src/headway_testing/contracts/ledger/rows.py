"""The contract of the ledger: what is written."""

from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import anyio
import attrs
import pytest

from headway_core.kernel.errors import Conflict, NotFound, UniqueClash
from headway_core.kernel.transactions import Transaction
from headway_testing.contracts.ledger.case import CALLERS, NOON, ROOM, Case, LedgerCase, item
from headway_testing.contracts.ledger.samples import (
    ABOUT,
    BRIGHT,
    DUE,
    OF_ROOM,
    Box,
    Colour,
    Item,
    Note,
    Part,
    Room,
    Round,
)


class RowsContract(LedgerCase):
    """Records, keys, indexes, versions."""

    async def test_records(self, case: Case) -> None:
        """A record comes back equal: enums, flags, 64 bits, microseconds, unions, nested records, None."""
        full = item(
            "full",
            colour=Colour.RED,
            size=2**63 - 1,
            broken=True,
            tag="Grüße, \U0001f600 'quoted' \x00",
            due_at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            shape=Box(width=1),
            parts=(
                Part(name="lid", shape=Round(radius=3), made_at=NOON),
                Part(name="leg", shape=Box(width=1, depth=2), made_at=NOON + timedelta(microseconds=1)),
            ),
            labels=frozenset({Colour.RED, Colour.BLUE}),
        )
        plain = item("plain", size=-(2**63))
        await case.put_items(full, plain)
        stored = await case.item("full")
        assert stored == full
        assert stored is not None
        assert type(stored.colour) is Colour
        assert type(stored.broken) is bool
        assert await case.item("plain") == plain

    async def test_time_zones(self, case: Case) -> None:
        """A time is kept as the instant that it names, whatever its zone."""
        elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
        await case.put_items(item("a", due_at=elsewhere), item("b", due_at=NOON + timedelta(seconds=1)))
        assert await case.ids(DUE, due_at=NOON) == ["a"]
        stored = await case.item("a")
        assert stored is not None
        assert stored.due_at == NOON

    async def test_missing(self, case: Case) -> None:
        """What is not there is None."""
        assert await case.item("nothing") is None
        assert await case.read(lambda tx: case.notes.get(tx, "nothing", 1)) is None

    async def test_own_writes(self, case: Case) -> None:
        """A unit of work sees what it has written, by key, by query and by count."""

        def work(tx: Transaction) -> tuple[Item | None, list[Item], int]:
            case.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            added = case.items.add(tx, item("a"))
            case.items.replace(tx, attrs.evolve(added, size=5))
            found = case.items.query(tx, OF_ROOM, workspace_id=ROOM)
            return case.items.get(tx, "a"), found, case.items.count(tx, OF_ROOM, workspace_id=ROOM)

        changed = item("a", size=5, version=2)
        assert await case.transact(work) == (changed, [changed], 1)

    async def test_taken_key(self, case: Case) -> None:
        """A taken key is a `Conflict` that names it, and no clash of an index."""
        await case.put_items(item("a"))
        with pytest.raises(Conflict) as raised:
            await case.put_items(item("a"))
        assert not isinstance(raised.value, UniqueClash)
        assert (raised.value.kind, raised.value.key) == ("sample_items", "a")

    async def test_unique_index(self, case: Case) -> None:
        """A unique index refuses the second row, by name, in every way of writing."""
        await case.put_items(item("a", tag="x"), item("b", tag="y"))
        with pytest.raises(UniqueClash) as raised:
            await case.put_items(item("c", tag="x"))
        assert (raised.value.table, raised.value.index) == ("sample_items", "sample_items_tag")
        with pytest.raises(UniqueClash, match="sample_items_tag"):
            await case.change(item("b", tag="x"))
        await case.transact(lambda tx: case.notes.put(tx, Note(topic="t", number=1, text="same")))
        with pytest.raises(UniqueClash, match="sample_notes_text"):
            await case.transact(lambda tx: case.notes.put(tx, Note(topic="t", number=2, text="same")))
        assert await case.item("c") is None
        stored = await case.item("b")
        assert stored == item("b", tag="y")

    async def test_unique_index_passes(self, case: Case) -> None:
        """A row does not clash with itself, nor a None with another None, nor with what went away."""
        await case.put_items(item("a", tag="x"), item("b"), item("c"))
        changed = await case.change(item("a", tag="x", size=2))
        await case.change(attrs.evolve(changed, tag=None))
        await case.put_items(item("d", tag="x"))
        await case.transact(lambda tx: case.notes.put(tx, Note(topic="t", number=1, text="same")))
        await case.transact(lambda tx: case.notes.put(tx, Note(topic="t", number=1, text="same")))

    async def test_partial_index(self, case: Case) -> None:
        """A partial unique index sees only the rows that it is about, as they come in and go out."""
        await case.put_items(item("a", colour=Colour.RED), item("b"), item("c"))
        with pytest.raises(UniqueClash, match="sample_items_one_bright"):
            await case.put_items(item("d", colour=Colour.GREEN))
        with pytest.raises(UniqueClash, match="sample_items_one_bright"):
            await case.change(item("b", colour=Colour.GREEN))
        await case.change(item("a", colour=Colour.BLUE))
        await case.change(item("b", colour=Colour.GREEN))

    async def test_clash_runs_again(self, case: Case) -> None:
        """After a clash the work is run once more, on the same time and ids, and may find another way."""
        await case.put_items(item("a", tag="x"))
        runs: list[tuple[datetime, str]] = []

        def work(tx: Transaction) -> Item:
            tx.lock(ROOM)
            runs.append((tx.now(), tx.new_id()))
            if len(runs) == 1:  # as if somebody else were faster than the query that looks
                case.items.add(tx, item("other"))
                return case.items.add(tx, item("b", tag="x"))
            return case.items.add(tx, item(runs[-1][1], tag="y"))

        added = await case.transact(work)
        assert len(runs) > 1
        assert set(runs) == {(runs[0][0], added.id)}
        assert await case.item("other") is None

    async def test_versions(self, case: Case) -> None:
        """Replacing counts the version on; on a stale one it is a `Conflict`, on nothing `NotFound`."""
        await case.put_items(item("a"))
        changed = await case.change(item("a", size=1))
        assert changed == item("a", size=1, version=2)
        assert await case.item("a") == changed
        with pytest.raises(Conflict, match="meanwhile"):
            await case.change(item("a", size=2))
        with pytest.raises(NotFound):
            await case.change(item("nothing"))
        assert await case.item("a") == changed

    async def test_one_of_many_wins(self, case: Case) -> None:
        """Of callers who replace the same version at once, exactly one wins."""
        await case.put_items(item("a"))
        outcomes: list[bool] = []

        async def caller(number: int) -> None:
            try:
                await case.change(item("a", size=number))
            except Conflict:
                outcomes.append(False)
            else:
                outcomes.append(True)

        async with anyio.create_task_group() as group:
            for number in range(CALLERS):
                group.start_soon(caller, number)
        assert sorted(outcomes) == [*[False] * (CALLERS - 1), True]

    async def test_no_lost_update(self, case: Case) -> None:
        """Callers at once that read, add one and write lose nothing, and leave no transaction open."""
        await case.put_items(item("a"))

        def work(tx: Transaction) -> None:
            tx.lock(ROOM)
            stored = case.items.get(tx, "a")
            assert stored is not None
            case.items.replace(tx, attrs.evolve(stored, size=stored.size + 1))
            case.items.add(tx, item(tx.new_id()))

        async with anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(case.transact, work)
        assert await case.item("a") == item("a", size=CALLERS, version=CALLERS + 1)
        assert len(await case.ids(OF_ROOM, workspace_id=ROOM)) == CALLERS + 1

    async def test_get_or_create(self, case: Case) -> None:
        """Callers at once that create what is missing create it once."""

        def work(tx: Transaction) -> Room:
            tx.lock(ROOM)
            return case.rooms.get(tx, ROOM) or case.rooms.add(tx, Room(id=ROOM, name=tx.new_id()))

        found: list[Room] = []

        async def caller() -> None:
            found.append(await case.transact(work))

        async with anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(caller)
        assert found == [found[0]] * CALLERS

    async def test_unversioned(self, case: Case) -> None:
        """A record without a version is replaced whole: the last writer wins, if it is there."""
        note = Note(topic="t", number=1, text="first")
        with pytest.raises(NotFound):
            await case.transact(lambda tx: case.notes.replace(tx, note))
        await case.transact(lambda tx: case.notes.add(tx, note))
        await case.transact(lambda tx: case.notes.replace(tx, attrs.evolve(note, text="second")))
        assert await case.read(lambda tx: case.notes.get(tx, "t", 1)) == attrs.evolve(note, text="second")

    async def test_put(self, case: Case) -> None:
        """`put` inserts or replaces; a versioned table refuses it, since it would lose an update."""
        for text in ("first", "second"):
            await case.transact(partial(case.notes.put, record=Note(topic="t", number=1, text=text)))
        assert await case.read(lambda tx: case.notes.query(tx, ABOUT, topic="t")) == [
            Note(topic="t", number=1, text="second")
        ]
        with pytest.raises(TypeError, match="versioned"):
            await case.transact(lambda tx: case.rooms.put(tx, Room(id=ROOM, name="kitchen")))

    async def test_remove(self, case: Case) -> None:
        """Removing frees the key and the indexes; what is not there is `NotFound`."""
        await case.put_items(item("a", tag="x", colour=Colour.RED))

        def work(tx: Transaction) -> None:
            tx.lock(ROOM)
            case.items.remove(tx, "a")

        await case.transact(work)
        assert await case.ids(BRIGHT) == []
        with pytest.raises(NotFound):
            await case.transact(work)
        await case.put_items(item("a", tag="x", colour=Colour.RED))
