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
from headway_core.kernel.failures import log_failure
from headway_core.kernel.ledger import Ledger

logger = logging.getLogger(__name__)


class Duty(ABC):
    """One thing that is done again and again."""

    name: str
    interval_s: float = 30.0
    """Seconds from the end of one run to the start of the next."""
    wakes_on_events: ClassVar[bool] = False
    """Whether a commit that wrote events ends the wait early."""
    ends_runner: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors after which nothing may be done here any more: the runner ends with them."""

    @abstractmethod
    async def run(self) -> float | None:
        """Do it once. Returns the seconds until the next run, None for `interval_s`."""

    async def attend(self) -> float | None:
        """What a runner calls again and again: `run`, unless the duty keeps a loop of its own, which ends by
        cancellation.
        """
        return await self.run()


class DutyRunner:
    """Runs duties until it is cancelled."""

    def __init__(
        self,
        ledger: Ledger,
        duties: Sequence[Duty],
        *,
        first_backoff_s: float = 1.0,
        longest_backoff_s: float = 300.0,
    ) -> None:
        self._ledger = ledger
        self._duties = tuple(duties)
        self._first_backoff_s = first_backoff_s
        self._longest_backoff_s = longest_backoff_s

    async def run(self) -> None:
        """Run every duty in a loop of its own. Ends by cancellation, or by what a duty `ends_runner` with."""
        async with anyio.create_task_group() as group:
            for duty in self._duties:
                group.start_soon(self._loop, duty, name=duty.name)

    async def _loop(self, duty: Duty) -> None:
        backoff_s = self._first_backoff_s
        while True:
            changed = self._ledger.changed()
            try:
                asked_s = await duty.attend()
            except duty.ends_runner:
                raise
            except Exception as error:  # noqa: BLE001  logged, with its traceback when it is a defect
                pause_s = max(backoff_s, _asked_pause_s(error))
                log_failure(logger, f"duty {duty.name} failed; again in {pause_s:.0f} s", error)
                await anyio.sleep(pause_s)
                backoff_s = min(backoff_s * 2, self._longest_backoff_s)
                continue
            backoff_s = self._first_backoff_s
            with anyio.move_on_after(duty.interval_s if asked_s is None else asked_s):
                if duty.wakes_on_events:
                    await changed.wait()
                else:
                    await anyio.sleep_forever()


def _asked_pause_s(error: Exception) -> float:
    return (error.retry_after_s or 0.0) if isinstance(error, Unavailable) else 0.0
