"""The single writer of the settings."""

from collections.abc import Callable, Mapping

import attrs

from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.settings.events import SettingsChanged
from headway_core.settings.model import SettingsRecord
from headway_core.settings.rules import changed_settings, edited

Edit = Callable[[SettingsRecord], SettingsRecord]
"""A pure function from the present settings to those that are wanted."""


class SettingsSteps:
    """Reads and changes the one row. Without a row the defaults hold: reading never writes (B8)."""

    def __init__(self, settings: OwnedTable[SettingsRecord]) -> None:
        self._settings = settings

    def current(self, tx: ReadTransaction) -> SettingsRecord:
        """The settings as this transaction sees them; the defaults when nobody changed any."""
        return self._settings.get(tx, SettingsRecord().id) or SettingsRecord()

    def change(
        self, tx: Transaction, edit: Edit | None, fields: Mapping[str, object], *, actor: str = "headway"
    ) -> SettingsRecord:
        """Change the settings by a function, then `fields` by name; what is stored then.

        `InvalidInput` names the field that does not fit. What changes nothing writes nothing.
        """
        locked = self._settings.lock_row(tx, SettingsRecord().id)
        before = locked or SettingsRecord()
        after = edited(edit(before) if edit else before, fields)
        changed = changed_settings(before, after)
        if not changed:
            return before
        # One record for both branches: the first write sets the same fields as every later one (B7).
        after = attrs.evolve(after, id=before.id, version=before.version)
        stored = self._settings.replace(tx, after) if locked else self._settings.add(tx, after)
        tx.emit(SettingsChanged(changed=changed, settings=stored), actor=actor)
        return stored
