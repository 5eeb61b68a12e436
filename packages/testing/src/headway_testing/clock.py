"""Time and ids that a test controls."""

import itertools
from datetime import UTC, datetime, timedelta

from headway_core.kernel.clock import Clock, Ids

EPOCH = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""When a `ManualClock` starts: a Monday at noon."""


class ManualClock(Clock):
    """Stands still until it is told to advance."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta | float) -> datetime:
        """Move on by a duration, or by that many seconds; returns the new time."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._now


class SequentialIds(Ids):
    """`id-000001`, `id-000002`, …: sorted as they were drawn. Safe in threads."""

    def __init__(self, prefix: str = "id") -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"{self._prefix}-{next(self._numbers):06}"
