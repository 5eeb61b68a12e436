"""What happened to the settings."""

from typing import ClassVar

import attrs

from headway_core.settings.model import Settings


@attrs.frozen(kw_only=True)
class SettingsChanged:
    """The whole row as the write left it; `changed` names what is new, sorted."""

    event: ClassVar[str] = "settings.changed"
    version: ClassVar[int] = 1

    changed: tuple[str, ...]
    settings: Settings


EVENTS = (SettingsChanged,)
