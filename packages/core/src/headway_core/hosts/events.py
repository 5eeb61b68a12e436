"""What happens to hosts. None is of one workspace: each is of all that are pinned to the host."""

from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.hosts.model import Host


@attrs.frozen(kw_only=True)
class HostRegistered:
    """The runner of a new host reported for the first time."""

    event: ClassVar[str] = "host.registered"
    version: ClassVar[int] = 1

    host: Host
    """The host as it is stored."""


@attrs.frozen(kw_only=True)
class HostLost:
    """No runner of the host reported for two minutes."""

    event: ClassVar[str] = "host.lost"
    version: ClassVar[int] = 1

    host_id: str
    """The host."""
    lost_at: datetime
    """When that was found."""


@attrs.frozen(kw_only=True)
class HostReturned:
    """The runner of a lost host reported again."""

    event: ClassVar[str] = "host.returned"
    version: ClassVar[int] = 1

    host_id: str
    """The host."""
    lost_at: None
    """Always None: it is not lost any more."""


@attrs.frozen(kw_only=True)
class HostRetired:
    """A person said that the host does not come back."""

    event: ClassVar[str] = "host.retired"
    version: ClassVar[int] = 1

    host_id: str
    """The host."""
    lost_at: datetime
    """Since when it counts as lost: from now on when it was not."""
    retired_at: datetime
    """When the person said so."""


EVENTS = (HostRegistered, HostLost, HostReturned, HostRetired)
