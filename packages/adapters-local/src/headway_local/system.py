"""The real time and real identities."""

import uuid
from datetime import UTC, datetime

from headway_core.kernel.clock import Clock, Ids


class SystemClock(Clock):
    """The wall clock of this host."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the port's implementation


class RandomIds(Ids):
    """Random UUIDs: 36 characters, 122 random bits."""

    def new(self) -> str:
        return str(uuid.uuid4())  # noqa: TID251 - this is the port's implementation
