"""What callers ask of the settings."""

from headway_core.kernel.ledger import Ledger
from headway_core.settings.model import SettingsRecord
from headway_core.settings.steps import Edit, SettingsSteps


class SettingsService:
    """Reads and changes the settings."""

    def __init__(self, ledger: Ledger, steps: SettingsSteps) -> None:
        self._ledger = ledger
        self._steps = steps

    async def get(self) -> SettingsRecord:
        """The settings as they are."""
        return await self._ledger.read(self._steps.current)

    async def change(
        self, edit: Edit | None = None, /, *, actor: str = "headway", **fields: object
    ) -> SettingsRecord:
        """Change `fields` by name, or by a pure function of the present settings, or by both.

        Returns what is stored. `InvalidInput` names the field that does not fit; nothing is changed
        then. What changes nothing writes nothing.
        """
        return await self._ledger.transact(lambda tx: self._steps.change(tx, edit, fields, actor=actor))

    async def reset(self, name: str, *, actor: str = "headway") -> SettingsRecord:
        """Give one setting its default again. `InvalidInput` when there is no such setting."""
        default = {name: getattr(SettingsRecord(), name, None)}  # an unknown name is refused as any other
        return await self.change(actor=actor, **default)
