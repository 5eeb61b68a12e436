"""Webhook deliveries that were taken, so that one that comes again is known."""

from datetime import datetime

import attrs

from headway_core.kernel.tables import Index, Lock, Query, TableSpec


@attrs.frozen(kw_only=True)
class WebhookDelivery:
    """A delivery that was taken: its hints are in the watches. `WebhookSteps` is the only writer."""

    hook: str
    """GitHub's id of the webhook."""
    guid: str
    """GitHub's id of the delivery: a redelivery has the same."""
    event: str
    """GitHub's event and action."""
    concerned: int
    """How many workspaces it hinted at."""
    done_at: datetime
    """When it was taken."""


OLD_DELIVERIES = Query(name="old", up_to="done_at", order=("done_at",), limit=500)
DELIVERIES = TableSpec(
    name="webhook_deliveries",
    record=WebhookDelivery,
    key=("hook", "guid"),
    lock=Lock.APPEND,
    indexes=(Index(name="webhook_deliveries_done", columns=("done_at",)),),
    queries=(OLD_DELIVERIES,),
)
