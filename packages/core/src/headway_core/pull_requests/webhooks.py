"""Webhook deliveries of a forge, for whoever receives them."""

from collections.abc import Mapping
from typing import assert_never

from headway_core.kernel.errors import HeadwayError, InvalidInput, PermissionDenied, Unavailable
from headway_core.kernel.ledger import Ledger
from headway_core.pull_requests.outcomes import DeliveryOutcome
from headway_core.pull_requests.ports import Delivery, DeliveryProblem, DeliveryRefused, WebhookDecoder
from headway_core.pull_requests.webhook_steps import WebhookSteps


class WebhookService:
    """Takes deliveries that its decoder accepts."""

    def __init__(self, ledger: Ledger, steps: WebhookSteps, decoder: WebhookDecoder) -> None:
        self._ledger = ledger
        self._steps = steps
        self._decoder = decoder

    async def receive(self, headers: Mapping[str, str], body: bytes) -> DeliveryOutcome:
        """Take a delivery as it came. No forge is asked here: it returns in milliseconds.

        `PermissionDenied` for a signature that is none of ours, `Unavailable` when no secret is configured,
        `InvalidInput("delivery")` for what no forge sends.
        """
        decoded = self._decoder.decode(headers, body)
        if isinstance(decoded, DeliveryRefused):
            raise _as_error(decoded)
        return await self.take(decoded)

    async def take(self, delivery: Delivery) -> DeliveryOutcome:
        """Take a delivery that the decoder accepted."""
        return await self._ledger.transact(lambda tx: self._steps.receive(tx, delivery))

    async def prune(self) -> int:
        """Forget some of the deliveries that GitHub sends no more. How many."""
        return await self._ledger.transact(self._steps.prune)


def _as_error(refused: DeliveryRefused) -> HeadwayError:
    match refused.reason:
        case DeliveryProblem.SIGNATURE:
            return PermissionDenied("webhooks", refused.problem)
        case DeliveryProblem.UNCONFIGURED:
            return Unavailable("webhooks", refused.problem)
        case DeliveryProblem.TOO_BIG | DeliveryProblem.MALFORMED:
            return InvalidInput("delivery", refused.problem)
        case _:
            assert_never(refused.reason)
