"""The ledger in memory: plain dicts with an undo log, and the same indexes enforced.

A product for embedding without persistence and for tests. With `run_twice` every unit of work is run,
undone and run again, and what the two runs wrote is compared: an impure transaction raises (law 3).
"""

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import anyio.lowlevel
import attrs

from headway_core.kernel.claims import CLAIMS, RELEASED, Claim, Claims, expiry
from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.errors import Conflict, NotFound
from headway_core.kernel.events import PRUNED, DomainEvent, EventCatalog, EventLog, EventPruner
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.memory_rows import Key, MemoryRows
from headway_core.kernel.scope import (
    STALE,
    Draws,
    Emitted,
    TransactionScope,
    expect_query,
    key_text,
    once_more_after_clash,
    perform,
    port_of,
)
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, Query, ReadTable, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction

T = TypeVar("T")
R = TypeVar("R")


class ImpureTransactionError(TypeError):
    """The same unit of work, run twice on the same facts, wrote different things."""


class _MemoryReadTransaction(ReadTransaction):
    def __init__(self, store: "MemoryStore", now: datetime) -> None:
        self.store = store
        self._now = now

    def now(self) -> datetime:
        return self._now


class _MemoryTransaction(TransactionScope):
    """The scope of a unit of work in memory; `wrote` is what the purity check compares."""

    def __init__(self, store: "MemoryStore", draws: Draws, catalog: EventCatalog) -> None:
        super().__init__(draws, catalog)
        self.store = store
        self.wrote: list[tuple[str, Key, Any]] = []


class MemoryStore(Store):
    """Tables, events and the ledger over them, in one event loop of this process."""

    def __init__(self, *, clock: Clock, ids: Ids, catalog: EventCatalog, run_twice: bool = False) -> None:
        self._clock = clock
        self._ids = ids
        self._catalog = catalog
        self._run_twice = run_twice
        self._journal: list[Callable[[], None]] = []
        self._tables: dict[str, MemoryRows] = {}
        self._ledger = _MemoryLedger(self)
        self._events = _MemoryEventLog(self, self._journal)

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    @property
    def events(self) -> EventLog:
        return self._events

    @property
    def pruner(self) -> EventPruner:
        return self._events

    def claims(self, kind: str) -> Claims:
        return _MemoryClaims(kind, self, self._rows(CLAIMS))

    def reader(self, spec: TableSpec[R]) -> "_MemoryReader[R]":
        return _MemoryReader(spec, self, self._rows(spec))

    def writer(self, spec: TableSpec[R]) -> OwnedTable[R]:
        return _MemoryWriter(spec, self, self._rows(spec))

    def every_row(self, spec: TableSpec[R]) -> list[R]:
        """Every row of a table, whatever queries it has: for whoever looks at it from outside."""
        return list(self._rows(spec).rows.values())

    def _rows(self, spec: TableSpec[Any]) -> MemoryRows:
        return self._tables.setdefault(spec.name, MemoryRows(spec, self._journal))

    def perform(self, work: Callable[[Transaction], T]) -> tuple[T, bool]:
        """Run a unit of work. Its result, and whether it wrote events."""
        draws = Draws(self._clock, self._ids)
        result, tx = once_more_after_clash(lambda: self._attempt(work, draws))
        self._journal.clear()
        for emitted in tx.emitted:
            self._events.append(emitted, draws.now())
        return result, bool(tx.emitted)

    def read(self, query: Callable[[ReadTransaction], T]) -> T:
        return perform(_MemoryReadTransaction(self, self._clock.now()), query)

    def _attempt(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, _MemoryTransaction]:
        """Run the work; twice, with the first run undone, when purity is checked."""
        result, tx = self._run(work, draws)
        if self._run_twice:
            self._undo()
            result, again = self._run(work, draws)
            if (tx.wrote, tx.emitted) != (again.wrote, again.emitted):
                self._undo()
                raise ImpureTransactionError("a unit of work wrote other things when it was run again")
        return result, tx

    def _run(self, work: Callable[[Transaction], T], draws: Draws) -> tuple[T, _MemoryTransaction]:
        tx = _MemoryTransaction(self, draws, self._catalog)
        try:
            return perform(tx, work), tx
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        while self._journal:
            self._journal.pop()()


class _MemoryLedger(Ledger):
    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def _transact(self, work: Callable[[Transaction], T]) -> T:
        await anyio.lowlevel.checkpoint()  # the last moment at which a cancellation stops the work
        result, emitted = self._store.perform(work)
        if emitted:
            self._announce()
        return result

    async def _read(self, query: Callable[[ReadTransaction], T]) -> T:
        await anyio.lowlevel.checkpoint()
        return self._store.read(query)


class _MemoryEventLog(EventLog, EventPruner):
    def __init__(self, store: MemoryStore, journal: list[Callable[[], None]]) -> None:
        self._store = store
        self._journal = journal
        self._log: list[DomainEvent] = []
        self._pruned = 0  # positions count from 1, without holes

    def append(self, emitted: Emitted, at: datetime) -> None:
        """Give an event its position, as the last step of a unit of work."""
        self._log.append(
            DomainEvent(
                position=self._pruned + len(self._log) + 1,
                workspace_id=emitted.workspace_id,
                at=at,
                actor=emitted.actor,
                payload=emitted.payload,
            )
        )

    def after(
        self, tx: ReadTransaction, position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        with port_of(_of_store(tx, self._store)):
            newer = itertools.islice(self._log, max(position - self._pruned, 0), None)
            wanted = (e for e in newer if workspace_id is None or e.workspace_id == workspace_id)
            return list(itertools.islice(wanted, limit))

    def last_position(self, tx: ReadTransaction) -> int:
        with port_of(_of_store(tx, self._store)):
            return self._pruned + len(self._log)

    def pruned_up_to(self, tx: ReadTransaction) -> int:
        with port_of(_of_store(tx, self._store)):
            return self._pruned

    def prune(self, tx: Transaction, up_to: int) -> None:
        scope = _scope(tx, self._store)
        with port_of(scope):
            gone = self._log[: max(min(up_to - self._pruned, len(self._log) - 1), 0)]
            self._shift(gone)
            self._journal.append(functools.partial(self._unshift, gone))
            scope.wrote.append((PRUNED.name, (), up_to))

    def _shift(self, gone: list[DomainEvent]) -> None:
        del self._log[: len(gone)]
        self._pruned += len(gone)

    def _unshift(self, gone: list[DomainEvent]) -> None:
        self._log[:0] = gone
        self._pruned -= len(gone)


class _MemoryClaims(Claims):
    def __init__(self, kind: str, store: MemoryStore, rows: MemoryRows) -> None:
        super().__init__(kind)
        self._store = store
        self._rows = rows

    def acquire(
        self, tx: Transaction, keys: Iterable[str], *, holder: str, lease: timedelta
    ) -> Mapping[str, Claim]:
        scope = _scope(tx, self._store)
        with port_of(scope):
            taken: dict[str, Claim] = {}
            for key in sorted(set(keys)):
                before = self._stored(key)
                if before is None or before.expires_at <= scope.now():
                    taken[key] = self._set(
                        scope,
                        Claim(
                            kind=self.kind,
                            key=key,
                            holder=holder,
                            token=before.token + 1 if before else 1,
                            expires_at=expiry(scope, lease),
                        ),
                    )
            return taken

    def renew(self, tx: Transaction, claims: Iterable[Claim], *, lease: timedelta) -> Mapping[str, Claim]:
        scope = _scope(tx, self._store)
        with port_of(scope):
            until = expiry(scope, lease)
            return {
                claim.key: self._set(scope, attrs.evolve(stored, expires_at=until))
                for claim in claims
                if (stored := self._current(claim)) is not None and stored.expires_at > scope.now()
            }

    def fence(self, tx: Transaction, claim: Claim) -> bool:
        with port_of(_scope(tx, self._store)):
            return self._current(claim) is not None

    def release(self, tx: Transaction, claims: Iterable[Claim]) -> None:
        scope = _scope(tx, self._store)
        with port_of(scope):
            for claim in claims:
                if (stored := self._current(claim)) is not None:
                    self._set(scope, attrs.evolve(stored, expires_at=RELEASED))

    def release_all(self, tx: Transaction, holder: str) -> int:
        scope = _scope(tx, self._store)
        with port_of(scope):
            held = [
                claim
                for claim in self._rows.rows.values()
                if (claim.kind, claim.holder) == (self.kind, holder) and claim.expires_at > RELEASED
            ]
            for claim in held:
                self._set(scope, attrs.evolve(claim, expires_at=RELEASED))
            return len(held)

    def held(self, tx: ReadTransaction, keys: Iterable[str]) -> Mapping[str, Claim]:
        with port_of(_of_store(tx, self._store)):
            stored = (self._stored(key) for key in sorted(set(keys)))
            return {claim.key: claim for claim in stored if claim is not None and claim.expires_at > tx.now()}

    def _stored(self, key: str) -> Claim | None:
        return cast("Claim | None", self._rows.rows.get((self.kind, key)))

    def _current(self, claim: Claim) -> Claim | None:
        """The row of a claim that nobody has taken since and that was not given back."""
        stored = self._stored(claim.key)
        return stored if stored and stored.token == claim.token and stored.expires_at > RELEASED else None

    def _set(self, scope: _MemoryTransaction, claim: Claim) -> Claim:
        key = CLAIMS.key_of(claim)
        self._rows.set(key, claim)
        scope.wrote.append((CLAIMS.name, key, claim))
        return claim


class _MemoryReader(ReadTable[R]):
    def __init__(self, spec: TableSpec[R], store: MemoryStore, rows: MemoryRows) -> None:
        super().__init__(spec)
        self._store = store
        self._rows = rows

    def get(self, tx: ReadTransaction, *key: str | int) -> R | None:
        with port_of(_of_store(tx, self._store)):
            return cast("R | None", self._rows.rows.get(key))

    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        with port_of(_of_store(tx, self._store)):
            found = self.selected(query, parameters)
            found.sort(key=self.spec.key_of)
            for column in reversed(query.order):
                found.sort(key=_sort_key(column.removeprefix("-")), reverse=column.startswith("-"))
            return found[: query.limit]

    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        with port_of(_of_store(tx, self._store)):
            return len(self.selected(query, parameters))

    def selected(self, query: Query, parameters: Mapping[str, str | int | datetime]) -> list[R]:
        """The rows of a query, in no order and without its limit."""
        expect_query(self.spec, query, parameters)
        equal = {column: parameters[column] for column in query.equal}
        tests: list[tuple[str, Callable[[Any], bool]]] = [
            *((column, functools.partial(operator.eq, value)) for column, value in equal.items()),
            *((column, allowed.__contains__) for column, allowed in query.among.items()),
            *((column, _is_present) for column in query.present),
        ]
        if query.of is not None:
            parents = self._store.reader(query.of.table).selected(query.of.query, {})
            keys = {key for parent in parents for key in query.of.table.key_of(parent)}
            tests.append((query.of.column, keys.__contains__))
        if query.up_to is not None:
            tests.append((query.up_to, functools.partial(operator.ge, parameters[query.up_to])))
        if query.after is not None:
            tests.append((query.after, functools.partial(operator.lt, parameters[query.after])))
        return [
            record
            for record in self._rows.candidates(equal)
            if all((value := getattr(record, column)) is not None and test(value) for column, test in tests)
        ]


def _is_present(value: object) -> bool:
    return value is not None


def _sort_key(column: str) -> Callable[[Any], tuple[bool, Any]]:
    def key(record: Any) -> tuple[bool, Any]:
        value = getattr(record, column)
        return (value is not None, value)  # None first, as SQLite sorts it

    return key


class _MemoryWriter(_MemoryReader[R], OwnedTable[R]):
    def lock_row(self, tx: Transaction, *key: str | int) -> R | None:
        return self.get(_scope(tx, self._store), *key)

    def add(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx, self._store)
        with port_of(scope):
            key = self.spec.key_of(record)
            scope.inserted(self.spec, record)
            if key in self._rows.rows:
                raise Conflict(self.spec.name, key_text(key), "exists already")
            return self._set(scope, key, record)

    def replace(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx, self._store)
        with port_of(scope):
            key = self.spec.key_of(record)
            scope.written(self.spec, record)
            stored = self._rows.rows.get(key)
            if stored is None:
                raise NotFound(self.spec.name, key_text(key))
            if self.spec.versioned:
                version = cast("Any", record).version
                if stored.version != version:
                    raise Conflict(self.spec.name, key_text(key), STALE)
                record = attrs.evolve(cast("Any", record), version=version + 1)
            return self._set(scope, key, record)

    def put(self, tx: Transaction, record: R) -> R:
        scope = _scope(tx, self._store)
        with port_of(scope):
            if self.spec.versioned:
                raise TypeError(f"{self.spec.name} is versioned: add or replace")
            scope.written(self.spec, record)
            return self._set(scope, self.spec.key_of(record), record)

    def remove(self, tx: Transaction, *key: str | int) -> None:
        scope = _scope(tx, self._store)
        with port_of(scope):
            stored = self._rows.rows.get(key)
            if stored is None:
                raise NotFound(self.spec.name, key_text(key))
            scope.written(self.spec, stored)
            self._set(scope, key, None)

    def _set(self, scope: _MemoryTransaction, key: Key, record: Any) -> R:
        self._rows.set(key, record)
        scope.wrote.append((self.spec.name, key, record))
        return cast("R", record)


def _of_store(tx: ReadTransaction, store: MemoryStore) -> ReadTransaction:
    if not isinstance(tx, (_MemoryReadTransaction, _MemoryTransaction)) or tx.store is not store:
        raise TypeError("this transaction belongs to another ledger")
    return tx


def _scope(tx: Transaction, store: MemoryStore) -> _MemoryTransaction:
    if not isinstance(tx, _MemoryTransaction) or tx.store is not store:
        raise TypeError("a write needs a transaction of its own ledger")
    return tx
