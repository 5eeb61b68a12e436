"""Webhooks, and their deliveries as they would be posted."""

import hashlib
import hmac

from headway_sandbox import commands
from headway_sandbox.errors import Unprocessable
from headway_sandbox.records import Delivery, Hook
from headway_sandbox.world.desk import Desk


def create_hook(desk: Desk, order: commands.CreateHook) -> commands.HookView:
    """Add a webhook."""
    if not order.secret:
        raise Unprocessable("secret: must not be empty")
    repository = desk.repository(order.repository)
    hook = desk.tx.add(Hook(id=desk.tx.next_id(), repository=repository.id, secret=order.secret))
    return commands.HookView(id=hook.id)


def list_deliveries(desk: Desk, order: commands.ListDeliveries) -> commands.DeliveriesView:
    """Fetch deliveries."""
    hooks = {hook.id: hook for hook in desk.tx.find(Hook, repository=desk.repository(order.repository).id)}
    found = desk.tx.after(Delivery, order.after, limit=order.limit)
    return commands.DeliveriesView(
        deliveries=tuple(_delivery(hooks[one.hook], one) for one in found if one.hook in hooks)
    )


def _delivery(hook: Hook, delivery: Delivery) -> commands.DeliveryView:
    signature = hmac.new(hook.secret.encode(), delivery.body.encode(), hashlib.sha256).hexdigest()
    return commands.DeliveryView(
        id=delivery.id,
        event=delivery.event,
        headers={
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        },
        body=delivery.body,
    )
