"""What creation asks of GitHub: one issue."""

from abc import ABC, abstractmethod

import attrs

from headway_core.projects.model import Project


@attrs.frozen(kw_only=True)
class Issue:
    """What an issue says. Title and body come from outside: hostile text."""

    number: int
    """Its number."""
    url: str
    """Its address."""
    title: str
    """Its title: outside text."""
    body: str
    """Its text: outside text."""
    author: str | None
    """Login; None for a deleted account."""
    trusted: bool
    """Whether the author may be quoted to an agent."""


class IssueReader(ABC):
    """Reads issues of a project's repository."""

    @abstractmethod
    async def read(self, project: Project, number: int) -> Issue:
        """The issue as it is now.

        `NotFound("issue", …)` when there is none, `PermissionDenied` when the token may not see it or
        is missing, `Unavailable` when GitHub can't be reached or answers nonsense.
        """
