"""This host among the others: it says that it is there, and learns that it must not act any more."""

from headway_core.hosts import HostService, Retired
from headway_core.kernel.duties import Duty
from headway_core.sessions import SessionExecutor


class HostHeartbeat:
    """Reports the host, for a runner that begins and while it runs."""

    def __init__(self, hosts: HostService, executor: SessionExecutor) -> None:
        self._hosts = hosts
        self._executor = executor

    async def report(self) -> None:
        """`Retired` when a person has retired this host. Nothing that was started here runs on then: a
        workspace that was moved meanwhile has another agent, and there are never two.
        """
        try:
            await self._hosts.report()
        except Retired:
            await self._executor.end_everything()
            raise


class HostDuty(Duty):
    """Says that this host is there, and records which others are not: no derivation needs a clock.

    A runner whose host was retired while it slept ends.
    """

    name = "hosts"
    interval = 15.0
    ends_runner = (Retired,)

    def __init__(self, heartbeat: HostHeartbeat, hosts: HostService) -> None:
        self._heartbeat = heartbeat
        self._hosts = hosts

    async def run(self) -> float | None:
        await self._heartbeat.report()
        await self._hosts.notice_losses()
        return None
