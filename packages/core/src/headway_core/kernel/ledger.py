"""The persistence port: runs units of work over one ledger."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import TypeVar

import anyio

from headway_core.kernel.transactions import ReadTransaction, Transaction, refuse_nesting

T = TypeVar("T")


class Ledger(ABC):
    """Runs units of work.

    `work` has no effect outside the transaction, so the ledger may run it again: once more when a
    unique index refused a row, and as often as the database asks. It is committed if and only if
    `transact` returns: a cancellation is delivered before `work` starts or after it was stored, never
    between. The one exception is `OutcomeUnknown`.
    """

    _waited_for: anyio.Event | None = None

    def transact(self, work: Callable[[Transaction], T]) -> Coroutine[object, None, T]:
        """Run `work(tx)` as a unit and return its result.

        An exception from `work` or from a port rolls back everything, an exception from a port even
        when `work` catches it. `TypeError` when `work` returns an awaitable or a generator, or when
        called inside another transaction (at the call, not at the await), which is then doomed.
        """
        refuse_nesting()
        return self._transact(work)

    def read(self, query: Callable[[ReadTransaction], T]) -> Coroutine[object, None, T]:
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
