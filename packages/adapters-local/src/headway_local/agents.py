"""Agents that are programs: the prompt comes on standard input, the work is done when they end."""

import os
import re
import shutil
from collections.abc import Mapping

import attrs

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.sessions.ports import Agents

_MODEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/@\[\]-]{0,199}")


@attrs.frozen(kw_only=True)
class AgentProgram:
    """How an agent is called."""

    command: tuple[str, ...]
    """The program (a name on PATH, or a path) and its arguments."""
    model_option: str | None = None
    """The option that the model's name follows as the next argument; None: the agent knows its own model,
    and one that was asked for is left out."""


class ConfiguredAgents(Agents):
    """The agents that the settings of this host name."""

    def __init__(self, programs: Mapping[str, AgentProgram]) -> None:
        self._programs = dict(programs)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._programs))

    def command(self, agent: str, model: str | None) -> tuple[str, ...]:
        program = self._programs.get(agent)
        if program is None:
            configured = ", ".join(self.names()) or "none"
            raise InvalidInput("agent", f"{agent!r} is not configured (configured: {configured})")
        if not program.command:
            raise InvalidInput("agent", f"{agent!r} is configured without a program")
        found = shutil.which(program.command[0])
        if found is None:
            raise Unavailable(agent, f"its program {program.command[0]!r} is not installed")
        # Found from here; the process will be somewhere else.
        command = (os.path.abspath(found), *program.command[1:])  # noqa: PTH100 - links are kept
        if model is None or program.model_option is None:
            return command
        if not _MODEL.fullmatch(model):
            raise InvalidInput("model", f"{model!r} is no name of a model")
        return (*command, program.model_option, model)
