"""What happened to the settings."""

from typing import ClassVar

import attrs

from headway_core.settings.model import Settings


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """Settings were changed."""

    event: ClassVar[str] = "settings.changed"
    version: ClassVar[int] = 1

    changed: tuple[str, ...]
    """The names of the settings that are new, sorted."""
    settings: Settings
    """All settings as they are now."""


EVENTS = (SettingsChanged,)
