"""Hypothesis strategies for whatever the types of a record allow. Needs the extra `strategies`."""

import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

import attrs
from hypothesis import strategies as st

T = TypeVar("T")

PLAIN: Mapping[object, st.SearchStrategy[object]] = {
    str: st.text(st.characters(codec="utf-8")),
    bool: st.booleans(),
    int: st.integers(min_value=-(2**63), max_value=2**63 - 2),  # a version counts on
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def values(hint: object) -> st.SearchStrategy[object]:
    """What an annotation of a record allows."""
    origin, arms = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(arm) for arm in arms])
    if origin is tuple:
        if arms[1:] == (...,):
            return st.lists(values(arms[0]), max_size=3).map(tuple)
        return st.tuples(*(values(arm) for arm in arms))
    if origin is frozenset:
        return st.frozensets(values(arms[0]), max_size=3)
    if origin in (dict, Mapping):
        return st.dictionaries(values(arms[0]), values(arms[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if isinstance(hint, type):
        return records(hint)
    raise TypeError(f"no values are known of {hint}")


def records(record: type[T]) -> st.SearchStrategy[T]:
    """Instances of an attrs class."""
    hints = typing.get_type_hints(record)
    fields = attrs.fields(typing.cast("type[attrs.AttrsInstance]", record))
    return st.builds(record, **{field.alias: values(hints[field.name]) for field in fields})
