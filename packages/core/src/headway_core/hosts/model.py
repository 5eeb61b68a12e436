"""A host: a machine with worktrees, known by the random id of its data directory."""

from datetime import datetime, timedelta

import attrs

from headway_core.kernel.errors import Conflict
from headway_core.kernel.tables import Lock, Query, ReadTable, TableSpec
from headway_core.kernel.transactions import ReadTransaction

SILENT_AFTER = timedelta(seconds=45)
"""A runner that has not reported for so long does not run, or hangs: it reports every 15 s."""
LOST_AFTER = timedelta(minutes=2)
"""A host that was not seen for so long is lost: eight of its reports in a row are missing."""


class Retired(Conflict):
    """This host was retired: its workspaces may be elsewhere by now, so it must not act."""

    def __init__(self, host_id: str) -> None:
        super().__init__("host", host_id, "it was retired, and its workspaces may be elsewhere by now")


@attrs.frozen(kw_only=True)
class Host:
    """One data directory of one machine. `HostSteps` is the only writer."""

    id: str
    """A random id, kept in the data directory."""
    version: int = 0
    """Counts the changes of the record."""
    name: str
    """What its machine calls itself: for people, and not unique."""
    registered_at: datetime
    """When its runner reported for the first time."""
    lost_at: datetime | None = None
    """When a duty found that it had not been seen for too long; None when it is there."""
    retired_at: datetime | None = None
    """When a person said that it does not come back; its workspaces may move from then on."""

    @property
    def is_available(self) -> bool:
        """Whether something may be asked of it."""
        return self.lost_at is None and self.retired_at is None


@attrs.frozen(kw_only=True)
class HostSeen:
    """When a runner of the host last said that it is there: a side row, no event."""

    host_id: str
    at: datetime
    """When it last said so, or that it stops."""
    stopped: bool = False
    """Whether it said that it stops; a runner that is killed says nothing."""


@attrs.frozen(kw_only=True)
class KnownHost:
    """A host, and when it was last seen."""

    host: Host
    """The host."""
    seen_at: datetime
    """When its runner last reported."""
    runs: bool
    """Whether its runner runs, as far as can be told: it reported lately, and not that it stops."""


ALL_HOSTS = Query(name="all", order=("registered_at",))
HOSTS = TableSpec(name="hosts", record=Host, lock=Lock.ROW, queries=(ALL_HOSTS,))

ALL_SEEN = Query(name="all")
HOSTS_SEEN = TableSpec(
    name="hosts_seen", record=HostSeen, key=("host_id",), lock=Lock.APPEND, queries=(ALL_SEEN,)
)


def is_lost(tx: ReadTransaction, hosts: ReadTable[Host], host_id: str | None) -> bool:
    """Whether what is pinned to this host can't be reached: it is lost or retired.

    False for None (pinned to none yet) and for a host that never had a runner to say that it is there.
    """
    host = None if host_id is None else hosts.get(tx, host_id)
    return host is not None and not host.is_available
