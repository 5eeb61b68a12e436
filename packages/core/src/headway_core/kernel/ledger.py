"""The persistence port: short, synchronous, pure units of work over one ledger (laws 3 and 4)."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar

import anyio

from headway_core.kernel.claims import Claims
from headway_core.kernel.events import EventLog, EventPruner, Payload
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec

T = TypeVar("T")
R = TypeVar("R")


class ReadTransaction(ABC):
    """One consistent view. Every port refuses it once its unit of work has ended."""

    over: bool = False
    """True once the unit of work has ended. Set by `unit_of_work`."""
    doomed_by: Exception | None = None
    """The first error of a port in this transaction: it is not committed, whoever caught the error."""

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

    `work` has no effect outside the transaction, so the ledger may run it again: once more when a
    unique index refused a row, and as often as the database asks. It is committed if and only if
    `transact` returns: a cancellation is delivered before `work` starts or after it was stored, never
    between. The one exception is `OutcomeUnknown`.
    """

    _waited_for: anyio.Event | None = None

    def transact(self, work: Callable[[Transaction], T]) -> Coroutine[Any, Any, T]:
        """Run `work(tx)` as a unit and return its result.

        An exception from `work` or from a port rolls back everything, an exception from a port even
        when `work` catches it. `TypeError` when `work` returns an awaitable or a generator, or when
        called inside another transaction (at the call, not at the await), which is then doomed.
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
        """Set at the next commit in this process that writes an event; polling is the safety net.

        To miss nothing: take it, then read the log, then wait for it.
        """
        if self._waited_for is None:
            self._waited_for = anyio.Event()
        return self._waited_for

    def wake(self) -> None:
        """Set what `changed` gave, though no event was written: there is work in rows without events."""
        self._announce()

    def _announce(self) -> None:
        """Set what `changed` gave. Called in the event loop, after a commit that wrote events."""
        event, self._waited_for = self._waited_for, None
        if event is not None:
            event.set()


class Store(ABC):
    """A ledger with its tables. Only a container holds it; services get the ledger and their tables."""

    @property
    @abstractmethod
    def ledger(self) -> Ledger: ...

    @property
    @abstractmethod
    def events(self) -> EventLog: ...

    @property
    @abstractmethod
    def pruner(self) -> EventPruner:
        """Removes events: for the one service that keeps count of who has read them."""

    @abstractmethod
    def claims(self, kind: str) -> Claims:
        """The claims of one kind: for the one service that shares out this work."""

    @abstractmethod
    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        """The read port of a table. Never an `OwnedTable`."""

    @abstractmethod
    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        """The write port of a table: for its owner alone."""


_OPEN: ContextVar[ReadTransaction | None] = ContextVar("headway_open_transaction", default=None)


def refuse_nesting() -> None:
    """`TypeError` inside a transaction, which it dooms: a unit of work does not open another."""
    tx = _OPEN.get()
    if tx is not None and not tx.over:
        error = TypeError("a transaction is open here: compose steps that take tx instead of another one")
        tx.doomed_by = tx.doomed_by or error
        raise error


@contextmanager
def unit_of_work(tx: ReadTransaction) -> Iterator[None]:
    """The time during which `tx` may be used. For ledgers: around the call of `work`."""
    token = _OPEN.set(tx)
    try:
        yield
    finally:
        tx.over = True
        _OPEN.reset(token)


def refuse_unfinished(result: T) -> T:
    """`TypeError` when `work` has not run: it was an `async def` or a generator. For ledgers."""
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result) or inspect.isasyncgen(result):
        raise TypeError("a transaction is a synchronous function: its work returned an awaitable")
    if inspect.isgenerator(result):
        raise TypeError("a transaction runs to its end: its work returned a generator")
    return result
