"""Webhook deliveries of a forge, for whoever receives them."""

from headway_core.kernel.ledger import Ledger
from headway_core.pull_requests.ports import Delivery
from headway_core.pull_requests.webhook_steps import Receipt, WebhookSteps


class WebhookService:
    """Takes deliveries that a decoder accepted."""

    def __init__(self, ledger: Ledger, steps: WebhookSteps) -> None:
        self._ledger = ledger
        self._steps = steps

    async def receive(self, delivery: Delivery) -> Receipt:
        """Take a delivery that the decoder accepted. Nothing is asked here: it returns in milliseconds."""
        return await self._ledger.transact(lambda tx: self._steps.receive(tx, delivery))

    async def prune(self) -> int:
        """Forget some of the deliveries that GitHub sends no more. How many."""
        return await self._ledger.transact(self._steps.prune)
