"""The ledger in memory: plain dicts with an undo log, and the same indexes enforced.

A product for embedding without persistence and for tests. With `run_twice` every unit of work is run,
undone and run again, and what the two runs wrote is compared: an impure transaction raises (law 3).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar, cast

import anyio.lowlevel
import attrs

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.errors import Conflict, NotFound, UniqueClash
from headway_core.kernel.events import DomainEvent, EventCatalog, EventLog
from headway_core.kernel.ledger import (
    Ledger,
    ReadTransaction,
    Store,
    Transaction,
    refuse_awaitable,
    unit_of_work,
)
from headway_core.kernel.scope import Draws, TransactionScope
from headway_core.kernel.tables import Index, OwnedTable, Query, ReadTable, TableSpec

T = TypeVar("T")
R = TypeVar("R")
Key = tuple[str, ...]


class ImpureTransactionError(TypeError):
    """The same unit of work, run twice on the same facts, wrote different things."""


class _Rows:
    """The rows of one table and their indexes; every change appends its undoing to a journal."""

    def __init__(self, spec: TableSpec[Any], journal: list[Callable[[], None]]) -> None:
        self.spec = spec
        self.rows: dict[Key, Any] = {}
        self._journal = journal
        self._entries: dict[str, dict[tuple[object, ...], dict[Key, None]]] = {
            i.name: {} for i in spec.indexes
        }

    def set(self, key: Key, record: Any | None) -> None:
        """Store, or remove with None; refuses what a unique index refuses."""
        before = self.rows.get(key)
        for index in self.spec.indexes:
            if index.unique and record is not None:
                value = _indexed(index, record)
                if value is not None and any(k != key for k in self._entries[index.name].get(value, ())):
                    raise UniqueClash(self.spec.name, index.name)
        self._apply(key, before, record)
        self._journal.append(lambda: self._apply(key, record, before))

    def _apply(self, key: Key, before: Any | None, after: Any | None) -> None:
        for index in self.spec.indexes:
            entries = self._entries[index.name]
            old = None if before is None else _indexed(index, before)
            new = None if after is None else _indexed(index, after)
            if old is not None:
                entries[old].pop(key)
            if new is not None:
                entries.setdefault(new, {})[key] = None
        if after is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = after

    def candidates(self, equal: dict[str, object]) -> Iterator[Any]:
        """The rows that may match: those of the first plain index that the equalities cover."""
        for index in self.spec.indexes:
            if not index.only and index.columns and all(column in equal for column in index.columns):
                value = tuple(equal[column] for column in index.columns)
                return iter([self.rows[key] for key in self._entries[index.name].get(value, ())])
        return iter(list(self.rows.values()))


def _indexed(index: Index, record: Any) -> tuple[object, ...] | None:
    if any(getattr(record, column) not in allowed for column, allowed in index.only.items()):
        return None
    value = tuple(getattr(record, column) for column in index.columns)
    return None if None in value else value


class _MemoryReadTransaction(ReadTransaction):
    def __init__(self, clock: Clock) -> None:
        self._now = clock.now()

    def now(self) -> datetime:
        return self._now


class _MemoryTransaction(TransactionScope):
    """The scope of a unit of work in memory; `wrote` is what the purity check compares."""

    def __init__(self, draws: Draws, catalog: EventCatalog) -> None:
        super().__init__(draws, catalog)
        self.wrote: list[tuple[str, Key, Any]] = []


class MemoryStore(Store):
    """Tables, events and the ledger over them, in this process alone."""

    def __init__(self, *, clock: Clock, ids: Ids, catalog: EventCatalog, run_twice: bool = False) -> None:
        self._clock = clock
        self._ids = ids
        self._catalog = catalog
        self._run_twice = run_twice
        self._journal: list[Callable[[], None]] = []
        self._tables: dict[str, _Rows] = {}
        self._log: list[DomainEvent] = []
        self._ledger = _MemoryLedger(self)
        self._events = _MemoryEventLog(self._log)

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def events(self) -> EventLog:
        return self._events

    def reader(self, spec: TableSpec[R]) -> ReadTable[R]:
        return _MemoryReader(spec, self._rows(spec))

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return _MemoryWriter(spec, self._rows(spec))

    def _rows(self, spec: TableSpec[Any]) -> _Rows:
        return self._tables.setdefault(spec.name, _Rows(spec, self._journal))

    def run(self, work: Callable[[Transaction], T]) -> tuple[T, bool]:
        """Run a unit of work; the result and whether it wrote events."""
        draws = Draws(self._clock, self._ids)
        for attempt in (1, 2):
            try:
                if self._run_twice:
                    with self._undoing():
                        first = self._attempt(work, draws)[1]
                    result, second = self._attempt(work, draws)
                    if (first.wrote, first.emitted) != (second.wrote, second.emitted):
                        self._undo()
                        raise ImpureTransactionError(
                            "a unit of work wrote other things when it was run again"
                        )
                else:
                    result, second = self._attempt(work, draws)
            except UniqueClash:
                if attempt == 2:  # noqa: PLR2004  the work ran once more and clashed again
                    raise
            else:
                break
        self._journal.clear()
        for emitted in second.emitted:
            self._log.append(
                DomainEvent(
                    position=len(self._log) + 1, at=draws.now(), **attrs.asdict(emitted, recurse=False)
                )
            )
        return result, bool(second.emitted)

    def _attempt(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, _MemoryTransaction]:
        tx = _MemoryTransaction(draws, self._catalog)
        try:
            with unit_of_work():
                result = refuse_awaitable(work(tx))
            tx.refuse_doomed()
        except BaseException:
            self._undo()
            raise
        return result, tx

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        yield
        self._undo()

    def _undo(self) -> None:
        while self._journal:
            self._journal.pop()()

    def read(self, query: Callable[[ReadTransaction], T]) -> T:
        with unit_of_work():
            return refuse_awaitable(query(_MemoryReadTransaction(self._clock)))


class _MemoryLedger(Ledger):
    def __init__(self, store: MemoryStore) -> None:
        super().__init__()
        self._store = store

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        await anyio.lowlevel.checkpoint()  # the last moment at which a cancellation stops the work
        result, emitted = self._store.run(work)
        if emitted:
            self._announce()
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        await anyio.lowlevel.checkpoint()
        return self._store.read(query)


class _MemoryEventLog(EventLog):
    def __init__(self, log: list[DomainEvent]) -> None:
        self._log = log

    def after(
        self, tx: ReadTransaction, position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        wanted = (e for e in self._log[position:] if workspace_id is None or e.workspace_id == workspace_id)
        return [event for event, _ in zip(wanted, range(limit), strict=False)]

    def last_position(self, tx: ReadTransaction) -> int:
        return len(self._log)


class _MemoryReader(ReadTable[R]):
    def __init__(self, spec: TableSpec[R], rows: _Rows) -> None:
        super().__init__(spec)
        self._rows = rows

    def get(self, tx: ReadTransaction, *key: str) -> R | None:
        return cast("R | None", self._rows.rows.get(key))

    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        found = self._select(query, parameters)
        found.sort(key=self.spec.key_of)
        for column in reversed(query.order):
            name = column.removeprefix("-")
            found.sort(key=lambda record: _sortable(getattr(record, name)), reverse=column.startswith("-"))
        return found[: query.limit]

    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        return len(self._select(query, parameters))

    def _select(self, query: Query, parameters: dict[str, Any]) -> list[R]:
        expect_parameters(query, parameters)
        equal = {column: parameters[column] for column in query.equal}

        def matches(record: Any) -> bool:
            return (
                all(getattr(record, column) == value for column, value in equal.items())
                and all(getattr(record, column) in allowed for column, allowed in query.among.items())
                and all(getattr(record, column) is not None for column in query.present)
                and (
                    query.up_to is None or _holds(record, query.up_to, lambda v: v <= parameters[query.up_to])
                )
                and (
                    query.after is None or _holds(record, query.after, lambda v: v > parameters[query.after])
                )
            )

        return [record for record in self._rows.candidates(equal) if matches(record)]


def expect_parameters(query: Query, parameters: dict[str, Any]) -> None:
    """`TypeError` unless the parameters are exactly those that the query names. For ledgers."""
    wanted = {*query.equal, *(name for name in (query.up_to, query.after) if name is not None)}
    if wanted != set(parameters):
        raise TypeError(f"query {query.name} takes {sorted(wanted)}, not {sorted(parameters)}")


def _holds(record: Any, column: str, test: Callable[[Any], bool]) -> bool:
    value = getattr(record, column)
    return value is not None and test(value)


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)  # None first, as SQLite sorts it


class _MemoryWriter(_MemoryReader[R], OwnedTable[R]):
    def add(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx)
        with scope.dooming():
            key = self.spec.key_of(record)
            if key in self._rows.rows:
                raise Conflict(self.spec.name, "/".join(key), "exists already")
            scope.inserted(self.spec, record)
            return self._set(scope, key, record)

    def replace(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx)
        with scope.dooming():
            key = self.spec.key_of(record)
            stored = self._rows.rows.get(key)
            if stored is None:
                raise NotFound(self.spec.name, "/".join(key))
            scope.written(self.spec, record)
            if self.spec.versioned:
                version = cast("Any", record).version
                if stored.version != version:
                    raise Conflict(self.spec.name, "/".join(key), "was changed by somebody else meanwhile")
                record = attrs.evolve(cast("Any", record), version=version + 1)
            return self._set(scope, key, record)

    def put(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx)
        with scope.dooming():
            if self.spec.versioned:
                raise TypeError(f"{self.spec.name} is versioned: add or replace")
            scope.written(self.spec, record)
            return self._set(scope, self.spec.key_of(record), record)

    def remove(self, tx: Transaction, *key: str) -> None:
        scope = _scope(tx)
        with scope.dooming():
            stored = self._rows.rows.get(key)
            if stored is None:
                raise NotFound(self.spec.name, "/".join(key))
            scope.written(self.spec, stored)
            self._set(scope, key, None)

    def _set(self, scope: _MemoryTransaction, key: Key, record: Any) -> R:
        self._rows.set(key, record)
        scope.wrote.append((self.spec.name, key, record))
        return cast("R", record)


def _scope(tx: Transaction) -> _MemoryTransaction:
    if not isinstance(tx, _MemoryTransaction):
        raise TypeError("this table belongs to a ledger in memory, and writes need its transaction")
    return tx
