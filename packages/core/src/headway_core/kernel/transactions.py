"""Units of work as those who work in them see them: short, synchronous, pure (laws 3 and 4)."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

T = TypeVar("T")


class Payload(Protocol):
    """What happened: a frozen attrs class that names itself. `upcasts` is there from version 2 on."""

    event: ClassVar[str]
    version: ClassVar[int]
    __attrs_attrs__: ClassVar[Any]


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
