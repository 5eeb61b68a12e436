"""Hosts: the machines with worktrees, and whether they are there.

A workspace is pinned to the host that provisions it first. `HostSteps` is the only writer of hosts.
"""

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
