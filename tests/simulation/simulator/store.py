"""The one ledger of a simulated world: memory that tells what each commit changed."""

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import ReadTransaction, Transaction

T = TypeVar("T")
Key = tuple[str | int, ...]


@attrs.frozen(kw_only=True)
class Change:
    """One write of a row, as it was committed."""

    table: str
    key: Key
    before: Any
    """None: it was not there."""
    after: Any
    """None: it is gone."""


@attrs.frozen(kw_only=True)
class Commit:
    """What one transaction stored: its writes in order, and its events."""

    changes: tuple[Change, ...]
    events: tuple[DomainEvent, ...]

    def of(self, table: str) -> list[Change]:
        return [change for change in self.changes if change.table == table]


class WatchedStore(MemoryStore):
    """A ledger in memory; `watcher` is called with every commit, before anybody else sees it."""

    def __init__(self, *, clock: Clock, ids: Ids, run_twice: bool) -> None:
        super().__init__(clock=clock, ids=ids, catalog=EventCatalog(ALL_EVENTS), run_twice=run_twice)
        self.watcher: Callable[[Commit], None] = lambda _: None
        self.stored: dict[str, dict[Key, Any]] = {}
        """The committed rows, by table and key."""
        self.log: list[DomainEvent] = []
        """Every event that ever was, in order: what is pruned is kept here."""
        self.last: Commit | None = None
        """What the last transaction stored; None when it stored nothing."""
        self._wrote: list[tuple[str, Key, Any]] = []

    def rows(self, table: str) -> dict[Key, Any]:
        """The committed rows of a table."""
        return self.stored.setdefault(table, {})

    def perform(self, work: Callable[[Transaction], T]) -> tuple[T, bool]:
        self._wrote = []
        result, emitted = super().perform(work)
        changes = tuple(self._change(*written) for written in self._wrote)
        self.last = None
        told = self.read(self._newest) if emitted else ()
        self.log.extend(told)
        if changes or emitted:
            self.last = Commit(changes=changes, events=told)
            self.watcher(self.last)
        return result, emitted

    def _newest(self, tx: ReadTransaction) -> tuple[DomainEvent, ...]:
        seen = self.log[-1].position if self.log else 0
        return tuple(self.events.after(tx, seen, limit=1_000))

    def _attempt(self, work: Callable[[Transaction], T], draws: Any) -> Any:
        result, tx = super()._attempt(work, draws)
        self._wrote = tx.wrote
        return result, tx

    def _change(self, table: str, key: Key, after: Any) -> Change:
        rows = self.rows(table)
        before = rows.pop(key, None) if after is None else rows.get(key)
        if after is not None:
            rows[key] = after
        return Change(table=table, key=key, before=before, after=after)
