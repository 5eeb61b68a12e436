"""Moments for people."""

from datetime import datetime


def moment(at: datetime | None) -> str:
    """A moment in UTC; a dash for none."""
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
