"""What is known of the limits of a forge: a side row for each budget."""

from datetime import datetime

import attrs

from headway_core.kernel.tables import Lock, Query, TableSpec


@attrs.frozen(kw_only=True)
class ForgeBudget:
    """What is known of one budget of a forge, for people and for the sweep: a side row, emits nothing."""

    host: str
    """As in `Project.github_host`."""
    resource: str
    """GitHub's name of it: `graphql`, `core`, …"""
    limit: int | None = None
    """Points, or requests, an hour. None, here and below: it was never told."""
    remaining: int | None = None
    """Points, or requests, that are left."""
    cost: int | None = None
    """What the last question took."""
    resets_at: datetime | None = None
    """When all of them are there again."""
    told_at: datetime | None = None
    """When the forge told so."""
    blocked_until: datetime | None = None
    """Nothing is fetched by itself before: GitHub asked to wait, or what is left is kept for people."""
    blocked_at: datetime | None = None
    """When that was noted, by our clock: what is in the future was noted while the clock was ahead."""
    strikes: int = 0
    """Rounds that met a limit, less those since that met none: each doubles a pause that nobody told."""


ALL_BUDGETS = Query(name="all")
FORGE_BUDGETS = TableSpec(
    name="forge_budgets",
    record=ForgeBudget,
    key=("host", "resource"),
    lock=Lock.APPEND,
    queries=(ALL_BUDGETS,),
)
