"""GitHub's own data, a scripted GraphQL and a canned HTTP server."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import attrs
import pytest

from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import AnswerError, GraphQL, GraphQLAnswer, RawAnswer, SendFailed
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.documents import Document
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.tokens import GivenToken
from headway_github.writer import GitHubWriter
from headway_testing.clock import EPOCH
from headway_testing.records import a_project

ROOT = Path(__file__).parents[2]
HEAD, BASE = "a" * 40, "b" * 40


@pytest.fixture(scope="session")
def github_data() -> Path:
    """The folder with GitHub's schema and recorded answers; absent only where CI does not promise it."""
    folder = Path(os.environ.get("HEADWAY_GITHUB_DATA") or ROOT.parent / "shared" / "data" / "github")
    if not (folder / "schema.graphql").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail(f"there is no GitHub data at {folder}")
        pytest.skip("HEADWAY_GITHUB_DATA names no folder with GitHub's schema and recorded answers")
    return folder


@pytest.fixture
def project() -> Project:
    return a_project()


Handler = Callable[[Mapping[str, Any]], Any]


class FakeGraphQL(GraphQL):
    """Answers by the operation: data, a `GraphQLAnswer`, a failure, or a function of the variables."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.sent: list[tuple[str, Mapping[str, Any]]] = []

    async def send(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        self.sent.append((document.name, variables))
        answer = self.answers[document.name]
        if callable(answer):
            answer = answer(variables)
        if isinstance(answer, GraphQLAnswer | SendFailed):
            return answer
        return GraphQLAnswer(data=json.loads(json.dumps(answer)), errors=())

    def names(self) -> list[str]:
        return [name for name, _ in self.sent]


class FakeConnection(HttpConnection):
    """Answers by method and path (without the query): a status with JSON, or a whole `RawAnswer`."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", GivenToken("t"))
        self.answers: dict[str, Any] = {}
        self.sent: list[tuple[str, str, bytes | None, Mapping[str, str]]] = []

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> RawAnswer | SendFailed:
        assert changes is (method != "GET")
        self.sent.append((method, path, content, headers or {}))
        answer = self.answers.get(f"{method} {path.partition('?')[0]}")
        if callable(answer):
            answer = answer(path, headers or {})
        if answer is None:
            return SendFailed(kind=FailureKind.UNAVAILABLE, problem="there is no connection to GitHub")
        if isinstance(answer, RawAnswer | SendFailed):
            return answer
        status, data = answer
        return RawAnswer(status=status, headers={}, body=json.dumps(data).encode(), at=EPOCH)


def rest_over(connection: HttpConnection) -> Rest:
    return Rest(connection, GivenToken("t"), Budgets())


def a_reader(graphql: GraphQL, connection: HttpConnection | None = None) -> GitHubPullRequests:
    """The adapter over a GraphQL and a REST of the test's."""
    return GitHubPullRequests(graphql, rest_over(connection or FakeConnection()), Budgets())


def a_writer(graphql: GraphQL, connection: HttpConnection | None = None) -> GitHubWriter:
    return GitHubWriter(graphql, rest_over(connection or FakeConnection()))


@pytest.fixture
def graphql() -> FakeGraphQL:
    """A GraphQL that knows the empty rules of a base."""
    fake = FakeGraphQL()
    fake.answers["Required"] = {
        "repository": {"ref": {"branchProtectionRule": None, "rules": connection([])}},
    }
    return fake


def error(kind: str, *path: str | int) -> AnswerError:
    return AnswerError(type=kind, message="words from outside", path=path)


def connection(nodes: Sequence[Any], *, total: int | None = None, after: str | None = None) -> dict[str, Any]:
    """One page; `after` is the cursor of the next."""
    return {
        "totalCount": len(nodes) if total is None else total,
        "pageInfo": {"hasNextPage": after is not None, "endCursor": after},
        "nodes": list(nodes),
    }


def a_run(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "__typename": "CheckRun",
        "id": f"CR_{number}",
        "databaseId": number,
        "name": "test",
        "status": "COMPLETED",
        "conclusion": "SUCCESS",
        "startedAt": "2026-01-01T11:00:00Z",
        "completedAt": "2026-01-01T11:01:00Z",
        "detailsUrl": f"https://github.com/octo/demo/actions/runs/5/job/{number}",
        "title": None,
        "summary": None,
        "checkSuite": {
            "databaseId": 5,
            "app": {"slug": "github-actions"},
            "workflowRun": {
                "databaseId": 5,
                "event": "pull_request",
                "workflow": {"databaseId": 9, "name": "CI"},
            },
        },
        **changes,
    }


def who(login: str, kind: str = "User") -> dict[str, Any]:
    return {"__typename": kind, "login": login, "id": f"U_{login}"}


def a_pull_request(node_id: str = "PR_1", **changes: Any) -> dict[str, Any]:
    """A node of the detail document: open, clean, one green check, nobody said anything; we are alice."""
    return {
        "__typename": "PullRequest",
        "id": node_id,
        "number": 7,
        "url": "https://github.com/octo/demo/pull/7",
        "title": "Fix login",
        "state": "OPEN",
        "isDraft": False,
        "reviewDecision": None,
        "mergeable": "MERGEABLE",
        "updatedAt": "2026-01-01T12:00:00Z",
        "author": who("alice"),
        "authorAssociation": "OWNER",
        "viewerDidAuthor": True,
        "headRefName": "fix",
        "headRefOid": HEAD,
        "headRef": {"target": {"oid": HEAD}},
        "headRepository": {"nameWithOwner": "octo/demo"},
        "baseRefName": "main",
        "baseRefOid": BASE,
        "isInMergeQueue": False,
        "mergeQueueEntry": None,
        "checks": {"id": "SCR_1", "commit": {"oid": HEAD}, "contexts": connection([a_run()])},
        "reviews": connection([]),
        "reviewThreads": connection([]),
        "comments": {"nodes": []},
        **changes,
    }


def detail(*nodes: Any) -> dict[str, Any]:
    """The data of the detail document."""
    return {"nodes": list(nodes)}


def a_comment(node_id: str, by: str = "bob", **changes: Any) -> dict[str, Any]:
    return {
        "id": node_id,
        "body": "Please add a test",
        "createdAt": "2026-01-01T11:30:00Z",
        "lastEditedAt": None,
        "isMinimized": False,
        "state": "SUBMITTED",
        "url": f"https://github.com/octo/demo/pull/7#{node_id}",
        "author": who(by),
        "authorAssociation": "MEMBER",
        "viewerDidAuthor": by == "alice",
        "pullRequestReview": {"id": "PRR_1", "authorCanPushToRepository": True},
        **changes,
    }


def a_remark(node_id: str, body: str, by: str = "bob", **changes: Any) -> dict[str, Any]:
    """A comment of the conversation."""
    known = a_comment(node_id, by, body=body, **changes)
    return {key: value for key, value in known.items() if key not in {"state", "pullRequestReview"}}


def a_thread(node_id: str, *comments: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": node_id,
        "isResolved": False,
        "isOutdated": False,
        "path": "src/login.py",
        "line": 3,
        "comments": connection(comments),
        **changes,
    }


def a_review(
    node_id: str, by: str = "bob", state: str = "CHANGES_REQUESTED", **changes: Any
) -> dict[str, Any]:
    return {
        "id": node_id,
        "state": state,
        "body": "",
        "submittedAt": "2026-01-01T11:30:00Z",
        "lastEditedAt": None,
        "author": who(by),
        "authorAssociation": "MEMBER",
        "viewerDidAuthor": by == "alice",
        "authorCanPushToRepository": True,
        "commit": {"oid": HEAD},
        **changes,
    }


@attrs.define
class Canned:
    """A server on loopback that answers each request with the next of its bytes, the last one for ever."""

    url: str
    """Its address; that of one on a Unix socket is the socket's path."""
    answers: list[bytes]
    requests: list[bytes] = attrs.Factory(list)
    hold: Callable[[], Awaitable[None]] | None = None

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            request = b""
            while not _whole(request):
                try:
                    request += await stream.receive()
                except anyio.EndOfStream:
                    return
            self.requests.append(request)
            if self.hold is not None:
                await self.hold()
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for start in range(0, len(answer), 65536):
                try:
                    await stream.send(answer[start : start + 65536])
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return


def _whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    if not end:
        return False
    if b"transfer-encoding: chunked" in head.lower():
        return body.endswith(b"0\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(body) >= (int(lengths[0].split(b":")[1]) if lengths else 0)


def posted(request: bytes) -> Any:
    """The JSON that was posted, by length or in one chunk after another."""
    head, _, body = request.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in head.lower():
        whole = b""
        while body:
            size, _, rest = body.partition(b"\r\n")
            whole, body = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        body = whole
    return json.loads(body)


@asynccontextmanager
async def canned(*answers: bytes, socket: Path | None = None) -> AsyncIterator[Canned]:
    """Serve these answers, each on a connection of its own: on loopback, or on a Unix socket."""
    if socket is None:
        listener: Any = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610  no Django
        server = Canned(f"http://127.0.0.1:{port}", list(answers))
    else:
        listener = await anyio.create_unix_listener(socket)
        server = Canned(str(socket), list(answers))
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, server.serve)
        yield server
        group.cancel_scope.cancel()


@asynccontextmanager
async def doorway(socket: Path, port: int) -> AsyncIterator[None]:
    """A Unix socket whose other side is a port on loopback."""

    async def pipe(one: anyio.abc.SocketStream, other: anyio.abc.SocketStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in one:
                await other.send(chunk)
            await other.send_eof()

    async def pass_through(stream: anyio.abc.SocketStream) -> None:
        there = await anyio.connect_tcp("127.0.0.1", port)
        # Both ends hang up by themselves: gh asks for one answer a connection.
        async with stream, there, anyio.create_task_group() as both:
            both.start_soon(pipe, stream, there)
            both.start_soon(pipe, there, stream)

    async with await anyio.create_unix_listener(socket) as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, pass_through)
        yield
        group.cancel_scope.cancel()


GH_HOST = "github.localhost"
"""The one host that gh speaks plain HTTP to; over a Unix socket it needs no port and no name."""


@pytest.fixture(scope="session")
def gh() -> str:
    """The real `gh`; CI must have one."""
    program = shutil.which("gh")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("gh is not installed")
        pytest.skip("gh is not installed")
    return program


def gh_environment(folder: Path, socket: Path) -> dict[str, str]:
    """What gh needs to find nothing of this machine's, and the socket instead of the network."""
    folder.mkdir(exist_ok=True)
    (folder / "config.yml").write_text(f"http_unix_socket: {socket}\n")
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "GH_CONFIG_DIR": str(folder)}


def response(status: int, body: bytes | dict[str, Any], **headers: str) -> bytes:
    """An HTTP response that ends the connection."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(content)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
