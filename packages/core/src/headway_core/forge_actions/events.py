"""What happens to the actions."""

from typing import ClassVar

import attrs

from headway_core.forge_actions.model import ActionStatus, Order, UnusableFile


@attrs.frozen(kw_only=True)
class ForgeActionChanged:
    """An action was asked for, or its status changed."""

    event: ClassVar[str] = "forge_action.changed"
    version: ClassVar[int] = 1

    action_id: str
    """The action."""
    order: Order | UnusableFile
    """What is to be done, or what could not be read."""
    status: ActionStatus
    """What became of it."""
    attempts: int
    """How often it was tried; a refusal to open a pull request begins the count anew."""
    result: str | None
    """The node id of what was made; None while there is none."""
    problem: str | None
    """Why it was not done, at the last attempt."""


@attrs.frozen(kw_only=True)
class AgentOutputRefused:
    """What an agent left for the forge could not be used."""

    event: ClassVar[str] = "forge_action.refused"
    version: ClassVar[int] = 1

    session_id: str
    """The session of the agent."""
    file: str
    """The file that it wrote: `replies.json` or `pull-request.json`."""
    problem: str
    """What is wrong with it."""


EVENTS = (ForgeActionChanged, AgentOutputRefused)
