"""The runner of duties: pacing, wake-up, back-off and stopping."""

import logging
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from headway_core.kernel.consumers import (
    CONSUMER_POSITIONS,
    ConsumerDuty,
    ConsumerPosition,
    EventConsumer,
    EventReader,
)
from headway_core.kernel.duties import Duty, DutyRunner
from headway_core.kernel.errors import Unavailable
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import Transaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS
from headway_testing.contracts.ledger.samples import NOTES, Colour, Note, Painted

ENOUGH = 6


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(
        clock=ManualClock(), ids=SequentialIds(), catalog=EventCatalog(SAMPLE_EVENTS), run_twice=True
    )


class Scripted(Duty):
    """Does what its script says, run by run; stops its runner at the end of the script."""

    def __init__(
        self, script: list[Callable[[], float | None]], *, interval_s: float = 30, lasts: float = 0
    ) -> None:
        self.name = "scripted"
        self.interval_s = interval_s
        self.began: list[float] = []
        self.ended = anyio.Event()
        self._script = script
        self._lasts = lasts

    async def run(self) -> float | None:
        if len(self.began) == len(self._script):
            self.ended.set()
            await anyio.sleep_forever()
        self.began.append(anyio.current_time())
        await anyio.sleep(self._lasts)
        return self._script[len(self.began) - 1]()


def fails(error: Exception) -> Callable[[], float | None]:
    def run() -> float | None:
        raise error

    return run


def asks(seconds: float | None) -> Callable[[], float | None]:
    return lambda: seconds


def pauses(
    store: MemoryStore, script: list[Callable[[], float | None]], *, lasts: float = 0, **backoff: float
) -> list[float]:
    """The virtual seconds between the beginnings of the runs of a script."""

    async def main() -> list[float]:
        duty = Scripted([*script, asks(0)], lasts=lasts)
        with trio.fail_after(10_000):
            async with anyio.create_task_group() as group:
                group.start_soon(DutyRunner(store.ledger, [duty], **backoff).run)
                await duty.ended.wait()
                group.cancel_scope.cancel()
        return [later - earlier for earlier, later in zip(duty.began, duty.began[1:], strict=False)]

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_pacing(store: MemoryStore) -> None:
    """The pause runs from the end of one run to the start of the next, and a duty may ask for another."""
    script = [asks(None), asks(5), asks(0), asks(None)]
    assert pauses(store, script, lasts=7) == pytest.approx([37, 12, 7, 37])


def test_backoff(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """Failures back off, doubling to a limit; a success begins anew. Each is logged with its duty."""
    script = [*[fails(ZeroDivisionError())] * 4, asks(3), fails(ZeroDivisionError())]
    assert pauses(store, script, first_backoff_s=2, longest_backoff_s=8) == pytest.approx([2, 4, 8, 8, 3, 2])
    failures = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(failures) == script.count(script[0]) + 1
    assert "duty scripted failed; again in 2 s" in caplog.text


def test_backoff_that_is_asked_for(store: MemoryStore) -> None:
    """A service that says when to come again is not asked earlier; one that does not is backed off from."""
    script = [
        fails(Unavailable("github", "rate limit", retry_after_s=90)),
        fails(Unavailable("github", "rate limit", retry_after_s=0.5)),
        fails(Unavailable("github", "is down")),
    ]
    assert pauses(store, script, first_backoff_s=1) == pytest.approx([90, 2, 4])


@pytest.mark.anyio
async def test_failure_is_of_one(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """A duty that fails does not hold up the others."""
    good = Scripted([asks(0)] * ENOUGH)
    bad = Scripted([fails(ZeroDivisionError())] * ENOUGH)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(DutyRunner(store.ledger, [bad, good], first_backoff_s=1000).run)
            await good.ended.wait()
            group.cancel_scope.cancel()
    assert len(bad.began) == 1


@pytest.mark.anyio
async def test_stop(store: MemoryStore) -> None:
    """Cancelling stops at once, whether a duty runs, pauses or backs off, and lets a run clean up."""
    running = anyio.Event()
    cleaned: list[str] = []

    class Long(Duty):
        name = "long"

        async def run(self) -> float | None:
            try:
                running.set()
                await anyio.sleep_forever()
            finally:
                cleaned.append("up")
            return None

    duties = [Long(), Scripted([asks(1000)]), Scripted([fails(ZeroDivisionError())])]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(DutyRunner(store.ledger, duties, first_backoff_s=1000).run)
            await running.wait()
            group.cancel_scope.cancel()
    assert cleaned == ["up"]


class Copies(EventConsumer[str]):
    """Writes a note for each painting; fails as often as it is told to."""

    name = "copies"

    def __init__(self, store: MemoryStore) -> None:
        self._notes = store.writer(NOTES)
        self.failures = 0
        self.prepared: list[int] = []

    async def prepare(self, event: DomainEvent) -> str:
        self.prepared.append(event.position)
        return f"prepared {event.position}"

    def handle(self, tx: Transaction, event: DomainEvent, prepared: str) -> None:
        self._notes.add(tx, Note(topic="copies", number=event.position, text=prepared))
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError


class Desk:
    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.consumer = Copies(store)
        self.positions = store.writer(CONSUMER_POSITIONS)
        self.reader = EventReader(store.ledger, store.events, self.positions)
        self.duty = ConsumerDuty(self.consumer, self.reader)

    async def paint(self, times: int) -> None:
        for _ in range(times):
            await self.store.ledger.transact(lambda tx: tx.emit(Painted(item_id="a", colour=Colour.RED)))

    async def copied(self) -> list[int]:
        notes = await self.store.ledger.read(
            lambda tx: self.store.reader(NOTES).query(tx, NOTES.queries[0], topic="copies")
        )
        return [note.number for note in notes]

    async def position(self) -> ConsumerPosition | None:
        return await self.store.ledger.read(lambda tx: self.positions.get(tx, "copies"))


@pytest.fixture
def desk(store: MemoryStore) -> Desk:
    return Desk(store)


@pytest.mark.recovers("event")
@pytest.mark.anyio
async def test_consumer_catches_up(desk: Desk) -> None:
    """A consumer sees every event once, in order, over restarts, with its position stored beside."""
    await desk.paint(3)
    assert await desk.duty.run() is None
    await desk.paint(2)
    restarted = Desk(desk.store)
    await restarted.duty.run()
    await restarted.duty.run()
    assert await desk.copied() == [1, 2, 3, 4, 5]
    position = await desk.position()
    assert position is not None
    assert position.position == 5
    assert (desk.consumer.prepared, restarted.consumer.prepared) == ([1, 2, 3], [4, 5])


@pytest.mark.recovers("event")
@pytest.mark.anyio
async def test_consumer_fails(desk: Desk) -> None:
    """An event whose handling fails leaves neither effect nor position, and is handed over again."""
    await desk.paint(2)
    desk.consumer.failures = 2  # with its batch, and alone
    with pytest.raises(ZeroDivisionError):
        await desk.duty.run()
    assert (await desk.copied(), await desk.position()) == ([], None)
    await desk.duty.run()
    assert await desk.copied() == [1, 2]


@pytest.mark.anyio
async def test_what_a_consumer_does_not_want_is_passed_over(desk: Desk) -> None:
    """Its position moves on over such events, and nothing is read or written for them."""
    desk.consumer.wants = lambda event: event.position % 2 == 0  # type: ignore[method-assign]  # this consumer wants every other one
    await desk.paint(5)
    await desk.duty.run()
    assert await desk.copied() == [2, 4]
    assert desk.consumer.prepared == [2, 4]
    position = await desk.position()
    assert position is not None
    assert position.position == 5


@pytest.mark.anyio
async def test_two_runners_of_a_consumer(desk: Desk) -> None:
    """Two processes that bring the same consumer up to date handle each event once."""
    await desk.paint(ENOUGH)
    others = [Desk(desk.store) for _ in range(3)]
    async with anyio.create_task_group() as group:
        for other in others:
            group.start_soon(other.duty.run)
    assert await desk.copied() == list(range(1, ENOUGH + 1))


@pytest.mark.anyio
async def test_commit_during_a_run(desk: Desk) -> None:
    """A commit that falls into a run, after the run has looked, ends the pause that follows at once."""

    class Late(Duty):
        name = "late"
        interval_s = 1000
        wakes_on_events = True

        def __init__(self) -> None:
            self.runs = 0
            self.again = anyio.Event()

        async def run(self) -> float | None:
            self.runs += 1
            if self.runs == 1:
                await desk.paint(1)
            else:
                self.again.set()
            return None

    late = Late()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(DutyRunner(desk.store.ledger, [late]).run)
            await late.again.wait()
            group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_consumer_is_woken(desk: Desk) -> None:
    """A commit with events wakes a consumer from its pause."""
    desk.duty.interval_s = 1000
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(DutyRunner(desk.store.ledger, [desk.duty]).run)
            for painted in range(1, ENOUGH + 1):
                await desk.paint(1)
                while len(await desk.copied()) < painted:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
    assert await desk.copied() == list(range(1, ENOUGH + 1))
