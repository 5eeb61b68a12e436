"""Which values a setting takes. Pure: a field and a value in, the value or `InvalidInput` out."""

import re
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import InvalidInput
from headway_core.settings.model import SettingsRecord

_HINTS = typing.get_type_hints(SettingsRecord)
CHANGEABLE = tuple(name for name in _HINTS if name not in {"id", "version"})
"""The settings that people change, in the record's order."""

_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ACCOUNT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_=+/-]{0,199})(?:\[bot\])?", re.IGNORECASE | re.ASCII)
_PREFIX_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PREFIX_LENGTH = 100


@attrs.frozen(kw_only=True)
class Rule:
    """Which values of the right type a setting takes."""

    takes: str
    """In words, for people: `0 or more`."""
    problem: Callable[[object], str | None]
    """What is wrong with a value; None for nothing."""


def _at_least(least: int) -> Rule:
    def problem(value: object) -> str | None:
        return None if isinstance(value, int) and value >= least else f"must be at least {least}"

    return Rule(takes=f"{least} or more", problem=problem)


def _agent(value: object) -> str | None:
    fits = isinstance(value, str) and _AGENT.fullmatch(value)
    return None if fits else "an agent's name has 1 to 64 of A-Z a-z 0-9 . _ -, and begins with none of . _ -"


def _models(value: object) -> str | None:
    assert isinstance(value, Mapping)
    for agent, model in value.items():
        if problem := _agent(agent):
            return problem
        if not isinstance(model, str) or not model.strip() or not model.isprintable():
            return f"the model of {agent} must be a printable text"
    return None


def _branch_prefix(value: object) -> str | None:
    """The part before `/<slug>`: what git's own rules take in any position (check-ref-format)."""
    parts = value.split("/") if isinstance(value, str) and len(value) <= _PREFIX_LENGTH else [""]
    for part in parts:
        if not _PREFIX_PART.fullmatch(part) or ".." in part or part.endswith((".", ".lock")):
            return "must be parts of A-Z a-z 0-9 . _ - joined by /, as git takes them in a branch"
    return None


def _trusted(value: object) -> str | None:
    assert isinstance(value, tuple)
    wrong = next((name for name in value if not _ACCOUNT.fullmatch(name)), None)
    if wrong is None:
        return None
    return f"{wrong[:60]!r} is neither a login, such as ada or tidy[bot], nor a node id"


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "trusted": Rule(takes="logins, of apps with or without `[bot]`, and node ids", problem=_trusted),
        "budget_between_progress": _at_least(0),
        "budget_per_day": _at_least(0),
        "capacity_project": _at_least(0),
        "capacity_all": _at_least(0),
        "session_limit": _at_least(0),
        "quiet_time_s": _at_least(0),
        "ci_limit_s": _at_least(1),
        "part_limit_s": _at_least(1),
        "view_limit_s": _at_least(1),
        "fixer_limit_s": _at_least(1),
        "prompt_limit_bytes": _at_least(32_768),
        "turn_limit_s": _at_least(1),
        "death_pause_s": _at_least(0),
        "false_start_s": _at_least(0),
        "cadence_hot_s": _at_least(1),
        "cadence_settled_s": _at_least(1),
        "cadence_quiet_s": _at_least(1),
        "discovery_s": _at_least(1),
        "default_agent": Rule(
            takes="1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter or digit", problem=_agent
        ),
        "models": Rule(takes="names of agents, each with a printable text", problem=_models),
        "branch_prefix": Rule(
            takes="up to 100 characters that git takes in a branch", problem=_branch_prefix
        ),
    }
)
"""A setting that is missing here takes every value of its type."""


def accepted(field: str, value: object) -> object:
    """The value as it is stored: texts become enums, and lists tuples. `InvalidInput` names the field."""
    if field not in CHANGEABLE:
        raise InvalidInput(field, "no such setting")
    if isinstance(value, str) and typing.get_origin(_HINTS[field]) is tuple:
        raise InvalidInput(field, f"{value!r} is one text, not a list of them")  # else: its letters
    try:
        typed: object = CONVERTER.structure(CONVERTER.unstructure(value), _HINTS[field])
    except Exception as error:
        # cattrs raises what the value raises: ValueError, TypeError, an exception group.
        raise InvalidInput(field, f"{value!r} is no value for it") from error
    problem = RULES[field].problem(typed) if field in RULES else None
    if problem is not None:
        raise InvalidInput(field, problem)
    return typed


def changed_settings(before: SettingsRecord, after: SettingsRecord) -> tuple[str, ...]:
    """Which settings differ, sorted."""
    return tuple(sorted(n for n in CHANGEABLE if getattr(before, n) != getattr(after, n)))


def edited(settings: SettingsRecord, fields: Mapping[str, object]) -> SettingsRecord:
    """The settings with `fields` put in their place, and every field accepted."""
    present = {name: getattr(settings, name) for name in CHANGEABLE}
    values: dict[str, Any] = {name: accepted(name, value) for name, value in {**present, **fields}.items()}
    return attrs.evolve(settings, **values)
