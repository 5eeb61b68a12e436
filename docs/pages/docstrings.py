"""What the code says of itself: docstrings, read as plain text."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import attrs

import headway_core

_SECTION = re.compile(r"^(Args|Returns|Yields|Raises|Attributes):$", re.MULTILINE)
_ITEM = re.compile(r"^    (\w+): ((?:.|\n(?!    \w+: ))*)", re.MULTILINE)


def modules() -> Iterator[ModuleType]:
    """Every module of core."""
    for found in walk_packages(headway_core.__path__, "headway_core."):
        yield import_module(found.name)


def line(text: str) -> str:
    """In one line, without the rows of docs/lessons.md that it names."""
    return re.sub(r" \((?:[A-Z]\d+(?:, )?)+\)", "", " ".join(text.split()))


def sentence(thing: object) -> str:
    """The first paragraph of a docstring, in one line."""
    return line((inspect.getdoc(thing) or "").partition("\n\n")[0])


@cache
def members(of: type) -> Mapping[str, str]:
    """What the strings beneath the attributes of a class say of them."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(of))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        match statement, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = line(text)
            case _:
                pass
    return found


@attrs.frozen(kw_only=True)
class Contract:
    """A docstring with sections, as the public face has them."""

    paragraphs: tuple[str, ...]
    sections: Mapping[str, str]
    """The text of `Returns` and `Yields`, in one line each."""
    items: Mapping[str, Mapping[str, str]]
    """Of `Args`, `Raises` and `Attributes`: names and what is said of each."""


def contract(thing: object) -> Contract:
    """Read a docstring with sections."""
    parts = _SECTION.split(inspect.getdoc(thing) or "")
    named = dict(zip(parts[1::2], parts[2::2], strict=True))
    return Contract(
        paragraphs=tuple(line(paragraph) for paragraph in parts[0].strip().split("\n\n")),
        sections={name: line(text) for name, text in named.items()},
        items={
            name: {item[1]: line(item[2]) for item in _ITEM.finditer(text)} for name, text in named.items()
        },
    )
