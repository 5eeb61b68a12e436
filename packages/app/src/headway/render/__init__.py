"""What people read on a terminal. Text from outside is printed as text, never as markup.

Imported when something is printed for people: programs do not wait for what draws tables.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway.render.board_table import BoardTable, board, line, remarks
    from headway.render.explanations import explained, explanation
    from headway.render.forge import actions, budgets
    from headway.render.pull_requests import checks, pull_request, threads
    from headway.render.records import (
        archive,
        details,
        dropped,
        host,
        hosts,
        preserved,
        project,
        project_details,
        project_removed,
        projects,
        session,
        settings,
        workspace,
    )
else:
    __getattr__ = lazy_exports(__name__, "board_table", "pull_requests", "records", "forge", "explanations")

__all__ = [
    "BoardTable",
    "actions",
    "archive",
    "board",
    "budgets",
    "checks",
    "details",
    "dropped",
    "explained",
    "explanation",
    "host",
    "hosts",
    "line",
    "preserved",
    "project",
    "project_details",
    "project_removed",
    "projects",
    "pull_request",
    "remarks",
    "session",
    "settings",
    "threads",
    "workspace",
]
