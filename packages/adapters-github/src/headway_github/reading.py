"""Reads JSON strictly: a wrong type or a null where a value is promised names its place."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

T = TypeVar("T")
_INT64 = 2**63


class MalformedError(Exception):
    """The answer is not what the schema promises at `path`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


def clean(text: str) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\ufffd")


def cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, whole characters; what was cut ends in `…`."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= size:
        return raw.decode("utf-8")
    return raw[: size - 3].decode("utf-8", "ignore") + "…"


class Node:
    """A JSON object with typed access. `lenient`: what is optional and wrong is absent, never an error."""

    def __init__(self, value: object, path: str = "", *, lenient: bool = False) -> None:
        if not isinstance(value, dict):
            raise MalformedError(path, "is no object")
        self._value = value
        self._path = path
        self._lenient = lenient

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        return key in self._value

    def maybe_text(self, key: str) -> str | None:
        value = self._value.get(key)
        if isinstance(value, str):
            return clean(value)
        if value is not None:
            self._absent(key, "is no text")
        return None

    def text(self, key: str) -> str:
        return self._there(key, self.maybe_text(key))

    def maybe_integer(self, key: str) -> int | None:
        value = self._value.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT64:
            return value
        self._absent(key, "is no id or count")
        return None

    def integer(self, key: str) -> int:
        return self._there(key, self.maybe_integer(key))

    def maybe_flag(self, key: str) -> bool | None:
        value = self._value.get(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self._absent(key, "is no flag")
        return None

    def flag(self, key: str) -> bool:
        return self._there(key, self.maybe_flag(key))

    def maybe_time(self, key: str) -> datetime | None:
        text = self.maybe_text(key)
        if not text:
            return None
        try:
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            self._absent(key, "is no time")
            return None

    def time(self, key: str) -> datetime:
        return self._there(key, self.maybe_time(key))

    def maybe_node(self, key: str) -> "Node | None":
        value = self._value.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._absent(key, "is no object")
            return None
        return Node(value, self._at(key), lenient=self._lenient)

    def node(self, key: str) -> "Node":
        return self._there(key, self.maybe_node(key))

    def values(self, key: str) -> Sequence[object]:
        """The entries of a list, nulls included."""
        value = self._value.get(key)
        if not isinstance(value, list):
            raise MalformedError(self._at(key), "is no list")
        return value

    def texts(self, key: str) -> list[str]:
        """The texts of a list, nulls left out; none where the list is null."""
        value = self._value.get(key)
        entries = [] if value is None else [each for each in self.values(key) if each is not None]
        if not all(isinstance(each, str) for each in entries):
            raise MalformedError(self._at(key), "holds what is no text")
        return [clean(str(each)) for each in entries]

    def nodes(self, key: str) -> list["Node"]:
        """The objects of a list."""
        return [
            Node(value, f"{self._at(key)}[{n}]", lenient=self._lenient)
            for n, value in enumerate(self.values(key))
        ]

    def _there(self, key: str, value: T | None) -> T:
        if value is None:
            raise MalformedError(self._at(key), "is missing")
        return value

    def _absent(self, key: str, problem: str) -> None:
        """What is optional and wrong: absent when lenient, else malformed."""
        if not self._lenient:
            raise MalformedError(self._at(key), problem)
