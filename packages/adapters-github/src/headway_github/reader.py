"""Pull requests from GitHub: what is asked, page by page, and when a part counts as read whole.

A part is whole when no error lies at its path, every list has as many entries as GitHub says there
are, and it was read at the head that the pull request has (design: github 2.3 a to d).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.checks import CheckRow, newest_checks
from headway_core.pull_requests.model import GitHubState, Mergeability
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
from headway_github import mapping
from headway_github.answers import Answer, AnswerError, GraphQL, SendFailed
from headway_github.budgets import Budgets
from headway_github.documents import BRANCHES_A_CALL, branches, document
from headway_github.pages import IncompleteError, Pages
from headway_github.reading import MalformedError, Node
from headway_github.rest import Rest
from headway_github.rest_checks import RestChecks
from headway_github.rows import check_row
from headway_github.rules import Required, RequiredContexts

logger = logging.getLogger(__name__)

DETAILS_A_CALL = 20

_PARTS: Mapping[str, str] = {
    "checks": "checks",
    "reviews": "conversation",
    "reviewThreads": "conversation",
    "mergeable": "mergeability",
}
"""The part that an error below a field of a pull request takes away; any other takes the whole."""
_HARMLESS = frozenset({"headRepository", "author", "mergeQueueEntry"})
"""Where GitHub may refuse a look without the rest being wrong: null says the same."""
_REFUSALS = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})
_CUT_SHORT = frozenset({"RESOURCE_LIMITS_EXCEEDED", "TIMEOUT"})

T = TypeVar("T")


class GitHubPullRequests(PullRequests):
    """Reads pull requests by GraphQL; checks that a token may not read there, by REST."""

    def __init__(self, graphql: GraphQL, rest: Rest, budgets: Budgets) -> None:
        self._graphql = graphql
        self._rest = rest
        self._rest_checks = RestChecks(rest)
        self._budgets = budgets
        self._pages = Pages(graphql)
        self._required = RequiredContexts(graphql)

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        seen: dict[str, Observation | FetchFailed] = {}
        for first in range(0, len(node_ids), DETAILS_A_CALL):
            seen |= await self._observe(project, node_ids[first : first + DETAILS_A_CALL])
        return seen

    def limits(self) -> tuple[RateLimit, ...]:
        return self._budgets.told()

    async def kick(self, project: Project, number: int) -> None:
        await self._rest.kick(f"/repos/{project.github_owner}/{project.github_repo}/pulls/{number}")

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        variables = {**_repository(project), "number": number}
        answer = await self._graphql.send(document("resolve"), variables)
        if isinstance(answer, SendFailed):
            return _failed(answer)
        try:
            repository = Node(answer.data).maybe_node("repository")
            found = repository and repository.maybe_node("pullRequest")
            if found is not None:
                return found.text("id")
        except MalformedError as error:
            return _nonsense(error)
        return _refused(answer.errors) or FetchFailed(
            kind=FailureKind.NOT_FOUND, problem="the repository has no pull request with this number"
        )

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        seen: dict[str, tuple[Candidate, ...] | FetchFailed] = {}
        for first in range(0, len(branches), BRANCHES_A_CALL):
            seen |= await self._of_branches(project, branches[first : first + BRANCHES_A_CALL])
        return seen

    async def _of_branches(
        self, project: Project, names: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        variables = {**_repository(project), **{f"b{n}": name for n, name in enumerate(names)}}
        answer = await self._graphql.send(branches(len(names)), variables)
        if isinstance(answer, SendFailed):
            return dict.fromkeys(names, _failed(answer))
        try:
            repository = Node(answer.data).maybe_node("repository")
        except MalformedError as error:
            return dict.fromkeys(names, _nonsense(error))
        if repository is None:
            return dict.fromkeys(names, _refused(answer.errors) or _NO_REPOSITORY)
        return {name: _candidates(repository, f"of{n}", name, answer) for n, name in enumerate(names)}

    async def _observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        answer = await self._graphql.send(document("detail"), {"ids": list(node_ids)})
        too_big = (
            answer.too_big
            if isinstance(answer, SendFailed)
            else any(error.type in _CUT_SHORT for error in answer.errors)
        )
        if too_big and len(node_ids) > 1:
            middle = len(node_ids) // 2
            first = await self._observe(project, node_ids[:middle])
            return first | await self._observe(project, node_ids[middle:])
        if isinstance(answer, SendFailed):
            return dict.fromkeys(node_ids, _failed(answer))
        refused = _refused(
            [error for error in answer.errors if error.path[:1] != ("nodes",) or len(error.path) == 1]
        )
        if refused is not None:
            return dict.fromkeys(node_ids, refused)
        try:
            found = Node(answer.data).values("nodes")
            if len(found) != len(node_ids):
                raise MalformedError("nodes", "has another length than the ids")  # noqa: TRY301
        except MalformedError as error:
            return dict.fromkeys(node_ids, _nonsense(error))
        return {
            node_id: await self._one(project, node_id, value, _below(answer, ("nodes", n)))
            for n, (node_id, value) in enumerate(zip(node_ids, found, strict=True))
        }

    async def _one(
        self,
        project: Project,
        node_id: str,
        value: object,
        errors: Sequence[AnswerError],
    ) -> Observation | FetchFailed:
        whole = _refused([e for e in errors if not e.path or e.path[0] not in {*_PARTS, *_HARMLESS}])
        if whole is not None:
            return whole
        try:
            if value is None or Node(value).text("__typename") != "PullRequest":
                return FetchFailed(kind=FailureKind.NOT_FOUND, problem="GitHub knows no such pull request")
            pr = Node(value)
            state = mapping.state_part(pr)
            if state.node_id != node_id:
                raise MalformedError("id", "is not the one that was asked for")  # noqa: TRY301
        except MalformedError as error:
            return _nonsense(error)
        parts = _PartReader(errors)
        if parts.refused("checks"):
            checks = await parts.retry("checks", lambda: self._checks_by_rest(project, state))
        else:
            checks = await parts.read("checks", lambda: self._checks(project, pr, state))
        talk = await parts.read("conversation", lambda: self._conversation(pr, state))
        mergeable = await parts.read("mergeability", lambda: _mergeability(pr))
        return Observation(
            state=state, checks=checks, conversation=talk, mergeability=mergeable, problems=parts.problems
        )

    async def _checks(self, project: Project, pr: Node, state: StatePart) -> ChecksPart:
        rollup = pr.maybe_node("checks")  # null without an error: the head has no checks
        rows = []
        if rollup is not None:
            at_head = _same("commit", "oid", state.head.commit)
            at_head(rollup)
            entries = await self._pages.whole(
                "contexts", rollup.text("id"), rollup.node("contexts"), "contexts", at_head
            )
            rows = [check_row(entry, commit=state.head.commit) for entry in entries]
        return await self._checks_part(project, state, rows)

    async def _checks_by_rest(self, project: Project, state: StatePart) -> ChecksPart:
        rows = await self._rest_checks.of_commit(project, state.head.commit)
        return await self._checks_part(project, state, rows)

    async def _checks_part(self, project: Project, state: StatePart, rows: Sequence[CheckRow]) -> ChecksPart:
        required = _UNASKED
        if state.state is GitHubState.OPEN:
            required = await self._required.of_base(project, state.base.ref)
        contexts = required.contexts
        names = None if contexts is None else {context.casefold() for context in contexts}
        return ChecksPart(
            commit=state.head.commit,
            checks=tuple(
                attrs.evolve(check, required=None if names is None else check.name.casefold() in names)
                for check in newest_checks(rows)
            ),
            required=contexts,
            required_age_s=required.age_s,
        )

    async def _conversation(self, pr: Node, state: StatePart) -> ConversationPart:
        at_head = _same(None, "headRefOid", state.head.commit)
        reviews = await self._pages.whole("reviews", state.node_id, pr.node("reviews"), "reviews", at_head)
        threads = await self._pages.whole(
            "threads", state.node_id, pr.node("reviewThreads"), "reviewThreads", at_head
        )
        told = []
        for thread in threads:
            comments = await self._pages.whole(
                "comments", thread.text("id"), thread.node("comments"), "comments", lambda _: None
            )
            whole = mapping.thread(thread, [mapping.comment(each) for each in comments])
            told.append((thread.flag("isResolved"), whole))
        return mapping.conversation([mapping.review(each) for each in reviews], told)


_UNASKED = Required(contexts=None, age_s=0.0)


class _PartReader:
    """Reads the parts of one pull request: a part that can't be read is None, and its problem is kept."""

    def __init__(self, errors: Sequence[AnswerError]) -> None:
        self._problems: dict[str, str] = {}
        for error in errors:
            if error.path and error.path[0] in _PARTS:
                self._problems.setdefault(_PARTS[str(error.path[0])], error.type.lower() or "error")
        self._refused = {
            _PARTS[str(error.path[0])]
            for error in errors
            if error.type in _REFUSALS and error.path and error.path[0] in _PARTS
        }

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(f"{part}: {problem}" for part, problem in sorted(self._problems.items()))

    def refused(self, part: str) -> bool:
        """The token may not read the part by GraphQL."""
        return part in self._refused

    async def retry(self, part: str, read: Callable[[], Awaitable[T]]) -> T | None:
        """Read a refused part another way; what GraphQL said of it is forgotten if that works."""
        refusal = self._problems.pop(part)
        found = await self.read(part, read)
        if part in self._problems:
            self._problems[part] = f"{refusal}; {self._problems[part]}"
        return found

    async def read(self, part: str, read: Callable[[], Awaitable[T]]) -> T | None:
        if part in self._problems:
            return None
        try:
            return await read()
        except MalformedError as error:
            self._problems[part] = f"malformed at {error}"
        except IncompleteError as error:
            self._problems[part] = str(error)
        return None


async def _mergeability(pr: Node) -> Mergeability:
    return mapping.mergeability(pr)


def _same(child: str | None, key: str, commit: str) -> Callable[[Node], None]:
    """Refuses a node that was read at another commit than the head."""

    def guard(node: Node) -> None:
        at = (node.node(child) if child else node).text(key)
        if at != commit:
            raise IncompleteError("read at another commit than the head")

    return guard


def _repository(project: Project) -> dict[str, str]:
    return {"owner": project.github_owner, "name": project.github_repo}


def _candidates(
    repository: Node, alias: str, branch: str, answer: Answer
) -> tuple[Candidate, ...] | FetchFailed:
    refused = _refused(_below(answer, ("repository", alias)))
    if refused is not None:
        return refused
    try:
        connection = repository.node(alias)
        entries = connection.nodes("nodes")
        if len(entries) != connection.integer("totalCount"):
            return FetchFailed(
                kind=FailureKind.NONSENSE, problem="more open pull requests have this branch than can be told"
            )
        return tuple(mapping.candidate(each) for each in entries if each.text("headRefName") == branch)
    except MalformedError as error:
        return _nonsense(error)


def _below(answer: Answer, prefix: tuple[str | int, ...]) -> list[AnswerError]:
    """The errors at or below a path, with the rest of theirs."""
    size = len(prefix)
    return [attrs.evolve(e, path=e.path[size:]) for e in answer.errors if e.path[:size] == prefix]


_NO_REPOSITORY = FetchFailed(
    kind=FailureKind.NOT_FOUND, problem="there is no such repository, or the token may not see it"
)
_KINDS: Mapping[str, FailureKind] = {
    "NOT_FOUND": FailureKind.NOT_FOUND,
    "FORBIDDEN": FailureKind.FORBIDDEN,
    "INSUFFICIENT_SCOPES": FailureKind.FORBIDDEN,
    "RATE_LIMITED": FailureKind.RATE_LIMITED,
    "RATE_LIMIT": FailureKind.RATE_LIMITED,
}


def _refused(errors: Sequence[AnswerError]) -> FetchFailed | None:
    """The failure that errors mean for what lies below them; None when there are none."""
    if not errors:
        return None
    kind = _KINDS.get(errors[0].type, FailureKind.UNAVAILABLE)
    return FetchFailed(kind=kind, problem=f"GitHub refused it: {kind.value}")


def _failed(failure: SendFailed) -> FetchFailed:
    return FetchFailed(
        kind=failure.kind,
        problem=failure.problem,
        retry_after=failure.retry_after,
        secondary=failure.secondary,
    )


def _nonsense(error: MalformedError) -> FetchFailed:
    logger.warning("an answer of GitHub is malformed at %s", error)
    return FetchFailed(kind=FailureKind.NONSENSE, problem=f"the answer is malformed at {error}")
