"""What every ledger's transaction does alike: draws, locks, doom and the collecting of events."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import attrs

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.events import EventCatalog, Payload
from headway_core.kernel.ledger import Transaction
from headway_core.kernel.tables import Lock, R, TableSpec


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
    """An event that waits for its position."""

    workspace_id: str | None
    actor: str
    payload: Payload


class TransactionScope(Transaction):
    """The part of a transaction that does not depend on where the rows are."""

    def __init__(self, draws: Draws, catalog: EventCatalog) -> None:
        self._draws = draws
        self._catalog = catalog
        self._ids_drawn = 0
        self._locked: set[str] = set()
        self.emitted: list[Emitted] = []
        self.doom: BaseException | None = None

    def now(self) -> datetime:
        return self._draws.now()

    def new_id(self) -> str:
        self._ids_drawn += 1
        return self._draws.id(self._ids_drawn - 1)

    def lock(self, *workspace_ids: str) -> None:
        self._locked.update(workspace_ids)

    def emit(self, payload: Payload, *, workspace_id: str | None = None, actor: str = "headway") -> None:
        with self.dooming():
            self._catalog.encode(payload)
        self.emitted.append(Emitted(workspace_id=workspace_id, actor=actor, payload=payload))

    def inserted(self, spec: TableSpec[R], record: R) -> None:
        """Check the lock of an insert; a new workspace counts as locked."""
        if spec.lock is Lock.WORKSPACE and spec.key == (spec.workspace,) and spec.workspace == "id":
            self._locked.add(spec.workspace_of(record))
        self.written(spec, record)

    def written(self, spec: TableSpec[R], record: R) -> None:
        """`RuntimeError` when a workspace's row is written without its lock: a programming error."""
        if spec.lock is Lock.WORKSPACE and spec.workspace_of(record) not in self._locked:
            raise RuntimeError(f"{spec.name}: workspace {spec.workspace_of(record)} is not locked here")

    @contextmanager
    def dooming(self) -> Iterator[None]:
        """An error of a port dooms the transaction, whoever catches it (design: ledger, rule 3)."""
        try:
            yield
        except Exception as error:
            self.doom = self.doom or error
            raise

    def refuse_doomed(self) -> None:
        """Raise what doomed this transaction. For ledgers, before the commit."""
        if self.doom is not None:
            raise self.doom
