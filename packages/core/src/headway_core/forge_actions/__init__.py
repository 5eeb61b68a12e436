"""What Headway does at GitHub for an agent or a person, each thing once: open a pull request, reply, resolve,
comment, ask for a review.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.forge_actions.consumers import AgentOutputConsumer
    from headway_core.forge_actions.duty import ForgeActionDuty
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
        UnusableFile,
        own_mark,
    )
    from headway_core.forge_actions.ports import ForgeWriter, Written
    from headway_core.forge_actions.service import ForgeActionService
    from headway_core.forge_actions.steps import ForgeActionSteps
else:
    __getattr__ = lazy_exports(__name__, "model", "ports", "steps", "service", "duty", "consumers")

__all__ = [
    "FORGE_ACTIONS",
    "MARK",
    "ActionStatus",
    "AgentOutputConsumer",
    "Comment",
    "ForgeAction",
    "ForgeActionDuty",
    "ForgeActionService",
    "ForgeActionSteps",
    "ForgeWriter",
    "OpenPullRequest",
    "Reply",
    "RequestReview",
    "Resolve",
    "UnusableFile",
    "Written",
    "own_mark",
]
