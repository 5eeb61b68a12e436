"""A forge whose answers are scripted: what it knows is set, and what it was asked is kept."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.model import (
    Author,
    Base,
    Check,
    CheckOutcome,
    GitHubState,
    Head,
    Mergeability,
)
from headway_core.pull_requests.ports import (
    Candidate,
    ChecksPart,
    ConversationPart,
    FailureKind,
    FetchFailed,
    Observation,
    PullRequests,
    RateLimit,
    StatePart,
)
from headway_testing.clock import EPOCH


@attrs.frozen(kw_only=True)
class Asked:
    """One call that the fake got."""

    what: str
    """`observe`, `resolve`, `of_branches` or `kick`."""
    about: tuple[str, ...]


class FakePullRequests(PullRequests):
    """Answers from `observations`, `numbers` and `candidates`; what is missing is not found.

    `before_answer` is awaited inside every call, after the answer was decided: a test holds a slow
    answer back with it, or lets the world move on meanwhile.
    """

    def __init__(self) -> None:
        self.observations: dict[str, Observation | FetchFailed] = {}
        self.numbers: dict[int, str | FetchFailed] = {}
        self.candidates: dict[str, tuple[Candidate, ...] | FetchFailed] = {}
        self.told_limits: tuple[RateLimit, ...] = ()
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
        answer = self.numbers.get(number, NOT_FOUND)
        await self._hold()
        return answer

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        self.asked.append(Asked(what="of_branches", about=tuple(branches)))
        answer = {branch: self.candidates.get(branch, ()) for branch in branches}
        await self._hold()
        return answer

    def limits(self) -> tuple[RateLimit, ...]:
        return self.told_limits

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        self.asked.append(Asked(what="trigger_merge_check", about=(str(number),)))

    async def _hold(self) -> None:
        if self.before_answer is not None:
            await self.before_answer()


NOT_FOUND = FetchFailed(kind=FailureKind.NOT_FOUND, problem="there is no such pull request")


def an_observation(node_id: str = "PR_1", /, **changes: Any) -> Observation:
    """A green, clean, open pull request, read whole; `changes` are fields of its state or its parts.

    `commit` sets head, tip and the commit of the checks; `checks` may be the checks themselves.
    """
    commit = changes.pop("commit", "a" * 40)
    parts: dict[str, Any] = {
        "checks": (a_check(),),
        "conversation": ConversationPart(reviews=(), threads=()),
        "mergeability": Mergeability.CLEAN,
        "problems": (),
    }
    parts.update({name: changes.pop(name) for name in list(changes) if name in parts})
    if isinstance(parts["checks"], tuple):
        parts["checks"] = ChecksPart(commit=commit, checks=parts["checks"], required=())
    state: dict[str, Any] = {
        "node_id": node_id,
        "number": 7,
        "url": "https://github.com/octo/demo/pull/7",
        "title": "Fix login",
        "author": Author(login="alice", node_id="U_alice", association="OWNER", can_push=True),
        "state": GitHubState.OPEN,
        "draft": False,
        "review_decision": None,
        "head": Head(ref="headway/fix-login", commit=commit, repository="octo/demo", tip=commit),
        "base": Base(ref="main", commit="b" * 40),
        "updated_at": EPOCH,
        "merge_queue": None,
    }
    state.update(changes)
    return Observation(state=StatePart(**state), **parts)


def a_check(name: str = "test", outcome: CheckOutcome = CheckOutcome.PASSED, **changes: Any) -> Check:
    """A check run of an Actions workflow."""
    words = {
        CheckOutcome.PASSED: "SUCCESS",
        CheckOutcome.FAILED: "FAILURE",
        CheckOutcome.PENDING: "IN_PROGRESS",
        CheckOutcome.WAITS_FOR_PERSON: "ACTION_REQUIRED",
        CheckOutcome.UNKNOWN: "STALE",
    }
    fields: dict[str, Any] = {
        "identity": f"run:github-actions/1/push/{name.casefold()}",
        "name": name,
        "run_id": "1",
        "outcome": outcome,
        "word": words[outcome],
        "started_at": EPOCH - timedelta(minutes=1),
    }
    fields.update(changes)
    return Check(**fields)


def a_candidate(number: int = 7, **changes: Any) -> Candidate:
    """An open pull request of the repository's own branch into main, made when the tests begin."""
    fields: dict[str, Any] = {
        "node_id": f"PR_{number}",
        "number": number,
        "base_ref": "main",
        "created_at": EPOCH,
        "head_repository": "octo/demo",
    }
    fields.update(changes)
    return Candidate(**fields)
