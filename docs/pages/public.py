"""The public names: everything that can be imported from `headway`."""

import inspect
import types
from collections.abc import Mapping
from functools import cached_property

import headway
from headway_core import api

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
    nouns = {f"hw.{name}": CLASSES[noun.func.__annotations__["return"]] for name, noun in _nouns().items()}
    return {"hw": api.Headway, **nouns}


def attributes() -> Mapping[str, str]:
    """The attributes of `hw`, and what each is for."""
    return {name: inspect.getdoc(noun) or "" for name, noun in _nouns().items()}


def _nouns() -> "Mapping[str, cached_property[object]]":
    return {name: noun for name, noun in vars(api.Headway).items() if isinstance(noun, cached_property)}


def ports() -> Mapping[str, type]:
    """What an adapter implements."""
    return {name: of for name, of in CLASSES.items() if getattr(of, "__abstractmethods__", None)}
