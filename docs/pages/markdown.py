"""How a page is written: tables, code, types with their links."""

import enum
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

import attrs

from headway_core.settings.model import SettingsRecord
from pages.docstrings import members
from pages.public import UNIONS, name_of


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar within a cell is escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """A value as code."""
    return f"`{value}`"


def hint(of: object) -> str:
    """A type as it is written in Python; a union that has a name by it."""
    if isinstance(of, types.UnionType) or typing.get_origin(of) is typing.Union:
        return _union(typing.get_args(of))
    if (origin := typing.get_origin(of)) is not None:
        inner = ", ".join("..." if arm is ... else hint(arm) for arm in typing.get_args(of))
        return f"{hint(origin)}[{inner}]"
    return "None" if of is types.NoneType else name_of(of)


def _union(of: tuple[object, ...]) -> str:
    some = [arm for arm in of if arm is not types.NoneType]
    named = (name for name, union in UNIONS.items() if set(typing.get_args(union)) == set(some))
    shown = next(named, None) or " | ".join(map(hint, some))
    return shown if len(some) == len(of) else f"{shown} | None"


def parts(of: object) -> Iterator[object]:
    """A type and all types within it."""
    yield of
    for arm in typing.get_args(of):
        yield from parts(arm)


def linked(of: object, pages: Mapping[type, str]) -> str:
    """A type as code, with a link to what it is; `pages`: of the records that this page does not tell of."""
    shown = code(hint(of))
    for inner in parts(of):
        if isinstance(inner, type) and issubclass(inner, enum.StrEnum):
            return f"[{shown}](glossary.md#{inner.__name__.lower()})"
        if isinstance(inner, type) and attrs.has(inner):
            where = f"{pages.get(inner, '')}#{name_of(inner).lower()}"
            return f"[{shown}]({'settings.md' if inner is SettingsRecord else where})"
    return shown


def fields(of: type, pages: Mapping[type, str] = MappingProxyType({})) -> str:
    """The fields of a record; `pages`: those of records that this page does not tell of."""
    hints, told = typing.get_type_hints(of), members(of)
    rows = [
        [code(field.name), linked(hints[field.name], pages), told.get(field.name, "")]
        for field in attrs.fields(of)
    ]
    return table(["field", "type", "meaning"], rows) if rows else "It has no fields."
