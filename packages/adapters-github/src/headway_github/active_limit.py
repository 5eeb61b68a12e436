"""A limit that was met: until it is over, nothing of its kind is asked."""

from collections.abc import Callable

import anyio
import attrs

from headway_core.pull_requests.model import FailureKind
from headway_github.answers import SECONDARY_WAIT_S, SendFailed


class ActiveLimit:
    """Remembers the last limit that one kind of questions met, and for how long GitHub asked to wait."""

    def __init__(self, *, now: Callable[[], float] = anyio.current_time) -> None:
        self._now = now
        self._met: SendFailed | None = None
        self._ends_at = 0.0

    def note(self, failure: SendFailed) -> None:
        """Remember it, if it is a limit; one that does not say how long is a minute."""
        if failure.kind is FailureKind.RATE_LIMITED:
            wait_s = SECONDARY_WAIT_S if failure.retry_after_s is None else failure.retry_after_s
            self._met, self._ends_at = failure, self._now() + wait_s

    def left(self) -> SendFailed | None:
        """The same refusal with what is left of its wait; None when there is none, or it is over."""
        if self._met is None or self._now() >= self._ends_at:
            return None
        return attrs.evolve(self._met, retry_after_s=self._ends_at - self._now())
