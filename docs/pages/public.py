"""The public names: everything that can be imported from `headway`."""

import types
import typing
from collections.abc import Mapping

import headway
from headway_core import api
from pages.docstrings import contract

PUBLIC: Mapping[str, object] = {name: getattr(headway, name) for name in sorted(dir(headway))}
CLASSES: Mapping[str, type] = {name: value for name, value in PUBLIC.items() if isinstance(value, type)}
UNIONS = {name: value for name, value in PUBLIC.items() if isinstance(value, types.UnionType)}

_NAMES = {value: name for name, value in CLASSES.items()}


def name_of(thing: object) -> str:
    """The name under which something is public, else its own."""
    if isinstance(thing, type):
        return _NAMES.get(thing, thing.__name__)
    return getattr(thing, "__name__", str(thing))


def faces() -> Mapping[str, type]:
    """The classes with operations, by how they are reached: `hw` and its attributes."""
    hints = typing.get_type_hints(api.Headway.__init__)
    told = contract(api.Headway).items["Attributes"]
    return {"hw": api.Headway, **{f"hw.{name}": hints[name] for name in told}}


def ports() -> Mapping[str, type]:
    """What an adapter implements."""
    return {name: of for name, of in CLASSES.items() if getattr(of, "__abstractmethods__", None)}
