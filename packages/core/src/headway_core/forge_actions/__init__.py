"""What Headway does at GitHub for an agent or a person: open a pull request, reply, resolve, comment,
ask for a review. Each once.
"""

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
