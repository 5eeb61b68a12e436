"""Records to JSON and back: one converter for stored columns and event payloads.

A closed union of attrs classes is stored with a tag: `{"type": "Dispatch", …}`. Datetimes are ISO 8601
in UTC, sets are sorted lists. Unknown keys are ignored on the way in: an older program may read what a
newer one wrote.
"""

import types
import typing
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from functools import cache
from typing import Any, TypeVar

import attrs
import cattrs
from cattrs.cols import homogenous_tuple_structure_factory

TAG = "type"

E = TypeVar("E", bound=Enum)


def _arms(hint: Any) -> tuple[type, ...]:
    """The attrs classes of a union of attrs classes (None aside), else nothing."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return ()
    arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
    if len(arms) < 2 or not all(isinstance(arm, type) and attrs.has(arm) for arm in arms):  # noqa: PLR2004  one is no union
        return ()
    return tuple(arms)


def _union_structure(converter: cattrs.Converter, hint: Any) -> Any:
    by_name = {arm.__name__: arm for arm in _arms(hint)}

    def structure(value: Any, _: Any) -> Any:
        if value is None:
            return None
        tag = value.get(TAG) if isinstance(value, dict) else None
        if tag not in by_name:
            raise ValueError(f"{TAG}: {tag!r} is none of {', '.join(sorted(by_name))}")
        return converter.structure({k: v for k, v in value.items() if k != TAG}, by_name[tag])

    return structure


def _union_unstructure(converter: cattrs.Converter) -> Any:
    def unstructure(value: Any) -> Any:
        if value is None:
            return None
        return {TAG: type(value).__name__, **converter.unstructure(value, unstructure_as=type(value))}

    return unstructure


def _optional(hint: Any) -> Any:
    """What else than None a hint allows, when that is one type."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return None
    rest = [arm for arm in typing.get_args(hint) if arm is not type(None)]
    return rest[0] if len(rest) == 1 else None


def _optional_structure(converter: cattrs.Converter, hint: Any) -> Any:
    some = _optional(hint)
    structure = converter.get_structure_hook(some)
    return lambda value, _: None if value is None else structure(value, some)


def _is_list(hint: Any) -> bool:
    """A tuple of any length."""
    return typing.get_origin(hint) is tuple and typing.get_args(hint)[1:] == (...,)


def _exactly(plain: type) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not plain:
            raise TypeError(f"{value!r} is no {plain.__name__}")
        return value

    return structure


@cache
def enum_by_value(choice: type[E]) -> Callable[[object], E]:
    """What `choice(value)` gives or raises, found in a third of the time."""
    members = {member.value: member for member in choice}

    def member_of(value: object) -> E:
        try:
            return members[value]
        except (KeyError, TypeError):
            return choice(value)

    return member_of


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _moment(value: Any, _: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment.astimezone(UTC)


def _moment_text(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC).isoformat()


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(unstruct_collection_overrides={AbstractSet: sorted})
    converter.register_structure_hook(datetime, _moment)
    converter.register_unstructure_hook(datetime, _moment_text)
    converter.register_structure_hook(float, _number)
    for plain in (str, int, bool):
        converter.register_structure_hook(plain, _exactly(plain))
    for choice in (StrEnum, IntEnum):  # else the hook of `str` or `int` takes them, and checks nothing
        converter.register_structure_hook(choice, lambda value, cls: enum_by_value(cls)(value))
    # These two cattrs has as well, and looks up at each value how to make it.
    converter.register_structure_hook_factory(_is_list, homogenous_tuple_structure_factory)
    converter.register_structure_hook_factory(
        lambda hint: _optional(hint) is not None, lambda hint: _optional_structure(converter, hint)
    )
    converter.register_structure_hook_factory(
        lambda hint: bool(_arms(hint)), lambda hint: _union_structure(converter, hint)
    )
    converter.register_unstructure_hook_factory(
        lambda hint: bool(_arms(hint)), lambda _: _union_unstructure(converter)
    )
    return converter


CONVERTER = _make_converter()
"""Headway's rules, strict about what must be a number, a flag or a text. `unstructure(value,
unstructure_as=hint)` gives JSON values, `structure(value, hint)` takes them back, or raises a `ValueError`
or an exception group of cattrs."""


def record_data(record: attrs.AttrsInstance) -> dict[str, object]:
    """A record as JSON values, by the names of its fields: as it is stored, for whoever writes it elsewhere.

    Args:
        record: A frozen record of Headway.

    Returns:
        Times are ISO 8601 in UTC, enums their values, tuples lists; a member of a union has its class's name
        under `type`.
    """
    data: dict[str, object] = CONVERTER.unstructure(record)
    return data
