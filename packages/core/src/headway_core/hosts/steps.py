"""The single writer of hosts: who is there, who is lost, who is retired."""

from collections.abc import Sequence
from datetime import timedelta

import attrs

from headway_core.hosts.events import HostLost, HostRegistered, HostRetired, HostReturned
from headway_core.hosts.model import (
    ALL_HOSTS,
    ALL_SEEN,
    LOST_AFTER,
    SILENT_AFTER,
    Host,
    HostSeen,
    KnownHost,
    Retired,
)
from headway_core.kernel.errors import Conflict, NotFound
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction


class HostSteps:
    """Records that hosts are there, and concludes that they are not."""

    def __init__(
        self, hosts: OwnedTable[Host], seen: OwnedTable[HostSeen], *, lost_after: timedelta = LOST_AFTER
    ) -> None:
        self._hosts = hosts
        self._seen = seen
        self._lost_after = lost_after

    def known(self, tx: ReadTransaction) -> Sequence[KnownHost]:
        """All hosts, oldest first, the retired ones too."""
        seen = {row.host_id: row for row in self._seen.query(tx, ALL_SEEN)}
        return [self._known(tx, host, seen.get(host.id)) for host in self._hosts.query(tx, ALL_HOSTS)]

    def _known(self, tx: ReadTransaction, host: Host, seen: HostSeen | None) -> KnownHost:
        at = host.registered_at if seen is None else seen.at
        silent = seen is None or seen.stopped or tx.now() - at >= SILENT_AFTER
        return KnownHost(host=host, seen_at=at, runs=host.is_available and not silent)

    def report(self, tx: Transaction, host_id: str, name: str) -> Host:
        """Record that this host's runner runs: a new host is registered, a lost one has returned.

        `name` is what its machine calls itself. `Retired` when a person has retired the host.
        """
        self._seen.put(tx, HostSeen(host_id=host_id, at=tx.now()))
        host = self._hosts.lock_row(tx, host_id)
        if host is None:
            host = self._hosts.add(tx, Host(id=host_id, name=name, registered_at=tx.now()))
            tx.emit(HostRegistered(host=host))
        elif host.retired_at is not None:
            raise Retired(host_id)
        elif host.lost_at is not None:
            host = self._hosts.replace(tx, attrs.evolve(host, name=name, lost_at=None))
            tx.emit(HostReturned(host_id=host_id, lost_at=None))
        elif host.name != name:
            host = self._hosts.replace(tx, attrs.evolve(host, name=name))
        return host

    def stopped(self, tx: Transaction, host_id: str) -> None:
        """Record that this host's runner stops, so that nobody waits for it until it is found lost."""
        self._seen.put(tx, HostSeen(host_id=host_id, at=tx.now(), stopped=True))

    def notice_losses(self, tx: Transaction) -> tuple[Host, ...]:
        """Record as lost the hosts that were not seen for too long, and return them."""
        lost = []
        for listed in self._hosts.query(tx, ALL_HOSTS):
            if not listed.is_available or self._seen_lately(tx, listed.id):
                continue
            host = self._hosts.lock_row(tx, listed.id)  # as it is now: another runner looks too
            if host is not None and host.is_available:
                lost.append(self._hosts.replace(tx, attrs.evolve(host, lost_at=tx.now())))
                tx.emit(HostLost(host_id=host.id, lost_at=tx.now()))
        return tuple(lost)

    def retire(self, tx: Transaction, host_id: str, *, actor: str = "headway") -> Host:
        """Record that a host does not come back. Safe to repeat. `NotFound` when there is no such host;
        `Conflict` while it was seen lately.
        """
        host = self._hosts.lock_row(tx, host_id)
        if host is None:
            raise NotFound("host", host_id)
        if host.retired_at is not None:
            return host
        if self._seen_lately(tx, host_id):
            limit = int(self._lost_after.total_seconds())
            raise Conflict("host", host_id, f"its runner was seen within the last {limit} s: stop it first")
        lost_at = host.lost_at or tx.now()
        retired = self._hosts.replace(tx, attrs.evolve(host, lost_at=lost_at, retired_at=tx.now()))
        tx.emit(HostRetired(host_id=host_id, lost_at=lost_at, retired_at=tx.now()), actor=actor)
        return retired

    def _seen_lately(self, tx: ReadTransaction, host_id: str) -> bool:
        seen = self._seen.get(tx, host_id)
        return seen is not None and tx.now() - seen.at < self._lost_after
