"""Domain events: the outbox, the audit trail and the stream of changes are one log.

A payload is a frozen attrs class with two class variables, `event` (dotted name) and `version`. It is
emitted in the transaction that makes the change; the ledger writes events last, so that position
order is commit order and a reader that remembers a position misses nothing.

A payload that changes its fields takes the next version, and says in `upcasts` how the stored data of each
older one becomes that of the next:

    class WorktreeMade:
        event: ClassVar[str] = "workspace.worktree_made"
        version: ClassVar[int] = 2
        upcasts: ClassVar[Upcasts] = {1: lambda data: {**data, "branch_made": True}}
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property

import attrs

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.tables import Lock, TableSpec
from headway_core.kernel.transactions import Payload, ReadTransaction, Transaction

Upcasts = Mapping[int, Callable[[Mapping[str, object]], Mapping[str, object]]]
"""By an old version: a pure function from its stored data to that of the next version."""


@attrs.frozen(kw_only=True)
class UnknownPayload:
    """An event that this version of the code does not know: kept as it is, never dropped."""

    event: str
    """The name under which it was stored."""
    version: int
    """The version of its data."""
    data: Mapping[str, object]
    """What was stored, as plain JSON."""


@attrs.frozen(kw_only=True)
class DomainEvent:
    """One line of the log."""

    position: int
    """Grows in the order of commits, and may have holes."""
    workspace_id: str | None
    """The workspace that it is about; None where it is about none."""
    at: datetime
    """The time of the transaction that wrote it, in UTC."""
    actor: str
    """Who asked: `headway`, or a person's or program's name as the caller gave it."""
    payload: Payload | UnknownPayload
    """What happened."""


class EventCatalog:
    """The payload types that this process knows, by name; each in its newest version."""

    def __init__(self, payloads: Iterable[type[Payload]] | Callable[[], Iterable[type[Payload]]]) -> None:
        """Take the payloads, or what gives them, which is asked with the first event that is read or written.

        `ValueError` for two payloads of one name, and for a version that could not be read any more.
        """
        self._given = payloads
        if not callable(payloads):
            _ = self._types

    @cached_property
    def _types(self) -> Mapping[str, type[Payload]]:
        types: dict[str, type[Payload]] = {}
        for payload in self._given() if callable(self._given) else self._given:
            if types.setdefault(payload.event, payload) is not payload:
                raise ValueError(f"two payloads are named {payload.event}")
            if sorted(_upcasts(payload)) != list(range(1, payload.version)):
                raise ValueError(
                    f"{payload.event} {payload.version} needs an upcast of each version before it"
                )
        return types

    def encode(self, payload: Payload) -> tuple[str, int, Mapping[str, object]]:
        """Name, version and JSON data. `TypeError` for a payload that the catalog does not list."""
        if self._types.get(payload.event) is not type(payload):
            raise TypeError(f"{type(payload).__name__} is not in the catalog of events")
        return payload.event, payload.version, CONVERTER.unstructure(payload)

    def decode(self, name: str, version: int, data: Mapping[str, object]) -> Payload | UnknownPayload:
        """The payload in its newest version; as it is when its name or so new a version is not known."""
        known = self._types.get(name)
        if known is None or version > known.version:
            return UnknownPayload(event=name, version=version, data=data)
        for older in range(version, known.version):
            data = _upcasts(known)[older](data)
        return CONVERTER.structure(data, known)


def _upcasts(payload: type[Payload]) -> Upcasts:
    upcasts: Upcasts = getattr(payload, "upcasts", {})
    return upcasts


class EventLog(ABC):
    """Reads the log."""

    @abstractmethod
    def after(
        self, tx: ReadTransaction, position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        """At most `limit` events after `position`, in order; of one workspace when it is given."""

    @abstractmethod
    def last_position(self, tx: ReadTransaction) -> int:
        """The newest position, 0 when the log is empty."""

    @abstractmethod
    def pruned_up_to(self, tx: ReadTransaction) -> int:
        """Events up to this position were removed; 0 when none was. Who has read less has missed some."""


@attrs.frozen(kw_only=True)
class Pruned:
    """How much of the log was removed."""

    id: str = "events"
    up_to: int


PRUNED = TableSpec(name="events_pruned", record=Pruned, lock=Lock.APPEND)
"""Kept by the ledger itself, as the log is."""


class EventPruner(ABC):
    """Removes the oldest events. Given to the one service that knows who has read them (law 1)."""

    @abstractmethod
    def prune(self, tx: Transaction, up_to: int) -> None:
        """Remove the events up to this position, but never the newest, which tells where the log is."""
