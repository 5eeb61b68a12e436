"""The wiring of this adapter: it constructs, and opens no connection."""

from dependency_injector import containers, providers

from headway_github.budgets import Budgets, host_of
from headway_github.carried import HttpGraphQL
from headway_github.gh import GhGraphQL
from headway_github.issues import GitHubIssueReader
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.tokens import tokens
from headway_github.transport import HttpConnection
from headway_github.webhooks import GitHubWebhooks
from headway_github.writer import GitHubWriter


class GitHubContainer(containers.DeclarativeContainer):
    """GitHub at one address with one token.

    `connection` is an async context manager: entered, it keeps its connections. `transport` says who
    carries GraphQL: `http`, or `gh`, the program, with its own login, proxy and certificates. REST goes
    by HTTP always.
    """

    api_url = providers.Dependency(instance_of=str)
    token: providers.Dependency[str | None] = providers.Dependency(default=None)
    """None: `gh auth token` is asked."""

    transport: providers.Dependency[str] = providers.Dependency(instance_of=str, default="http")

    webhook_secrets: providers.Dependency[tuple[str, ...]] = providers.Dependency(
        instance_of=tuple, default=()
    )
    """Two while one is replaced; none: every delivery is refused."""

    host = providers.Callable(host_of, api_url)
    tokens = providers.Singleton(tokens, token, host)
    budgets = providers.Singleton(Budgets)
    connection = providers.Singleton(HttpConnection, api_url, tokens)
    graphql = providers.Selector(
        transport,
        http=providers.Singleton(HttpGraphQL, connection, budgets),
        gh=providers.Singleton(GhGraphQL, host, budgets, token=token),
    )
    rest = providers.Singleton(Rest, connection, tokens, budgets)
    pull_requests = providers.Singleton(GitHubPullRequests, graphql, rest, budgets)
    issues = providers.Singleton(GitHubIssueReader, graphql)
    writer = providers.Singleton(GitHubWriter, graphql, rest)
    webhooks = providers.Singleton(GitHubWebhooks, host, webhook_secrets)
