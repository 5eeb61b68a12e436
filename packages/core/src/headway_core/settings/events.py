"""What happened to the settings."""

from typing import ClassVar

import attrs

from headway_core.settings.model import SettingsRecord


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """Settings were changed."""

    event: ClassVar[str] = "settings.changed"
    version: ClassVar[int] = 1

    changed: tuple[str, ...]
    """The names of the settings that are new, sorted."""
    settings: SettingsRecord
    """All settings as they are now."""


EVENTS = (SettingsChanged,)
