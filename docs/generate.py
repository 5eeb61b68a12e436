"""Renew what the documentation takes from the code: `python docs/generate.py`.

A page of reference has a head that is written by hand, down to a line that begins with MARK; what is below
is made of enums, records and their docstrings. In every page a block of code below a comment with a file,
`<!-- examples/embed.py -->`, is that file, and one below `<!-- examples/embed.py: work -->` the function or
class of this name in it. With `--check` nothing is written, and the pages that differ are named.
"""

import ast
import enum
import inspect
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import attrs

import headway_core
from headway_core.board.model import StatusReason, column
from headway_core.forge_actions.model import Order
from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import HeadwayError, InvalidInput
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.transactions import Payload
from headway_core.operations import ArchiveResult
from headway_core.pull_requests.outcomes import RefreshOutcome
from headway_core.ratchet import Decision
from headway_core.schema import ALL_EVENTS
from headway_core.sessions.fixers import FixerOutcome
from headway_core.sessions.model import SESSION_TRANSITIONS
from headway_core.settings.model import Settings
from headway_core.settings.rules import CHANGEABLE, RULES
from headway_core.workspaces.model import LIFECYCLE_TRANSITIONS, WorkspaceSource

DOCS = Path(__file__).parent
MARK = "<!-- What follows is made by"
RENEW = "python docs/generate.py"
EXCERPT = re.compile(r"(^<!-- ([\w/]+\.\w+)(?:: (\w+))? -->\n```\w+\n).*?^```$", re.MULTILINE | re.DOTALL)

ROOMS: Mapping[str, str] = {
    "workspaces": "Workspaces",
    "sessions": "Sessions and fixers",
    "pull_requests": "Pull requests",
    "forge_actions": "Actions at the forge",
    "ratchet": "The ratchet",
    "board": "The board",
    "settings": "Settings",
}
"""The rooms of core with words that people meet, in the order of the page."""

UNIONS: Mapping[str, tuple[str, object]] = {
    "ArchiveResult": ("workspaces", ArchiveResult),
    "FixerOutcome": ("sessions", FixerOutcome),
    "RefreshOutcome": ("pull_requests", RefreshOutcome),
    "Decision": ("ratchet", Decision),
}
"""Closed unions of records: the room that tells of them, and the union."""

INTRODUCTIONS: Mapping[str, str] = {
    "ArchiveResult": "How an archive ended.",
    "FixerOutcome": "What came of asking for a fixer.",
    "RefreshOutcome": "What came of reading a pull request again.",
    "Decision": "What the ratchet concluded when it last looked at a workspace.",
}

NAMED: Mapping[str, object] = {"Decision": Decision, "Order": Order, "WorkspaceSource": WorkspaceSource}
"""Unions that have a name in the code."""

NEXT: Mapping[str, Mapping[typing.Any, Iterable[enum.StrEnum]]] = {
    "WorkspaceStatus": LIFECYCLE_TRANSITIONS,
    "SessionStatus": SESSION_TRANSITIONS,
}
"""Enums whose members follow each other along a table."""


# Docstrings


def sentence(thing: object) -> str:
    """The docstring of a class or function, its first paragraph in one line."""
    return _line((inspect.getdoc(thing) or "").partition("\n\n")[0])


def _line(text: str) -> str:
    """In one line, without the rows of docs/lessons.md that it names."""
    return re.sub(r" \((?:[A-Z]\d+(?:, )?)+\)", "", " ".join(text.split()))


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
                found[name] = _line(text)
            case _:
                pass
    return found


# Markdown


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar within a cell is escaped."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """A value as code."""
    return f"`{value}`"


# Pages


def _modules() -> Iterator[types.ModuleType]:
    for found in walk_packages(headway_core.__path__, "headway_core."):
        yield import_module(found.name)


def _room(thing: type) -> str:
    return thing.__module__.split(".")[1]


def enums() -> list[type[enum.StrEnum]]:
    """Every public enum of core whose members are stored or shown, by module and name."""
    found = {
        thing
        for module in _modules()
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, enum.StrEnum) and thing.__module__ == module.__name__
    }
    public = [thing for thing in found if not thing.__name__.startswith("_")]
    return sorted(public, key=lambda thing: (thing.__module__, thing.__name__))


def _enum(of: type[enum.StrEnum]) -> str:
    told = members(of)
    if of is StatusReason:
        rows = [[code(each), _in_column(each), told[each.name]] for each in StatusReason]
        return table(["value", "column", "meaning"], rows)
    if (following := NEXT.get(of.__name__)) is not None:
        order = list(of)
        rows = [
            [code(each), told[each.name], ", ".join(map(code, sorted(following[each], key=order.index)))]
            for each in of
        ]
        return table(["value", "meaning", "then"], rows)
    return table(["value", "meaning"], [[code(each), told[each.name]] for each in of])


def _in_column(reason: StatusReason) -> str:
    found = column(reason)
    return "" if found is None else code(found)


def arms(union: object) -> tuple[type, ...]:
    """The classes of a union."""
    found: tuple[type, ...] = typing.get_args(union)
    return found


def glossary() -> str:
    """Every status and reason."""
    by_room: dict[str, list[str]] = {room: [] for room in ROOMS}
    for of in enums():
        by_room.setdefault(_room(of), []).append(f"### {of.__name__}\n\n{sentence(of)}\n\n{_enum(of)}")
    for name, (room, union) in UNIONS.items():
        rows = [[code(arm.__name__), sentence(arm)] for arm in arms(union)]
        by_room[room].append(f"### {name}\n\n{INTRODUCTIONS[name]}\n\n{table(['result', 'meaning'], rows)}")
    return "\n\n".join("\n\n".join([f"## {ROOMS.get(room, room)}", *told]) for room, told in by_room.items())


def settings() -> str:
    """Every setting."""
    hints, told = typing.get_type_hints(Settings), members(Settings)
    plain: dict[str, object] = CONVERTER.unstructure(Settings())
    rows = [
        [code(name), *_type_and_range(name, hints[name]), code(_written(plain[name])), told[name]]
        for name in CHANGEABLE
    ]
    return table(["setting", "type", "takes", "default", "meaning"], rows)


def _written(value: object) -> str:
    """A value as `headway settings set` takes it."""
    match value:
        case bool():
            return str(value).lower()
        case dict() | list() | tuple():
            return str(value).replace("'", '"') if value else "{}" if isinstance(value, dict) else "[]"
        case _:
            return str(value)


def _type_and_range(name: str, hint: typing.Any) -> tuple[str, str]:
    takes = RULES[name].takes if name in RULES else ""
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return "text", ", ".join(map(code, hint))
    if hint is bool:
        return "boolean", "`true`, `false`"
    if hint is int:
        return ("seconds" if name.endswith("_s") else "number"), takes
    if hint is str:
        return "text", takes
    return ("list of texts" if typing.get_origin(hint) is tuple else "object"), takes


def _hint(hint: object) -> str:
    """A type as it is written in Python; a union that has a name by it."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return _union(typing.get_args(hint))
    if (origin := typing.get_origin(hint)) is not None:
        inner = ", ".join("..." if arm is ... else _hint(arm) for arm in typing.get_args(hint))
        return f"{_hint(origin)}[{inner}]"
    return "None" if hint is types.NoneType else getattr(hint, "__name__", str(hint))


def _union(of: tuple[object, ...]) -> str:
    some = [arm for arm in of if arm is not types.NoneType]
    named = (name for name, union in NAMED.items() if set(typing.get_args(union)) == set(some))
    shown = next(named, None) or " | ".join(map(_hint, some))
    return shown if len(some) == len(of) else f"{shown} | None"


def _linked(hint: object) -> str:
    """A type as code, with a link to what it is when that is told somewhere."""
    shown = code(_hint(hint))
    for inner in _parts(hint):
        if isinstance(inner, type) and issubclass(inner, enum.StrEnum):
            return f"[{shown}](glossary.md#{inner.__name__.lower()})"
        if isinstance(inner, type) and attrs.has(inner) and inner is not Settings:
            return f"[{shown}](#{inner.__name__.lower()})"
    return shown


def _parts(hint: object) -> Iterator[object]:
    """A type and all types within it."""
    yield hint
    for arm in typing.get_args(hint):
        yield from _parts(arm)


def _fields(of: type) -> str:
    hints, told = typing.get_type_hints(of), members(of)
    rows = [
        [code(field.name), _linked(hints[field.name]), told.get(field.name, "")] for field in attrs.fields(of)
    ]
    return table(["field", "type", "meaning"], rows) if rows else "It has no fields."


def events() -> str:
    """Every event with its fields, and the records in these."""
    sections = [f"## Every event\n\n{sentence(DomainEvent)}\n\n{_fields(DomainEvent)}"]
    sections += [_event(payload) for payload in ALL_EVENTS]
    sections.append("## Records\n\nWhat the fields of events hold, and what these hold in turn.")
    sections += [f"### {of.__name__}\n\n{sentence(of)}\n\n{_fields(of)}" for of in _records()]
    return "\n\n".join(sections)


def _event(payload: type[Payload]) -> str:
    about = f"`{payload.__name__}`, version {payload.version}. {sentence(payload)}"
    return f"## {code(payload.event)}\n\n{about}\n\n{_fields(payload)}"


def _records() -> list[type]:
    """The records within events, and those within them, by name."""
    found: set[type] = set()
    todo: list[type] = [DomainEvent, *ALL_EVENTS]
    while todo:
        for hint in typing.get_type_hints(todo.pop()).values():
            inner = {part for part in _parts(hint) if isinstance(part, type) and attrs.has(part)}
            todo += inner - found
            found |= inner
    return sorted(found - {Settings}, key=lambda of: of.__name__)


def errors() -> str:
    """Every error, and how the command ends with it."""
    for _ in _modules():  # a class is known when its module was imported
        pass
    rows = []
    for depth, error in _tree(HeadwayError):
        code_of = 2 if issubclass(error, InvalidInput) else 1
        rows.append([f"{'· ' * depth}`{error.__name__}`", sentence(error), _attributes(error), str(code_of)])
    return table(["error", "meaning", "attributes", "exit code"], rows)


def _tree(root: type[HeadwayError], depth: int = 0) -> Iterator[tuple[int, type[HeadwayError]]]:
    yield depth, root
    for child in sorted(root.__subclasses__(), key=lambda each: each.__name__):
        if child.__module__.startswith("headway_core."):
            yield from _tree(child, depth + 1)


def _attributes(error: type[HeadwayError]) -> str:
    if "__init__" not in vars(error):
        return "" if error is HeadwayError else "as above"
    return ", ".join(code(name) for name in inspect.signature(error).parameters)


PAGES: Mapping[str, Callable[[], str]] = {
    "glossary.md": glossary,
    "settings.md": settings,
    "events.md": events,
    "errors.md": errors,
}


def excerpt(path: Path, name: str | None) -> str:
    """A file, or the definition of one name in it."""
    text = path.read_text("utf-8")
    if name is None:
        return text
    (found,) = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]
    first = min([found.lineno, *(decorator.lineno for decorator in found.decorator_list)])
    return "".join(text.splitlines(keepends=True)[first - 1 : found.end_lineno])


def _with_excerpts(page: str) -> str:
    return EXCERPT.sub(lambda found: f"{found[1]}{excerpt(DOCS.parent / found[2], found[3])}```", page)


def renewed(name: str) -> str:
    """A page as it should be: what is written by hand as it is, the rest made anew."""
    page = _with_excerpts((DOCS / name).read_text("utf-8"))
    if name not in PAGES:
        return page
    head, _, _ = page.partition(MARK)
    return f"{head}{MARK} `{RENEW}`. -->\n\n{PAGES[name]()}\n"


def pages() -> list[str]:
    """Every page of the documentation."""
    return sorted(path.name for path in DOCS.glob("*.md"))


def drifted() -> list[str]:
    """The pages that are not what the code says."""
    return [name for name in pages() if (DOCS / name).read_text("utf-8") != renewed(name)]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or say which of them differ."""
    names = drifted()
    for name in names:
        if "--check" not in arguments:
            (DOCS / name).write_text(renewed(name), "utf-8")
        print(f"docs/{name} {'differs' if '--check' in arguments else 'renewed'}")
    return 1 if names and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
