"""Records become JSON and come back equal; what is not theirs is refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.kernel.conversion import CONVERTER


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@attrs.frozen(kw_only=True)
class Wait:
    seconds: int
    until: datetime | None = None


@attrs.frozen(kw_only=True)
class Go:
    sizes: frozenset[Size] = frozenset()


@attrs.frozen(kw_only=True)
class Plan:
    name: str
    ready: bool
    ratio: float
    level: Level
    next: Wait | Go | None
    later: tuple[Wait | Go, ...]
    only: Wait | None
    words: Mapping[Size, str]


moments = st.datetimes(timezones=st.just(UTC))
waits = st.builds(Wait, seconds=st.integers(), until=st.none() | moments)
goes = st.builds(Go, sizes=st.frozensets(st.sampled_from(Size)))
plans = st.builds(
    Plan,
    name=st.text(),
    ready=st.booleans(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    level=st.sampled_from(Level),
    next=st.none() | waits | goes,
    later=st.lists(waits | goes).map(tuple),
    only=st.none() | waits,
    words=st.dictionaries(st.sampled_from(Size), st.text()),
)


@given(plans)
def test_round_trip(plan: Plan) -> None:
    """Through JSON text and back every record is equal: unions, enums, sets, times, nested."""
    text = json.dumps(CONVERTER.unstructure(plan))
    assert CONVERTER.structure(json.loads(text), Plan) == plan


@given(plans)
def test_one_form(plan: Plan) -> None:
    """Equal records have the same JSON, whatever order their sets have."""
    again = CONVERTER.structure(json.loads(json.dumps(CONVERTER.unstructure(plan))), Plan)
    assert json.dumps(CONVERTER.unstructure(again)) == json.dumps(CONVERTER.unstructure(plan))


def test_form() -> None:
    """The stored form: a closed union carries the name of its class, times are UTC, sets are sorted."""
    elsewhere = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    union: Any = tuple[Wait | Go, ...]
    value = (Wait(seconds=1, until=elsewhere), Go(sizes=frozenset(Size)))
    assert CONVERTER.unstructure(value, unstructure_as=union) == [
        {"type": "Wait", "seconds": 1, "until": "2026-01-01T00:00:00+00:00"},
        {"type": "Go", "sizes": ["large", "small"]},
    ]
    assert CONVERTER.unstructure(Go()) == {"sizes": []}
    assert CONVERTER.unstructure(frozenset("hgfedcba"), unstructure_as=frozenset[str]) == list("abcdefgh")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("3", int),
        (True, int),
        (3, str),
        (1, bool),
        ("1.5", float),
        (True, float),
        ("tiny", Size),
        (3, Level),
        ("2026-01-01T00:00:00", datetime),
        ({"type": "Stop"}, Wait | Go),
        ({"seconds": 1}, Wait | Go),
        ("Wait", Wait | Go),
        ({"seconds": "1"}, Wait),
        ({}, Wait),
        ([1], tuple[str, ...]),
    ],
)
def test_strict(value: object, hint: Any) -> None:
    """A value of another type is refused, never bent into shape."""
    with pytest.raises((ValueError, TypeError, ExceptionGroup)):
        CONVERTER.structure(value, hint)


def test_newer_writer() -> None:
    """A key that this version does not know is passed over."""
    assert CONVERTER.structure({"seconds": 1, "colour": "red"}, Wait) == Wait(seconds=1)


def test_whole_numbers() -> None:
    """JSON may write a ratio without a point."""
    ratio = CONVERTER.structure(1, float)
    assert (ratio, type(ratio)) == (1.0, float)


def test_naive_time() -> None:
    """A time without a zone is refused on the way out too: it would be read as another instant."""
    with pytest.raises(ValueError, match="no time zone"):
        CONVERTER.unstructure(Wait(seconds=1, until=datetime(2026, 1, 1)))  # noqa: DTZ001  the violation
