"""The tables and events on which the contract of the ledger is tried: one of every kind."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import attrs

from headway_core.kernel.tables import Index, Lock, Parents, Query, TableSpec
from headway_core.kernel.transactions import Payload


class Colour(StrEnum):
    RED = "RED"
    GREEN = "GREEN"
    BLUE = "BLUE"


@attrs.frozen(kw_only=True)
class Round:
    radius: int


@attrs.frozen(kw_only=True)
class Box:
    width: int
    depth: int | None = None


@attrs.frozen(kw_only=True)
class Part:
    """A nested record: kept as JSON with the item."""

    name: str
    shape: Round | Box
    made_at: datetime


@attrs.frozen(kw_only=True)
class Room:
    """Stands for the workspace: inserting it counts as locking it."""

    id: str
    name: str
    version: int = 1


@attrs.frozen(kw_only=True)
class Item:
    """A versioned record of a room, with every kind of column."""

    id: str
    workspace_id: str
    colour: Colour = Colour.BLUE
    size: int = 0
    broken: bool = False
    tag: str | None = None
    due_at: datetime | None = None
    shape: Round | Box | None = None
    parts: tuple[Part, ...] = ()
    labels: frozenset[Colour] = frozenset()
    version: int = 1


@attrs.frozen(kw_only=True)
class Note:
    """An unversioned record with a key of two columns, one of them a number."""

    topic: str
    number: int
    text: str


@attrs.frozen(kw_only=True)
class Painted:
    """An event."""

    event: ClassVar[str] = "sample.painted"
    version: ClassVar[int] = 1
    item_id: str
    colour: Colour
    shape: Round | Box | None = None
    at: datetime | None = None


@attrs.frozen(kw_only=True)
class Unlisted:
    """An event that the catalog does not list."""

    event: ClassVar[str] = "sample.unlisted"
    version: ClassVar[int] = 1


NAMED = Query(name="named", equal=("name",))
KITCHENS = Query(name="kitchens", among={"name": ("kitchen",)})
ROOMS = TableSpec(
    name="sample_rooms",
    record=Room,
    workspace="id",
    indexes=(Index(name="sample_rooms_name", columns=("name",), unique=True),),
    queries=(NAMED, KITCHENS),
)

IN_COLOUR = Query(name="in_colour", equal=("workspace_id", "colour"))
OF_ROOM = Query(name="of_room", equal=("workspace_id",), order=("size",))
BRIGHT = Query(name="bright", among={"colour": ("RED", "GREEN")})
TAGGED = Query(name="tagged", present=("tag",), order=("-tag",))
BROKEN = Query(name="broken", equal=("broken",))
DUE = Query(name="due", up_to="due_at", order=("due_at",))
BIGGER = Query(name="bigger", after="size", order=("size",), limit=2)
IN_KITCHENS = Query(
    name="in_kitchens",
    of=Parents(column="workspace_id", table=ROOMS, query=KITCHENS),
    present=("tag",),
    order=("-size",),
)
EARLIEST = Query(name="earliest", order=("due_at", "-size"))
LATEST = Query(name="latest", order=("-due_at", "colour"), limit=3)

ITEMS = TableSpec(
    name="sample_items",
    record=Item,
    indexes=(
        Index(name="sample_items_room", columns=("workspace_id",)),
        Index(name="sample_items_tag", columns=("workspace_id", "tag"), unique=True),
        Index(
            name="sample_items_one_bright",
            columns=("workspace_id",),
            unique=True,
            only={"colour": ("RED", "GREEN")},
        ),
    ),
    queries=(IN_COLOUR, OF_ROOM, BRIGHT, TAGGED, BROKEN, DUE, BIGGER, IN_KITCHENS, EARLIEST, LATEST),
)

ABOUT = Query(name="about", equal=("topic",))
NOTES = TableSpec(
    name="sample_notes",
    record=Note,
    key=("topic", "number"),
    lock=Lock.APPEND,
    indexes=(Index(name="sample_notes_text", columns=("text",), unique=True),),
    queries=(ABOUT,),
)

SAMPLE_TABLES: tuple[TableSpec[Any], ...] = (ROOMS, ITEMS, NOTES)
SAMPLE_EVENTS: tuple[type[Payload], ...] = (Painted,)
