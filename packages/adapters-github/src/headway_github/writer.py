"""Writes to GitHub, each thing with a mark by which its effect is found again."""

from collections.abc import Mapping
from typing import assert_never

from headway_core.forge_actions.model import (
    Comment,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.kernel.errors import HeadwayError, InvalidInput, NotFound, PermissionDenied, Unavailable
from headway_core.projects.model import Project
from headway_github.answers import AnswerError, GraphQL, SendFailed
from headway_github.documents import document
from headway_github.hosts import GitHubHosts
from headway_github.issues import as_error
from headway_github.mapping import in_same_repository
from headway_github.reading import MalformedError, Node, clean
from headway_github.rest import Rest, Unprocessable

_MESSAGE_CHARACTERS = 300


class GitHubWriter(ForgeWriter):
    """Opens pull requests, replies to threads and resolves them, comments, asks for reviews.

    By GraphQL, which has the node ids; by REST what takes a number and logins as they are, and replies:
    GraphQL puts a reply into the review that its author has yet to submit, where nobody sees it, and REST
    refuses it.
    """

    def __init__(self, graphql: GraphQL, rest: Rest, hosts: GitHubHosts | None = None) -> None:
        self._graphql = graphql
        self._rest = rest
        self._hosts = hosts

    async def find(self, project: Project, order: Order, mark: str) -> Written | None:
        self._expect_host(project)
        try:
            match order:
                case OpenPullRequest():
                    repository = await self._opened(project, order)
                    return _opened(repository) or _marked(repository.node("newest"), mark)
                case Reply(thread_id=thread_id):
                    thread = await self._thread(thread_id)
                    return _marked(thread.node("comments"), mark)
                case Resolve(thread_id=thread_id):
                    thread = await self._thread(thread_id)
                    return Written(node_id=thread_id) if thread.flag("isResolved") else None
                case Comment(pull_request=node_id):
                    return _marked((await self._asked(node_id)).node("comments"), mark)
                case RequestReview(pull_request=node_id, reviewers=reviewers):
                    known = _reviewers(await self._asked(node_id))
                    wanted = {login.casefold() for login in reviewers}
                    return Written(node_id=node_id) if wanted <= known else None
                case _:
                    assert_never(order)
        except MalformedError as error:
            raise _malformed(error) from None

    async def write(self, project: Project, order: Order, mark: str) -> Written:
        self._expect_host(project)
        try:
            match order:
                case OpenPullRequest():
                    repository = await self._opened(project, order)
                    order_input: Mapping[str, object] = {
                        "repositoryId": repository.text("id"),
                        "headRefName": order.head,
                        "baseRefName": order.base,
                        "title": order.title,
                        "body": f"{order.body}\n\n{mark}",
                        "draft": order.draft,
                    }
                    data = await self._mutate(
                        "open_pull_request", order_input, "repository", project.repository
                    )
                    return Written(node_id=data.node("createPullRequest").node("pullRequest").text("id"))
                case Reply(thread_id=thread_id, body=body):
                    reply: Mapping[str, object] = {"body": f"{body}\n\n{mark}"}
                    path = _replies(await self._thread(thread_id))
                    done = await self._post(project, path, reply, "reply")
                    return Written(node_id=Node(done).text("node_id"))
                case Resolve(thread_id=thread_id):
                    await self._mutate("resolve_thread", {"threadId": thread_id}, "review thread", thread_id)
                    return Written(node_id=thread_id)
                case Comment(number=number, body=body):
                    comment: Mapping[str, object] = {"body": f"{body}\n\n{mark}"}
                    done = await self._post(project, f"issues/{number}/comments", comment, "comment")
                    return Written(node_id=Node(done).text("node_id"))
                case RequestReview(pull_request=node_id, number=number, reviewers=reviewers):
                    asked: Mapping[str, object] = {"reviewers": list(reviewers)}
                    path = f"pulls/{number}/requested_reviewers"
                    await self._post(project, path, asked, "reviewers")
                    return Written(node_id=node_id)
                case _:
                    assert_never(order)
        except MalformedError as error:
            raise _malformed(error) from None

    def _expect_host(self, project: Project) -> None:
        if self._hosts is not None:
            self._hosts.expect(project)

    async def _opened(self, project: Project, order: OpenPullRequest) -> Node:
        """The repository, with the open pull requests of this head and base, and the newest of the head."""
        variables = {
            "owner": project.github_owner,
            "name": project.github_repo,
            "head": order.head,
            "base": order.base,
        }
        data = await self._ask("opened", variables, "repository", project.repository)
        repository = data.maybe_node("repository")
        if repository is None:
            raise NotFound("repository", project.repository)
        return repository

    async def _thread(self, thread_id: str) -> Node:
        data = await self._ask("thread", {"id": thread_id}, "review thread", thread_id)
        thread = data.maybe_node("node")
        if thread is None or thread.text("__typename") != "PullRequestReviewThread":
            raise NotFound("review thread", thread_id)
        return thread

    async def _asked(self, node_id: str) -> Node:
        data = await self._ask("asked", {"id": node_id}, "pull request", node_id)
        pull = data.maybe_node("node")
        if pull is None or pull.text("__typename") != "PullRequest":
            raise NotFound("pull request", node_id)
        return pull

    async def _post(self, project: Project, path: str, order: Mapping[str, object], field: str) -> object:
        done = await self._rest.post(f"/repos/{project.github_owner}/{project.github_repo}/{path}", order)
        if isinstance(done, SendFailed):
            raise as_error(done, "pull request", f"{project.repository} {path}")
        if isinstance(done, Unprocessable):
            raise InvalidInput(field, clean(done.message)[:_MESSAGE_CHARACTERS])
        return done

    async def _mutate(self, name: str, order: Mapping[str, object], kind: str, key: str) -> Node:
        return await self._ask(name, {"input": order}, kind, key)

    async def _ask(self, name: str, variables: Mapping[str, object], kind: str, key: str) -> Node:
        answer = await self._graphql.send(document(name), variables)
        if isinstance(answer, SendFailed):
            raise as_error(answer, kind, key)
        if answer.errors:
            raise _error(answer.errors[0], kind, key)
        return Node(answer.data)


def _replies(thread: Node) -> str:
    """Where REST takes replies: below the number of the thread's first comment."""
    opening = thread.node("opening").nodes("nodes")
    number = opening[0].text("fullDatabaseId") if opening else ""
    if not (number.isascii() and number.isdigit()):
        raise MalformedError("fullDatabaseId", "is no number")
    return f"pulls/{thread.node('pullRequest').integer('number')}/comments/{number}/replies"


def _opened(repository: Node) -> Written | None:
    """The pull request from the repository's own branch: a fork's of the same name is somebody else's."""
    for pr in repository.node("pullRequests").nodes("nodes"):
        head = pr.maybe_node("headRepository")
        if head is None:
            continue
        same = in_same_repository(head, repository)
        if same is None:
            same = head.text("nameWithOwner") == repository.text("nameWithOwner")
        if same:
            return Written(node_id=pr.text("id"))
    return None


def _marked(posted: Node, mark: str) -> Written | None:
    """What has the mark in its text, by the token's own account: others can read marks, and repeat them."""
    for each in posted.nodes("nodes"):
        if mark in (each.maybe_text("body") or "") and each.flag("viewerDidAuthor"):
            return Written(node_id=each.text("id"))
    return None


def _reviewers(pull: Node) -> set[str]:
    """Who is asked and who has reviewed, without case."""
    asked = [each.maybe_node("requestedReviewer") for each in pull.node("reviewRequests").nodes("nodes")]
    reviewed = [each.maybe_node("author") for each in pull.node("reviews").nodes("nodes")]
    logins = [who.maybe_text("login") for who in [*asked, *reviewed] if who is not None]
    return {login.casefold() for login in logins if login}


def _error(error: AnswerError, kind: str, key: str) -> HeadwayError:
    match error.type:
        case "NOT_FOUND":
            return NotFound(kind, key)
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return PermissionDenied("github", "the token may not write this")
        case "UNPROCESSABLE":
            return InvalidInput(kind, clean(error.message)[:_MESSAGE_CHARACTERS])
        case _:
            return Unavailable("github", "GitHub could not do it")


def _malformed(error: MalformedError) -> Unavailable:
    return Unavailable("github", f"the answer is malformed at {error}")
