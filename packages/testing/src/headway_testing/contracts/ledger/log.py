"""The contract of the ledger: the log of events under many writers, followed and pruned."""

from contextlib import aclosing
from functools import partial

import anyio
import anyio.lowlevel
import attrs
import pytest

from headway_core.kernel.errors import EventsPruned
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.feed import EventFeed
from headway_core.kernel.transactions import Transaction
from headway_testing.contracts.ledger.case import CALLERS, ROOM, Case, LedgerCase
from headway_testing.contracts.ledger.samples import Colour, Painted, Room

ROUNDS = 5
LIMIT_S = 60


def painted(text: str) -> Painted:
    return Painted(item_id=text, colour=Colour.RED)


def said(events: list[DomainEvent]) -> list[str]:
    return [event.payload.item_id for event in events if isinstance(event.payload, Painted)]


class LogContract(LedgerCase):
    """Order, following, pruning."""

    @pytest.fixture
    def feed(self, case: Case) -> EventFeed:
        return EventFeed(case.store.ledger, case.store.events)

    async def emit(self, case: Case, *texts: str, room: str | None = None) -> None:
        """Each in a transaction of its own."""

        async def one(text: str) -> None:
            await case.transact(lambda tx: tx.emit(painted(text), workspace_id=room))

        for text in texts:
            await one(text)

    async def take(self, feed: EventFeed, after: int, count: int, room: str | None = None) -> list[str]:
        """The texts of the first so many events of a feed."""
        events: list[DomainEvent] = []
        with anyio.fail_after(LIMIT_S):
            async with aclosing(feed.follow(after, workspace_id=room, poll_s=0.05)) as following:
                async for event in following:
                    events.append(event)
                    if len(events) == count:
                        break
        return said(events)

    async def test_position_order_is_commit_order(self, case: Case) -> None:
        """Of transactions that come one after the other, the later has the later positions, whoever writes.

        Each counts a row on, which makes an order of their commits, and tells its number in two events.
        """
        await case.transact(lambda tx: case.rooms.add(tx, Room(id=ROOM, name="0")))

        def count(tx: Transaction) -> None:
            tx.lock(ROOM)
            room = case.rooms.get(tx, ROOM)
            assert room is not None
            number = int(room.name) + 1
            tx.emit(painted(f"{number}a"))
            case.rooms.replace(tx, attrs.evolve(room, name=str(number)))
            tx.emit(painted(f"{number}b"))

        async def write() -> None:
            for _ in range(ROUNDS):
                await case.transact(count)

        with anyio.fail_after(LIMIT_S):
            async with anyio.create_task_group() as group:
                for _ in range(CALLERS):
                    group.start_soon(write)
        numbers = range(1, CALLERS * ROUNDS + 1)
        assert said(await case.log(limit=1000)) == [f"{n}{part}" for n in numbers for part in "ab"]

    async def test_nothing_is_skipped(self, case: Case, feed: EventFeed) -> None:
        """Who follows while many write, with transactions that fail in between, gets each event once.

        The order is that of the log: what came to a position later was never before it.
        """
        followed: list[str] = []

        async def follow() -> None:
            followed.extend(await self.take(feed, 0, CALLERS * ROUNDS))

        async def write(writer: int) -> None:
            for number in range(ROUNDS):

                def fails(tx: Transaction) -> None:
                    tx.emit(painted("never"))
                    raise ZeroDivisionError

                with pytest.raises(ZeroDivisionError):
                    await case.transact(fails)
                await self.emit(case, f"{writer}.{number}")

        with anyio.fail_after(LIMIT_S):
            async with anyio.create_task_group() as group:
                group.start_soon(follow)
                for writer in range(CALLERS):
                    group.start_soon(write, writer)
        assert followed == said(await case.log(limit=1000))
        assert sorted(followed) == sorted(f"{w}.{n}" for w in range(CALLERS) for n in range(ROUNDS))

    async def test_follows_on(self, case: Case, feed: EventFeed) -> None:
        """From a position everything after it: what is there, over pages, then what comes."""
        await self.emit(case, *(str(number) for number in range(250)))
        positions = [event.position for event in await case.log(limit=1000)]
        assert await self.take(feed, positions[99], 150) == [str(number) for number in range(100, 250)]
        assert await feed.position() == positions[-1]
        after = await feed.position()
        taken: list[str] = []

        async def follow() -> None:
            taken.extend(await self.take(feed, after, 1))

        async with anyio.create_task_group() as group:
            group.start_soon(follow)
            await anyio.lowlevel.checkpoint()
            await self.emit(case, "new")
        assert taken == ["new"]

    async def test_follows_one_workspace(self, case: Case, feed: EventFeed) -> None:
        """The events of others are passed over, and count as read."""
        await self.emit(case, "mine", room=ROOM)
        await self.emit(case, *(str(number) for number in range(150)), room="room-2")
        await self.emit(case, "mine too", room=ROOM)
        assert await self.take(feed, 0, 2, ROOM) == ["mine", "mine too"]

    async def test_pruned(self, case: Case, feed: EventFeed) -> None:
        """What is pruned is gone, the rest stays where it was, and no position comes again."""
        await self.emit(case, *"abcdef")
        before = await case.log()
        assert await case.read(case.store.events.pruned_up_to) == 0
        for up_to in (before[1].position, before[3].position, before[2].position):
            await case.transact(partial(case.store.pruner.prune, up_to=up_to))
        assert await case.log() == before[4:]
        assert await case.read(case.store.events.pruned_up_to) == before[3].position
        assert await feed.position() == before[-1].position
        await self.emit(case, "g")
        assert [event.position for event in await case.log()][-1] > before[-1].position
        assert await self.take(feed, before[3].position, 3) == ["e", "f", "g"]

    async def test_newest_stays(self, case: Case, feed: EventFeed) -> None:
        """The newest event is never pruned; an empty log has nothing to prune."""
        await case.transact(lambda tx: case.store.pruner.prune(tx, 100))
        await self.emit(case, *"abc")
        last = await feed.position()
        await case.transact(lambda tx: case.store.pruner.prune(tx, last + 100))
        assert said(await case.log()) == ["c"]
        assert await feed.position() == last
        assert await case.read(case.store.events.pruned_up_to) == last - 1

    async def test_pruning_rolled_back(self, case: Case) -> None:
        """A pruning whose unit of work fails has removed nothing."""
        await self.emit(case, *"abc")
        before = await case.log()

        def work(tx: Transaction) -> None:
            case.store.pruner.prune(tx, before[1].position)
            assert case.store.events.after(tx, 0) == before[2:]
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await case.transact(work)
        assert await case.log() == before
        assert await case.read(case.store.events.pruned_up_to) == 0

    async def test_who_missed_events_is_told(self, case: Case, feed: EventFeed) -> None:
        """A position whose next events are gone is refused, at the start and while following."""
        await self.emit(case, *"abcd")
        first, *_, last = [event.position for event in await case.log()]
        async with aclosing(feed.follow(first)) as slow:
            assert (await anext(slow)).position > first
            await case.transact(lambda tx: case.store.pruner.prune(tx, last - 1))
            for _ in range(2):
                await anext(slow)  # it has them already
        with pytest.raises(EventsPruned) as raised:
            await self.take(feed, first, 1)
        assert (raised.value.position, raised.value.pruned_up_to) == (first, last - 1)
        assert await self.take(feed, last - 1, 1) == ["d"]
