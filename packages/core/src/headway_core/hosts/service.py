"""What callers ask of hosts: to report this one, to find lost ones, and to retire one."""

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
        """Report that this host's runner runs: a new host is registered, a lost one has returned.

        `Retired` when a person has retired it.
        """
        host_id, name = self._locks.host_id, self._locks.host_name
        return await self._ledger.transact(lambda tx: self._steps.report(tx, host_id, name))

    async def stopped(self) -> None:
        """Report that this host's runner stops."""
        host_id = self._locks.host_id
        await self._ledger.transact(lambda tx: self._steps.stopped(tx, host_id))

    async def runner_runs(self) -> bool:
        """Whether a runner of this host runs, as far as can be told without asking it."""
        known = await self._ledger.read(self._steps.known)
        return any(each.runs for each in known if each.host.id == self._locks.host_id)

    async def notice_losses(self) -> tuple[Host, ...]:
        """Record as lost the hosts that were not seen for too long, and return them."""
        return await self._ledger.transact(self._steps.notice_losses)

    async def list(self) -> Sequence[KnownHost]:
        """All hosts, oldest first, the retired ones too."""
        return await self._ledger.read(self._steps.known)

    async def is_alone(self) -> bool:
        """Whether no other host, lost ones included, may have something at a path that this one looks for."""
        known = await self.list()
        return all(k.host.id == self._locks.host_id or k.host.retired_at is not None for k in known)

    async def retire(self, host_id: str, *, actor: str = "headway") -> Host:
        """Record that a host does not come back: its workspaces may be moved from now on. Safe to repeat.

        `NotFound` when there is no such host; `Conflict` while it was seen lately: what runs there would run
        on, so its runner is to be stopped first.
        """
        return await self._ledger.transact(lambda tx: self._steps.retire(tx, host_id, actor=actor))
