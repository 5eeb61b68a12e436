"""Domain events: the outbox, the audit trail and the stream of changes are one log.

A payload is a frozen attrs class with two class variables, `event` (dotted name) and `version`. It is
emitted in the transaction that makes the change; the ledger writes events last, so that position
order is commit order and a reader that remembers a position misses nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import attrs

from headway_core.kernel.conversion import CONVERTER

if TYPE_CHECKING:
    from headway_core.kernel.ledger import ReadTransaction


class Payload(Protocol):
    """What happened: a frozen attrs class that names itself."""

    event: ClassVar[str]
    version: ClassVar[int]
    __attrs_attrs__: ClassVar[Any]


@attrs.frozen(kw_only=True)
class UnknownPayload:
    """An event that this version of the code does not know: kept as it is, never dropped."""

    event: str
    version: int
    data: Mapping[str, object]


@attrs.frozen(kw_only=True)
class DomainEvent:
    """One line of the log. `position` grows in commit order and may have holes."""

    position: int
    workspace_id: str | None
    at: datetime
    actor: str
    """Who asked: `headway`, or a person's or program's name as the caller gave it."""
    payload: Payload | UnknownPayload


class EventCatalog:
    """The payload types that this process knows, by (event, version)."""

    def __init__(self, payloads: Iterable[type[Payload]]) -> None:
        self._types: dict[tuple[str, int], type[Payload]] = {}
        for payload in payloads:
            known = self._types.setdefault((payload.event, payload.version), payload)
            if known is not payload:
                raise ValueError(f"two payloads are named {payload.event} {payload.version}")

    def encode(self, payload: Payload) -> tuple[str, int, Mapping[str, object]]:
        """Name, version and JSON data. `TypeError` for a payload that the catalog does not list."""
        name, version = payload.event, payload.version
        if self._types.get((name, version)) is not type(payload):
            raise TypeError(f"{type(payload).__name__} is not in the catalog of events")
        return name, version, CONVERTER.unstructure(payload)

    def decode(self, name: str, version: int, data: Mapping[str, object]) -> Payload | UnknownPayload:
        known = self._types.get((name, version))
        if known is None:
            return UnknownPayload(event=name, version=version, data=data)
        return CONVERTER.structure(data, known)


class EventLog(ABC):
    """Reads the log."""

    @abstractmethod
    def after(
        self, tx: "ReadTransaction", position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        """At most `limit` events after `position`, in order; of one workspace when it is given."""

    @abstractmethod
    def last_position(self, tx: "ReadTransaction") -> int:
        """The newest position, 0 when the log is empty."""
