"""What the room asks of the machine: agents as commands."""

from abc import ABC, abstractmethod
from collections.abc import Mapping


class Agents(ABC):
    """The kinds of agents that this host can start."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The configured agents, sorted."""

    @abstractmethod
    def command(self, agent: str, model: str | None) -> tuple[str, ...]:
        """The argument list; the prompt comes on standard input.

        `InvalidInput("agent")` for one that is not configured, `Unavailable(agent)` when its program
        is not installed here.
        """

    @abstractmethod
    def environment(self, agent: str) -> Mapping[str, str]:
        """The variables that this agent's configuration gives it. Their values are secret: they are handed to
        the process, and neither stored nor told. `InvalidInput("agent")` for one that is not configured.
        """
