"""The wiring of this adapter: it constructs, and opens no connection."""

from dependency_injector import containers, providers

import headway_github
from headway_core.kernel.wiring import singleton
from headway_github.budgets import host_of
from headway_github.tokens import tokens


class GitHubContainer(containers.DeclarativeContainer):
    """GitHub at one address with one token.

    `connection` is an async context manager: entered, it keeps its connections. `transport` says who
    sends GraphQL: `http`, or `gh`, the program, with its own login, proxy and certificates. REST goes
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
    hosts = singleton(lambda: headway_github.GitHubHosts, api_url)
    tokens = providers.Singleton(tokens, token, host)
    budgets = singleton(lambda: headway_github.Budgets)
    connection = singleton(lambda: headway_github.HttpConnection, api_url, tokens)
    graphql = providers.Selector(
        transport,
        http=singleton(lambda: headway_github.HttpGraphQL, connection, budgets),
        gh=singleton(lambda: headway_github.GhGraphQL, host, budgets, token=token),
    )
    rest = singleton(lambda: headway_github.Rest, connection, tokens, budgets)
    pull_requests = singleton(lambda: headway_github.GitHubPullRequests, graphql, rest, budgets, hosts)
    issues = singleton(lambda: headway_github.GitHubIssueReader, graphql, hosts)
    writer = singleton(lambda: headway_github.GitHubWriter, graphql, rest, hosts)
    webhooks = singleton(lambda: headway_github.GitHubWebhooks, host, webhook_secrets)
