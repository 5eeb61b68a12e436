"""The wiring of the event log: who follows it, who reads it with a position, who prunes it."""

from dependency_injector import containers, providers

from headway_core.kernel.consumers import CONSUMER_POSITIONS, EventReader
from headway_core.kernel.feed import EventFeed
from headway_core.kernel.retention import Retention, RetentionDuty
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import writer


class EventsContainer(containers.DeclarativeContainer):
    """The log of events."""

    store = providers.Dependency(instance_of=Store)
    retention = providers.Dependency(instance_of=Retention)
    consumers = providers.Dependency(instance_of=list)
    """Every durable consumer: what they have not read is kept for them."""

    ledger = store.provided.ledger
    log = store.provided.events

    write_positions = writer(store, CONSUMER_POSITIONS)

    feed = providers.Singleton(EventFeed, ledger, log)
    reader = providers.Singleton(EventReader, ledger, log, write_positions)
    retention_duty = providers.Singleton(
        RetentionDuty,
        ledger,
        events=log,
        pruner=store.provided.pruner,
        reader=reader,
        consumers=consumers,
        retention=retention,
    )
