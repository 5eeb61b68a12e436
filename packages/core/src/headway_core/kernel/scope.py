"""What every ledger's transaction does alike: ids and time, locks, failing for good, collecting events."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import attrs

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.errors import UniqueClash
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.tables import Lock, Query, TableSpec
from headway_core.kernel.transactions import (
    Payload,
    ReadTransaction,
    Transaction,
    refuse_unfinished,
    unit_of_work,
)

R = TypeVar("R")
T = TypeVar("T")
TX = TypeVar("TX", bound=ReadTransaction)

STALE = "was changed by somebody else meanwhile"
"""What a `Conflict` of a compare-and-swap says, on every ledger."""


def key_text(key: tuple[str | int, ...]) -> str:
    """A key as errors name it."""
    return "/".join(str(part) for part in key)


class Draws:
    """The time and the ids of one unit of work, drawn once and replayed when it is run again."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._now: datetime | None = None
        self._drawn: list[str] = []

    def now(self) -> datetime:
        if self._now is None:
            self._now = self._clock.now()
        return self._now

    def id(self, nth: int) -> str:
        while len(self._drawn) <= nth:
            self._drawn.append(self._ids.new())
        return self._drawn[nth]


@attrs.frozen(kw_only=True)
class Emitted:
    """An event that waits for its position; `event`, `version` and `data` are its stored form."""

    workspace_id: str | None
    actor: str
    payload: Payload
    event: str
    version: int
    data: Mapping[str, object]


class TransactionScope(Transaction):
    """The part of a transaction that does not depend on where the rows are."""

    def __init__(self, draws: Draws, catalog: EventCatalog) -> None:
        self._draws = draws
        self._catalog = catalog
        self._ids_drawn = 0
        self._locked: set[str] = set()
        self.emitted: list[Emitted] = []

    def now(self) -> datetime:
        return self._draws.now()

    def new_id(self) -> str:
        self._ids_drawn += 1
        return self._draws.id(self._ids_drawn - 1)

    def lock(self, *workspace_ids: str) -> None:
        with port_of(self):
            self._locked.update(workspace_ids)

    def emit(self, payload: Payload, *, workspace_id: str | None = None, actor: str = "headway") -> None:
        with port_of(self):
            event, version, data = self._catalog.encode(payload)
        self.emitted.append(
            Emitted(
                workspace_id=workspace_id,
                actor=actor,
                payload=payload,
                event=event,
                version=version,
                data=data,
            )
        )

    def inserted(self, spec: TableSpec[R], record: R) -> None:
        """Check the lock of an insert; a new workspace counts as locked."""
        if spec.of_workspaces:
            self._locked.add(spec.workspace_of(record))
        self.written(spec, record)

    def written(self, spec: TableSpec[R], record: R) -> None:
        """`RuntimeError` when a workspace's row is written without its lock: a programming error."""
        if spec.lock is Lock.WORKSPACE:
            self.held(spec, spec.workspace_of(record))

    def held(self, spec: TableSpec[Any], workspace_id: str) -> None:
        """`RuntimeError` when the workspace is not locked here."""
        if workspace_id not in self._locked:
            raise RuntimeError(f"{spec.name}: workspace {workspace_id} is not locked here")


class port_of:  # noqa: N801  reads as a function, and is a class because it is around every call
    """Around each call of a port of `tx`: an error in it dooms the transaction, even when `work`
    catches it, because a database may have rolled back already. So each further
    call raises that error again.
    """

    __slots__ = ("_tx",)

    def __init__(self, tx: ReadTransaction) -> None:
        if tx.over:
            raise RuntimeError("this transaction is over")
        if tx.doomed_by is not None:
            raise tx.doomed_by
        self._tx = tx

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            self._tx.doomed_by = self._tx.doomed_by or error


def perform(tx: TX, work: Callable[[TX], T]) -> T:
    """Run `work` once, as the unit that `tx` is open for; raise what doomed it. For ledgers."""
    with unit_of_work(tx):
        result = refuse_unfinished(work(tx))
    if tx.doomed_by is not None:
        raise tx.doomed_by
    return result


def once_more_after_clash(attempt: Callable[[], T]) -> T:
    """Make the attempt, and once more after a `UniqueClash`: on the rows as they are now, a query in
    the work can name the outcome. The second clash is the caller's. For ledgers.
    """
    try:
        return attempt()
    except UniqueClash:
        pass
    return attempt()


def expect_query(spec: TableSpec[Any], query: Query, parameters: Mapping[str, object]) -> None:
    """`TypeError` unless the query is the spec's, with exactly its parameters and no None. For ledgers."""
    if query not in spec.queries:
        raise TypeError(f"{query.name} is no query of {spec.name}")
    if query.parameters != parameters.keys():
        raise TypeError(
            f"{spec.name}: query {query.name} takes {sorted(query.parameters)}, not {sorted(parameters)}"
        )
    if None in parameters.values():
        raise TypeError(f"{spec.name}: query {query.name} compares with None, which selects nothing")
