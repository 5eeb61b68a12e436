"""Records to rows and back, column by column."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.tables import Column, Kind, TableSpec

R = TypeVar("R")


def time_text(value: datetime) -> str:
    """UTC in fixed width, so that the order of the texts is the order of the times."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


json_text: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode
"""JSON as it is stored: ASCII, so that it holds what GitHub's texts may hold, half surrogates included."""


class Rows(Generic[R]):
    """The conversion of one table, prepared once."""

    def __init__(self, spec: TableSpec[R]) -> None:
        self._record = spec.record
        self._encoders = tuple((column.name, _encoder(column)) for column in spec.columns())
        self._decoders = tuple((column.name, _decoder(column)) for column in spec.columns())

    def encode(self, record: R) -> dict[str, object]:
        """The row of a record."""
        row: dict[str, object] = {}
        for name, encode in self._encoders:
            value = getattr(record, name)
            row[name] = value if value is None or encode is None else encode(value)
        return row

    def decode(self, row: Sequence[Any]) -> R:
        """The record of a row whose columns stand in the record's order."""
        return self._record(
            **{
                name: value if value is None or decode is None else decode(value)
                for (name, decode), value in zip(self._decoders, row, strict=True)
            }
        )


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


def _encoder(column: Column) -> Callable[[Any], object] | None:
    match column.kind:
        case Kind.TIME:
            return time_text
        case Kind.JSON:
            plain = CONVERTER.get_unstructure_hook(column.type)
            return lambda value: json_text(plain(value))
        case Kind.TEXT:
            return str
        case Kind.INTEGER | Kind.FLAG:
            return None


def _decoder(column: Column) -> Callable[[Any], object] | None:
    match column.kind:
        case Kind.TIME:
            return datetime.fromisoformat
        case Kind.JSON:
            structure = CONVERTER.get_structure_hook(column.type)
            return lambda value: structure(json.loads(value), column.type)
        case Kind.TEXT:
            return None if column.type is str else column.type
        case Kind.INTEGER:
            return None
        case Kind.FLAG:
            return bool
