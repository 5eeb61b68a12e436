"""Where Headway keeps its things and whom it talks to: one file, a few variables, both optional.

`config.toml` in the data directory; environment variables win over it:

| key | variable | default |
|---|---|---|
| | `HEADWAY_DATA` | `~/.local/share/headway` |
| `database` | `HEADWAY_DATABASE` | `sqlite:///<data>/headway.db` |
| `github_api_url` | `HEADWAY_GITHUB_API_URL` | `https://api.github.com` |
| `github_transport` | `HEADWAY_GITHUB_TRANSPORT` | `http`; or `gh`, the program, for GraphQL |
| | `GITHUB_TOKEN`, `GH_TOKEN` | what `gh auth token` says |
| `webhook_secrets = [...]` | `HEADWAY_WEBHOOK_SECRET` | none: deliveries are refused |
| `lfs_repositories = [...]` | | none: LFS as the global git configuration says |
| `[agents.NAME]` `command = [...]`, `model_option`, `pass_env = [...]`, `env = {...}` | | `claude` |
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from headway_core.api import InvalidInput
from headway_local.agents import AgentProgram, ReadAgain

if TYPE_CHECKING:
    from headway.config_file import ConfigFile

DEFAULT_AGENTS: Mapping[str, AgentProgram] = {
    "claude": AgentProgram(
        command=("claude", "--print", "--dangerously-skip-permissions"),
        model_option="--model",
        pass_env=(
            *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
            *("CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR"),
        ),
    ),
}
"""Agents in print mode read their prompt from standard input and end when they are done."""


_SECRETS = 2


@attrs.frozen(kw_only=True)
class Config:
    """What an embedding application gives, or what `load` reads."""

    data_dir: Path
    """Host id, locks, worktrees, sessions and (by default) the database; mode 0700."""
    database: str = attrs.field(repr=False)
    """`sqlite:///` and a path, or `postgresql://user:password@host:port/name`."""
    github_api_url: str = "https://api.github.com"
    """Where GitHub's API is; another address for an enterprise server."""
    github_token: str | None = attrs.field(default=None, repr=False)
    """None: ask `gh auth token`."""
    github_transport: str = attrs.field(default="http")
    """How GraphQL is sent: `http`, or `gh`, with its own login, proxy and certificates."""

    @github_transport.validator
    def _known_transport(self, _: object, value: str) -> None:
        if value not in ("http", "gh"):
            raise InvalidInput("github_transport", "is neither http nor gh")

    webhook_secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    """One of these signs every delivery that `hw.webhooks` takes: two while one is replaced by the other.
    None at all: every delivery is refused.
    """

    @webhook_secrets.validator
    def _usable_secrets(self, _: object, value: object) -> None:
        if not isinstance(value, tuple) or not all(isinstance(secret, str) and secret for secret in value):
            raise InvalidInput("webhook_secrets", "must be a tuple of texts, none of them empty")
        if len(value) > _SECRETS:
            raise InvalidInput("webhook_secrets", f"holds more than {_SECRETS}")

    lfs_repositories: tuple[str, ...] = ()
    """The folders of repositories in which Headway's git runs git LFS, whatever git's configuration says."""

    agents: dict[str, AgentProgram] = attrs.field(factory=lambda: dict(DEFAULT_AGENTS))
    """The agents that this host can start, by name."""
    read_agents_again: ReadAgain | None = attrs.field(default=None, repr=False, eq=False)
    """Asked when somebody names an agent that is not among `agents`; None: there are no others."""

    @property
    def worktrees_root(self) -> str:
        """Where projects keep their worktrees, unless a project says otherwise."""
        return str(self.data_dir / "worktrees")

    @classmethod
    def beside(cls, database: str) -> "Config":
        """Everything beside the database file, in the folder `<file>.d`; for a database on a server, in the
        data directory that `load` takes.
        """
        if is_on_server(database):
            return cls(data_dir=_data_dir(os.environ), database=database)
        path = Path(database_path(database)).absolute()
        return cls(data_dir=path.with_name(path.name + ".d"), database=f"sqlite:///{path}")


def load(environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration of the `headway` command. `InvalidInput` names the variable, or the file and in it
    the line or the field.
    """
    data_dir = _data_dir(environment)
    path = data_dir / "config.toml"
    written = _read(path)
    return Config(
        data_dir=data_dir,
        database=environment.get("HEADWAY_DATABASE")
        or (written and written.database)
        or f"sqlite:///{data_dir / 'headway.db'}",
        github_api_url=environment.get("HEADWAY_GITHUB_API_URL")
        or (written and written.github_api_url)
        or "https://api.github.com",
        github_transport=environment.get("HEADWAY_GITHUB_TRANSPORT")
        or (written and written.github_transport)
        or "http",
        github_token=environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN") or None,
        webhook_secrets=_secrets(path, written, environment.get("HEADWAY_WEBHOOK_SECRET")),
        lfs_repositories=() if written is None else written.lfs_repositories,
        agents=_programs(path, written),
        read_agents_again=lambda: _programs(path, _read(path)),
    )


def _data_dir(environment: Mapping[str, str]) -> Path:
    try:
        base = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(environment.get("HEADWAY_DATA") or Path(base, "headway")).expanduser().absolute()
    except RuntimeError as error:
        raise InvalidInput("HEADWAY_DATA", f"there is no home folder to take instead: {error}") from error


def database_url(database: str) -> str:
    """The URL of a database; a plain path is that of a file."""
    return database if is_on_server(database) else f"sqlite:///{database_path(database)}"


def database_path(database: str) -> str:
    """The file that a database URL names; a plain path is one too."""
    if "://" not in database:
        return database
    scheme, _, path = database.partition(":///")
    if scheme != "sqlite" or not path:
        raise InvalidInput("database", "is neither sqlite:/// and a path nor postgresql://host/name")
    return path


def is_on_server(database: str) -> bool:
    """Whether it is on a server, where other hosts reach it."""
    return database.startswith("postgresql://")


def _read(path: Path) -> "ConfigFile | None":
    """The file, None when there is none."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # reading says it
    from headway.config_file import read  # noqa: PLC0415  most people have none

    return read(path)


def _programs(path: Path, written: "ConfigFile | None") -> dict[str, AgentProgram]:
    """The known agents, and those of the file. `InvalidInput` names the field, never a variable's value."""
    programs = dict(DEFAULT_AGENTS)
    for name, agent in (written.agents if written else {}).items():
        if not agent.command or not agent.command[0]:
            raise InvalidInput(str(path), f"agents.{name}.command: names no program")
        try:
            programs[name] = AgentProgram(
                command=agent.command,
                model_option=agent.model_option,
                pass_env=agent.pass_env,
                env=agent.env,
            )
        except InvalidInput as error:
            raise InvalidInput(str(path), f"agents.{name}.{error}") from None
    return programs


def _secrets(path: Path, written: "ConfigFile | None", given: str | None) -> tuple[str, ...]:
    """The variable's, else those of the file. `InvalidInput` names the field, and never a secret."""
    if given:
        return (given,)
    if written is None:
        return ()
    if not all(written.webhook_secrets) or len(written.webhook_secrets) > _SECRETS:
        raise InvalidInput(
            str(path), f"webhook_secrets: must be at most {_SECRETS} texts, none of them empty"
        )
    return written.webhook_secrets
