"""GitHub for Headway: GraphQL by HTTP or `gh`, and some REST, behind core's ports.

`container.GitHubContainer` is the wiring; `checks_from_rollup` reads what other programs printed.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_github.budgets import Budgets
    from headway_github.connection import HttpConnection
    from headway_github.gh import GhGraphQL
    from headway_github.graphql_transport import HttpGraphQL
    from headway_github.hosts import GitHubHosts
    from headway_github.issues import GitHubIssueReader
    from headway_github.reader import GitHubPullRequests
    from headway_github.rest import Rest
    from headway_github.rows import checks_from_rollup
    from headway_github.webhooks import GitHubWebhooks
    from headway_github.writer import GitHubWriter
else:
    __getattr__ = lazy_exports(
        __name__,
        *("budgets", "connection", "graphql_transport", "gh", "rest", "rows", "hosts"),
        *("webhooks", "issues", "writer", "reader"),
    )

__all__ = [
    "Budgets",
    "GhGraphQL",
    "GitHubHosts",
    "GitHubIssueReader",
    "GitHubPullRequests",
    "GitHubWebhooks",
    "GitHubWriter",
    "HttpConnection",
    "HttpGraphQL",
    "Rest",
    "checks_from_rollup",
]
