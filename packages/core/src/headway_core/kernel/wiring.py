"""What the containers of the rooms are made with, each a provider that keeps its type."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from dependency_injector import containers, providers

from headway_core.kernel.claims import Claims
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec

R = TypeVar("R")
T = TypeVar("T")
C = TypeVar("C", bound=containers.DeclarativeContainer)


def singleton(
    kind: Callable[[], Callable[..., T]], *given: providers.Provider[Any], **named: providers.Provider[Any]
) -> providers.Singleton[T]:
    """Provide the one object of a class, which `kind` names and which is imported only to construct it.

    `singleton(lambda: ratchet.RatchetService, ledger, steps)`: whoever needs a table or two does not wait for
    the modules of all services.
    """

    def construct(*parts: Any, **named_parts: Any) -> T:
        return kind()(*parts, **named_parts)

    return providers.Singleton(construct, *given, **named)


def reader(store: providers.Provider[Store], spec: TableSpec[R]) -> providers.Singleton[ReadTable[R]]:
    """Provide the read port of a table: for everybody."""
    return providers.Singleton(lambda store: store.reader(spec), store)


def writer(store: providers.Provider[Store], spec: TableSpec[R]) -> providers.Singleton[OwnedTable[R]]:
    """Provide the write port of a table: each is given to exactly one consumer, in the room of its record
    (law 1).
    """
    return providers.Singleton(lambda store: store.writer(spec), store)


def claims(store: providers.Provider[Store], kind: str) -> providers.Singleton[Claims]:
    """Provide the claims of one kind: each is given to exactly one consumer (law 1)."""
    return providers.Singleton(lambda store: store.claims(kind), store)


def room(container: type[C], **given: providers.Provider[Any]) -> C:
    """A room's container inside another one.

    A provider of a container hands out the providers of what is in it, so the type of the room stands for
    it: `core.sessions.service()` is a `SessionService`.
    """
    return cast("C", providers.Container(container, **given))
