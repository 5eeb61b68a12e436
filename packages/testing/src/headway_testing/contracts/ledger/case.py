"""What the parts of the contract share: a store with its tables at hand, and what they write."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio.from_thread
import anyio.lowlevel
import pytest

from headway_core.kernel.events import DomainEvent
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, Query
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger.samples import (
    ITEMS,
    NOTES,
    ROOMS,
    Item,
    Note,
    Room,
)
from headway_testing.contracts.suite import PortContract

ROOM = "room-1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALLERS = 12


class EventLoop:
    """The event loop that this is made in, for calls from within a unit of work."""

    def __init__(self) -> None:
        self._token = anyio.lowlevel.current_token()

    def call(self, function: Callable[[], object]) -> None:
        """Make a call in the event loop, on whatever thread the ledger runs the work."""
        try:
            anyio.lowlevel.current_token()
        except RuntimeError:  # no loop runs in this thread
            anyio.from_thread.run_sync(function, token=self._token)
        else:
            function()


class Case:
    """A store with its tables at hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.transact = store.ledger.transact
        self.read = store.ledger.read
        self.rooms: OwnedTable[Room] = store.writer(ROOMS)
        self.items: OwnedTable[Item] = store.writer(ITEMS)
        self.notes: OwnedTable[Note] = store.writer(NOTES)

    async def put_items(self, *items: Item) -> None:
        """Make the room, when it is missing, and add the items to it."""

        def work(tx: Transaction) -> None:
            tx.lock(ROOM)
            if self.rooms.get(tx, ROOM) is None:
                self.rooms.add(tx, Room(id=ROOM, name="kitchen"))
            for item in items:
                self.items.add(tx, item)

        await self.transact(work)

    async def change(self, item: Item) -> Item:
        def work(tx: Transaction) -> Item:
            tx.lock(item.workspace_id)
            return self.items.replace(tx, item)

        return await self.transact(work)

    async def item(self, key: str) -> Item | None:
        return await self.read(lambda tx: self.items.get(tx, key))

    async def ids(self, query: Query, **parameters: Any) -> list[str]:
        found = await self.read(lambda tx: self.items.query(tx, query, **parameters))
        return [item.id for item in found]

    async def log(self, **filters: Any) -> list[DomainEvent]:
        return await self.read(lambda tx: self.store.events.after(tx, 0, **filters))


def item(key: str, **facts: Any) -> Item:
    return Item(id=key, workspace_id=ROOM, **facts)


@pytest.mark.anyio
class LedgerCase(PortContract):
    """The fixtures of every part. `store` comes from the subclass. Nothing of it is optional."""

    port = Store

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def ids(self) -> SequentialIds:
        return SequentialIds()

    @pytest.fixture
    def case(self, store: Store) -> Case:
        return Case(store)
