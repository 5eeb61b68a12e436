"""The wiring of the settings."""

from dependency_injector import containers, providers

from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, writer
from headway_core.settings.model import SETTINGS
from headway_core.settings.service import SettingsService
from headway_core.settings.steps import SettingsSteps


class SettingsContainer(containers.DeclarativeContainer):
    """The one row of settings."""

    store = providers.Dependency(instance_of=Store)

    read_settings = reader(store, SETTINGS)
    write_settings = writer(store, SETTINGS)

    steps = providers.Singleton(SettingsSteps, write_settings)
    service = providers.Singleton(SettingsService, store.provided.ledger, steps)
