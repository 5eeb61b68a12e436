"""Pull requests from GitHub, behind core's port."""

from collections.abc import Sequence

from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
    RateLimit,
)
from headway_github import mapping
from headway_github.accounts import TokenAccount, is_nobody
from headway_github.answers import GraphQL, GraphQLAnswer, SendFailed
from headway_github.batches import BatchSize
from headway_github.budgets import Budgets
from headway_github.detail import DETAILS_A_CALL, Detail
from headway_github.documents import BRANCHES_A_CALL, branches, document
from headway_github.failures import below, failed, nonsense, refused
from headway_github.hosts import GitHubHosts
from headway_github.reading import MalformedError, Node
from headway_github.rest import Rest
from headway_github.rules import RequiredContexts


class GitHubPullRequests(ForgeReader):
    """Reads pull requests by GraphQL; checks that a token may not read there, by REST."""

    def __init__(
        self, graphql: GraphQL, rest: Rest, budgets: Budgets, hosts: GitHubHosts | None = None
    ) -> None:
        self._graphql = graphql
        self._rest = rest
        self._budgets = budgets
        self._hosts = hosts
        self._required = RequiredContexts()
        self._account = TokenAccount()
        self._batch = BatchSize(DETAILS_A_CALL)

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        if (elsewhere := self._elsewhere(project)) is not None:
            return dict.fromkeys(node_ids, elsewhere)
        reading = Detail(self._graphql, self._rest, self._required, self._account, self._batch)
        return await reading.read(project, node_ids)

    def limits(self) -> tuple[RateLimit, ...]:
        return self._budgets.told()

    async def unknown_accounts(self, names: Sequence[str]) -> tuple[str, ...]:
        return tuple([name for name in names if await is_nobody(name, self._graphql, self._rest)])

    def _elsewhere(self, project: Project) -> FetchFailed | None:
        return None if self._hosts is None else self._hosts.unread(project)

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        if self._elsewhere(project) is not None:
            return
        await self._rest.trigger_merge_check(
            f"/repos/{project.github_owner}/{project.github_repo}/pulls/{number}"
        )

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        if (elsewhere := self._elsewhere(project)) is not None:
            return elsewhere
        variables = {**_repository(project), "number": number}
        answer = await self._graphql.send(document("resolve"), variables)
        if isinstance(answer, SendFailed):
            return failed(answer)
        try:
            repository = Node(answer.data).maybe_node("repository")
            found = repository and repository.maybe_node("pullRequest")
            if found is not None:
                return found.text("id")
        except MalformedError as error:
            return nonsense(error)
        return refused(answer.errors) or FetchFailed(
            kind=FailureKind.NOT_FOUND, problem="the repository has no pull request with this number"
        )

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        if (elsewhere := self._elsewhere(project)) is not None:
            return dict.fromkeys(branches, elsewhere)
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
            return dict.fromkeys(names, failed(answer))
        try:
            repository = Node(answer.data).maybe_node("repository")
        except MalformedError as error:
            return dict.fromkeys(names, nonsense(error))
        if repository is None:
            return dict.fromkeys(names, refused(answer.errors) or _NO_REPOSITORY)
        return {name: _candidates(repository, f"of{n}", name, answer) for n, name in enumerate(names)}


def _repository(project: Project) -> dict[str, str]:
    return {"owner": project.github_owner, "name": project.github_repo}


def _candidates(
    repository: Node, alias: str, branch: str, answer: GraphQLAnswer
) -> tuple[Candidate, ...] | FetchFailed:
    wrong = refused(below(answer, ("repository", alias)))
    if wrong is not None:
        return wrong
    try:
        connection = repository.node(alias)
        entries = connection.nodes("nodes")
        if len(entries) != connection.integer("totalCount"):
            return FetchFailed(
                kind=FailureKind.NONSENSE, problem="more open pull requests have this branch than can be told"
            )
        return tuple(
            mapping.candidate(each, repository) for each in entries if each.text("headRefName") == branch
        )
    except MalformedError as error:
        return nonsense(error)


_NO_REPOSITORY = FetchFailed(
    kind=FailureKind.NOT_FOUND, problem="there is no such repository, or the token may not see it"
)
