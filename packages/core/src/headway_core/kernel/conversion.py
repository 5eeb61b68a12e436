"""Records to JSON and back: one converter for stored columns and event payloads.

A closed union of attrs classes is stored with a tag: `{"type": "Dispatch", …}`. Datetimes are ISO 8601
in UTC. Unknown keys are ignored on the way in: an older program may read what a newer one wrote.
"""

import types
import typing
from datetime import UTC, datetime
from typing import Any

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

TAG = "type"


def _arms(hint: Any) -> tuple[type, ...]:
    """The attrs classes of a union of attrs classes (None aside), else nothing."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return ()
    arms = [arm for arm in typing.get_args(hint) if arm is not type(None)]
    if len(arms) < 2 or not all(isinstance(arm, type) and attrs.has(arm) for arm in arms):  # noqa: PLR2004
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


def make_converter() -> cattrs.Converter:
    """A converter with Headway's rules; strict about what must be a number, a flag or a text."""
    converter = cattrs.Converter(prefer_attrib_converters=False)
    converter.register_structure_hook(
        datetime, lambda value, _: datetime.fromisoformat(value).astimezone(UTC)
    )
    converter.register_unstructure_hook(datetime, lambda value: value.astimezone(UTC).isoformat())
    for plain in (str, int, bool):
        converter.register_structure_hook(plain, _exactly(plain))
    converter.register_structure_hook_factory(
        lambda hint: bool(_arms(hint)), lambda hint: _union_structure(converter, hint)
    )
    converter.register_unstructure_hook_factory(
        lambda hint: bool(_arms(hint)), lambda _: _union_unstructure(converter)
    )
    converter.register_structure_hook_factory(attrs.has, lambda cls: make_dict_structure_fn(cls, converter))
    converter.register_unstructure_hook_factory(
        attrs.has, lambda cls: make_dict_unstructure_fn(cls, converter)
    )
    return converter


def _exactly(plain: type) -> Any:
    def structure(value: Any, _: Any) -> Any:
        if type(value) is not plain:
            raise TypeError(f"{value!r} is no {plain.__name__}")
        return value

    return structure


CONVERTER = make_converter()
