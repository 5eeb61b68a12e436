"""The clock and the ids that tests control."""

import re
from datetime import UTC, datetime, timedelta

from headway_testing.clock import ManualClock, SequentialIds


def test_clock() -> None:
    """The clock stands still until it is told to advance, by seconds or by a duration."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock.advance(1.5) == datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    clock.advance(timedelta(days=1))
    assert clock.now() == datetime(2026, 1, 2, 0, 0, 1, 500_000, tzinfo=UTC)


def test_ids() -> None:
    """Ids are new each time, sorted as they were drawn, and of the letters that the port allows."""
    ids = SequentialIds("w")
    drawn = [ids.new() for _ in range(1200)]
    assert drawn == sorted(set(drawn))
    assert all(re.fullmatch(r"[0-9a-zA-Z-]{1,40}", one) for one in drawn)
