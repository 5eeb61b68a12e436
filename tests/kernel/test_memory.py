"""The ledger in memory holds the contract, and undoes exactly what was done."""

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from headway_core.kernel.errors import UniqueClash
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, LedgerContract
from headway_testing.contracts.ledger.samples import ABOUT, ITEMS, NOTES, Colour, Item, Note, Painted


class TestMemory(LedgerContract):
    """Each unit of work is run once."""

    @pytest.fixture
    def store(self, clock: ManualClock, ids: SequentialIds) -> MemoryStore:
        return MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(SAMPLE_EVENTS))


class TestMemoryRunTwice(LedgerContract):
    """Each unit of work is run, undone and run again."""

    @pytest.fixture
    def store(self, clock: ManualClock, ids: SequentialIds) -> MemoryStore:
        return MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(SAMPLE_EVENTS), run_twice=True)


@pytest.fixture
def twice(clock: ManualClock, ids: SequentialIds) -> MemoryStore:
    return MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(SAMPLE_EVENTS), run_twice=True)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ids() -> SequentialIds:
    return SequentialIds()


@pytest.mark.anyio
async def test_runs_are_separate(twice: MemoryStore) -> None:
    """The second run starts from what the first one found, and only its writes stay."""
    notes = twice.writer(NOTES)
    seen: list[int] = []

    def work(tx: Transaction) -> None:
        seen.append(notes.count(tx, ABOUT, topic="t"))
        notes.add(tx, Note(topic="t", number=1, text=tx.new_id()))
        tx.emit(Painted(item_id="a", colour=Colour.RED))

    await twice.ledger.transact(work)
    assert seen == [0, 0]
    assert await twice.ledger.read(lambda tx: notes.query(tx, ABOUT, topic="t")) == [
        Note(topic="t", number=1, text="id-000001")
    ]
    assert await twice.ledger.read(twice.events.last_position) == 1


@pytest.mark.anyio
async def test_other_store(twice: MemoryStore, clock: ManualClock, ids: SequentialIds) -> None:
    """A table of one store refuses the transaction of another."""
    other = MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(()))
    notes = other.writer(NOTES)
    with pytest.raises(TypeError, match="another ledger"):
        await twice.ledger.transact(lambda tx: notes.get(tx, "t", 1))
    with pytest.raises(TypeError, match="own ledger"):
        await twice.ledger.transact(lambda tx: notes.add(tx, Note(topic="t", number=1, text="x")))
    with pytest.raises(TypeError, match="another ledger"):
        await twice.ledger.read(other.events.last_position)


def index_entries(store: MemoryStore) -> int:
    rows = store._tables[ITEMS.name]
    return sum(len(entries) for entries in rows._entries.values())


class Undoing(RuleBasedStateMachine):
    """Any mixture of units of work, some of which fail, leaves what a plain dict says, and the indexes with
    it: undoing takes back exactly what was done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore(clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(()))
        self.items = self.store.writer(ITEMS)
        self.expected: dict[str, Item] = {}

    @rule(
        steps=st.lists(
            st.tuples(
                st.sampled_from("abc"), st.sampled_from([None, "x", "y"]), st.sampled_from(list(Colour))
            ),
            max_size=4,
        ),
        fails=st.booleans(),
    )
    def unit(self, steps: list[tuple[str, str | None, Colour]], fails: bool) -> None:
        after: dict[str, Item] = {}

        def work(tx: Transaction) -> None:
            after.clear()  # it may be run again, after a clash
            after.update(self.expected)
            tx.lock("room")
            for key, tag, colour in steps:
                stored = self.items.get(tx, key)
                if stored is None:
                    after[key] = self.items.add(tx, Item(id=key, workspace_id="room", tag=tag, colour=colour))
                elif tag is None and colour is Colour.RED:
                    self.items.remove(tx, key)
                    del after[key]
                else:
                    after[key] = self.items.replace(tx, attrs.evolve(stored, tag=tag, colour=colour))
            if fails:
                raise ZeroDivisionError

        try:
            self.store.perform(work)
        except (ZeroDivisionError, UniqueClash):
            return
        self.expected = after

    @invariant()
    def holds(self) -> None:
        def view(tx: ReadTransaction) -> dict[str, Item | None]:
            return {key: self.items.get(tx, key) for key in "abc" if self.items.get(tx, key)}

        assert self.store.read(view) == self.expected
        tags = [item.tag for item in self.expected.values() if item.tag is not None]
        bright = [item for item in self.expected.values() if item.colour is not Colour.BLUE]
        assert len(set(tags)) == len(tags)
        assert len(bright) <= 1
        assert index_entries(self.store) == bool(self.expected) + len(tags) + len(bright)


TestUndo = Undoing.TestCase
TestUndo.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
