"""What happens to hosts. None is of one workspace: each is of all that are pinned to the host."""

from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.hosts.model import Host


@attrs.frozen(kw_only=True)
class HostRegistered:
    """A runner of a new host has said that it is there."""

    event: ClassVar[str] = "host.registered"
    version: ClassVar[int] = 1

    host: Host


@attrs.frozen(kw_only=True)
class HostLost:
    """It has not been seen for too long."""

    event: ClassVar[str] = "host.lost"
    version: ClassVar[int] = 1

    host_id: str
    lost_at: datetime


@attrs.frozen(kw_only=True)
class HostReturned:
    """A lost host is there again."""

    event: ClassVar[str] = "host.returned"
    version: ClassVar[int] = 1

    host_id: str
    lost_at: None


@attrs.frozen(kw_only=True)
class HostRetired:
    """A person said that it does not come back."""

    event: ClassVar[str] = "host.retired"
    version: ClassVar[int] = 1

    host_id: str
    lost_at: datetime
    retired_at: datetime


EVENTS = (HostRegistered, HostLost, HostReturned, HostRetired)
