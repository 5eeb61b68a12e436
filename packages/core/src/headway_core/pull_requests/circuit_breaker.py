"""The questions of one round, of which none is asked any more after a limit (S11)."""

from collections.abc import Iterable, Sequence

from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
)


class CircuitBreaker(ForgeReader):
    """A forge that is asked until it answers with a limit; that is the answer to all further questions."""

    def __init__(self, forge: ForgeReader) -> None:
        self._forge = forge
        self._open: FetchFailed | None = None

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        if self._open is not None:
            return dict.fromkeys(node_ids, self._open)
        answers = await self._forge.observe(project, node_ids)
        self._note(answers.values())
        return answers

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        if self._open is not None:
            return self._open
        answer = await self._forge.resolve(project, number)
        self._note([answer])
        return answer

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        if self._open is not None:
            return dict.fromkeys(branches, self._open)
        answers = await self._forge.of_branches(project, branches)
        self._note(answers.values())
        return answers

    def _note(self, answers: Iterable[object]) -> None:
        for answer in answers:
            if isinstance(answer, FetchFailed) and answer.kind is FailureKind.RATE_LIMITED:
                self._open = answer
