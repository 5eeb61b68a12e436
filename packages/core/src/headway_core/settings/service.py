"""The single writer of the settings."""

from collections.abc import Callable

import attrs

from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.settings.events import SettingsChanged
from headway_core.settings.model import Settings
from headway_core.settings.rules import changed_settings, edited

Edit = Callable[[Settings], Settings]


class SettingsService:
    """Reads and changes the one row. Without a row the defaults hold: reading never writes (B8)."""

    def __init__(self, ledger: Ledger, settings: OwnedTable[Settings]) -> None:
        self._ledger = ledger
        self._settings = settings

    async def get(self) -> Settings:
        """The settings as they are."""
        return await self._ledger.read(self.current)

    def current(self, tx: ReadTransaction) -> Settings:
        """The settings as this transaction sees them; the defaults when nobody changed any."""
        return self._settings.get(tx, Settings().id) or Settings()

    async def change(
        self, edit: Edit | None = None, /, *, actor: str = "headway", **fields: object
    ) -> Settings:
        """Change `fields` by name, or by a pure function of the present settings, or by both.

        Returns what is stored. `InvalidInput` names the field that does not fit; nothing is changed
        then. What changes nothing writes nothing.
        """

        def work(tx: Transaction) -> Settings:
            present = self._settings.lock_row(tx, Settings().id) or Settings()
            return self._store(tx, present, edited(edit(present) if edit else present, fields), actor)

        return await self._ledger.transact(work)

    def _store(self, tx: Transaction, before: Settings, after: Settings, actor: str) -> Settings:
        changed = changed_settings(before, after)
        if not changed:
            return before
        # One record for both branches: the first write sets the same fields as every later one (B7).
        after = attrs.evolve(after, id=before.id, version=before.version)
        known = self._settings.get(tx, before.id) is not None
        stored = self._settings.replace(tx, after) if known else self._settings.add(tx, after)
        tx.emit(SettingsChanged(changed=changed, settings=stored), actor=actor)
        return stored
