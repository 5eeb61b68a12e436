"""The wiring of the hosts."""

from dependency_injector import containers, providers

from headway_core import hosts
from headway_core.hosts.model import HOSTS, HOSTS_SEEN
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, singleton, writer


class HostsContainer(containers.DeclarativeContainer):
    """Hosts, and when each was seen."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)

    read_hosts = reader(store, HOSTS)
    write_hosts = writer(store, HOSTS)
    write_hosts_seen = writer(store, HOSTS_SEEN)

    steps = singleton(lambda: hosts.HostSteps, write_hosts, write_hosts_seen)
    service = singleton(lambda: hosts.HostService, store.provided.ledger, steps, locks)
