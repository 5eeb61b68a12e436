"""What callers ask of hosts: that this one is there, who is lost, and that one does not come back."""

from collections.abc import Sequence

from headway_core.hosts.model import Host, KnownHost
from headway_core.hosts.steps import HostSteps
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger


class HostService:
    """Reports this host, and lists, loses and retires all of them."""

    def __init__(self, ledger: Ledger, steps: HostSteps, locks: HostLocks) -> None:
        self._ledger = ledger
        self._steps = steps
        self._locks = locks

    async def report(self) -> Host:
        """This host's runner is there: registered when it is new, and lost no more.

        `Retired` when a person has retired it.
        """
        host_id, name = self._locks.host_id, self._locks.host_name
        return await self._ledger.transact(lambda tx: self._steps.report(tx, host_id, name))

    async def notice_losses(self) -> tuple[Host, ...]:
        """Record as lost those that were not seen for too long; which they are."""
        return await self._ledger.transact(self._steps.notice_losses)

    async def list(self) -> Sequence[KnownHost]:
        """All hosts, oldest first, the retired ones too."""
        return await self._ledger.read(self._steps.known)

    async def retire(self, host_id: str, *, actor: str = "headway") -> Host:
        """It does not come back: from now on its workspaces may be moved to another. Safe to repeat.

        `NotFound`; `Conflict` while it was seen lately: what runs there would run on, so its runner is to
        be stopped first.
        """
        return await self._ledger.transact(lambda tx: self._steps.retire(tx, host_id, actor=actor))
