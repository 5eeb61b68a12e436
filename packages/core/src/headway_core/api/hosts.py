"""Hosts: the machines of this database, each with worktrees of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway_core.hosts.model import Host, KnownHost

if TYPE_CHECKING:
    from headway_core.hosts.service import HostService


class Hosts:
    """Everything that is asked of hosts: `hw.hosts`."""

    def __init__(self, *, hosts: "HostService") -> None:
        self._hosts = hosts

    async def list(self) -> Sequence[KnownHost]:
        """List the hosts.

        Returns:
            All of them with the time at which each was last seen, oldest first, the retired ones too.
        """
        return await self._hosts.list()

    async def runner_runs(self) -> bool:
        """Tell whether a runner of this host runs, as far as can be told: it reports every 15 s, and when it
        stops; one that was killed seems to run for another 45 s.

        Returns:
            Whether what is asked for now is carried out by a runner that is there already.
        """
        return await self._hosts.runner_runs()

    async def retire(self, host_id: str, *, actor: str = "headway") -> Host:
        """Say that a host does not come back: its workspaces may be moved from now on. Safe to repeat.

        Args:
            host_id: The host's id.
            actor: Who asks, as the events tell it.

        Returns:
            The host as it is now stored.

        Raises:
            NotFound: There is no such host.
            Conflict: Its runner was seen within the last two minutes: stop it first.
        """
        return await self._hosts.retire(host_id, actor=actor)
