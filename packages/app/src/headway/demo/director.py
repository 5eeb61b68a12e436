"""The other people of the demo: a reviewer, and whoever moves the base branch.

Each act has an idempotency key, so that after any crash the director may do everything again.
"""

from collections.abc import Awaitable, Callable

import anyio
import httpx

from headway.demo.world import AUTHOR, MOVED_GREETINGS, RESUMED, REVIEWER
from headway_sandbox import Remark, ReviewState, SandboxControl
from headway_sandbox.commands import IssueView, PullView, RepositoryView

ISSUE_TITLE = "Shout a name"
ISSUE_BODY = "Please add a function that shouts a name in capital letters, with a test."
REQUEST = "An empty name should be refused here."


async def open_issue(control: SandboxControl) -> IssueView:
    """The issue that the second story works on."""
    return await control.create_issue(REVIEWER, ISSUE_TITLE, ISSUE_BODY, key="issue")


async def open_resumed(control: SandboxControl) -> PullView:
    """The pull request that the third story finds open."""
    return await control.open_pull_request(AUTHOR, RESUMED, "Greet in the morning", key="resumed")


class Director:
    """Plays the reviewer and the base branch, as the facts at the sandbox ask for it."""

    def __init__(self, control: SandboxControl, revive: Callable[[], Awaitable[None]]) -> None:
        self._control = control
        self._revive = revive
        self._approved = False
        self._base_moved = False

    @property
    def done(self) -> bool:
        """Both acts were played."""
        return self._approved and self._base_moved

    async def play(self) -> None:
        """Act until cancelled; a sandbox that died is started again."""
        while True:
            try:
                repository = (await self._control.state()).repositories[0]
                await self._review(repository)
                await self._move_base(repository)
            except httpx.TransportError:
                await self._revive()
            await anyio.sleep(0.2)

    async def _review(self, repository: RepositoryView) -> None:
        """Ask for a change on the issue's pull request; approve when it was made and answered."""
        for pull in repository.pulls:
            if pull.title != ISSUE_TITLE or not is_green(pull):
                continue
            review = await self._control.review(
                REVIEWER,
                pull.number,
                ReviewState.CHANGES_REQUESTED,
                threads=(Remark(path="shout.py", line=1, body=REQUEST),),
                key="review",
            )
            answered = any(len(thread.comments) > 1 for thread in pull.threads)
            if answered and pull.head_oid != review.commit:
                await self._control.approve(REVIEWER, pull.number, key="approve")
                self._approved = True

    async def _move_base(self, repository: RepositoryView) -> None:
        """Let the base run into the resumed branch, once that was green."""
        if any(pull.head == RESUMED and is_green(pull) for pull in repository.pulls):
            await self._control.commit_files(
                REVIEWER,
                "main",
                {"greetings.txt": MOVED_GREETINGS},
                "Greet in the evening",
                key="move the base",
            )
            self._base_moved = True


def is_green(pull: PullView) -> bool:
    """Its present head was tested, and passed."""
    current = [run for run in pull.runs if not run.replaced]
    return bool(current) and all(run.conclusion == "SUCCESS" for run in current)
