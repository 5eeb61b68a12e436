"""Where the token comes from."""

import sys
from pathlib import Path

import pytest

from headway_core.kernel.errors import PermissionDenied
from headway_core.pull_requests.ports import FailureKind
from headway_github.answers import SendFailed
from headway_github.budgets import Budgets
from headway_github.carried import HttpGraphQL
from headway_github.documents import document
from headway_github.tokens import GhToken, GivenToken, Tokens, tokens
from headway_github.transport import HttpConnection

from .conftest import canned, response

pytestmark = pytest.mark.anyio

MISSING = "github: no token: set GITHUB_TOKEN or run gh auth login"


def graphql_over(url: str, source: Tokens) -> HttpGraphQL:
    return HttpGraphQL(HttpConnection(url, source), Budgets("github.com"))


def a_gh(folder: Path, script: str) -> str:
    """A program that is called like gh; it leaves a line in `calls` each time."""
    program = folder / "gh"
    program.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\n"
        f"with open({str(folder / 'calls')!r}, 'a') as calls: calls.write(' '.join(sys.argv[1:]) + '\\n')\n"
        f"{script}\n"
    )
    program.chmod(0o700)
    return str(program)


async def test_a_given_token_is_used() -> None:
    """From the settings or the environment, without the blanks around it."""
    assert await tokens(" ghp_x \n").token() == "ghp_x"
    assert isinstance(tokens(None), GhToken)
    assert isinstance(tokens("  "), GhToken)


@pytest.mark.parametrize("wrong", ["ghp x", "ghp\r\nx-evil: 1", "ghpé"])
async def test_a_token_that_no_header_takes_is_refused_without_telling_it(wrong: str) -> None:
    """It is never put into a request, nor into the error."""
    with pytest.raises(PermissionDenied) as caught:
        await GivenToken(wrong).token()
    assert wrong not in str(caught.value)


async def test_gh_is_asked_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    """`gh auth token`, kept until GitHub refuses it."""
    source = GhToken(a_gh(tmp_path, "print('gho_secret')"))
    assert await source.token() == await source.token() == "gho_secret"
    source.refused()
    await source.token()
    assert (tmp_path / "calls").read_text() == "auth token\n" * 2
    assert "gho_secret" not in repr(source)


@pytest.mark.parametrize(
    "script", ["sys.exit('no oauth token found')", "print('')", "print('a b\\nc')", "sys.exit(1)"]
)
async def test_gh_that_is_not_logged_in_says_what_to_do(tmp_path: Path, script: str) -> None:
    """The error names both ways to a token."""
    with pytest.raises(PermissionDenied) as caught:
        await GhToken(a_gh(tmp_path, script)).token()
    assert str(caught.value) == MISSING


async def test_no_gh_at_all_says_what_to_do(tmp_path: Path) -> None:
    """A program that is not installed is a missing token."""
    with pytest.raises(PermissionDenied) as caught:
        await GhToken(str(tmp_path / "nothing")).token()
    assert str(caught.value) == MISSING


async def test_without_a_token_nothing_is_sent(tmp_path: Path) -> None:
    """The failure says what to do; the server is not asked."""
    async with canned(response(200, {"data": {}})) as server:
        client = graphql_over(server.url, GhToken(str(tmp_path / "nothing")))
        failed = await client.send(document("resolve"), {})
    assert failed == SendFailed(kind=FailureKind.FORBIDDEN, problem=MISSING.removeprefix("github: "))
    assert server.requests == []


async def test_an_expired_token_is_asked_for_anew(tmp_path: Path) -> None:
    """A 401 makes the next request ask gh again."""
    async with canned(response(401, {"message": "Bad credentials"}), response(200, {"data": {}})) as server:
        client = graphql_over(server.url, GhToken(a_gh(tmp_path, "print('gho_secret')")))
        for _ in range(2):
            await client.send(document("resolve"), {})
    assert len((tmp_path / "calls").read_text().splitlines()) == 2
