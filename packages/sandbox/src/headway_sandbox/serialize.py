"""JSON in and out of attrs values, strictly: unknown keys, missing keys and wrong types are errors.

Understands attrs classes, `str | int | float | bool | None`, `StrEnum`, `tuple[T, ...]`,
`Mapping[str, T]` and unions with None. Both ends of the control API and the state file use it.
"""

import enum
import functools
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from typing import TypeAlias, TypeVar, cast

import attrs

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
_T = TypeVar("_T")


class SerializationError(ValueError):
    """A value does not have the promised shape; `path` says where."""

    def __init__(self, path: str, problem: str) -> None:
        """Locate the problem."""
        super().__init__(f"{path or 'body'}: {problem}")
        self.path = path
        self.problem = problem


def encode(value: object) -> Json:
    """Turn an attrs value (or any of its parts) into plain JSON data."""
    if isinstance(value, enum.Enum):
        return cast("str", value.value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if attrs.has(type(value)):
        fields = attrs.fields(cast("type[attrs.AttrsInstance]", type(value)))
        return {field.name: encode(getattr(value, field.name)) for field in fields}
    raise SerializationError("", f"{type(value).__name__} has no JSON form")


def decode(kind: type[_T], data: object) -> _T:
    """Read JSON data as `kind`; raises `SerializationError` with the path of the first problem."""
    return cast("_T", _reader(cast("Hashable", kind))(data, ""))


_Reader: TypeAlias = Callable[[object, str], object]


@functools.cache
def _reader(kind: object) -> _Reader:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        (inner,) = [argument for argument in arguments if argument is not types.NoneType]
        return _optional(_reader(inner))
    if origin is tuple:
        return _sequence(_reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if isinstance(kind, type) and attrs.has(kind):
        return _record(kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _choice(kind)
    return _scalar(cast("type", kind))


def _optional(inner: _Reader) -> _Reader:
    return lambda data, path: None if data is None else inner(data, path)


def _sequence(inner: _Reader) -> _Reader:
    def read(data: object, path: str) -> object:
        if not isinstance(data, list | tuple):
            raise SerializationError(path, "must be a list")
        return tuple(inner(item, f"{path}[{index}]") for index, item in enumerate(data))

    return read


def _mapping(inner: _Reader) -> _Reader:
    def read(data: object, path: str) -> object:
        if not isinstance(data, dict):
            raise SerializationError(path, "must be an object")
        return {str(key): inner(item, f"{path}.{key}") for key, item in data.items()}

    return read


def _choice(kind: type[enum.Enum]) -> _Reader:
    def read(data: object, path: str) -> object:
        try:
            return kind(data)
        except ValueError:
            raise SerializationError(path, f"must be one of {[item.value for item in kind]}") from None

    return read


def _scalar(kind: type) -> _Reader:
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)

    def read(data: object, path: str) -> object:
        if not isinstance(data, accepted) or (isinstance(data, bool) and kind is not bool):
            raise SerializationError(path, f"must be {kind.__name__}")
        return data

    return read


def _record(kind: type) -> _Reader:
    hints = typing.get_type_hints(kind)
    fields = {
        field.name: (_reader(hints[field.name]), field.default is attrs.NOTHING)
        for field in attrs.fields(kind)
    }

    def read(data: object, path: str) -> object:
        if not isinstance(data, dict):
            raise SerializationError(path, "must be an object")
        if unknown := sorted(set(data) - set(fields)):
            raise SerializationError(path, f"unknown keys {unknown}")
        values: dict[str, object] = {}
        for name, (inner, required) in fields.items():
            at = f"{path}.{name}" if path else name
            if name in data:
                values[name] = inner(data[name], at)
            elif required:
                raise SerializationError(at, "is missing")
        return kind(**values)

    return read
