"""The file `config.toml`: its shape, and what is wrong with it, by line or field.

Imported when there is one.
"""

import tomllib
from pathlib import Path

import attrs
import cattrs

from headway_core.api import InvalidInput
from headway_core.kernel.conversion import CONVERTER


@attrs.frozen(kw_only=True)
class AgentTable:
    """The shape of a table `[agents.NAME]`; what its values mean is `AgentProgram`'s."""

    command: tuple[str, ...]
    model_option: str | None = None
    pass_env: tuple[str, ...] = ()
    env: dict[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class ConfigFile:
    """The shape of `config.toml`."""

    database: str | None = None
    github_api_url: str | None = None
    github_transport: str | None = None
    webhook_secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    lfs_repositories: tuple[str, ...] = ()
    agents: dict[str, AgentTable] = attrs.field(factory=dict)


def read(path: Path) -> ConfigFile:
    """The file's values. `InvalidInput` names the file, and in it the line or the field."""
    try:
        written = _CONVERTER.structure(tomllib.loads(path.read_text("utf-8")), ConfigFile)
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile()
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(str(path), f"is no TOML: {error}") from None
    except cattrs.BaseValidationError as error:
        raise InvalidInput(str(path), "; ".join(cattrs.transform_error(error, "", _told))) from None
    except OSError as error:
        raise InvalidInput(str(path), error.strerror or "can't be read") from None
    return written


def _told(error: BaseException, hint: type | None) -> str:
    """What is wrong with a value; errors of other kinds in cattrs' words."""
    return str(error) if isinstance(error, TypeError) else cattrs.v.format_exception(error, hint)


def _words(value: object, _: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError("is no list of texts")  # what it is may be a secret in the wrong place
    return tuple(value)


def _variables(value: object, _: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError("is no table of texts")
    return dict(value)


_CONVERTER = CONVERTER.copy(forbid_extra_keys=True)
_CONVERTER.register_structure_hook_func(lambda hint: hint == tuple[str, ...], _words)
_CONVERTER.register_structure_hook_func(lambda hint: hint == dict[str, str], _variables)
