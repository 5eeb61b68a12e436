"""What Headway does at GitHub for an agent or a person: open a pull request, reply, resolve, comment,
ask for a review. Each once.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.forge_actions.model import (
        FORGE_ACTIONS,
        MARK,
        ActionStatus,
        Comment,
        ForgeAction,
        OpenPullRequest,
        Reply,
        RequestReview,
        Resolve,
    )
    from headway_core.forge_actions.ports import ForgeWriter, Written
    from headway_core.forge_actions.service import AgentOutputConsumer, ForgeActionDuty, ForgeActionService
else:
    __getattr__ = lazy_exports(__name__, "model", "ports", "service")

__all__ = [
    "FORGE_ACTIONS",
    "MARK",
    "ActionStatus",
    "AgentOutputConsumer",
    "Comment",
    "ForgeAction",
    "ForgeActionDuty",
    "ForgeActionService",
    "ForgeWriter",
    "OpenPullRequest",
    "Reply",
    "RequestReview",
    "Resolve",
    "Written",
]
