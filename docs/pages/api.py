"""What callers may ask of Headway, and everything that this takes and gives: docs/api.md."""

import ast
import enum
import inspect
import textwrap
import typing
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType

import attrs

import headway
from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.events import DomainEvent
from headway_core.settings.model import SettingsRecord
from pages import events
from pages.docstrings import Contract, contract, sentence
from pages.markdown import code, fields, table
from pages.public import CLASSES, PUBLIC, attributes, faces, ports

RECORDS = "What operations and ports take and give. Those of events: [events](events.md#records)."
OPENING: tuple[type, ...] = (headway.Config, headway.AgentProgram, headway.Adapters)
"""What `headway.open` takes."""
TOLD_ELSEWHERE = (DomainEvent, SettingsRecord, *OPENING)
PAGES: Mapping[type, str] = {DomainEvent: "events.md#every-event", SettingsRecord: "settings.md"}
WIDTH = 100
"""Of a signature in characters, before each parameter takes a line."""


def reference() -> str:
    """The generated part of the page."""
    sections = [
        _opening(),
        *(_face(name, face) for name, face in faces().items()),
        "## Ports\n\nWhat an adapter implements ([adapters](adapters.md)).",
        *(_port(name, port) for name, port in ports().items()),
        f"## Records\n\n{RECORDS}",
        *(_record(name, of) for name, of in _records().items()),
        f"## Every name\n\nEach of them can be imported from `headway`.\n\n{_index()}",
    ]
    return "\n\n".join(sections)


# What there is


def _records() -> Mapping[str, type]:
    """The records that no other page or section tells of."""
    elsewhere = {*events.records(), *ALL_EVENTS, *TOLD_ELSEWHERE}
    return {name: of for name, of in CLASSES.items() if attrs.has(of) and of not in elsewhere}


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "").replace(" ", "-")


# Sections


def _opening() -> str:
    said = contract(headway.open)
    parts = ["## headway.open", _signature(headway.open), *said.paragraphs, *_sections(said)]
    return "\n\n".join([*parts, *(_record(of.__name__, of) for of in OPENING)])


def _paragraphs(thing: object) -> list[str]:
    return list(contract(thing).paragraphs)


def _face(name: str, of: type) -> str:
    said = contract(of)
    parts = [f"## {name}", "\n\n".join(said.paragraphs)]
    if of is headway.Headway:
        rows = [
            [f"[{code(f'hw.{attribute}')}](#{_anchor(f'hw.{attribute}')})", about]
            for attribute, about in attributes().items()
        ]
        parts.append(table(["attribute", "what it is for"], rows))
    parts += [_operation(name, each) for each in vars(of).values() if _is_public(each)]
    return "\n\n".join(parts)


def _is_public(thing: object) -> typing.TypeGuard[FunctionType]:
    return isinstance(thing, FunctionType) and not thing.__name__.startswith("_")


def _operation(owner: str, of: FunctionType) -> str:
    said = contract(of)
    parts = [f"### {owner}.{of.__name__}", _signature(of), *said.paragraphs, *_sections(said)]
    return "\n\n".join(parts)


def _sections(said: Contract) -> Iterable[str]:
    if arguments := said.items.get("Args"):
        yield table(["parameter", "meaning"], [[code(name), about] for name, about in arguments.items()])
    for name in ("Returns", "Yields"):
        if name in said.sections:
            yield f"{name}: {said.sections[name]}"
    if raised := said.items.get("Raises"):
        yield table(["raises", "when"], [[code(name), about] for name, about in raised.items()])


def _record(name: str, of: type) -> str:
    told_there = dict.fromkeys(events.records(), "events.md")
    return f"### {name}\n\n{sentence(of)}\n\n{fields(of, told_there)}"


def _port(name: str, of: type) -> str:
    parts = [f"### {name}", *_paragraphs(of)]
    for each in vars(of).values():
        if _is_public(each):
            parts += [_signature(each), *_paragraphs(each)]
    return "\n\n".join(parts)


def _signature(of: object) -> str:
    """How a function is called, as it is written, without `self`."""
    function = inspect.unwrap(typing.cast("FunctionType", of))
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    result = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    parameters = list(_parameters(node.args))
    written = f"{kind} {node.name}({', '.join(parameters)}){result}"
    if len(written) > WIDTH:
        lines = "".join(f"    {each},\n" for each in parameters)
        written = f"{kind} {node.name}(\n{lines}){result}"
    return f"```python\n{written}\n```"


def _parameters(of: ast.arguments) -> Iterator[str]:
    positional = [*of.posonlyargs, *of.args]
    defaults = [*[None] * (len(positional) - len(of.defaults)), *of.defaults]
    for number, (each, default) in enumerate(zip(positional, defaults, strict=True), start=1):
        if each.arg != "self":
            yield _parameter(each, default)
        if number == len(of.posonlyargs):
            yield "/"
    if of.kwonlyargs:
        yield "*"
    for each, default in zip(of.kwonlyargs, of.kw_defaults, strict=True):
        yield _parameter(each, default)
    if of.kwarg is not None:
        yield f"**{ast.unparse(of.kwarg)}"


def _parameter(of: ast.arg, default: ast.expr | None) -> str:
    written = ast.unparse(of)
    if isinstance(of.annotation, ast.Constant) and isinstance(
        of.annotation.value, str
    ):  # imported for type checkers alone, hence in quotes
        written = f"{of.arg}: {of.annotation.value}"
    if default is not None:
        written += f" = {ast.unparse(default)}"
    return written.replace("'", '"')


def _index() -> str:
    """Each name, what it is and where it is told."""
    return table(["name", "what it is"], [[_linked(name), _about(name)] for name in PUBLIC])


def _linked(name: str) -> str:
    page = _page(name)
    return f"[{code(name)}]({page})" if page else code(name)


def _page(name: str) -> str | None:
    """Where a name is explained; None where its line says all."""
    value = PUBLIC[name]
    face = next((reached for reached, each in faces().items() if each is value), None)
    if name == "open" or face is not None:
        return f"#{_anchor(face or 'headway.open')}"
    if not isinstance(value, type):
        return None
    if issubclass(value, enum.StrEnum):
        return f"glossary.md#{name.lower()}"
    if issubclass(value, HeadwayError):
        return "errors.md"
    if value in PAGES:
        return PAGES[value]
    if value in ALL_EVENTS:
        return f"events.md#{_anchor(value.event)}"
    if value in events.records():
        return f"events.md#{name.lower()}"
    return f"#{name.lower()}" if attrs.has(value) or name in ports() else None


def _about(name: str) -> str:
    value = PUBLIC[name]
    if arms := typing.get_args(value):
        return f"One of {', '.join(code(getattr(arm, '__name__', arm)) for arm in arms)}."
    return sentence(value)
