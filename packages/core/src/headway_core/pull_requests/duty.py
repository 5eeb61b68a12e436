"""The duties of a runner: what is due is refreshed, and old webhook deliveries are forgotten."""

from typing import ClassVar

from headway_core.kernel.duties import Duty
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.pull_requests.webhooks import WebhookService

SHORTEST_WAIT_S = 0.2


class WatchDuty(Duty):
    """Refreshes what is due, and asks to be run again when the next is."""

    name = "watch pull requests"
    interval_s = 5.0
    wakes_on_events: ClassVar[bool] = True

    def __init__(self, service: PRSnapshotService) -> None:
        self._service = service

    async def run(self) -> float | None:
        await self._service.refresh_due()
        due_s = await self._service.next_due_in_s()
        return None if due_s is None else min(max(due_s, SHORTEST_WAIT_S), self.interval_s)


class WebhookDuty(Duty):
    """Forgets old deliveries."""

    name = "webhook deliveries"
    interval_s = 3600.0

    def __init__(self, webhooks: WebhookService) -> None:
        self._webhooks = webhooks

    async def run(self) -> float | None:
        while await self._webhooks.prune():
            pass
        return None
