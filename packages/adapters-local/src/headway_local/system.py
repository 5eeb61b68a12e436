"""The real time and real identities."""

import uuid
from datetime import UTC, datetime

from headway_core.kernel.clock import Clock, Ids


def unused_name(stem: str) -> str:
    """A name for a file or folder that nobody else gives to theirs."""
    return f"{stem}{uuid.uuid4().hex}"  # noqa: TID251 - names no record, and tests look for the stem


class SystemClock(Clock):
    """The wall clock of this host."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the port's implementation


class RandomIds(Ids):
    """Random UUIDs: 36 characters, 122 random bits."""

    def new(self) -> str:
        return str(uuid.uuid4())  # noqa: TID251 - this is the port's implementation
