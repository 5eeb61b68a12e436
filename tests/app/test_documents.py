"""The examples and tables of docs/ are true."""

import json
import re
import shlex
from pathlib import Path

import attrs
import pytest
from documents import ROOT, blocks, text
from stage import Stage

from headway.cli import app
from headway.config import DEFAULT_AGENTS, load
from headway_core.forge_actions import agent_output
from headway_core.settings import SettingsRecord
from headway_core.settings.rules import CHANGEABLE
from headway_local.environment import ALLOWED, RESERVED, RESERVED_PREFIX

CONFIGURATION = "docs/configuration.md"
COMMAND = "docs/command.md"
TARGET = agent_output.Target(
    head="work", base="main", has_pull_request=False, threads=frozenset({"<id>"}), may_reply=True
)


def _table(name: str, first: str) -> list[list[str]]:
    """The rows of the table whose heading begins with a word, cell by cell, without the marks of code."""
    (table,) = [
        found
        for found in re.findall(r"(?:^\|.*\|$\n?)+", text(name), re.MULTILINE)
        if found.startswith(f"| {first} |")
    ]
    rows = [row.replace("\\|", "/").strip("|").split("|") for row in table.strip().splitlines()[2:]]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows]


def test_the_example_of_the_file_is_read(tmp_path: Path) -> None:
    """Its agent is known beside the one that always is."""
    (example,) = blocks(CONFIGURATION, "toml")
    tmp_path.joinpath("config.toml").write_text(example)
    agents = load({"HEADWAY_DATA": str(tmp_path)}).agents
    assert agents["codex"].command == ("codex", "exec", "-")
    assert agents["codex"].model_option == "--model"
    assert agents["codex"].pass_env == ("OPENAI_API_KEY",)
    assert set(agents["codex"].env) == {"CODEX_HOME"}
    assert "claude" in agents
    assert load({"HEADWAY_DATA": str(tmp_path)}).lfs_repositories == ("/srv/demo",)


def test_the_variables_of_agents_are_those_that_are_told() -> None:
    """Those that pass by themselves, those of the known agent, and those that nobody may name."""
    told = {name for _, names in _table(CONFIGURATION, "variables")[:-1] for name in names.split(", ")}
    assert told == ALLOWED
    page = text(CONFIGURATION)
    known = page[page.index("`claude` is known with") : page.index("A GitHub token (")]
    assert tuple(re.findall(r"`([A-Z_]+)`", known)) == DEFAULT_AGENTS["claude"].pass_env
    reserved = page[page.index("Headway's own\nvariables") : page.index("The values are handed")]
    assert set(re.findall(r"`([A-Z_]+)`", reserved)) == {RESERVED_PREFIX, *RESERVED}


_WRITTEN: dict[str, tuple[str | list[str], str]] = {
    "github_transport": ("gh", "http"),
    "webhook_secrets": (["from the file"], "from outside"),
}
"""Of keys that do not take any text: what the file says, and the variable."""


@pytest.mark.parametrize(
    ("key", "variable"),
    [row[:2] for row in _table(CONFIGURATION, "key") if all(row[:2])],
)
def test_a_variable_wins_over_the_file(tmp_path: Path, key: str, variable: str) -> None:
    """The file is read for every key of the table, and its variable goes before."""
    written, outside = _WRITTEN.get(key, ("from the file", "from outside"))
    tmp_path.joinpath("config.toml").write_text(f"{key} = {json.dumps(written)}\n")
    environment = {"HEADWAY_DATA": str(tmp_path)}
    lists = isinstance(written, list)
    assert getattr(load(environment), key) == (tuple(written) if lists else written)
    assert getattr(load({**environment, variable: outside}), key) == ((outside,) if lists else outside)


def test_without_file_and_variables_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The data directory lies in the home folder, the database in it."""
    monkeypatch.setenv("HOME", "/home/ada")
    config = load({})
    assert str(config.data_dir) == "/home/ada/.local/share/headway"
    assert config.database == "sqlite:////home/ada/.local/share/headway/headway.db"
    assert config.github_api_url == "https://api.github.com"
    assert config.github_token is None
    assert load({"XDG_DATA_HOME": "/xdg"}).data_dir == Path("/xdg/headway")
    assert load({"GH_TOKEN": "b", "GITHUB_TOKEN": "a"}).github_token == "a"
    assert "token" not in repr(load({"GITHUB_TOKEN": "token"}))


def test_the_commands_of_the_configuration_run(registered: Stage) -> None:
    """Each `headway settings …` of the text, typed as it stands there."""
    (example,) = blocks(CONFIGURATION, "toml")
    registered.data.joinpath("config.toml").write_text(example)
    typed = re.findall(r"`headway (settings [^`]+)`", text(CONFIGURATION))
    assert len(typed) >= 3
    for line in typed:
        registered.here(*shlex.split(line)).expect()
    settings = registered.ask("settings", "show")
    assert settings["default_agent"] == "codex"
    assert set(settings["models"]) == {"codex"}


def test_the_words_of_agents_are_taken() -> None:
    """Both files of the text, as they stand there."""
    examples = dict(re.findall(r"^- `([a-z-]+\.json)`: `(.+)`$", text(CONFIGURATION), re.MULTILINE))
    assert set(examples) == {agent_output.REPLIES, agent_output.PULL_REQUEST}
    assert len(agent_output.replies(examples[agent_output.REPLIES].encode(), TARGET).orders) == 2
    assert len(agent_output.pull_request(examples[agent_output.PULL_REQUEST].encode(), TARGET)) == 1


def test_the_defaults_of_the_settings_are_those_of_the_table() -> None:
    """Each named setting exists, with the default that is told."""
    defaults = {
        name: json.loads(json.dumps(attrs.asdict(SettingsRecord())[name], default=str)) for name in CHANGEABLE
    }
    for names, values, _ in _table(CONFIGURATION, "setting"):
        for name, value in zip(names.split(", "), values.split(", "), strict=True):
            told = json.loads(value) if re.fullmatch(r"[\d\[\]]+|true|false", value) else value
            assert defaults[name] == told, name


def test_every_command_is_in_the_list_of_commands() -> None:
    """docs/command.md names all that there are, and no other."""
    told = set()
    for cell, _ in _table(COMMAND, "command"):
        for line in cell.split(", "):
            group, *rest = line.split()
            alternatives = rest[0].split("/") if rest and rest[0][0].islower() else [""]
            told |= {f"{group} {word}".strip() for word in alternatives}
    there = set()
    for name in app:
        if name.startswith("-"):
            continue
        inner = [word for word in app[name] if not word.startswith("-")]
        there |= {f"{name} {word}" for word in inner} or {name}
    assert told == there


def test_the_error_of_the_text_is_the_error_of_the_command(registered: Stage) -> None:
    """A document is what docs/command.md shows."""
    (example,) = blocks(COMMAND, "json")
    said = registered.here("workspace", "create", "--name", "x", "--branch", "a..b", "--json").expect(2)
    assert said.document == json.loads(example)


@pytest.mark.parametrize(
    "path", [path.relative_to(ROOT) for path in sorted(ROOT.glob("docs/**/*.md"))], ids=str
)
def test_links_lead_somewhere(path: Path) -> None:
    """Every relative link of the documentation, and of the README, names a file."""
    for source in (path, Path("README.md"), Path("CONTRIBUTING.md")):
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", text(str(source))):
            assert ROOT.joinpath(source.parent, link).exists(), (source, link)
