"""A forge whose answers are scripted: what it knows is set, and what it was asked is kept."""

from collections.abc import Awaitable, Callable, Sequence

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
    RateLimit,
)


@attrs.frozen(kw_only=True)
class Asked:
    """One call that the fake got."""

    what: str
    """`observe`, `resolve`, `of_branches` or `trigger_merge_check`."""
    about: tuple[str, ...]


class FakeForgeReader(ForgeReader):
    """Answers from `observations`, `numbers` and `candidates`; what is missing is not found.

    `repositories` are those that there are (`owner/name`); None: every one.

    `before_answer` is awaited inside every call, after the answer was decided: a test holds a slow
    answer back with it, or lets the world move on meanwhile.
    """

    def __init__(self) -> None:
        self.observations: dict[str, Observation | FetchFailed] = {}
        self.numbers: dict[int, str | FetchFailed] = {}
        self.candidates: dict[str, tuple[Candidate, ...] | FetchFailed] = {}
        self.told_limits: tuple[RateLimit, ...] = ()
        self.repositories: set[str] | None = None
        self.asked: list[Asked] = []
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        self.asked.append(Asked(what="observe", about=tuple(node_ids)))
        answer = {node_id: self.observations.get(node_id, NOT_FOUND) for node_id in node_ids}
        await self._hold()
        return answer

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        self.asked.append(Asked(what="resolve", about=(str(number),)))
        answer = self.numbers.get(number, NOT_FOUND) if self._knows(project) else NOT_FOUND
        await self._hold()
        return answer

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        self.asked.append(Asked(what="of_branches", about=tuple(branches)))
        answer = {
            branch: self.candidates.get(branch, ()) if self._knows(project) else NOT_FOUND
            for branch in branches
        }
        await self._hold()
        return answer

    def limits(self) -> tuple[RateLimit, ...]:
        return self.told_limits

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        self.asked.append(Asked(what="trigger_merge_check", about=(str(number),)))

    def _knows(self, project: Project) -> bool:
        return self.repositories is None or project.repository in self.repositories

    async def _hold(self) -> None:
        if self.before_answer is not None:
            await self.before_answer()


NOT_FOUND = FetchFailed(kind=FailureKind.NOT_FOUND, problem="there is no such pull request")
