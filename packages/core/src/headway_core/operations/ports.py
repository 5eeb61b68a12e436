"""What creation asks of the source of issues: one issue, and where it lies."""

from abc import ABC, abstractmethod

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.model import Author


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
    """Whether the author may be quoted to an agent, whoever is listed in the settings."""
    account: Author | None = None
    """The author as the settings' list of trusted accounts knows it; None: there is no more than a login."""


@attrs.frozen(kw_only=True)
class IssueAddress:
    """Where an issue lies."""

    number: int
    """1 or more."""
    url: str
    """In its plain form: the same for everybody who names the issue."""


class IssueReader(ABC):
    """Reads issues of a project, and says which addresses are its issues'. The first two ask nobody."""

    @abstractmethod
    def address_of(self, project: Project, number: int) -> str:
        """The plain address of the project's issue with this number, which need not exist."""

    @abstractmethod
    def issue_at(self, project: Project, url: str) -> IssueAddress | None:
        """The issue of the project that an address names, whether or not it exists. None for any other
        address, and for hostile text: what is returned is shown to people and told to agents.
        """

    @abstractmethod
    async def read(self, project: Project, number: int) -> Issue:
        """The issue as it is now.

        `NotFound("issue", …)` when there is none, `PermissionDenied` when the token may not see it or
        is missing, `Unavailable` when the source can't be reached or answers nonsense.
        """
