"""Every event with its fields: docs/events.md."""

import typing

import attrs

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.transactions import Payload
from headway_core.settings.model import SettingsRecord
from pages.docstrings import sentence
from pages.markdown import code, fields, parts
from pages.public import name_of


def events() -> str:
    """The generated part of the page."""
    sections = [f"## Every event\n\n{sentence(DomainEvent)}\n\n{fields(DomainEvent)}"]
    sections += [_event(payload) for payload in ALL_EVENTS]
    sections.append("## Records\n\nWhat the fields of events hold, and what these hold in turn.")
    sections += [f"### {name_of(of)}\n\n{sentence(of)}\n\n{fields(of)}" for of in records()]
    return "\n\n".join(sections)


def _event(payload: type[Payload]) -> str:
    about = f"`{payload.__name__}`, version {payload.version}. {sentence(payload)}"
    return f"## {code(payload.event)}\n\n{about}\n\n{fields(payload)}"


def records() -> list[type]:
    """The records within events, and those within them, by name."""
    return within([DomainEvent, *ALL_EVENTS])


def within(roots: list[type]) -> list[type]:
    """The records in the fields of records, and in theirs, by name; the settings have a page of their own."""
    found: set[type] = set()
    todo = list(roots)
    while todo:
        for hint in typing.get_type_hints(todo.pop()).values():
            inner = {part for part in parts(hint) if isinstance(part, type) and attrs.has(part)}
            todo += inner - found
            found |= inner
    return sorted(found - {SettingsRecord}, key=name_of)
