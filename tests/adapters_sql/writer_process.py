"""A process of its own that counts up in a database: `writer_process.py URL TIMES NAME`."""

import sys

import anyio
import attrs

from headway_core.kernel.errors import Conflict
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.transactions import Transaction
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.samples import ITEMS, ROOMS, Colour, Item, Painted, Room


async def main(url: str, times: int, name: str) -> None:
    async with SqlStore.open(
        url,
        specs=SAMPLE_TABLES,
        catalog=EventCatalog(SAMPLE_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(name),
        migrate=False,
    ) as store:
        rooms, items = store.writer(ROOMS), store.writer(ITEMS)

        def count(tx: Transaction) -> None:
            tx.lock("room")
            if rooms.get(tx, "room") is None:
                rooms.add(tx, Room(id="room", name="kitchen"))
            counter = items.get(tx, "counter")
            if counter is None:
                counter = items.add(tx, Item(id="counter", workspace_id="room"))
            items.replace(tx, attrs.evolve(counter, size=counter.size + 1))
            tx.emit(Painted(item_id=tx.new_id(), colour=Colour.RED), workspace_id="room", actor=name)

        def claim(tx: Transaction) -> None:
            tx.lock("room")
            items.add(tx, Item(id=f"claim-{name}", workspace_id="room", colour=Colour.GREEN))

        for _ in range(times):
            await store.ledger.transact(count)
        try:
            await store.ledger.transact(claim)
        except Conflict:
            sys.stdout.write("lost\n")
        else:
            sys.stdout.write("won\n")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], int(sys.argv[2]), sys.argv[3])
