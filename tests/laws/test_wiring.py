"""Law 1: the write port of a table has one owner, whatever the container does."""

import functools
import types
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, assert_type

import pytest
from dependency_injector import providers

from headway_core.container import CoreContainer
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.kernel.wiring import writer
from headway_core.projects import PROJECTS
from headway_core.ratchet import RatchetService
from headway_core.schema import ALL_TABLES
from headway_core.sessions import SessionService
from headway_testing.harness import Harness


class Meddler:
    """A service that holds a table's write port, in whatever way, without owning the table."""

    def __init__(self, table: object) -> None:
        self.table = table


class MeddlingContainer(CoreContainer):
    """Two consumers of one write port."""

    meddler = providers.Singleton(Meddler, CoreContainer.sessions.write_sessions)


class SneakingContainer(CoreContainer):
    """A writer where a reader is wanted, through a port of its own."""

    meddler = providers.Singleton(
        Meddler, providers.Callable(lambda s: s, CoreContainer.ratchet.write_ratchets)
    )


class ListingContainer(CoreContainer):
    """A writer among others in a list."""

    meddler = providers.Singleton(Meddler, providers.List(CoreContainer.pull_requests.write_watches))


class ClaimingContainer(CoreContainer):
    """Two who share out one kind of work."""

    meddler = providers.Singleton(Meddler, CoreContainer.pull_requests.claim_fetches)
    another = providers.Singleton(Meddler, CoreContainer.pull_requests.claim_fetches)


class PosingContainer(CoreContainer):
    """A writer under the name of a reader."""

    read_projects = writer(CoreContainer.store, PROJECTS)
    meddler = providers.Singleton(Meddler, read_projects)


def consumers_by_wiring(container: type[CoreContainer], prefix: str = "write_") -> Counter[str]:
    """How many other providers take each `write_…` provider of a room, in whatever way they take it."""
    named = {name: p for name, p in _declared(container) if name.startswith(prefix)}
    everything = _all_providers(container)
    return Counter(
        name for name, writer in named.items() for p in everything if any(r is writer for r in p.related)
    )


def _declared(
    container: type[CoreContainer] | CoreContainer,
) -> Iterator[tuple[str, providers.Provider[Any]]]:
    """The providers of a container and of the rooms in it, by name."""
    for name, provider in container.providers.items():
        if isinstance(provider, providers.Container):
            yield from _declared(provider.container)
        else:
            yield name, provider


def _all_providers(container: type[CoreContainer]) -> set[providers.Provider[Any]]:
    seen: set[providers.Provider[Any]] = set()
    todo = [provider for _, provider in _declared(container)]
    while todo:
        provider = todo.pop()
        if provider not in seen:
            seen.add(provider)
            todo += provider.related
    return seen


def holders_of_writers(harness: Harness) -> Counter[str]:
    """How many objects of the resolved harness hold a writer of each table in an attribute."""
    return Counter(held.spec.name for value in _objects(harness.core) for held in _parts_that_write(value))


def _parts_that_write(value: object) -> list[OwnedTable[Any]]:
    return [held for held in _attributes(value) if isinstance(held, OwnedTable)]


def _objects(core: Any) -> Iterator[object]:
    todo: list[object] = [part for _, p in _declared(core) for part in _parts(p())]
    seen: dict[int, object] = {}
    while todo:
        value = todo.pop()
        ours = type(value).__module__.startswith(("headway_core.", __name__))
        if id(value) in seen or not ours or isinstance(value, (Store, Ledger, ReadTable)):
            continue
        if type(value).__module__.startswith("headway_testing"):
            continue
        seen[id(value)] = value
        todo += _attributes(value)
        yield value


def _attributes(value: object) -> list[object]:
    """What an object holds, in slots of every class of it too."""
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    names = {*getattr(value, "__dict__", {}), *slots} - {"__weakref__"}
    return [part for name in names if hasattr(value, name) for part in _parts(getattr(value, name))]


def _parts(value: object) -> list[object]:
    """A value, or what lies in it when it only carries: collections, partials, functions' closures."""
    match value:
        case list() | tuple() | set() | frozenset():
            inside = list(value)
        case dict():
            inside = list(value.values())
        case functools.partial():
            inside = [value.func, *value.args, *value.keywords.values()]
        case types.FunctionType():
            inside = [cell.cell_contents for cell in value.__closure__ or ()]
        case types.MethodType():
            inside = [value.__self__]
        case _:
            return [value]
    return [part for each in inside for part in _parts(each)]


@pytest.mark.lesson("R19", "S6")
def test_every_write_port_has_one_consumer_in_the_wiring() -> None:
    """The container gives each write port to exactly one provider."""
    found = consumers_by_wiring(CoreContainer)
    assert len(found) == len(ALL_TABLES)
    assert set(found.values()) == {1}


def test_every_kind_of_claims_has_one_consumer() -> None:
    """The container gives the claims of a kind to exactly one provider; a planted second one is found."""
    assert set(consumers_by_wiring(CoreContainer, "claim_").values()) == {1}
    assert consumers_by_wiring(ClaimingContainer, "claim_")["claim_fetches"] > 1


def test_every_table_has_one_holder_of_its_writer() -> None:
    """Of the resolved objects, exactly one holds the writer of each table."""
    found = holders_of_writers(Harness())
    assert sorted(found) == sorted(spec.name for spec in ALL_TABLES)
    assert set(found.values()) == {1}


def test_no_reader_is_a_writer() -> None:
    """A read port can't write: it is another class."""
    harness = Harness()
    readers = [p() for name, p in _declared(harness.core) if name.startswith("read_")]
    assert readers
    assert not [table for table in readers if isinstance(table, OwnedTable)]


def test_every_provider_resolves() -> None:
    """The wiring is complete: everything that is declared can be made."""
    harness = Harness()
    assert all(provider() is not None for _, provider in _declared(harness.core))


def test_types_survive_the_wiring() -> None:
    """What a room's provider makes is of its own type for mypy too, and nothing of it is `Any`."""
    core = Harness().core
    assert_type(core.sessions.service(), SessionService)
    assert_type(core.ratchet.service(), RatchetService)
    assert isinstance(core.ratchet.service(), RatchetService)


def test_a_second_consumer_is_found() -> None:
    """A planted second consumer breaks both walks."""
    assert consumers_by_wiring(MeddlingContainer)["write_sessions"] == 2
    assert holders_of_writers(Harness(container=MeddlingContainer))["sessions"] == 2


def test_a_hidden_consumer_is_found() -> None:
    """A writer that comes through another provider is found by both walks."""
    assert consumers_by_wiring(SneakingContainer)["write_ratchets"] == 2
    assert holders_of_writers(Harness(container=SneakingContainer))["ratchets"] == 2


def test_a_writer_in_a_list_of_providers_is_found() -> None:
    """A list takes a writer as an argument does."""
    assert consumers_by_wiring(ListingContainer)["write_watches"] == 2
    assert holders_of_writers(Harness(container=ListingContainer))["pull_request_watches"] == 2


def test_a_reader_that_is_a_writer_is_found() -> None:
    """A `read_…` provider that makes a second writer of a table is seen in what its consumers hold."""
    harness = Harness(container=PosingContainer)
    assert isinstance(harness.core.providers["read_projects"](), OwnedTable)
    assert holders_of_writers(harness)["projects"] == 2


@pytest.mark.parametrize(
    "carry",
    [
        lambda table: {"table": table},
        lambda table: [(table,)],
        lambda table: functools.partial(print, table),
        lambda table: lambda: table,
        lambda table: table.replace,
    ],
    ids=["dict", "nested", "partial", "closure", "method"],
)
def test_a_carried_writer_is_found(carry: Callable[[OwnedTable[Any]], object]) -> None:
    """A writer is held, however it is wrapped."""
    harness = Harness()
    (held,) = _parts_that_write(Meddler(carry(harness.core.sessions.write_sessions())))
    assert held.spec.name == "sessions"
