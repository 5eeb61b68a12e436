"""The wiring of the hosts."""

from dependency_injector import containers, providers

from headway_core.hosts.model import HOSTS, HOSTS_SEEN
from headway_core.hosts.service import HostService
from headway_core.hosts.steps import HostSteps
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, writer


class HostsContainer(containers.DeclarativeContainer):
    """Hosts, and when each was seen."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)

    read_hosts = reader(store, HOSTS)
    write_hosts = writer(store, HOSTS)
    write_hosts_seen = writer(store, HOSTS_SEEN)

    steps = providers.Singleton(HostSteps, write_hosts, write_hosts_seen)
    service = providers.Singleton(HostService, store.provided.ledger, steps, locks)
