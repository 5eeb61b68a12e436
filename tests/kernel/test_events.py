"""The catalog knows each payload by its name and version."""

from typing import ClassVar

import attrs
import pytest

from headway_core.kernel.events import EventCatalog, UnknownPayload


@attrs.frozen(kw_only=True)
class Moved:
    event: ClassVar[str] = "thing.moved"
    version: ClassVar[int] = 2
    to: str


@attrs.frozen(kw_only=True)
class Impostor:
    event: ClassVar[str] = "thing.moved"
    version: ClassVar[int] = 2
    to: str


def test_round_trip() -> None:
    """A payload is stored by name, version and data, and read back equal."""
    catalog = EventCatalog([Moved])
    stored = catalog.encode(Moved(to="attic"))
    assert stored == ("thing.moved", 2, {"to": "attic"})
    assert catalog.decode(*stored) == Moved(to="attic")


@pytest.mark.parametrize(("name", "version"), [("thing.moved", 3), ("thing.painted", 2)])
def test_unknown(name: str, version: int) -> None:
    """An event of another version of the code is kept as it is."""
    unknown = EventCatalog([Moved]).decode(name, version, {"to": 1})
    assert unknown == UnknownPayload(event=name, version=version, data={"to": 1})


def test_unlisted() -> None:
    """A payload that the catalog does not list is refused, also under a name that it lists."""
    for catalog in (EventCatalog([]), EventCatalog([Moved])):
        with pytest.raises(TypeError, match="Impostor"):
            catalog.encode(Impostor(to="attic"))


def test_two_of_one_name() -> None:
    """Two payloads can't share a name and version; the same one may be listed twice."""
    EventCatalog([Moved, Moved])
    with pytest.raises(ValueError, match=r"thing\.moved 2"):
        EventCatalog([Moved, Impostor])
