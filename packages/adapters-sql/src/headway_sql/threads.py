"""Work on a worker thread that is run to its end: committed if and only if it returns.

anyio's shield holds back the cancellations of anyio and of Trio. asyncio's native ones (`task.cancel()`,
`asyncio.timeout`) go through it, so they are held back here, and delivered again at the next await that
suspends, if whoever asked still wants it (design: ledger, rule 2).
"""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")


class WorkerThreads:
    """Threads for at most `places` pieces of work at once; more of them wait in order."""

    def __init__(self, places: int) -> None:
        self._places = anyio.CapacityLimiter(places)
        self._threads = anyio.CapacityLimiter(math.inf)  # anyio gives its tokens back at a native cancel

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, or its exception. Cancelled before it begins, never while it works."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            await self._places.acquire()
        task = _native_task()
        cancels = 0 if task is None else task.cancelling()
        outcome: Future[T] = Future()
        try:
            try:
                await anyio.to_thread.run_sync(_fulfil, outcome, work, limiter=self._threads)
            except asyncio.CancelledError:
                if outcome.cancel():  # the thread had not begun, and now never will
                    raise
                with anyio.CancelScope(shield=True):  # else anyio cancels again at each turn of the loop
                    await _end_of(outcome)
                asyncio.get_running_loop().call_soon(_deliver, task, cancels)
            return outcome.result()
        finally:
            self._places.release()
            del outcome  # its exception refers to this frame


def _fulfil(outcome: "Future[T]", work: Callable[[], T]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001  handed over to the caller
        outcome.set_exception(error)
        del outcome  # as above


def _native_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # Trio
        return None


async def _end_of(outcome: "Future[T]") -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    outcome.add_done_callback(lambda _: loop.call_soon_threadsafe(ended.set))
    while not ended.is_set():
        with suppress(asyncio.CancelledError):
            await ended.wait()


def _deliver(task: "asyncio.Task[Any] | None", cancels: int) -> None:
    """Cancel the task again, unless it has ended or what asked for it has withdrawn (a time-out that
    was left in time): then nobody would catch it.
    """
    if task is not None and not task.done() and task.cancelling() > cancels:
        task.uncancel()
        task.cancel()
