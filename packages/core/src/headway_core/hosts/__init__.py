"""Hosts: the machines with worktrees, and whether they are there.

A workspace is pinned to the host that provisions it first. `HostService` is the only writer of hosts.
"""

from headway_core.hosts.events import EVENTS, HostLost, HostRegistered, HostRetired, HostReturned
from headway_core.hosts.model import HOSTS, HOSTS_SEEN, Host, HostSeen, is_lost
from headway_core.hosts.service import LOST_AFTER, HostService, KnownHost, Retired

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
    "KnownHost",
    "Retired",
    "is_lost",
]
