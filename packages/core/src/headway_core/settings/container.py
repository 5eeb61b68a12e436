"""The wiring of the settings."""

from dependency_injector import containers, providers

from headway_core import settings
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.settings.model import SETTINGS


class SettingsContainer(containers.DeclarativeContainer):
    """The one row of settings."""

    store = providers.Dependency(instance_of=Store)

    read_settings = reader(store, SETTINGS)
    write_settings = writer(store, SETTINGS)

    steps = singleton(lambda: settings.SettingsSteps, write_settings)
    service = singleton(lambda: settings.SettingsService, store.provided.ledger, steps)
