"""The server itself: its clock and its faults."""

from headway_sandbox import commands
from headway_sandbox.errors import Unprocessable
from headway_sandbox.records import Fault, LackingField
from headway_sandbox.world.desk import Desk


def add_fault(desk: Desk, order: commands.AddFault) -> commands.Done:
    """Prepare wrong answers."""
    if order.count < 1:
        raise Unprocessable("count: must be at least 1")
    desk.tx.add(
        Fault(
            id=desk.tx.next_id(),
            kind=order.kind,
            remaining=order.count,
            seconds=order.seconds,
            operation=order.operation,
            applied=order.applied,
        )
    )
    return commands.Done()


def clear_faults(desk: Desk, _: commands.ClearFaults) -> commands.Done:
    """Forget all faults."""
    for fault in desk.tx.find(Fault):
        desk.tx.remove(fault)
    return commands.Done()


def lack_fields(desk: Desk, order: commands.LackFields) -> commands.Done:
    """Take fields out of the schema, or put them back."""
    for known in desk.tx.find(LackingField):
        desk.tx.remove(known)
    for name in order.fields:
        desk.tx.add(LackingField(id=desk.tx.next_id(), name=name))
    return commands.Done()


def set_clock(desk: Desk, order: commands.SetClock) -> commands.Done:
    """Stop or free the clock, for what happens after this command."""
    desk.tx.set_clock(order.at)
    return commands.Done()
