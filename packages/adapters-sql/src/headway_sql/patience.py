"""Waiting for the writers of other processes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from headway_sql.errors import Busy

T = TypeVar("T")

ATTEMPT_S = 0.5
"""How long SQLite waits within one attempt, on a thread, where nothing can cancel it."""
PAUSE_S = 0.02
PATIENCE_S = 30.0
"""How long is waited in all, before it is `Unavailable`."""


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeat the attempt while the database is busy; cancelled promptly in between."""
    deadline = anyio.current_time() + PATIENCE_S
    while True:
        try:
            return await attempt()
        except Busy:
            if anyio.current_time() > deadline:
                raise
        await anyio.sleep(PAUSE_S)
