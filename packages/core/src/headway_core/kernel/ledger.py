"""The persistence port: short, synchronous, pure units of work over one ledger (laws 3 and 4)."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import anyio

from headway_core.kernel.events import EventLog, Payload
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec

T = TypeVar("T")
R = TypeVar("R")


class ReadTransaction(ABC):
    """One consistent view."""

    @abstractmethod
    def now(self) -> datetime:
        """The ledger's time, the same at every call in one transaction. Aware, UTC."""


class Transaction(ReadTransaction):
    """A unit of work: all of it is stored, or nothing."""

    @abstractmethod
    def new_id(self) -> str:
        """A fresh id; the same one when the ledger runs the same work again."""

    @abstractmethod
    def lock(self, *workspace_ids: str) -> None:
        """Hold these workspaces until the end. Comes before any write of their rows."""

    @abstractmethod
    def emit(self, payload: Payload, *, workspace_id: str | None = None, actor: str = "headway") -> None:
        """Append an event; written with the change, or not at all."""


class Ledger(ABC):
    """Runs units of work.

    `work` has no effect outside the transaction, so the ledger may run it again. It is committed if
    and only if `transact` returns: a cancellation is delivered before `work` starts or after it was
    stored, never between. The one exception is `OutcomeUnknown`.
    """

    def __init__(self) -> None:
        self._changed = anyio.Event()

    def transact(self, work: Callable[[Transaction], T]) -> Coroutine[Any, Any, T]:
        """Run `work(tx)` as a unit and return its result.

        An exception from `work` or from a port rolls back everything. `TypeError` when `work` returns
        an awaitable, or when called inside another transaction (at the call, not at the await).
        """
        refuse_nesting()
        return self._transact(work)

    def read(self, query: Callable[[ReadTransaction], T]) -> Coroutine[Any, Any, T]:
        """Run `query(tx)` on one consistent view. For views: a decision belongs into `transact`."""
        refuse_nesting()
        return self._read(query)

    @abstractmethod
    async def _transact(self, work: Callable[[Transaction], T]) -> T: ...

    @abstractmethod
    async def _read(self, query: Callable[[ReadTransaction], T]) -> T: ...

    def changed(self) -> anyio.Event:
        """Set at the next commit in this process that writes an event; polling is the safety net."""
        return self._changed

    def _announce(self) -> None:
        """Set what `changed` gave. Called in the event loop, after a commit that wrote events."""
        event, self._changed = self._changed, anyio.Event()
        event.set()


class Store(ABC):
    """A ledger with its tables. Only a container holds it; services get the ledger and their tables."""

    @property
    @abstractmethod
    def ledger(self) -> Ledger: ...

    @property
    @abstractmethod
    def events(self) -> EventLog: ...

    @abstractmethod
    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        """The read port of a table. Never an `OwnedTable`."""

    @abstractmethod
    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        """The write port of a table: for its owner alone."""


_OPEN: ContextVar[bool] = ContextVar("headway_transaction_open", default=False)


def refuse_nesting() -> None:
    """`TypeError` inside a transaction: a unit of work does not open another."""
    if _OPEN.get():
        raise TypeError("a transaction is open here: compose steps that take tx instead of opening another")


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Marks this context as inside a transaction. For ledgers, around the call of `work`."""
    token = _OPEN.set(True)
    try:
        yield
    finally:
        _OPEN.reset(token)


def refuse_awaitable(result: T) -> T:
    """`TypeError` when `work` returned an awaitable: it was an `async def`, so it did not run."""
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("a transaction is a synchronous function: its work returned an awaitable")
    return result
