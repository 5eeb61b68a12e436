"""Webhooks: what the forge delivers by itself."""

from collections.abc import Mapping

from headway_core.pull_requests.outcomes import DeliveryOutcome
from headway_core.pull_requests.webhooks import WebhookService


class Webhooks:
    """Takes the forge's deliveries, from whatever server an application has: `hw.webhooks`."""

    def __init__(self, *, webhooks: WebhookService) -> None:
        self._webhooks = webhooks

    async def receive(self, headers: Mapping[str, str], body: bytes) -> DeliveryOutcome:
        """Take one delivery as it came in. A runner then looks at once where it hints to.

        A delivery says where to look, never what is there: lost, late, repeated and forged ones do no harm.
        No forge is asked here, so the answer to the forge is quick.

        Args:
            headers: The request's headers; their names in any case.
            body: The request's body as it came, byte for byte: it is what is signed.

        Returns:
            `DeliveryAccepted` with the number of workspaces that it concerns; `DeliveryRepeated` when it was
            taken before; `DeliveryIgnored` when nothing that is kept changes with such an event.

        Raises:
            PermissionDenied: Its signature is missing, or not by one of the configured secrets.
            Unavailable: No webhook secret is configured (`Config.webhook_secrets`).
            InvalidInput: `delivery`: its body is larger than 25 MB, or it is none that the forge sends.
        """
        return await self._webhooks.receive(headers, body)
