"""Records to rows and back, column by column."""

import json
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import attrs

from headway_core.kernel.conversion import CONVERTER, enum_by_value
from headway_core.kernel.tables import ColumnSpec, Kind, TableSpec

R = TypeVar("R")


def time_text(value: datetime) -> str:
    """UTC in fixed width, so that the order of the texts is the order of the times."""
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")


json_text: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode
"""JSON as it is stored: ASCII, so that it holds what GitHub's texts may hold, half surrogates included."""


SHARED_LENGTH = 100
"""JSON up to this many characters repeats itself: empty lists, a source, a decision without figures."""
SHARED = 256
"""How many such texts of a column are known with their values."""


class Rows(Generic[R]):
    """The conversion of one table, prepared once: each way when the first row goes it."""

    def __init__(self, spec: TableSpec[R]) -> None:
        self._columns = spec.columns()
        self._record = spec.record
        self._names = tuple(column.name for column in self._columns)

    @cached_property
    def _encoders(self) -> "tuple[tuple[str, Conversion], ...]":
        return _those(_encoder, self._columns)

    @cached_property
    def _decoders(self) -> "tuple[tuple[str, Conversion], ...]":
        return _those(_decoder, self._columns)

    def encode(self, record: R) -> dict[str, object]:
        """The row of a record."""
        row: dict[str, Any] = {name: getattr(record, name) for name in self._names}
        for name, encode in self._encoders:
            value = row[name]
            if value is not None:
                row[name] = encode(value)
        return row

    def decode(self, row: Sequence[Any]) -> R:
        """The record of a row whose columns stand in the record's order.

        Equal columns may share their values: records are never changed.
        """
        facts = dict(zip(self._names, row, strict=True))
        for name, decode in self._decoders:
            value = facts[name]
            if value is not None:
                facts[name] = decode(value)
        return self._record(**facts)


def plain(value: object) -> object:
    """A value of a key or of a query as it is stored: a driver may know no enums."""
    match value:
        case datetime():
            return time_text(value)
        case str():
            return str(value)
        case _:
            return value


def encode_parameters(parameters: Mapping[str, object]) -> dict[str, object]:
    """Parameters of a query as they are stored."""
    return {name: plain(value) for name, value in parameters.items()}


Conversion = Callable[[Any], object]


def _those(
    conversion: Callable[[ColumnSpec], Conversion | None], columns: Iterable[ColumnSpec]
) -> tuple[tuple[str, Conversion], ...]:
    """The conversions of the columns that need one, by name."""
    found = ((column.name, conversion(column)) for column in columns)
    return tuple((name, convert) for name, convert in found if convert is not None)


def _encoder(column: ColumnSpec) -> Conversion | None:
    match column.kind:
        case Kind.TIME:
            return time_text
        case Kind.JSON:
            return _json_encoder(column)
        case Kind.TEXT:
            return str
        case Kind.INTEGER | Kind.FLAG:
            return None


def _decoder(column: ColumnSpec) -> Conversion | None:
    match column.kind:
        case Kind.TIME:
            return datetime.fromisoformat
        case Kind.JSON:
            return _json_decoder(column)
        case Kind.TEXT:
            return None if column.type is str else enum_by_value(column.type)
        case Kind.INTEGER:
            return None
        case Kind.FLAG:
            return bool


def _json_encoder(column: ColumnSpec) -> Conversion:
    plain = CONVERTER.get_unstructure_hook(column.type)

    def encode(value: Any) -> str:
        return json_text(plain(value))

    if typing.get_origin(column.type) in (tuple, frozenset):
        return lambda value: encode(value) if value else "[]"  # most of them are empty
    return encode


def _json_decoder(column: ColumnSpec) -> Conversion:
    structure = CONVERTER.get_structure_hook(column.type)

    def decode(text: str) -> object:
        return structure(json.loads(text), column.type)

    shared = lru_cache(SHARED)(decode)
    held: WeakValueDictionary[str, object] = WeakValueDictionary()

    def decode_once(text: str) -> object:
        """Decode a text once for as long as somebody holds the result, as a board that is shown holds its
        facts.
        """
        value = held.get(text)
        if value is None:
            value = held[text] = decode(text)
        return value

    long = decode_once if attrs.has(column.type) else decode
    return lambda text: shared(text) if len(text) <= SHARED_LENGTH else long(text)
