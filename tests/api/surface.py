"""The surface of the face, written down: `python tests/api/surface.py` renews what the tests compare.

`surface.txt` is every public name with its signature, for people who review a change; `__init__.pyi` beside
the face is the same names for type checkers, since the face imports them late.
"""

import enum
import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import attrs

from headway_core import api

HERE = Path(__file__).parent
SURFACE = HERE / "surface.txt"
STUB = Path(api.__file__).with_suffix(".pyi")

_MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Za-z_])")
"""The modules before a name in a signature."""


def surface() -> str:
    """Every name of the face, sorted, with what belongs to it below it."""
    return "".join(f"{line}\n" for name in dir(api) for line in _lines(name, getattr(api, name)))


def stub() -> str:
    """The names of the face, imported one by one from where they live."""
    lines = ["# Made by tests/api/surface.py of the table in __init__.py."]
    for name, home in sorted(vars(api)["_HOMES"].items(), key=lambda item: (item[1], item[0])):
        lines.append(f"from headway_core.{home} import {name} as {name}")
    return "\n".join([*lines, ""])


def _lines(name: str, value: object) -> Iterator[str]:
    if not isinstance(value, type):
        yield f"{name}{_signature(value)}" if callable(value) else f"{name} = {_plain(str(value))}"
        return
    bases = [base.__name__ for base in value.__bases__ if base is not object]
    yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    if issubclass(value, enum.Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in value)
    if attrs.has(value):
        yield from (f"    {_field(field)}" for field in attrs.fields(value))
    for member, attribute in vars(value).items():
        if not member.startswith("_") and not isinstance(attribute, enum.Enum):
            yield from (f"    {line}" for line in _member(member, attribute))


def _field(field: "attrs.Attribute[object]") -> str:
    default = "" if field.default is attrs.NOTHING else " = …"
    return f"{field.name}: {_plain(inspect.formatannotation(field.type))}{default}"


def _member(name: str, value: object) -> Iterator[str]:
    if isinstance(value, property | cached_property):
        getter = value.fget if isinstance(value, property) else value.func
        assert getter is not None
        told = inspect.signature(getter).return_annotation
        told = told if isinstance(told, str) else inspect.formatannotation(told)
        yield f"{name} -> {_plain(told)}  (property)"
    elif inspect.isfunction(value):
        kind = "async " if inspect.iscoroutinefunction(value) or inspect.isasyncgenfunction(value) else ""
        yield f"{kind}{name}{_signature(value)}"


def _signature(value: object) -> str:
    assert callable(value)
    return _plain(str(inspect.signature(value)))


def _plain(text: str) -> str:
    return _MODULES.sub("", text)


if __name__ == "__main__":
    SURFACE.write_text(surface(), "utf-8")
    STUB.write_text(stub(), "utf-8")
