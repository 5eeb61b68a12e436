"""Webhooks and their deliveries."""

from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class HookView:
    """A webhook."""

    id: int


@attrs.frozen(kw_only=True)
class DeliveryView:
    """A delivery as it would be posted: headers in GitHub's spelling, the signed body."""

    id: int
    event: str
    headers: Mapping[str, str]
    body: str


@attrs.frozen(kw_only=True)
class DeliveriesView:
    """Deliveries, oldest first."""

    deliveries: tuple[DeliveryView, ...]


@attrs.frozen(kw_only=True)
class CreateHook:
    """Add a webhook: from now on every change leaves a delivery."""

    secret: str
    repository: str = ""


@attrs.frozen(kw_only=True)
class ListDeliveries:
    """Fetch deliveries, oldest first. Nothing is marked: who fetches may lose, repeat and reorder."""

    after: int = 0  # the id of the last one that was fetched
    limit: int = 1000  # of all repositories; those of others are left out
    repository: str = ""
