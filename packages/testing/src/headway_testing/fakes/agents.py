"""The agents of a host, without their programs."""

from collections.abc import Mapping

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.sessions.ports import Agents


class FakeAgents(Agents):
    """Agents whose program is their name. `missing` are configured, and not installed."""

    def __init__(self, *names: str, missing: tuple[str, ...] = ()) -> None:
        self._names = names or ("claude", "codex")
        self.missing = set(missing)
        self.variables: dict[str, dict[str, str]] = {}
        """What an agent's configuration gives it, by agent."""

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._names))

    def command(self, agent: str, model: str | None) -> tuple[str, ...]:
        if agent not in self._names:
            raise InvalidInput("agent", f"{agent!r} is not configured")
        if agent in self.missing:
            raise Unavailable(agent, "its program is not installed")
        return (agent,) if model is None else (agent, "--model", model)

    def environment(self, agent: str) -> Mapping[str, str]:
        if agent not in self._names:
            raise InvalidInput("agent", f"{agent!r} is not configured")
        return self.variables.get(agent, {})
