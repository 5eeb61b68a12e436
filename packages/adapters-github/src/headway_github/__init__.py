"""GitHub for Headway: GraphQL by HTTP or `gh`, and some REST, behind core's ports.

`container.GitHubContainer` is the wiring; `checks_from_rollup` reads what other programs printed.
"""

from headway_github.rows import checks_from_rollup

__all__ = ["checks_from_rollup"]
