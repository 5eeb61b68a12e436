"""The settings: quiet time, budgets, limits, trust."""

from collections.abc import Callable

from headway_core.settings.model import SettingsRecord
from headway_core.settings.service import SettingsService


class Settings:
    """The one record of settings: `hw.settings`."""

    def __init__(self, *, settings: SettingsService) -> None:
        self._settings = settings

    async def get(self) -> SettingsRecord:
        """Look at the settings.

        Returns:
            The settings as they are stored; the defaults when nobody changed any.
        """
        return await self._settings.get()

    async def change(
        self,
        edit: Callable[[SettingsRecord], SettingsRecord] | None = None,
        /,
        *,
        actor: str = "headway",
        **fields: object,
    ) -> SettingsRecord:
        """Change settings by name, or by a function of the present ones, or by both.

        Args:
            edit: A pure function from the present settings to the new ones, which may be called again; None:
                only `fields` change.
            actor: Who asks, as the events tell it.
            **fields: New values by the names of `SettingsRecord`.

        Returns:
            The settings as they are now stored.

        Raises:
            InvalidInput: There is no such setting, or the value does not fit; the error names it, and
                nothing is changed.
        """
        return await self._settings.change(edit, actor=actor, **fields)
