"""Agents that are programs: the prompt comes on standard input, the work is done when they end."""

import os
import re
import shutil
from collections.abc import Callable, Mapping

import attrs

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.sessions.ports import Agents
from headway_local.environment import is_name, named_environment, refusal

_MODEL = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/@\[\]-]{0,199}")


def _check_names(_: object, field: "attrs.Attribute[tuple[str, ...]]", names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        if (problem := refusal(name)) is not None:
            raise InvalidInput(f"{field.name}[{number}]", problem)


def _check_values(_: object, field: "attrs.Attribute[Mapping[str, str]]", values: Mapping[str, str]) -> None:
    for name, value in values.items():
        if (problem := refusal(name)) is not None:
            where = f"{field.name}.{name}" if is_name(name) else f"{field.name}: a name in it"
            raise InvalidInput(where, problem)
        if "\0" in value:
            raise InvalidInput(f"{field.name}.{name}", "holds a NUL")


@attrs.frozen(kw_only=True)
class AgentProgram:
    """How an agent is called, and which variables it gets beside those that every agent gets.

    `InvalidInput` names the field (`pass_env[0]`, `env`) for a name that is none, or that Headway sets
    itself. No error, log, event or `repr` holds a variable's value.
    """

    command: tuple[str, ...]
    """The program (a name on PATH, or a path) and its arguments."""
    model_option: str | None = None
    """The option that the model's name follows as the next argument; None: the agent knows its own model,
    and one that was asked for is left out."""
    pass_env: tuple[str, ...] = attrs.field(default=(), validator=_check_names)
    """Exact names of variables that are passed on from the runner's environment, where they are set in it."""
    env: Mapping[str, str] = attrs.field(factory=dict, repr=False, hash=False, validator=_check_values)
    """Variables with their values; they win over those of the runner's environment."""


ReadAgain = Callable[[], Mapping[str, AgentProgram]]
"""Gives the programs as they are configured now."""


class ConfiguredAgents(Agents):
    """The agents that the settings of this host name."""

    def __init__(
        self,
        programs: Mapping[str, AgentProgram],
        read_again: ReadAgain | None = None,
    ) -> None:
        """`read_again` gives the programs as they are configured now: an agent that was added meanwhile is
        found; those that are known stay as they are. What it raises is raised by whoever asked.
        """
        self._programs = dict(programs)
        self._read_again = read_again

    def names(self) -> tuple[str, ...]:
        self._add_new()
        return tuple(sorted(self._programs))

    def _add_new(self) -> None:
        if self._read_again is not None:
            self._programs = {**self._read_again(), **self._programs}

    def command(self, agent: str, model: str | None) -> tuple[str, ...]:
        program = self._program(agent)
        if not program.command:
            raise InvalidInput("agent", f"{agent!r} is configured without a program")
        found = shutil.which(program.command[0], path=program.env.get("PATH"))
        if found is None:
            raise Unavailable(agent, f"its program {program.command[0]!r} is not installed")
        # Found from here; the process will be somewhere else.
        command = (os.path.abspath(found), *program.command[1:])  # noqa: PTH100 - links are kept
        if model is None or program.model_option is None:
            return command
        if not _MODEL.fullmatch(model):
            raise InvalidInput("model", f"{model!r} is no name of a model")
        return (*command, program.model_option, model)

    def environment(self, agent: str) -> dict[str, str]:
        program = self._program(agent)
        return {**named_environment(program.pass_env), **program.env}

    def _program(self, agent: str) -> AgentProgram:
        if agent not in self._programs:
            self._add_new()
        program = self._programs.get(agent)
        if program is None:
            configured = ", ".join(sorted(self._programs)) or "none"
            raise InvalidInput("agent", f"{agent!r} is not configured (configured: {configured})")
        return program
