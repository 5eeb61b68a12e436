"""Every status and reason: docs/glossary.md."""

import enum
import typing
from collections.abc import Iterable, Mapping

from headway_core.board.model import StatusReason, column
from headway_core.operations import ArchiveResult
from headway_core.pull_requests.outcomes import RefreshOutcome
from headway_core.ratchet import Decision
from headway_core.sessions.fixers import FixerOutcome
from headway_core.sessions.model import SESSION_TRANSITIONS
from headway_core.workspaces.model import LIFECYCLE_TRANSITIONS
from pages.docstrings import members, modules, sentence
from pages.markdown import code, table

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

UNIONS: Mapping[str, tuple[str, str, object]] = {
    "ArchiveResult": ("workspaces", "How an archive ended.", ArchiveResult),
    "FixerOutcome": ("sessions", "What came of asking for a fixer.", FixerOutcome),
    "RefreshOutcome": ("pull_requests", "What came of reading a pull request again.", RefreshOutcome),
    "Decision": ("ratchet", "What the ratchet concluded when it last looked at a workspace.", Decision),
}
"""Closed unions of records: the room that tells of each, what it is, and the union."""

NEXT: Mapping[str, Mapping[typing.Any, Iterable[enum.StrEnum]]] = {
    "WorkspaceStatus": LIFECYCLE_TRANSITIONS,
    "SessionStatus": SESSION_TRANSITIONS,
}
"""Enums whose members follow each other along a table."""


def glossary() -> str:
    """The generated part of the page."""
    by_room: dict[str, list[str]] = {room: [] for room in ROOMS}
    for of in enums():
        room = of.__module__.split(".")[1]
        by_room.setdefault(room, []).append(f"### {of.__name__}\n\n{sentence(of)}\n\n{_enum(of)}")
    for name, (room, about, union) in UNIONS.items():
        rows = [[code(arm.__name__), sentence(arm)] for arm in typing.get_args(union)]
        by_room[room].append(f"### {name}\n\n{about}\n\n{table(['result', 'meaning'], rows)}")
    return "\n\n".join("\n\n".join([f"## {ROOMS.get(room, room)}", *told]) for room, told in by_room.items())


def enums() -> list[type[enum.StrEnum]]:
    """Every public enum of core whose members are stored or shown, by module and name."""
    found = {
        thing
        for module in modules()
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, enum.StrEnum) and thing.__module__ == module.__name__
    }
    public = [thing for thing in found if not thing.__name__.startswith("_")]
    return sorted(public, key=lambda thing: (thing.__module__, thing.__name__))


def _enum(of: type[enum.StrEnum]) -> str:
    told = members(of)
    if of is StatusReason:
        rows = [[code(each), _python(each), _column(each), told[each.name]] for each in StatusReason]
        return table(["value", "in Python", "column", "meaning"], rows)
    if (following := NEXT.get(of.__name__)) is not None:
        order = list(of)
        rows = [
            [
                code(each),
                _python(each),
                told[each.name],
                ", ".join(map(code, sorted(following[each], key=order.index))),
            ]
            for each in of
        ]
        return table(["value", "in Python", "meaning", "then"], rows)
    return table(
        ["value", "in Python", "meaning"], [[code(each), _python(each), told[each.name]] for each in of]
    )


def _python(member: enum.StrEnum) -> str:
    return code(f"{type(member).__name__}.{member.name}")


def _column(reason: StatusReason) -> str:
    found = column(reason)
    return "" if found is None else code(found)
