"""The reports of this host, by which it also learns that it must not act any more."""

from headway_core.hosts import HostService, Retired
from headway_core.sessions import SessionExecutor


class HostHeartbeat:
    """Reports the host, for a runner that begins and while it runs."""

    def __init__(self, hosts: HostService, executor: SessionExecutor) -> None:
        self._hosts = hosts
        self._executor = executor

    async def report(self) -> None:
        """Report this host. `Retired` when a person has retired it. Nothing that was started here runs on
        then: a workspace that was moved meanwhile has another agent, and there are never two.
        """
        try:
            await self._hosts.report()
        except Retired:
            await self._executor.end_everything()
            raise

    async def stopped(self) -> None:
        """Report that this host's runner stops. What it started runs on."""
        await self._hosts.stopped()
