"""Settings: one typed row, and `SettingsSteps`, its only writer."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.settings.events import EVENTS, SettingsChanged
    from headway_core.settings.model import SETTINGS, CIScope, OwnAccount, ReviewTrigger, SettingsRecord
    from headway_core.settings.service import SettingsService
    from headway_core.settings.steps import SettingsSteps
else:
    __getattr__ = lazy_exports(__name__, "model", "events", "steps", "service")

__all__ = [
    "EVENTS",
    "SETTINGS",
    "CIScope",
    "OwnAccount",
    "ReviewTrigger",
    "SettingsChanged",
    "SettingsRecord",
    "SettingsService",
    "SettingsSteps",
]
