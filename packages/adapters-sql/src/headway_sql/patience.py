"""Trying again: while the writers of others are in the way, and after a connection that died."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from headway_sql.failures import DatabaseBusy, Lost

T = TypeVar("T")

ATTEMPT_S = 0.5
"""How long SQLite waits within one attempt, on a thread, where nothing can cancel it."""
PAUSE_S = 0.02
PATIENCE_S = 30.0
"""How long others are waited for in all, before it is `Unavailable`."""
CONNECTIONS = 4
"""How many connections may die in a row: each of those that were kept over a restart of the server does."""


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeat the attempt while the database is busy or loses connections; cancelled promptly in between."""
    deadline = anyio.current_time() + PATIENCE_S
    lost = 0
    while True:
        try:
            return await attempt()
        except DatabaseBusy:
            if anyio.current_time() > deadline:
                raise
        except Lost:
            lost += 1
            if lost == CONNECTIONS:
                raise
        await anyio.sleep(PAUSE_S)
