"""The duty by which the hosts of a database know of each other."""

from headway_core.hosts.service import HostService, Retired
from headway_core.kernel.duties import Duty


class HostDuty(Duty):
    """Says that this host is there, and records which others are not: no derivation needs a clock.

    A runner whose host was retired while it slept ends.
    """

    name = "hosts"
    interval = 15.0
    ends_runner = (Retired,)

    def __init__(self, hosts: HostService) -> None:
        self._hosts = hosts

    async def run(self) -> float | None:
        await self._hosts.report()
        await self._hosts.notice_losses()
        return None
