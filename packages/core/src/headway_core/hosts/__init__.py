"""Hosts: the machines with worktrees, and whether they are there.

A workspace is pinned to the host that provisions it first. `HostSteps` is the only writer of hosts.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.hosts.events import EVENTS, HostLost, HostRegistered, HostRetired, HostReturned
    from headway_core.hosts.model import (
        HOSTS,
        HOSTS_SEEN,
        LOST_AFTER,
        Host,
        HostSeen,
        KnownHost,
        Retired,
        is_lost,
    )
    from headway_core.hosts.service import HostService
    from headway_core.hosts.steps import HostSteps
else:
    __getattr__ = lazy_exports(__name__, "model", "events", "steps", "service")

__all__ = [
    "EVENTS",
    "HOSTS",
    "HOSTS_SEEN",
    "LOST_AFTER",
    "Host",
    "HostLost",
    "HostRegistered",
    "HostRetired",
    "HostReturned",
    "HostSeen",
    "HostService",
    "HostSteps",
    "KnownHost",
    "Retired",
    "is_lost",
]
