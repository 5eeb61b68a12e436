"""Work on a worker thread that is run to its end: committed if and only if it returns.

anyio's shield holds back its own cancellations; asyncio's native ones (`task.cancel()`, `asyncio.timeout`)
go through it, so on asyncio they are held back here and delivered again afterwards (design: ledger, rule 2).
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread
import sniffio

T = TypeVar("T")


async def run_to_end(work: Callable[[], T], places: anyio.CapacityLimiter) -> T:
    """Run `work` on a thread. Cancelled while it waits for a place, never while it works."""
    await anyio.lowlevel.checkpoint()
    async with places:
        with anyio.CancelScope(shield=True):
            held_back = sniffio.current_async_library() == "asyncio"
            result = await (_held_back(work) if held_back else anyio.to_thread.run_sync(work))
    return result


async def _held_back(work: Callable[[], T]) -> T:
    task = asyncio.current_task()
    assert task is not None
    working = asyncio.ensure_future(anyio.to_thread.run_sync(work))
    held = 0
    try:
        while True:
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                if working.done():
                    raise
                held += 1
                task.uncancel()
    finally:
        for _ in range(held):
            task.cancel()
