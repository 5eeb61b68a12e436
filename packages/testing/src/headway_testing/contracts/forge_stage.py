"""What the suites of a forge ask its adapter's test for: a repository, and people who work on it.

They are protocols: a forge in memory can have these methods itself, and needs no other class for its test.
What an adapter does not claim to have is never called: it can leave that method out.
"""

from typing import Protocol

from headway_core.projects.model import Project
from headway_core.pull_requests.model import CheckOutcome


class IssueStage(Protocol):
    """Where issues are."""

    @property
    def project(self) -> Project:
        """The project of the repository."""

    async def open_issue(self, title: str, body: str, *, trusted: bool) -> int:
        """Somebody whose words may be quoted to an agent, or a stranger, opens an issue; its number."""


class RepositoryStage(Protocol):
    """A repository with a commit on `main`, empty of other branches and of pull requests."""

    @property
    def project(self) -> Project:
        """The project of the repository."""

    @property
    def reviewer(self) -> str:
        """The login of somebody who may be asked for reviews, and who opens no pull request."""

    async def push(self, branch: str) -> str:
        """Somebody commits to a branch, which is made at `main` when it is new; the commit."""

    async def open_pull_request(
        self, branch: str, *, title: str = "Fix login", draft: bool = False
    ) -> tuple[str, int]:
        """Somebody opens a pull request of a pushed branch into `main`; its node id and its number."""

    async def close(self, node_id: str) -> None:
        """Somebody closes a pull request."""

    async def start_thread(self, node_id: str, body: str) -> str:
        """The reviewer starts a review thread on a file of a pull request; the thread's id."""


class PullRequestStage(RepositoryStage, Protocol):
    """The same repository, with what else becomes of its pull requests."""

    async def reopen(self, node_id: str) -> None:
        """Somebody opens a closed pull request again."""

    async def merge(self, node_id: str) -> None:
        """Somebody merges a pull request."""

    async def report_check(self, commit: str, name: str, outcome: CheckOutcome) -> None:
        """A check of a commit is PENDING, has PASSED or has FAILED; each report is of a new run."""

    async def review(self, node_id: str, *, approves: bool, body: str) -> None:
        """The reviewer approves a pull request, or requests changes."""

    async def resolve_thread(self, thread_id: str) -> None:
        """Somebody resolves a review thread."""

    async def move_base_into_conflict(self, node_id: str) -> None:
        """Somebody commits to `main` what conflicts with the head of a pull request."""

    async def enqueue(self, node_id: str) -> None:
        """Somebody puts a pull request into the merge queue."""
