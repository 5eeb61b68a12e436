"""Law 1: the write port of a table has one owner, whatever the container does."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from dependency_injector import providers

from headway_core.container import CoreContainer
from headway_core.kernel.ledger import Ledger, Store
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.schema import ALL_TABLES
from headway_core.testing.house import FakeHouse


class Meddler:
    """A service that holds a table's write port without owning the table."""

    def __init__(self, table: OwnedTable[Any]) -> None:
        self.table = table


class MeddlingContainer(CoreContainer):
    """Two consumers of one write port."""

    meddler = providers.Singleton(Meddler, CoreContainer.write_sessions)


class SneakingContainer(CoreContainer):
    """A writer where a reader is wanted, through a port of its own."""

    meddler = providers.Singleton(Meddler, providers.Callable(lambda s: s, CoreContainer.write_ratchets))


def consumers_by_wiring(container: type[CoreContainer]) -> Counter[str]:
    """How many other providers take each `write_…` provider as an argument, directly or through others."""
    named = {name: p for name, p in container.providers.items() if name.startswith("write_")}
    found: Counter[str] = Counter()
    for provider in _all_providers(container):
        if provider in named.values():
            continue
        for name, writer in named.items():
            if any(argument is writer for argument in _arguments(provider)):
                found[name] += 1
    return found


def _all_providers(container: type[CoreContainer]) -> set[providers.Provider[Any]]:
    seen: set[providers.Provider[Any]] = set()
    todo = list(container.providers.values())
    while todo:
        provider = todo.pop()
        if provider not in seen:
            seen.add(provider)
            todo += provider.related
    return seen


def _arguments(provider: providers.Provider[Any]) -> list[object]:
    if not isinstance(provider, (providers.BaseSingleton, providers.Factory, providers.Callable)):
        return []  # what `.provided` gives answers to any attribute
    return [*provider.args, *provider.kwargs.values()]


def holders_of_writers(house: FakeHouse) -> Counter[str]:
    """How many objects of the resolved house hold a writer of each table in an attribute."""
    found: Counter[str] = Counter()
    for value in _objects(house.core):
        for held in _attributes(value):
            if isinstance(held, OwnedTable):
                found[held.spec.name] += 1
    return found


def _objects(core: Any) -> Iterator[object]:
    todo = [provider() for provider in core.providers.values()]
    seen: set[int] = set()
    while todo:
        value = todo.pop()
        ours = type(value).__module__.startswith(("headway_core.", __name__))
        if isinstance(value, (list, tuple)):
            todo += value
        if id(value) in seen or not ours or isinstance(value, (Store, Ledger, ReadTable)):
            continue
        if type(value).__module__.startswith("headway_core.testing"):
            continue
        seen.add(id(value))
        todo += _attributes(value)
        yield value


def _attributes(value: object) -> list[object]:
    names = [*getattr(value, "__dict__", {}), *getattr(type(value), "__slots__", ())]
    return [getattr(value, name) for name in names if name != "__weakref__" and hasattr(value, name)]


@pytest.mark.lesson("R19", "S6")
def test_every_write_port_has_one_consumer_in_the_wiring() -> None:
    """The container gives each write port to exactly one provider."""
    found = consumers_by_wiring(CoreContainer)
    assert len(found) == len(ALL_TABLES)
    assert set(found.values()) == {1}


def test_every_table_has_one_holder_of_its_writer() -> None:
    """Of the resolved objects, exactly one holds the writer of each table."""
    found = holders_of_writers(FakeHouse())
    assert sorted(found) == sorted(spec.name for spec in ALL_TABLES)
    assert set(found.values()) == {1}


def test_no_reader_is_a_writer() -> None:
    """A read port can't write: it is another class."""
    house = FakeHouse()
    readers = [p() for name, p in house.core.providers.items() if name.startswith("read_")]
    assert readers
    assert not [table for table in readers if isinstance(table, OwnedTable)]


def test_every_provider_resolves() -> None:
    """The wiring is complete: everything that is declared can be made."""
    house = FakeHouse()
    assert all(provider() is not None for provider in house.core.providers.values())


def test_a_second_consumer_is_found() -> None:
    """A planted second consumer breaks both walks."""
    assert consumers_by_wiring(MeddlingContainer)["write_sessions"] == 2
    assert holders_of_writers(FakeHouse(MeddlingContainer))["sessions"] == 2


def test_a_hidden_consumer_is_found() -> None:
    """A writer that comes through another provider is still held twice."""
    assert holders_of_writers(FakeHouse(SneakingContainer))["ratchets"] == 2
