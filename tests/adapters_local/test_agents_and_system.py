"""Configured agents, time, ids, and the container that joins the adapters of a host."""

import re
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from headway_core.kernel.clock import Clock, Ids
from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.kernel.hosts import HostLocks
from headway_core.processes import Supervisor
from headway_core.sessions.ports import Agents
from headway_core.workspaces.ports import Scripts, Worktrees
from headway_local import AgentProgram, ConfiguredAgents, LocalContainer, RandomIds, SystemClock


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def agents(tmp_path: Path) -> ConfiguredAgents:
    return ConfiguredAgents(
        {
            "claude": AgentProgram(command=(program(tmp_path, "claude"), "-p"), model_option="--model"),
            "plain": AgentProgram(command=(program(tmp_path, "plain"),)),
            "gone": AgentProgram(command=("headway-no-such-program",)),
            "empty": AgentProgram(command=()),
        }
    )


def test_agents_are_named_in_order(agents: ConfiguredAgents) -> None:
    """The names of the configured agents are sorted."""
    assert agents.names() == ("claude", "empty", "gone", "plain")


def test_the_model_follows_its_option(agents: ConfiguredAgents, tmp_path: Path) -> None:
    """A model becomes two arguments; an agent without the option chooses its own."""
    claude, plain = str(tmp_path / "claude"), str(tmp_path / "plain")
    assert agents.command("claude", "opus-4.5") == (claude, "-p", "--model", "opus-4.5")
    assert agents.command("claude", None) == (claude, "-p")
    assert agents.command("plain", "opus-4.5") == (plain,)


def test_a_program_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name is looked up on PATH, here: the agent's folder may have a program of the same name."""
    found = program(tmp_path, "my-agent")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ConfiguredAgents({"a": AgentProgram(command=("my-agent",))}).command("a", None) == (found,)


@pytest.mark.parametrize("model", ["--dangerous", "-x", "", "a b", "a\nb", "a" * 201])
def test_a_model_is_no_option(agents: ConfiguredAgents, model: str) -> None:
    """A name that the program could take for something else is refused."""
    with pytest.raises(InvalidInput, match="model"):
        agents.command("claude", model)


def test_agents_that_cannot_start_say_why(agents: ConfiguredAgents) -> None:
    """Unknown, not installed, and configured without a program are told apart."""
    with pytest.raises(InvalidInput, match="agent: 'nobody' is not configured"):
        agents.command("nobody", None)
    with pytest.raises(Unavailable, match="gone: its program 'headway-no-such-program' is not installed"):
        agents.command("gone", None)
    with pytest.raises(InvalidInput, match="agent: 'empty' is configured without a program"):
        agents.command("empty", None)


def test_an_agent_gets_the_variables_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named ones from the runner's environment when they are set, and its own values, which win."""
    for name in ("OPENAI_API_KEY", "OPENAI_API_KEY_2", "GITHUB_TOKEN", "GH_TOKEN", "MODE"):
        monkeypatch.setenv(name, f"the runner's {name}")
    monkeypatch.delenv("NOT_SET", raising=False)
    agents = ConfiguredAgents(
        {
            "codex": AgentProgram(
                command=("codex",), pass_env=("OPENAI_API_KEY", "NOT_SET", "MODE"), env={"MODE": "quick"}
            ),
            "trusted": AgentProgram(command=("codex",), pass_env=("GH_TOKEN",)),
            "plain": AgentProgram(command=("codex",)),
        }
    )
    assert agents.environment("codex") == {
        "OPENAI_API_KEY": "the runner's OPENAI_API_KEY",
        "MODE": "quick",
    }
    assert agents.environment("trusted") == {"GH_TOKEN": "the runner's GH_TOKEN"}
    assert agents.environment("plain") == {}
    with pytest.raises(InvalidInput, match="agent: 'nobody' is not configured"):
        agents.environment("nobody")


def test_an_agent_that_is_not_known_is_looked_for_again(tmp_path: Path) -> None:
    """The configuration is read again for it; what is known already stays as it was, and costs no reading."""
    reads: list[str] = []
    configured = {"old": AgentProgram(command=("sh", "changed"))}

    def read_again() -> dict[str, AgentProgram]:
        reads.append("read")
        return configured

    agents = ConfiguredAgents({"old": AgentProgram(command=("sh",))}, read_again)
    with pytest.raises(InvalidInput, match=r"'new' is not configured \(configured: old\)"):
        agents.command("new", None)
    configured["new"] = AgentProgram(command=("sh", "-n"), env={"A": "1"})
    assert agents.command("new", None)[1:] == ("-n",)
    assert len(reads) == 2
    assert agents.environment("new") == {"A": "1"}
    assert agents.command("old", None)[1:] == ()
    assert len(reads) == 2
    configured["newer"] = AgentProgram(command=("sh",))
    assert agents.names() == ("new", "newer", "old")


def test_an_agents_program_is_found_on_its_own_path(tmp_path: Path) -> None:
    """When its configuration sets PATH, a bare name is looked up there."""
    found = program(tmp_path, "my-agent")
    agents = ConfiguredAgents({"a": AgentProgram(command=("my-agent",), env={"PATH": str(tmp_path)})})
    assert agents.command("a", None) == (found,)


@pytest.mark.parametrize(
    "name",
    [
        *("", "A B", "A=hush-hush", "1A", "A-B", "Ä", "A\n", "A\0", "A" * 201),
        *("HEADWAY_OUT", "HEADWAY_", "GH_CONFIG_DIR", "GIT_CONFIG_GLOBAL", "GIT_TERMINAL_PROMPT"),
    ],
)
def test_a_variable_that_an_agent_cannot_have_is_refused(name: str) -> None:
    """No name, or one that Headway sets itself: the field is told, and never what may be a value."""
    with pytest.raises(InvalidInput) as passed:
        AgentProgram(command=("a",), pass_env=("FINE", name))
    assert passed.value.field == "pass_env[1]"
    with pytest.raises(InvalidInput) as given:
        AgentProgram(command=("a",), env={name: "hush-hush"})
    assert given.value.field.startswith("env")
    assert "hush-hush" not in f"{passed.value} {given.value}"


def test_the_values_of_variables_are_never_shown() -> None:
    """Neither in the program's `repr` nor in the error about one that no process can have."""
    assert "hush-hush" not in repr(AgentProgram(command=("a",), env={"KEY": "hush-hush"}))
    with pytest.raises(InvalidInput, match=r"^env\.KEY: holds a NUL$"):
        AgentProgram(command=("a",), env={"KEY": "hush-hush\0"})


def test_the_clock_tells_aware_utc() -> None:
    """Time never goes without its zone."""
    assert SystemClock().now().tzinfo is UTC


def test_ids_are_new_and_plain() -> None:
    """Ids differ, and fit in paths and keys."""
    ids = [RandomIds().new() for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(re.fullmatch(r"[0-9a-zA-Z-]{1,40}", found) for found in ids)


def test_the_container_gives_every_port_and_touches_nothing(tmp_path: Path) -> None:
    """Each port of the host is provided once; constructing them makes no file."""
    container: Any = LocalContainer(data_dir=tmp_path / "data", programs={"a": AgentProgram(command=("sh",))})
    provided = {
        Worktrees: container.worktrees,
        Scripts: container.scripts,
        Agents: container.agents,
        Supervisor: container.supervisor,
        HostLocks: container.host,
        Clock: container.clock,
        Ids: container.ids,
    }
    for port, provider in provided.items():
        assert isinstance(provider(), port)
        assert provider() is provider()
    assert not (tmp_path / "data").exists()
