"""Webhook deliveries that are set by a test."""

from collections.abc import Mapping

from headway_core.pull_requests.ports import Delivery, DeliveryProblem, DeliveryRefused, WebhookDecoder


class FakeWebhookDecoder(WebhookDecoder):
    """Knows the bodies of `deliveries`; every other one, and one without headers, is signed by nobody."""

    def __init__(self) -> None:
        self.deliveries: dict[bytes, Delivery | DeliveryRefused] = {}

    def decode(self, headers: Mapping[str, str], body: bytes) -> Delivery | DeliveryRefused:
        unsigned = DeliveryRefused(reason=DeliveryProblem.SIGNATURE, problem="the signature is wrong")
        return self.deliveries.get(body, unsigned) if headers else unsigned
