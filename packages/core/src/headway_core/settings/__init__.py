"""Settings: one typed row, and `SettingsSteps`, its only writer."""

from headway_core.settings.events import EVENTS, SettingsChanged
from headway_core.settings.model import SETTINGS, CIScope, OwnAccount, ReviewTrigger, Settings
from headway_core.settings.service import SettingsService
from headway_core.settings.steps import SettingsSteps

__all__ = [
    "EVENTS",
    "SETTINGS",
    "CIScope",
    "OwnAccount",
    "ReviewTrigger",
    "Settings",
    "SettingsChanged",
    "SettingsService",
    "SettingsSteps",
]
