"""Pull requests in full: what is asked, page by page, and when a part counts as read whole.

A part is whole when no error lies at its path, every list has as many entries as GitHub says there
are, and it was read at the head that the pull request has.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

import attrs

from headway_core.projects.model import Project
from headway_core.pull_requests.check_rows import CheckRow, CheckSuiteRow
from headway_core.pull_requests.checks import newest_checks
from headway_core.pull_requests.ci import is_required
from headway_core.pull_requests.derive import thrown_out
from headway_core.pull_requests.model import (
    Check,
    CheckOutcome,
    FailureKind,
    GitHubState,
    Mergeability,
    ThreadComment,
)
from headway_core.pull_requests.ports import (
    ChecksPart,
    ConversationPart,
    FetchFailed,
    Observation,
    StatePart,
)
from headway_core.pull_requests.requests import mentioned
from headway_github import mapping
from headway_github.accounts import TokenAccount
from headway_github.answers import AnswerError, GraphQL, GraphQLAnswer, SendFailed
from headway_github.batches import BatchSize
from headway_github.documents import Document, document
from headway_github.failures import below, failed, nonsense, refused
from headway_github.pages import IncompleteError, Pages
from headway_github.reading import MalformedError, Node
from headway_github.rest import Rest
from headway_github.rest_checks import RestChecks
from headway_github.rows import check_row, suite_row
from headway_github.rules import Required, RequiredContexts, pins

DETAILS_A_CALL = 20
_LOST_AT_MOST = 2
"""So many single pull requests unanswered and none answered: GitHub is ill, and the rest is not asked for."""

_PARTS: dict[str, str] = {
    "checks": "checks",
    "commits": "checks",
    "reviews": "conversation",
    "reviewThreads": "conversation",
    "comments": "comments",
    "mergeable": "mergeability",
}
"""The part that an error below a field of a pull request takes away; any other takes the whole."""
_REFUSALS = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})
_CUT_SHORT = frozenset({"RESOURCE_LIMITS_EXCEEDED", "TIMEOUT"})

T = TypeVar("T")


class GraphQLCircuitBreaker(GraphQL):
    """The questions of one reading: after a limit none is asked any more (S11)."""

    def __init__(self, graphql: GraphQL, rest: Rest) -> None:
        self._graphql = graphql
        self._rest = rest
        self._blown: SendFailed | None = None

    def blown(self) -> SendFailed | None:
        """The limit that ends this reading. The budget of REST is its own; too much at once is of both."""
        limit = self._rest.limit()
        if self._blown is None and limit is not None and limit.secondary:
            self._blown = limit
        return self._blown

    async def send(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        if (limit := self.blown()) is not None:
            return limit
        answer = await self._graphql.send(document, variables)
        if isinstance(answer, SendFailed) and answer.kind is FailureKind.RATE_LIMITED:
            self._blown = answer
        return answer


class Detail:
    """One reading of pull requests of a project in full."""

    def __init__(
        self,
        graphql: GraphQL,
        rest: Rest,
        required: RequiredContexts,
        account: TokenAccount,
        batch: BatchSize,
    ) -> None:
        self._account = account
        self._graphql = GraphQLCircuitBreaker(graphql, rest)
        self._rest_checks = RestChecks(rest)
        self._pages = Pages(self._graphql)
        self._required = required
        self._batch = batch

    async def read(self, project: Project, node_ids: Sequence[str]) -> dict[str, Observation | FetchFailed]:
        """Each answered for under its id. What is too much at once is asked for in smaller portions."""
        seen: dict[str, Observation | FetchFailed] = {}
        waiting, lost = list(node_ids), 0
        while waiting:
            ids, waiting = waiting[: self._batch.now], waiting[self._batch.now :]
            answer = await self._graphql.send(document("detail"), {"ids": ids})
            if not _too_big(answer):
                if isinstance(answer, GraphQLAnswer):
                    self._batch.answered()
                seen |= await self._judged(project, ids, answer)
            elif len(ids) > 1:
                self._batch.too_big(len(ids))
                waiting = ids + waiting
            else:
                seen |= await self._judged(project, ids, answer)
                lost += 1
                if lost == len(seen) == _LOST_AT_MOST:
                    return seen | dict.fromkeys(waiting, seen[ids[0]])
        return seen

    async def _judged(
        self, project: Project, node_ids: Sequence[str], answer: GraphQLAnswer | SendFailed
    ) -> dict[str, Observation | FetchFailed]:
        if isinstance(answer, SendFailed):
            return dict.fromkeys(node_ids, failed(answer))
        whole = refused(
            [error for error in answer.errors if error.path[:1] != ("nodes",) or len(error.path) == 1]
        )
        if whole is not None:
            return dict.fromkeys(node_ids, whole)
        try:
            found = Node(answer.data).values("nodes")
            _expect(len(found) == len(node_ids), "nodes", "has another length than the ids")
        except MalformedError as error:
            return dict.fromkeys(node_ids, nonsense(error))
        return {
            node_id: await self._one(project, node_id, value, below(answer, ("nodes", n)))
            for n, (node_id, value) in enumerate(zip(node_ids, found, strict=True))
        }

    async def _one(
        self,
        project: Project,
        node_id: str,
        value: object,
        errors: Sequence[AnswerError],
    ) -> Observation | FetchFailed:
        whole = refused([e for e in errors if not e.path or e.path[0] not in {*_PARTS, *mapping.UNTOLD}])
        if whole is not None:
            return whole
        try:
            if value is None or Node(value).text("__typename") != "PullRequest":
                return FetchFailed(kind=FailureKind.NOT_FOUND, problem="GitHub knows no such pull request")
            pr = Node(value)
            state = mapping.state_part(pr, refused={str(e.path[0]) for e in errors})
            _expect(state.node_id == node_id, "id", "is not the one that was asked for")
        except MalformedError as error:
            return nonsense(error)
        parts = _PartReader(errors, state.untold)
        if parts.refused("checks"):
            checks = await parts.retry("checks", lambda: self._checks_by_rest(project, state))
        elif not pr.has("checks"):  # an older server, which was not asked for them by GraphQL
            checks = await parts.read("checks", lambda: self._checks_by_rest(project, state))
        else:
            checks = await parts.read("checks", lambda: self._checks(project, pr, state))
        talk = await parts.read("conversation", lambda: self._conversation(pr, state))
        if talk is not None:
            told = talk
            remarks = await parts.read("comments", lambda: self._requests(pr, told))
            talk = attrs.evolve(talk, comments=remarks)
        state = await self._with_group(pr, state)
        mergeable = await parts.read("mergeability", lambda: _mergeability(pr))
        return Observation(
            state=state, checks=checks, conversation=talk, mergeability=mergeable, problems=parts.problems
        )

    async def _with_group(self, pr: Node, state: StatePart) -> StatePart:
        """The state with the failed checks of the merge group by which its queue threw it out, if any."""
        left, event = thrown_out(state), mapping.left_queue(pr)
        commit = event.maybe_node("beforeCommit") if event is not None else None
        if left is None or commit is None:
            return state
        try:
            failed = tuple(c for c in await self._of_group(commit) if c.outcome is CheckOutcome.FAILED)
        except (MalformedError, IncompleteError):
            return state  # that it was thrown out is told all the same
        return attrs.evolve(state, queue_exit=attrs.evolve(left, failed=failed))

    async def _of_group(self, commit: Node) -> tuple[Check, ...]:
        answer = await self._graphql.send(document("group_checks"), {"id": commit.text("id")})
        if isinstance(answer, SendFailed) or answer.errors:
            raise IncompleteError("GitHub told no checks of the merge group")
        rollup = Node(answer.data).node("node").maybe_node("checks")
        return newest_checks(await self._rows(rollup, commit.text("oid")))

    async def _checks(self, project: Project, pr: Node, state: StatePart) -> ChecksPart:
        rows = await self._rows(pr.maybe_node("checks"), state.head.commit)
        rows += await self._suites(project, pr, state)
        return await self._checks_part(project, state, rows)

    async def _rows(self, rollup: Node | None, commit: str) -> list[CheckRow]:
        """The rows of a commit's rollup; null without an error: the commit has no checks."""
        if rollup is None:
            return []
        at_commit = _same("commit", "oid", commit)
        at_commit(rollup)
        entries = await self._pages.whole(
            "contexts", rollup.text("id"), rollup.node("contexts"), "contexts", at_commit
        )
        return [check_row(entry, commit=commit) for entry in entries]

    async def _suites(self, project: Project, pr: Node, state: StatePart) -> list[CheckSuiteRow]:
        """The runs of workflows on the head, those without check runs too."""
        head = state.head.commit
        commits = pr.maybe_node("commits")
        if commits is None:
            return []
        last = commits.nodes("nodes")
        commit = last[-1].node("commit") if last else None
        if commit is None or commit.text("oid") != head:
            commit = await self._head(project, head)
        first = commit.maybe_node("checkSuites")
        if first is None:
            return []
        suites = await self._pages.whole(
            "suites", commit.text("id"), first, "checkSuites", _same(None, "oid", head)
        )
        return [row for row in map(suite_row, suites) if row is not None]

    async def _head(self, project: Project, oid: str) -> Node:
        """The head by its name: the last commit of a pull request by date is another one."""
        variables = {"owner": project.github_owner, "name": project.github_repo, "oid": oid}
        answer = await self._graphql.send(document("head_suites"), variables)
        if isinstance(answer, SendFailed):
            raise IncompleteError(f"{answer.kind}: {answer.problem}")
        if answer.errors:
            raise IncompleteError("GitHub refused the check suites of the head")
        commit = Node(answer.data).node("repository").node("object")
        _same(None, "oid", oid)(commit)
        return commit

    async def _checks_by_rest(self, project: Project, state: StatePart) -> ChecksPart:
        if (limit := self._graphql.blown()) is not None:
            raise IncompleteError(f"{limit.kind}: {limit.problem}")
        rows = await self._rest_checks.of_commit(project, state.head.commit)
        return await self._checks_part(project, state, rows)

    async def _checks_part(self, project: Project, state: StatePart, rows: Sequence[CheckRow]) -> ChecksPart:
        told: Required = None
        if state.state is GitHubState.OPEN:
            told = await self._required.of_base(self._graphql, project, state.base.ref)
        checks = newest_checks(rows)
        if told is None:
            return ChecksPart(commit=state.head.commit, checks=checks, required=None)
        required, pinned = tuple(dict.fromkeys(each.context for each in told)), pins(told, rows)
        return ChecksPart(
            commit=state.head.commit,
            checks=tuple(
                attrs.evolve(check, required=is_required(check, required, pinned)) for check in checks
            ),
            required=required,
            pinned=pinned,
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
            whole = mapping.thread(
                thread, [mapping.comment(each) for each in comments if mapping.is_submitted(each)]
            )
            told.append((thread.flag("isResolved"), whole))
        return mapping.conversation([mapping.review(each) for each in reviews], told)

    async def _requests(self, pr: Node, known: ConversationPart) -> tuple[ThreadComment, ...] | None:
        """What is asked of Headway beside the reviews; None when that was not asked for.

        Which account it is, GitHub is asked only when somebody is addressed.
        """
        if not pr.has("comments"):
            return None
        remarks = [mapping.remark(each) for each in pr.node("comments").nodes("nodes")]
        anybody = any(mentioned(each.body) for each in remarks)
        account = await self._account.login(self._graphql) if anybody else None
        return mapping.requests(remarks, account, known)


def _too_big(answer: GraphQLAnswer | SendFailed) -> bool:
    if isinstance(answer, SendFailed):
        return answer.too_big
    whole = answer.data.get("nodes") is None and any(not error.type for error in answer.errors)
    return whole or any(error.type in _CUT_SHORT for error in answer.errors)


class _PartReader:
    """Reads the parts of one pull request: a part that can't be read is None, and its problem is kept."""

    def __init__(self, errors: Sequence[AnswerError], untold: Collection[str]) -> None:
        self._problems: dict[str, str] = {}
        fields = _PARTS | {field: name for field, name in mapping.UNTOLD.items() if name in untold}
        for error in errors:
            named = fields.get(str(error.path[0])) if error.path else None
            if named is not None:
                self._problems.setdefault(named, error.type.lower() or "error")
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
    """Refuse a node that was read at another commit than the head."""

    def guard(node: Node) -> None:
        at = (node.node(child) if child else node).text(key)
        if at != commit:
            raise IncompleteError("read at another commit than the head")

    return guard


def _expect(holds: bool, where: str, problem: str) -> None:  # noqa: FBT001  read as a sentence
    if not holds:
        raise MalformedError(where, problem)
