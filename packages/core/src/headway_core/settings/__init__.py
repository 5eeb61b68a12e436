"""Settings: one typed row, and `SettingsService`, its only writer."""

from headway_core.settings.events import EVENTS, SettingsChanged
from headway_core.settings.model import SETTINGS, CIScope, OwnAccount, ReviewTrigger, Settings
from headway_core.settings.service import SettingsService

__all__ = [
    "EVENTS",
    "SETTINGS",
    "CIScope",
    "OwnAccount",
    "ReviewTrigger",
    "Settings",
    "SettingsChanged",
    "SettingsService",
]
