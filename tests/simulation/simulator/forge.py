"""The ports to the forge, as one process has them: slow, lagging, partial, and at times not there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio

from headway_core.forge_actions.model import (
    Comment,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.kernel.errors import InvalidInput, NotFound, Unavailable
from headway_core.operations.ports import Issue
from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind, GitHubState
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
)
from headway_testing.fakes import FakeIssueReader
from simulator.github import (
    REPOSITORY,
    checks_part,
    conversation_part,
    state_part,
)

if TYPE_CHECKING:
    from simulator.incarnation import Incarnation

LONGEST_LAG_S = 3.0
"""How old an answer may be: less than `forge_actions` counts on."""

_FAILURES = (
    FetchFailed(kind=FailureKind.UNAVAILABLE, problem="the world says no"),
    FetchFailed(kind=FailureKind.NONSENSE, problem="the world talks nonsense"),
    FetchFailed(kind=FailureKind.RATE_LIMITED, problem="too much", retry_after_s=4.0),
    FetchFailed(kind=FailureKind.NOT_FOUND, problem="the world denies it"),
)


class WorldPullRequests(ForgeReader):
    """Reads the forge of the world. Every part that was ever told whole is remembered there."""

    def __init__(self, process: "Incarnation") -> None:
        self._process = process
        self._world = process.world

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        with self._in_flight(node_ids):
            async with self._process.effect("observe", takes_s=1.0, breaks=False):
                answers = {node_id: self._answer(node_id) for node_id in node_ids}
                await self._on_its_way()
                return answers

    @contextmanager
    def _in_flight(self, node_ids: Sequence[str]) -> Iterator[None]:
        """R15: one fetch of a pull request is in flight at a time, among all processes that live."""
        in_flight = self._world.in_flight
        for node_id in node_ids:
            if (other := in_flight.get(node_id)) is not None and other.alive:
                self._world.violated(
                    "R15 one fetch in flight", f"{self._process.name}: {node_id}, as {other.name}"
                )
            in_flight[node_id] = self._process
        try:
            yield
        finally:
            for node_id in node_ids:
                in_flight.pop(node_id, None)

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        async with self._process.effect("resolve", breaks=False):
            node_id = f"PR_{number}"
            return node_id if node_id in self._world.github.pulls else _FAILURES[3]

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        async with self._process.effect("of_branches", takes_s=1.0, breaks=False):
            answers = {branch: self._candidates(branch) for branch in branches}
            await self._on_its_way()
            return answers

    async def _on_its_way(self) -> None:
        """An answer travels; at times it takes so long that a later question is answered before."""
        slow = self._world.happens(f"answer {self._world.count('answer')} is slow", 0.08)
        await anyio.sleep(self._world.luck.uniform(2, 12) if slow else self._world.luck.random() * 0.3)

    def _failure(self) -> FetchFailed | None:
        name = f"fetch {self._world.count('fetch')} fails"
        if not self._world.happens(name, 0.06):
            return None
        return self._world.chance.pick(f"how {name}", _FAILURES)

    def _lag(self) -> timedelta:
        name = f"read {self._world.count('read')} lags"
        if not self._world.happens(name, 0.2):
            return timedelta(0)
        return timedelta(seconds=self._world.chance.between(f"how {name}", 0.2, LONGEST_LAG_S))

    def _answer(self, node_id: str) -> Observation | FetchFailed:
        failure = self._failure()
        if failure is not None:
            return failure
        world, pull = self._world, self._world.github.pulls.get(node_id)
        state = pull.at(world.at() - self._lag()) if pull is not None else None
        if pull is None or state is None:
            return FetchFailed(kind=FailureKind.NOT_FOUND, problem="there is no such pull request")
        number = world.count("observation")
        checks, conversation = checks_part(state), conversation_part(state)
        missing = {
            part: world.happens(f"observation {number} has no {part}", 0.05)
            for part in ("checks", "conversation", "mergeability")
        }
        answer = Observation(
            state=state_part(pull, state, world.github.branches.get(pull.branch)),
            checks=None if missing["checks"] else checks,
            conversation=None if missing["conversation"] else conversation,
            mergeability=None if missing["mergeability"] else state.mergeability,
            problems=tuple(part for part, gone in missing.items() if gone),
        )
        world.served(node_id, answer)
        return answer

    def _candidates(self, branch: str) -> tuple[Candidate, ...] | FetchFailed:
        failure = self._failure()
        if failure is not None:
            return failure
        moment = self._world.at() - self._lag()
        found = []
        for pull in self._world.github.pulls.values():
            state = pull.at(moment)
            if pull.branch == branch and state is not None and state.state is GitHubState.OPEN:
                found.append(
                    Candidate(
                        node_id=pull.node_id,
                        number=pull.number,
                        base_ref="main",
                        created_at=pull.opened_at,
                        head_repository=pull.repository,
                        head_commit=state.head,
                        in_repository=pull.repository == REPOSITORY,
                    )
                )
        return tuple(found)


class WorldForgeWriter(ForgeWriter):
    """Writes to the forge of the world. A request can get lost, and so can its answer."""

    def __init__(self, process: "Incarnation") -> None:
        self._process = process
        self._world = process.world

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        async with self._process.effect("find"):
            name = f"find {self._world.count('find a mark')} lags"
            lag = self._world.chance.between(f"how {name}", 0.2, LONGEST_LAG_S)
            seconds = lag if self._world.happens(name, 0.3) else 0.0
            return self._find(order, mark, timedelta(seconds=seconds))

    def _find(self, order: Order, mark: str, lag: timedelta) -> Written | None:
        world = self._world
        moment = world.at() - lag
        for pull in world.github.pulls.values():
            state = pull.at(moment)
            if state is None:
                continue
            match order:
                case OpenPullRequest(head=head) if (pull.branch, pull.repository) == (head, REPOSITORY):
                    if state.state is GitHubState.OPEN or pull.mark == mark:
                        return Written(node_id=pull.node_id)
                case Reply(thread_id=thread_id):
                    for each in state.threads:
                        for comment in each.thread.comments:
                            if each.thread.id == thread_id and mark in comment.body:
                                return Written(node_id=comment.id)
                case Resolve(thread_id=thread_id):
                    if any(each.thread.id == thread_id and each.resolved for each in state.threads):
                        return Written(node_id=thread_id)
                case _:
                    continue
        return None

    async def write(self, project: Project, order: Order, mark: str) -> Written:
        async with self._process.effect("write", takes_s=1.0):
            written = self._write(order, mark)
            number = self._world.count("answer of a write")
            if self._world.happens(f"answer {number} of a write is lost", 0.1):
                raise Unavailable("github", "the connection died")
            return written

    def _write(self, order: Order, mark: str) -> Written:
        github = self._world.github
        self._world.watcher.posts(mark)
        match order:
            case OpenPullRequest(head=head):
                if head not in github.branches:
                    raise InvalidInput("head", "there is no such branch")
                if github.open_pull_of(head) is not None:
                    raise InvalidInput("head", "a pull request already exists")
                pull = github.open(head, mark)
                if github.closed_at_once or self._world.happens(
                    f"somebody closes #{pull.number} at once", 0.1
                ):
                    github.set_state(pull, GitHubState.CLOSED)
                return Written(node_id=pull.node_id)
            case Reply(thread_id=thread_id, body=body):
                comment = github.answer(thread_id, body, mark)
                if comment is None:
                    raise NotFound("thread", thread_id)
                return Written(node_id=comment)
            case Resolve(thread_id=thread_id):
                if not github.resolve(thread_id):
                    raise NotFound("thread", thread_id)
                return Written(node_id=thread_id)
            case Comment() | RequestReview():
                raise InvalidInput("order", "no agent of this world asks for it")


class WorldIssues(FakeIssueReader):
    """Issue 1 is a trusted person's, every other one a stranger's."""

    def __init__(self, process: "Incarnation") -> None:
        super().__init__()
        self._process = process

    async def read(self, project: Project, number: int) -> Issue:
        async with self._process.effect("read issue"):
            trusted = number == 1
            return Issue(
                number=number,
                url=f"https://github.com/{REPOSITORY}/issues/{number}",
                title=f"Issue of the world {number}",
                body="Please do it" if trusted else self._process.world.hostile,
                author="olga" if trusted else "sam",
                trusted=trusted,
            )
