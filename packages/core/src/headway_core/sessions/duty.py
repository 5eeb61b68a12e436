"""The duty that sees to sessions."""

from headway_core.kernel.duties import Duty
from headway_core.sessions.executor import SessionExecutor

BUSY_INTERVAL_S = 0.5


class SessionDuty(Duty):
    """Rounds of the executor: soon after every event, twice a second while something is busy."""

    name = "sessions"
    wakes_on_events = True

    def __init__(self, executor: SessionExecutor) -> None:
        self._executor = executor

    async def run(self) -> float | None:
        return BUSY_INTERVAL_S if await self._executor.round() else None
