"""Every setting: docs/settings.md."""

import enum
import json
import typing

from headway_core.kernel.conversion import CONVERTER
from headway_core.settings.model import SettingsRecord
from headway_core.settings.rules import CHANGEABLE, RULES
from pages.docstrings import members
from pages.markdown import code, table


def settings() -> str:
    """The generated part of the page."""
    hints, told = typing.get_type_hints(SettingsRecord), members(SettingsRecord)
    plain: dict[str, object] = CONVERTER.unstructure(SettingsRecord())
    rows = [
        [code(name), *_type_and_range(name, hints[name]), code(_written(plain[name])), told[name]]
        for name in CHANGEABLE
    ]
    return table(["setting", "type", "takes", "default", "meaning"], rows)


def _written(value: object) -> str:
    """A value as `headway settings set` takes it."""
    return value if isinstance(value, str) else json.dumps(value)


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
