"""The catalog knows each payload by its name and version."""

from typing import ClassVar

import attrs
import pytest

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog, UnknownPayload, Upcasts
from headway_core.workspaces import WorktreeMade


@attrs.frozen(kw_only=True)
class Moved:
    """Version 1 had `place`; version 2 had `to`; version 3 says from where too."""

    event: ClassVar[str] = "thing.moved"
    version: ClassVar[int] = 3
    upcasts: ClassVar[Upcasts] = {
        1: lambda data: {"to": data["place"]},
        2: lambda data: {**data, "origin": None},
    }
    to: str
    origin: str | None


@attrs.frozen(kw_only=True)
class Impostor:
    event: ClassVar[str] = "thing.moved"
    version: ClassVar[int] = 1
    to: str


def test_round_trip() -> None:
    """A payload is stored by name, version and data, and read back equal."""
    catalog = EventCatalog([Moved])
    stored = catalog.encode(Moved(to="attic", origin="cellar"))
    assert stored == ("thing.moved", 3, {"to": "attic", "origin": "cellar"})
    assert catalog.decode(*stored) == Moved(to="attic", origin="cellar")


@pytest.mark.parametrize(("version", "data"), [(1, {"place": "attic"}), (2, {"to": "attic"})])
def test_upcast(version: int, data: dict[str, object]) -> None:
    """What older code stored is read as the newest, a step a version, and the data is left as it was."""
    before = dict(data)
    assert EventCatalog([Moved]).decode("thing.moved", version, data) == Moved(to="attic", origin=None)
    assert data == before


@pytest.mark.parametrize(("name", "version"), [("thing.moved", 4), ("thing.painted", 1)])
def test_unknown(name: str, version: int) -> None:
    """An event of a newer version of the code is kept as it is."""
    unknown = EventCatalog([Moved]).decode(name, version, {"to": 1})
    assert unknown == UnknownPayload(event=name, version=version, data={"to": 1})


def test_unlisted() -> None:
    """A payload that the catalog does not list is refused, also under a name that it lists."""
    for catalog in (EventCatalog([]), EventCatalog([Moved])):
        with pytest.raises(TypeError, match="Impostor"):
            catalog.encode(Impostor(to="attic"))


def test_two_of_one_name() -> None:
    """Two payloads can't share a name, whatever their versions; the same one may be listed twice."""
    EventCatalog([Moved, Moved])
    with pytest.raises(ValueError, match=r"thing\.moved"):
        EventCatalog([Moved, Impostor])


@pytest.mark.parametrize("upcasts", [None, {}, {1: dict}, {2: dict}, {1: dict, 2: dict, 3: dict}])
def test_incomplete_chain(upcasts: Upcasts | None) -> None:
    """A version that could be read no more, or an upcast that leads nowhere, is refused at once."""
    fields = {} if upcasts is None else {"upcasts": upcasts}
    broken = type("Broken", (), {"event": "thing.broken", "version": 3, **fields})
    with pytest.raises(ValueError, match=r"thing\.broken 3"):
        EventCatalog([broken])


def test_old_events_of_the_product() -> None:
    """What the product once stored in another version is read as the newest."""
    made = EventCatalog(ALL_EVENTS).decode("workspace.worktree_made", 1, {"worktree_path": "/wt/a"})
    assert made == WorktreeMade(worktree_path="/wt/a", branch_made=True)


def test_a_catalog_asks_for_its_payloads_when_it_needs_them() -> None:
    """A catalog that is given what gives the payloads asks for them once, with the first event."""
    asked = []

    def payloads() -> list[type[Moved]]:
        asked.append(1)
        return [Moved]

    catalog = EventCatalog(payloads)
    assert asked == []
    assert catalog.encode(Moved(to="attic", origin=None))[0] == "thing.moved"
    assert catalog.decode("thing.moved", 9, {}) == UnknownPayload(event="thing.moved", version=9, data={})
    assert asked == [1]
    with pytest.raises(ValueError, match=r"thing\.moved"):
        EventCatalog(lambda: [Moved, Impostor]).encode(Moved(to="attic", origin=None))
