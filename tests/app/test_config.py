"""`config.toml`: what it says, and how what is wrong in it is told."""

from pathlib import Path
from typing import cast

import pytest

from headway.config import Config, load
from headway_core.kernel.errors import InvalidInput
from headway_local import AgentProgram


def read(folder: Path, text: str) -> Config:
    (folder / "config.toml").write_text(text)
    return load({"HEADWAY_DATA": str(folder)})


def test_an_agents_table_is_its_program(tmp_path: Path) -> None:
    """All four keys arrive; the known agents stay beside it."""
    config = read(
        tmp_path,
        """
        [agents.codex]
        command = ["codex", "exec", "-"]
        model_option = "--model"
        pass_env = ["OPENAI_API_KEY"]
        env = {CODEX_HOME = "/home/me/codex"}
        """,
    )
    assert config.agents["codex"] == AgentProgram(
        command=("codex", "exec", "-"),
        model_option="--model",
        pass_env=("OPENAI_API_KEY",),
        env={"CODEX_HOME": "/home/me/codex"},
    )
    assert "ANTHROPIC_API_KEY" in config.agents["claude"].pass_env
    assert "/home/me/codex" not in repr(config)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('pass_env = ["FINE", "KEY=hush-hush"]', "agents.codex.pass_env[1]: is no name of a variable"),
        ('pass_env = ["HEADWAY_OUT"]', "agents.codex.pass_env[0]: is set by Headway itself"),
        ('pass_env = "hush-hush"', "is no list of texts @ .agents['codex'].pass_env"),
        ('env = {HEADWAY_OUT = "hush-hush"}', "agents.codex.env.HEADWAY_OUT: is set by Headway itself"),
        ('env = {"A B" = "hush-hush"}', "agents.codex.env: a name in it: is no name of a variable"),
        ('env = {KEY = ["hush-hush"]}', "is no table of texts @ .agents['codex'].env"),
        ('env = "hush-hush"', "is no table of texts @ .agents['codex'].env"),
        ('env = {KEY = "hush-hush" OTHER}', "is no TOML"),
    ],
)
def test_what_is_wrong_with_variables_names_the_field_and_no_value(
    tmp_path: Path, lines: str, told: str
) -> None:
    """The file, and in it the field; whatever may be a secret is left out."""
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, f'[agents.codex]\ncommand = ["codex"]\n{lines}\n')
    assert refused.value.field == str(tmp_path / "config.toml")
    assert told in str(refused.value)
    assert "hush-hush" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_an_agent_that_is_added_to_the_file_is_found(tmp_path: Path) -> None:
    """Without reading the rest of the configuration again; a file that is broken by now is an error."""
    config = read(tmp_path, "")
    assert config.read_agents_again is not None
    (tmp_path / "config.toml").write_text('[agents.codex]\ncommand = ["codex"]\n')
    assert sorted(config.read_agents_again()) == ["claude", "codex"]
    (tmp_path / "config.toml").write_text("[agents.codex]\ncommand = []\n")
    with pytest.raises(InvalidInput, match="names no program"):
        config.read_agents_again()


def test_repositories_with_large_files_are_named(tmp_path: Path) -> None:
    """By their folders; no list of texts is refused."""
    assert read(tmp_path, 'lfs_repositories = ["/srv/demo"]').lfs_repositories == ("/srv/demo",)
    assert read(tmp_path, "").lfs_repositories == ()
    with pytest.raises(InvalidInput, match="is no list of texts"):
        read(tmp_path, 'lfs_repositories = "/srv/demo"')


def test_webhook_secrets_come_from_the_file_or_the_variable(tmp_path: Path) -> None:
    """One or two from the file, the variable's in their place, none by default; never in a text of it."""
    lines = 'webhook_secrets = ["hush-hush", "the former one"]'
    config = read(tmp_path, lines)
    assert config.webhook_secrets == ("hush-hush", "the former one")
    assert "hush-hush" not in repr(config)
    told = load({"HEADWAY_DATA": str(tmp_path), "HEADWAY_WEBHOOK_SECRET": "another"})
    assert told.webhook_secrets == ("another",)
    assert read(tmp_path, "").webhook_secrets == ()


@pytest.mark.parametrize(
    "lines",
    [
        'webhook_secrets = "hush-hush"',
        'webhook_secrets = ["hush-hush", ""]',
        'webhook_secrets = ["hush-hush", 5]',
        'webhook_secrets = ["hush-hush", "b", "c"]',
    ],
)
def test_webhook_secrets_that_cannot_be_are_refused_unseen(tmp_path: Path, lines: str) -> None:
    """No list, an empty one, no text, or more than a rotation needs: the field is named, and no secret."""
    with pytest.raises(InvalidInput, match="webhook_secrets") as refused:
        read(tmp_path, lines)
    assert "hush-hush" not in str(refused.value)


@pytest.mark.parametrize("secrets", [("a", ""), ("a", "b", "c"), "ab", ["a"]])
def test_an_application_s_webhook_secrets_are_checked_too(tmp_path: Path, secrets: object) -> None:
    """A tuple of one or two texts, as the type says."""
    with pytest.raises(InvalidInput, match="webhook_secrets: "):
        Config(data_dir=tmp_path, database="x.db", webhook_secrets=cast("tuple[str, ...]", secrets))
