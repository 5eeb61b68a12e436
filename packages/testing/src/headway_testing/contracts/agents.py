"""What every `Agents` does. An adapter's test subclasses `AgentsContract` and names two of its agents."""

import enum
from typing import ClassVar

import pytest

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.sessions.ports import Agents
from headway_testing.contracts.suite import Capability, PortContract


class AgentsCapability(Capability):
    """What an adapter may lack; the rest holds for each."""

    MODELS = enum.auto()
    """An agent can be asked to use a model."""
    MISSING_PROGRAMS = enum.auto()
    """It knows when an agent that is configured is not installed."""


@pytest.mark.anyio
class AgentsContract(PortContract):
    """Subclasses define the fixture `agents` (an `Agents`), which knows `installed`, and maybe `missing`."""

    port = Agents
    capabilities: ClassVar[frozenset[AgentsCapability]] = frozenset(AgentsCapability)
    installed: ClassVar[str] = "installed"
    """An agent that can be started here."""
    missing: ClassVar[str] = "missing"
    """One that is configured, and whose program is not there."""

    async def test_agents_are_named_in_order(self, agents: Agents) -> None:
        """The names are sorted, without repetition, and have those that are configured."""
        names = agents.names()
        assert list(names) == sorted(set(names))
        assert self.installed in names

    async def test_a_command_is_a_list_of_arguments(self, agents: Agents) -> None:
        """What starts an agent is a program and its arguments, alike each time."""
        command = agents.command(self.installed, None)
        assert command
        assert all(command)
        assert agents.command(self.installed, None) == command

    async def test_an_unknown_agent_is_named(self, agents: Agents) -> None:
        """An agent that is not configured is a mistake in the field `agent`."""
        with pytest.raises(InvalidInput) as refused:
            agents.command("nobody-of-that-name", None)
        assert refused.value.field == "agent"

    async def test_a_missing_program_is_told(self, agents: Agents) -> None:
        """An agent that is configured and not installed is named, and is unavailable."""
        self.needs(AgentsCapability.MISSING_PROGRAMS)
        assert self.missing in agents.names()
        with pytest.raises(Unavailable) as refused:
            agents.command(self.missing, None)
        assert refused.value.service == self.missing

    async def test_a_model_is_one_argument(self, agents: Agents) -> None:
        """A model's name is an argument of its own, after those without it."""
        self.needs(AgentsCapability.MODELS)
        command = agents.command(self.installed, "opus-4.5")
        assert "opus-4.5" in command
        assert "opus-4.5" not in agents.command(self.installed, None)
