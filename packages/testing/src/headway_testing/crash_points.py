"""Where a process can die: before and after each effect and each transaction (law 4)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel

from headway_core.kernel.claims import Claims
from headway_core.kernel.events import EventLog, EventPruner
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction

T = TypeVar("T")
R = TypeVar("R")


Point = Callable[[str], Awaitable[None]]
"""Called with `before create`, `after create`, …: a test waits there, or raises to end the process."""


async def no_point(_name: str) -> None:
    """Let the other tasks run, as a real effect would."""
    await anyio.lowlevel.checkpoint()


class Crash(BaseException):
    """The process is dead. No error of the product: nothing may catch it and go on."""


class CrashPoints:
    """A point of a process that dies at the `nth` place it comes to, and is dead from then on.

    A dead process does nothing any more: what its `finally` blocks ask for is refused as well.
    """

    def __init__(self, nth: int) -> None:
        self._nth = nth
        self.passed: list[str] = []

    @property
    def crashed(self) -> bool:
        return len(self.passed) > self._nth

    async def __call__(self, name: str) -> None:
        await anyio.lowlevel.checkpoint()
        if not self.crashed:
            self.passed.append(name)
        if self.crashed:
            raise Crash(name)


class PointedLedger(Ledger):
    """A ledger whose transactions have a point before and after them."""

    def __init__(self, inner: Ledger, point: Point) -> None:
        super().__init__()
        self._inner = inner
        self._point = point

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        await self._point("before transact")
        result = await self._inner.transact(work)
        await self._point("after transact")
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        return await self._inner.read(query)

    def changed(self) -> anyio.Event:
        return self._inner.changed()

    def wake(self) -> None:
        self._inner.wake()


class StoreOfAProcess(Store):
    """A store as one process sees it: the same rows as `inner`, through a ledger of its own."""

    def __init__(self, inner: Store, ledger: Ledger) -> None:
        self._inner = inner
        self._ledger = ledger

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def events(self) -> EventLog:
        return self._inner.events

    @property
    def pruner(self) -> EventPruner:
        return self._inner.pruner

    def claims(self, kind: str) -> Claims:
        return self._inner.claims(kind)

    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        return self._inner.reader(spec)

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return self._inner.writer(spec)


def pointed_store(inner: Store, point: Point) -> Store:
    """The same rows, and a ledger with points."""
    return StoreOfAProcess(inner, PointedLedger(inner.ledger, point))
