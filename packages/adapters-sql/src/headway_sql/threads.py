"""Work on threads of the ledger's own that is run to its end: committed if and only if it returns.

Not through `anyio.to_thread`: its check points and limiter are turns of the event loop that cost as much as
the thread itself. Here work goes to the thread at once, and its end straight into the loop.

anyio's shield holds back the cancellations of anyio and of Trio. asyncio's native ones (`task.cancel()`,
`asyncio.timeout`) go through it, so they are held back here, and delivered again at the next await that
suspends, if whoever asked still wants it.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

T = TypeVar("T")


class WorkerThreads:
    """Threads for at most `size` pieces of work at once; more of them wait in order.

    Made and used in one event loop. Closed when no work is left.
    """

    def __init__(self, size: int, name: str) -> None:
        self._limiter = anyio.CapacityLimiter(size)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=f"headway-{name}")
        loop: Any = anyio.lowlevel.current_token().native_token
        self._in_loop: Callable[[Callable[[], None]], object] = (
            loop.call_soon_threadsafe if isinstance(loop, asyncio.AbstractEventLoop) else loop.run_sync_soon
        )

    def close(self) -> None:
        self._threads.shutdown()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, or its exception. Cancelled before it begins, never while it works."""
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            self._limiter.acquire_nowait()
        except anyio.WouldBlock:
            await self._limiter.acquire()
        task = _native_task()
        cancels = 0 if task is None else task.cancelling()
        ended = anyio.Event()
        outcome: Future[T] = self._threads.submit(copy_context().run, work)
        outcome.add_done_callback(lambda _: self._in_loop(ended.set))
        try:
            with anyio.CancelScope(shield=True):
                try:
                    await ended.wait()
                except asyncio.CancelledError:
                    if outcome.cancel():  # the thread had not begun, and now never will
                        raise
                    while not ended.is_set():
                        with suppress(asyncio.CancelledError):
                            await ended.wait()
                    asyncio.get_running_loop().call_soon(_deliver, task, cancels)
            return outcome.result()
        finally:
            self._limiter.release()
            del outcome  # its exception refers to this frame


def _native_task() -> "asyncio.Task[Any] | None":
    try:
        return asyncio.current_task()
    except RuntimeError:  # Trio
        return None


def _deliver(task: "asyncio.Task[Any] | None", cancels: int) -> None:
    """Cancel the task again, unless it has ended or what asked for it has withdrawn (a time-out that
    was left in time): then nobody would catch it.
    """
    if task is not None and not task.done() and task.cancelling() > cancels:
        task.uncancel()
        task.cancel()
