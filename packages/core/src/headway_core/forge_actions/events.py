"""What happens to the actions."""

from typing import ClassVar

import attrs

from headway_core.forge_actions.model import ActionStatus, Order


@attrs.frozen(kw_only=True)
class ForgeActionChanged:
    """An action was asked for, or its status changed."""

    event: ClassVar[str] = "forge_action.changed"
    version: ClassVar[int] = 1

    action_id: str
    order: Order
    status: ActionStatus
    attempts: int
    result: str | None
    problem: str | None


@attrs.frozen(kw_only=True)
class AgentOutputRefused:
    """What an agent left for GitHub could not be used."""

    event: ClassVar[str] = "forge_action.refused"
    version: ClassVar[int] = 1

    session_id: str
    file: str
    problem: str


EVENTS = (ForgeActionChanged, AgentOutputRefused)
