"""Issues from GitHub."""

from headway_core.kernel.errors import HeadwayError, NotFound, PermissionDenied, Unavailable
from headway_core.operations.ports import Issue, IssueAddress, IssueReader
from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_github import mapping
from headway_github.addresses import issue_address, issue_at
from headway_github.answers import GraphQL, SendFailed
from headway_github.documents import document
from headway_github.hosts import GitHubHosts
from headway_github.reading import MalformedError, Node

_TITLE_CHARACTERS = 300


class GitHubIssueReader(IssueReader):
    """Reads issues by GraphQL."""

    def __init__(self, graphql: GraphQL, hosts: GitHubHosts | None = None) -> None:
        self._graphql = graphql
        self._hosts = hosts

    def address_of(self, project: Project, number: int) -> str:
        return issue_address(project, number)

    def issue_at(self, project: Project, url: str) -> IssueAddress | None:
        return issue_at(project, url)

    async def read(self, project: Project, number: int) -> Issue:
        if self._hosts is not None:
            self._hosts.expect(project)
        variables = {"owner": project.github_owner, "name": project.github_repo, "number": number}
        answer = await self._graphql.send(document("issue"), variables)
        key = f"{project.repository}#{number}"
        if isinstance(answer, SendFailed):
            raise as_error(answer, "issue", key)
        try:
            repository = Node(answer.data).maybe_node("repository")
            issue = repository and repository.maybe_node("issue")
            if issue is None:
                raise _refusal(answer.errors and answer.errors[0].type, key)
            return _issue(issue)
        except MalformedError as error:
            raise Unavailable("github", f"the answer is malformed at {error}") from None


def _issue(node: Node) -> Issue:
    author = mapping.author(node, can_push=None)
    return Issue(
        number=node.integer("number"),
        url=node.text("url"),
        title=node.text("title")[:_TITLE_CHARACTERS],
        body=mapping.body_text(node.maybe_text("body") or ""),
        author=author.login if node.maybe_node("author") else None,
        trusted=author.is_viewer or author.is_associated,
        account=author if node.maybe_node("author") else None,
    )


def _refusal(error_type: object, key: str) -> HeadwayError:
    if error_type in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        return PermissionDenied("github", "the token may not read this issue")
    return NotFound("issue", key)


def as_error(failure: SendFailed, kind: str, key: str) -> HeadwayError:
    """What a caller of a port that raises gets for a request that failed."""
    match failure.kind:
        case FailureKind.NOT_FOUND:
            return NotFound(kind, key)
        case FailureKind.FORBIDDEN:
            return PermissionDenied("github", failure.problem)
        case FailureKind.UNAVAILABLE | FailureKind.RATE_LIMITED | FailureKind.NONSENSE:
            return Unavailable("github", failure.problem, retry_after_s=failure.retry_after_s)
