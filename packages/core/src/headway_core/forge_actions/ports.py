"""What the room asks of a forge: to write, each thing once."""

from abc import ABC, abstractmethod

import attrs

from headway_core.forge_actions.model import Order
from headway_core.projects.model import Project


@attrs.frozen(kw_only=True)
class Written:
    """The effect of an action exists."""

    node_id: str
    """The forge's id of what was made."""


class ForgeWriter(ABC):
    """Writes to a forge. `mark` is put into the text, and is how the effect is found again.

    Raises `Unavailable` (try again, `retry_after_s` when known), `PermissionDenied`, `NotFound` (the thread
    or repository is gone) and `InvalidInput` (GitHub refuses the content: its own message, cut to 300
    characters).
    """

    @abstractmethod
    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        """The effect of this order, when it is there: an open pull request of the same head and base, or
        one of the same head with the mark, whatever became of it since; a comment of the thread or of the
        conversation with the mark, a resolved thread, and a pull request that all of the reviewers have
        been asked to review or have reviewed.
        """

    @abstractmethod
    async def write(self, project: Project, order: Order, mark: str) -> Written:
        """Do it, without looking for an earlier effect."""
