"""The wiring of this adapter: it constructs, and opens no connection."""

from dependency_injector import containers, providers

from headway_github.issues import GitHubIssueReader
from headway_github.reader import GitHubPullRequests
from headway_github.tokens import tokens
from headway_github.transport import HttpGraphQL
from headway_github.writer import GitHubWriter


class GitHubContainer(containers.DeclarativeContainer):
    """GitHub at one address with one token.

    `graphql` is an async context manager: entered, it keeps its connections.
    """

    api_url = providers.Dependency(instance_of=str)
    token: providers.Dependency[str | None] = providers.Dependency(default=None)
    """None: `gh auth token` is asked."""

    tokens = providers.Singleton(tokens, token)
    graphql = providers.Singleton(HttpGraphQL, api_url, tokens)
    pull_requests = providers.Singleton(GitHubPullRequests, graphql)
    issues = providers.Singleton(GitHubIssueReader, graphql)
    writer = providers.Singleton(GitHubWriter, graphql)
