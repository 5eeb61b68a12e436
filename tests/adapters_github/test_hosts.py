"""A repository of another host than the API's is not read or written, though one of its name may be there."""

import pytest

from headway_core.forge_actions.model import OpenPullRequest, Resolve
from headway_core.kernel.errors import PermissionDenied
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import FetchFailed
from headway_github import GitHubHosts, GitHubIssueReader, GitHubPullRequests, GitHubWriter
from headway_github.budgets import Budgets
from headway_github.container import GitHubContainer
from headway_testing.contracts.forge_hosts import ForgeHostsContract
from headway_testing.records import a_project

from .conftest import FakeConnection, FakeGraphQL, rest_over

PUBLIC, ENTERPRISE, SANDBOX = "https://api.github.com", "https://git.example/api/v3", "http://127.0.0.1:8080"
MARK = "<!-- headway:a1 -->"


class TestGitHubHosts(ForgeHostsContract):
    """The contract, of GitHub and of a server of one's own."""

    @pytest.fixture(
        params=[(PUBLIC, "github.com"), (ENTERPRISE, "git.example")], ids=["public", "enterprise"]
    )
    def told(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        told: tuple[str, str] = request.param
        return told

    @pytest.fixture
    def hosts(self, told: tuple[str, str]) -> GitHubHosts:
        return GitHubHosts(told[0])

    @pytest.fixture
    def served(self, told: tuple[str, str]) -> str:
        return told[1]


@pytest.mark.parametrize(
    ("api_url", "host", "serves"),
    [
        (PUBLIC, "github.com", True),
        (PUBLIC, "GitHub.com", True),
        (PUBLIC, "gitlab.com", False),
        (PUBLIC, "github.com.evil.example", False),
        (PUBLIC, "evil.example@github.com", False),
        (PUBLIC, "github.com/evil", False),
        (PUBLIC, "git.example", False),
        (PUBLIC, "github-work", False),
        (PUBLIC, "", False),
        (ENTERPRISE, "git.example", True),
        (ENTERPRISE, "git.example:8443", True),
        (ENTERPRISE, "github.com", False),
        ("https://api.acme.ghe.com", "acme.ghe.com", True),
        ("https://api.acme.ghe.com", "other.ghe.com", False),
        (SANDBOX, "github.com", True),
        (SANDBOX, "127.0.0.1:8080", True),
        (SANDBOX, "gitlab.example", False),
    ],
)
def test_the_host_of_the_api_is_served_alone(api_url: str, host: str, serves: bool) -> None:
    """One on this machine stands in for github.com; whoever is refused is told which host is meant."""
    problem = GitHubHosts(api_url).refusal(host)
    assert (problem is None) is serves
    assert problem is None or host in problem


@pytest.mark.anyio
async def test_nothing_is_asked_about_another_host(graphql: FakeGraphQL) -> None:
    """Neither by GraphQL nor by REST: every way to read and to write refuses."""
    elsewhere = a_project(github_host="gitlab.com")
    hosts, connection = GitHubHosts(PUBLIC), FakeConnection()
    reader = GitHubPullRequests(graphql, rest_over(connection), Budgets(), hosts)
    told = [
        (await reader.observe(elsewhere, ["PR_1"]))["PR_1"],
        (await reader.of_branches(elsewhere, ["fix"]))["fix"],
        await reader.resolve(elsewhere, 7),
    ]
    await reader.trigger_merge_check(elsewhere, 7)
    for each in told:
        assert isinstance(each, FetchFailed)
        assert each.kind is FailureKind.FORBIDDEN
        assert "gitlab.com" in each.problem
    writer = GitHubWriter(graphql, rest_over(connection), hosts)
    opens = OpenPullRequest(head="fix", base="main", title="Fix", body="", draft=False)
    for order in (opens, Resolve(thread_id="T1")):
        with pytest.raises(PermissionDenied, match="gitlab"):
            await writer.find(elsewhere, order, MARK)
        with pytest.raises(PermissionDenied, match="gitlab"):
            await writer.write(elsewhere, order, MARK)
    with pytest.raises(PermissionDenied, match="gitlab"):
        await GitHubIssueReader(graphql, hosts).read(elsewhere, 7)
    assert graphql.sent == []
    assert connection.sent == []


def test_the_wiring_gives_the_hosts_to_all() -> None:
    """What the container makes refuses another host."""
    container = GitHubContainer(api_url=PUBLIC, token="ghp_secret")
    for adapter in (container.pull_requests(), container.writer(), container.issues()):
        assert adapter._hosts is container.hosts()
