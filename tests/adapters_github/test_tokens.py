"""Where the token comes from."""

import sys
from pathlib import Path

import pytest

from headway_core.kernel.errors import PermissionDenied
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import SendFailed
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.documents import document
from headway_github.graphql_transport import HttpGraphQL
from headway_github.tokens import GhToken, GivenToken, Tokens, tokens

from .conftest import canned, response

pytestmark = pytest.mark.anyio

HOST = "ghes.example"
MISSING = "github: no token: set GITHUB_TOKEN or run gh auth login"


def graphql_over(url: str, source: Tokens) -> HttpGraphQL:
    return HttpGraphQL(HttpConnection(url, source), Budgets())


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
    assert await tokens(" ghp_x \n", HOST).token() == "ghp_x"
    assert isinstance(tokens(None, HOST), GhToken)
    assert isinstance(tokens("  ", HOST), GhToken)


@pytest.mark.parametrize("wrong", ["ghp x", "ghp\r\nx-evil: 1", "ghpé"])
async def test_a_token_that_no_header_takes_is_refused_without_telling_it(wrong: str) -> None:
    """It is never put into a request, nor into the error."""
    with pytest.raises(PermissionDenied) as caught:
        await GivenToken(wrong).token()
    assert wrong not in str(caught.value)


async def test_gh_is_asked_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    """`gh auth token`, kept until GitHub refuses it."""
    source = GhToken(HOST, a_gh(tmp_path, "print('gho_secret')"))
    assert await source.token() == await source.token() == "gho_secret"
    source.refused()
    await source.token()
    assert (tmp_path / "calls").read_text() == f"auth token --hostname {HOST}\n" * 2
    assert "gho_secret" not in repr(source)


@pytest.mark.parametrize(
    "script", ["sys.exit('no oauth token found')", "print('')", "print('a b\\nc')", "sys.exit(1)"]
)
async def test_gh_that_is_not_logged_in_says_what_to_do(tmp_path: Path, script: str) -> None:
    """The error names both ways to a token."""
    with pytest.raises(PermissionDenied) as caught:
        await GhToken(HOST, a_gh(tmp_path, script)).token()
    assert str(caught.value) == MISSING


async def test_no_gh_at_all_says_what_to_do(tmp_path: Path) -> None:
    """A program that is not installed is a missing token."""
    with pytest.raises(PermissionDenied) as caught:
        await GhToken(HOST, str(tmp_path / "nothing")).token()
    assert str(caught.value) == MISSING


async def test_without_a_token_nothing_is_sent(tmp_path: Path) -> None:
    """The failure says what to do; the server is not asked."""
    async with canned(response(200, {"data": {}})) as server:
        client = graphql_over(server.url, GhToken(HOST, str(tmp_path / "nothing")))
        failed = await client.send(document("resolve"), {})
    assert failed == SendFailed(kind=FailureKind.FORBIDDEN, problem=MISSING.removeprefix("github: "))
    assert server.requests == []


async def test_an_expired_token_is_asked_for_anew(tmp_path: Path) -> None:
    """A 401 makes the next request ask gh again."""
    async with canned(response(401, {"message": "Bad credentials"}), response(200, {"data": {}})) as server:
        client = graphql_over(server.url, GhToken(HOST, a_gh(tmp_path, "print('gho_secret')")))
        for _ in range(2):
            await client.send(document("resolve"), {})
    assert len((tmp_path / "calls").read_text().splitlines()) == 2


@pytest.mark.usefixtures("gh")
async def test_the_real_gh_tells_no_host_the_token_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logged in at github.com alone, it has none for an Enterprise server."""
    (tmp_path / "hosts.yml").write_text("github.com:\n  user: alice\n  oauth_token: gho_cloud\n")
    monkeypatch.setenv("GH_CONFIG_DIR", str(tmp_path))
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert await GhToken("github.com").token() == "gho_cloud"
    with pytest.raises(PermissionDenied):
        await GhToken(HOST).token()
