"""What HTTP alone can go wrong in: connections, packing, redirects, addresses. What all transports share is
in test_graphql_transports.
"""

import gzip
import json
import socket

import pytest

from headway_core.kernel.errors import InvalidInput
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import GraphQLAnswer, SendFailed
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.documents import document
from headway_github.graphql_transport import HttpGraphQL
from headway_github.limits import Limits
from headway_github.tokens import GivenToken

from .conftest import canned, response

pytestmark = pytest.mark.anyio

TOKEN = "ghp_verysecret0123456789"
QUERY = document("resolve")
QUICK = Limits(connect_s=1, answer_s=2, answer_bytes=10_000, connect_pauses_s=(0.01,))
GOOD = {"data": {"repository": None}}


def connected(url: str, limits: Limits = QUICK) -> HttpConnection:
    return HttpConnection(url, GivenToken(TOKEN), limits)


def transport(url: str, limits: Limits = QUICK) -> HttpGraphQL:
    return HttpGraphQL(connected(url, limits), Budgets())


async def test_as_a_context_it_keeps_its_client_and_without_it_works_too() -> None:
    """Construction and entering open nothing; either way two requests are answered."""
    async with canned(response(200, GOOD)) as server:
        connection = connected(server.url)
        kept = HttpGraphQL(connection, Budgets())
        async with connection:
            assert isinstance(await kept.send(QUERY, {}), GraphQLAnswer)
            assert isinstance(await kept.send(QUERY, {}), GraphQLAnswer)
        assert isinstance(await kept.send(QUERY, {}), GraphQLAnswer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", FailureKind.UNAVAILABLE),
        (response(429, b"", date="yesterday"), FailureKind.RATE_LIMITED),
        (b"no http at all\r\n\r\n", FailureKind.UNAVAILABLE),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", FailureKind.UNAVAILABLE),
        (
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
            FailureKind.UNAVAILABLE,
        ),
        (response(200, b"<html>A wild unicorn</html>", content_type="text/html"), FailureKind.NONSENSE),
        (response(200, b'{"data": {"nodes": [{"id"'), FailureKind.NONSENSE),
        (response(200, b'{"data": {"x": "' + b"y" * 20_000 + b'"}}'), FailureKind.NONSENSE),
        (response(502, b"<html>"), FailureKind.UNAVAILABLE),
        (response(401, {"message": "Bad credentials"}), FailureKind.FORBIDDEN),
    ],
)
async def test_an_answer_that_is_none_is_a_failure(answer: bytes, kind: FailureKind) -> None:
    """Cut, garbled, HTML, too large, refused: a value with its kind, never an exception."""
    async with canned(answer) as server:
        failed = await transport(server.url).send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert failed.kind is kind


async def test_too_large_an_answer_asks_for_a_smaller_question() -> None:
    """An explicit bound with a clear error (S13)."""
    async with canned(response(200, b"x" * 20_000)) as server:
        failed = await transport(server.url).send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert failed.too_big
    assert "10000 bytes" in failed.problem


async def test_a_packed_answer_is_unpacked() -> None:
    """GitHub packs what it can."""
    packed = response(200, gzip.compress(json.dumps(GOOD).encode()), content_encoding="gzip")
    async with canned(packed) as server:
        assert await transport(server.url).send(QUERY, {}) == GraphQLAnswer(data=GOOD["data"], errors=())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response(200, gzip.compress(b" " * 1_000_000), content_encoding="gzip"), FailureKind.NONSENSE),
        (response(200, gzip.compress(b"{}")[:-9], content_encoding="gzip"), FailureKind.UNAVAILABLE),
        (response(200, b"abc", content_encoding="br"), FailureKind.UNAVAILABLE),
    ],
)
async def test_packed_nonsense_is_a_failure(answer: bytes, kind: FailureKind) -> None:
    """What unpacks to more than the bound, what was cut, and what we did not ask for."""
    async with canned(answer) as server:
        failed = await transport(server.url).send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert failed.kind is kind


async def test_nobody_there_is_unavailable() -> None:
    """A refused connection is tried again, then told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    failed = await transport(f"http://127.0.0.1:{port}").send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert (failed.kind, failed.problem) == (FailureKind.UNAVAILABLE, "there is no connection to GitHub")


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    """As after a rename: the same POST at the new address."""
    async with canned(response(307, b"", location="/elsewhere/graphql"), response(200, GOOD)) as server:
        assert isinstance(await transport(server.url).send(QUERY, {}), GraphQLAnswer)
    assert server.requests[1].startswith(b"POST /elsewhere/graphql")


@pytest.mark.parametrize(
    "location",
    ["http://localhost:1/graphql", "//evil.example/graphql", "ftp:x", ""],
)
async def test_a_redirect_to_another_host_is_refused(location: str) -> None:
    """The token is sent to its own host only."""
    async with canned(response(302, b"", location=location)) as server:
        failed = await transport(server.url).send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert failed.kind is FailureKind.NONSENSE
    assert len(server.requests) == 1


async def test_redirects_end() -> None:
    """A circle is no answer."""
    async with canned(response(307, b"", location="/graphql")) as server:
        failed = await transport(server.url).send(QUERY, {})
    assert isinstance(failed, SendFailed)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "url",
    [
        "ftp://api.github.com",
        "https://",
        "https://user:secret@api.github.com",
        "http://api.github.com",
        "api.github.com",
        "https://[api.github.com",
        "https://api.github.com:port",
        "https://api.github.com/\n",
    ],
)
def test_an_address_that_would_give_the_token_away_is_refused(url: str) -> None:
    """Only https, or loopback; no credentials in the address, and none in the error."""
    with pytest.raises(InvalidInput) as caught:
        transport(url)
    assert caught.value.field == "github_api_url"
    assert "secret" not in str(caught.value)
