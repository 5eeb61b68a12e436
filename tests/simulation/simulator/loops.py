"""Event loops that leave nothing to the machine: seeded order, virtual time.

Both lean on private names (asyncio has no other way to order its ready queue, Trio none to seed its own),
so they are for tests alone. A loop with nothing to do jumps to its next deadline; one without a deadline
can never go on, and says so.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import anyio

T = TypeVar("T")


class DeadlockError(RuntimeError):
    """Every task waits for another one, and no time will change that."""


class _NumberedTask(asyncio.Task[Any]):
    """A task that knows how many were made before it."""

    number: int = 0


class SeededLoop(asyncio.BaseEventLoop):
    """Runs what is ready in a seeded order, and knows no time but its own. No threads, no sockets."""

    def __init__(self, order: random.Random | None) -> None:
        """`order` None: first come, first served."""
        super().__init__()
        self._order = order
        self._now = 0.0
        self._made = itertools.count(1)
        self.set_task_factory(cast("Any", self._number))

    def _number(self, _loop: object, coroutine: Any, **more: Any) -> _NumberedTask:
        task = _NumberedTask(coroutine, loop=self, **more)
        task.number = next(self._made)
        return task

    def time(self) -> float:
        return self._now

    def _write_to_self(self) -> None:
        """Nobody calls from another thread."""

    def _run_once(self) -> None:
        private = cast("Any", self)
        ready, scheduled = private._ready, private._scheduled
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)._scheduled = False
        if not ready and not private._stopping:
            if not scheduled:
                raise DeadlockError("every task waits for another one")
            self._now = max(self._now, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._now:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        turn = list(ready)
        ready.clear()
        if len(turn) > 1 and self._order is not None:
            # What asyncio keeps in sets comes in the order of addresses: first put that right.
            turn.sort(key=_task_number)
            self._order.shuffle(turn)
        for handle in turn:
            if not handle.cancelled():
                handle._run()


def _task_number(handle: Any) -> int:
    task = getattr(handle._callback, "__self__", None)
    return task.number if isinstance(task, _NumberedTask) else 0


def run_seeded(
    main: Callable[[], Awaitable[T]], *, order: random.Random | None, backend: str = "asyncio"
) -> T:
    """Run `main()` to its end on a loop of its own, in virtual time from 0, in the order of `order`."""
    if backend == "asyncio":
        return anyio.run(main, backend="asyncio", backend_options={"loop_factory": lambda: SeededLoop(order)})
    from trio.testing import MockClock  # noqa: PLC0415  only who asks for it needs Trio

    with _seeded_trio(order):
        return anyio.run(main, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


@contextmanager
def _seeded_trio(order: random.Random | None) -> Iterator[None]:
    from trio._core import _run  # noqa: PLC0415  Trio has no public seed

    private: Any = _run
    before = (private._ALLOW_DETERMINISTIC_SCHEDULING, private._r)
    private._ALLOW_DETERMINISTIC_SCHEDULING = True
    private._r = order or random.Random(0)
    try:
        yield
    finally:
        private._ALLOW_DETERMINISTIC_SCHEDULING, private._r = before
