"""When the quiet time of a head ends, and when its pending checks are stuck: pure, by stored times."""

from datetime import datetime, timedelta

import attrs

from headway_core.pull_requests.ci import counted_of
from headway_core.pull_requests.model import PullRequestSnapshot, PullRequestWatch
from headway_core.settings.model import SettingsRecord


def quiet_ends_at(snapshot: PullRequestSnapshot, settings: SettingsRecord) -> datetime | None:
    """When the head's quiet time ends; None before a head was seen."""
    seen = snapshot.head_seen_at
    return None if seen is None else seen + timedelta(seconds=settings.quiet_time_s)


def ci_limit_at(snapshot: PullRequestSnapshot, settings: SettingsRecord) -> datetime | None:
    """From when on pending checks are overdue; None before a head was seen.

    Counted from the later of the head's first sight and the newest check's start.
    """
    if snapshot.head_seen_at is None:
        return None
    checks = () if snapshot.facts is None else snapshot.facts.checks
    starts = [check.started_at for check in checks if check.started_at is not None]
    return max([*starts, snapshot.head_seen_at]) + timedelta(seconds=settings.ci_limit_s)


def timed(
    snapshot: PullRequestSnapshot, watch: PullRequestWatch, now: datetime, settings: SettingsRecord
) -> PullRequestSnapshot:
    """Turn stored times into the booleans that views read without a clock (law 2).

    Quiet time has passed when a fetch that began after it saw all checks of the head; then it stays
    so until the head moves.
    """
    facts, quiet_ends = snapshot.facts, quiet_ends_at(snapshot, settings)
    ci_limit = ci_limit_at(snapshot, settings)
    if facts is None or quiet_ends is None or ci_limit is None:
        return snapshot
    quiet = snapshot.quiet_passed or (
        facts.checks_complete and watch.checks_at is not None and watch.checks_at >= quiet_ends
    )
    after = attrs.evolve(snapshot, quiet_passed=quiet)
    awaited = counted_of(after, settings.ci_scope).are_awaited
    return attrs.evolve(after, ci_overdue=awaited and ci_limit <= now)
