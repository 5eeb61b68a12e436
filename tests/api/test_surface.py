"""The face is what was agreed on: its names, its signatures, and what it says of each operation."""

import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import cached_property

import attrs
import pytest
from surface import STUB, SURFACE, stub, surface

from headway_core import api
from headway_core.api import Headway, HeadwayError
from headway_core.event_types import ALL_EVENTS

RENEW = "the face is another one than was written down: look at what changed, and renew it by\n    {}".format(
    "python tests/api/surface.py"
)
NOUNS: tuple[type, ...] = tuple(
    getattr(api, member.func.__annotations__["return"])
    for member in vars(Headway).values()
    if isinstance(member, cached_property)
)
OPERATIONS: dict[str, Callable[..., object]] = {
    f"{noun.__name__}.{name}": member
    for noun in (*NOUNS, Headway)
    for name, member in vars(noun).items()
    if inspect.isfunction(member) and not name.startswith("_")
}
ASK_NOBODY = {"Headway.changes", "Headway.running", "Sessions.agents"}
"""What is no question to a database: it returns at once."""


def test_the_surface_is_the_one_that_was_written_down() -> None:
    """No name and no signature changes unseen; the file is renewed by a script."""
    assert surface() == SURFACE.read_text("utf-8"), RENEW


def test_type_checkers_see_the_names_that_the_face_has() -> None:
    """The stub is made of the table that the face imports by."""
    assert stub() == STUB.read_text("utf-8"), RENEW


def test_every_noun_has_its_operations() -> None:
    """`Headway` gives one object a noun, and each is a class of the face."""
    assert sorted(noun.__name__ for noun in NOUNS) == [
        "Board",
        "Events",
        "Fixers",
        "ForgeActions",
        "Hosts",
        "Projects",
        "PullRequests",
        "Ratchet",
        "Sessions",
        "Settings",
        "Webhooks",
        "Workspaces",
    ]
    assert OPERATIONS


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_asynchronous_and_takes_no_transaction(name: str) -> None:
    """Everything that asks a database is awaited or iterated; `tx` is in no signature."""
    operation = OPERATIONS[name]
    assert "tx" not in inspect.signature(operation).parameters
    waits = inspect.iscoroutinefunction(operation) or inspect.isasyncgenfunction(operation)
    assert waits is (name not in ASK_NOBODY)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_raises(name: str) -> None:
    """Each error under Raises is one of the face, and each section has something under it."""
    text = inspect.getdoc(OPERATIONS[name]) or ""
    assert not re.search(r"^(Args|Returns|Yields|Raises):\n(?! {4}\S)", text, re.MULTILINE)
    _, _, raises = text.partition("Raises:\n")
    for error in re.findall(r"^ {4}(\w+):", raises, re.MULTILINE):
        assert issubclass(getattr(api, error), HeadwayError)
    assert "tx" not in text.split()


def test_what_operations_take_and_give_is_exported() -> None:
    """Every record, enum, command and outcome in a signature, and in a record's fields, and every event."""
    hints = [hint for operation in OPERATIONS.values() for hint in typing.get_type_hints(operation).values()]
    reached: set[type] = set()
    for hint in [*hints, *ALL_EVENTS]:
        _reach(hint, reached)
    missing = {each.__qualname__ for each in reached if getattr(api, each.__name__, None) is not each}
    assert missing == set()
    assert len(reached) > 100


def _reach(hint: object, reached: set[type]) -> None:
    """The types of ours that a hint names, and those of their fields."""
    for part in _parts(hint):
        if part in reached or not part.__module__.startswith("headway"):
            continue
        reached.add(part)
        if attrs.has(part):
            for inner in typing.get_type_hints(part).values():
                _reach(inner, reached)


def _parts(hint: object) -> Iterator[type]:
    if isinstance(hint, (list, tuple)):
        for each in hint:
            yield from _parts(each)
    elif isinstance(hint, enum.Enum):
        yield type(hint)
    elif typing.get_origin(hint) is not None:
        yield from _parts(typing.get_args(hint))
    elif isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        yield hint


def test_a_name_that_the_face_does_not_have() -> None:
    """It is refused as by any module, and `dir` lists what there is."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(api, "nothing")  # noqa: B009  type checkers know that it is not there
    assert dir(api) == sorted(dir(api))
    assert all(getattr(api, name) is not None for name in dir(api))
