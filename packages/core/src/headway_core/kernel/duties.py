"""Background duties: one runner owns every loop.

Pacing runs from the end of one run to the start of the next. A duty may ask for another delay. An
exception backs off that duty alone, at least as long as an `Unavailable` asks for. Cancelling the
runner stops promptly; whatever a duty has begun is completed by recovery (law 4).
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import anyio

from headway_core.kernel.errors import Unavailable
from headway_core.kernel.ledger import Ledger

logger = logging.getLogger(__name__)


class Duty(ABC):
    """One thing that is done again and again."""

    name: str
    interval: float = 30.0
    """Seconds from the end of one run to the start of the next."""
    wakes_on_events: ClassVar[bool] = False
    """Whether a commit that wrote events ends the wait early."""
    ends_runner: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors after which nothing may be done here any more: the runner ends with them."""

    @abstractmethod
    async def run(self) -> float | None:
        """Do it once. Returns the seconds until the next run, None for `interval`."""


class DutyRunner:
    """Runs duties until it is cancelled."""

    def __init__(
        self,
        ledger: Ledger,
        duties: Sequence[Duty],
        *,
        first_backoff: float = 1.0,
        longest_backoff: float = 300.0,
    ) -> None:
        self._ledger = ledger
        self._duties = tuple(duties)
        self._first_backoff = first_backoff
        self._longest_backoff = longest_backoff

    async def run(self) -> None:
        """Run every duty in a loop of its own. Ends by cancellation, or by what a duty `ends_runner` with."""
        async with anyio.create_task_group() as group:
            for duty in self._duties:
                group.start_soon(self._loop, duty, name=duty.name)

    async def _loop(self, duty: Duty) -> None:
        backoff = self._first_backoff
        while True:
            changed = self._ledger.changed()
            try:
                asked = await duty.run()
            except duty.ends_runner:
                raise
            except Exception as error:
                pause = max(backoff, _asked_pause(error))
                logger.exception("duty %s failed; again in %.0f s", duty.name, pause)
                await anyio.sleep(pause)
                backoff = min(backoff * 2, self._longest_backoff)
                continue
            backoff = self._first_backoff
            with anyio.move_on_after(duty.interval if asked is None else asked):
                if duty.wakes_on_events:
                    await changed.wait()
                else:
                    await anyio.sleep_forever()


def _asked_pause(error: Exception) -> float:
    return (error.retry_after or 0.0) if isinstance(error, Unavailable) else 0.0
