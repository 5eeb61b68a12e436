"""The slots that fixers may take, over all workspaces, and who is next in line for one."""

from collections import Counter

import attrs

from headway_core.hosts import is_lost
from headway_core.kernel.transactions import ReadTransaction
from headway_core.ratchet.model import WAITING
from headway_core.ratchet.tables import RatchetTables
from headway_core.sessions.model import LIVE_FIXERS, Session, SessionStatus
from headway_core.settings.model import SettingsRecord


@attrs.frozen(kw_only=True)
class FixerSlots:
    """Who has one of the slots that fixers may take, and who waits for one."""

    taken: tuple[str, ...]
    """The project of each live fixer, of any origin."""
    waiting: tuple[tuple[str, str], ...]
    """(workspace, project) of those who wait for a slot, the longest first."""

    def next_in_line(self, settings: SettingsRecord, *newcomers: tuple[str, str]) -> tuple[str, ...]:
        """Who may take a slot now, when each who has waited longer takes one where it can."""
        taken, found = Counter(self.taken), []
        for workspace_id, project_id in (*self.waiting, *newcomers):
            if taken.total() < settings.capacity_all and taken[project_id] < settings.capacity_project:
                taken[project_id] += 1
                found.append(workspace_id)
        return tuple(found)


def read_slots(tx: ReadTransaction, tables: RatchetTables, settings: SettingsRecord) -> FixerSlots:
    """Read the slots of all workspaces. Who waits is not asked while every slot is taken.

    A fixer on a host that is lost takes no slot: nobody knows whether it still runs.
    """
    busy = [f for f in tables.sessions.query(tx, LIVE_FIXERS) if _takes_slot(tx, tables, f)]
    waiting = tables.ratchets.query(tx, WAITING) if len(busy) < settings.capacity_all else []
    return FixerSlots(
        taken=tuple(_project_of(tx, tables, fixer.workspace_id) for fixer in busy),
        waiting=tuple((each.workspace_id, _project_of(tx, tables, each.workspace_id)) for each in waiting),
    )


def _takes_slot(tx: ReadTransaction, tables: RatchetTables, fixer: Session) -> bool:
    workspace = tables.workspaces.get(tx, fixer.workspace_id)
    lost = workspace is not None and is_lost(tx, tables.hosts, workspace.host_id)
    return fixer.status is not SessionStatus.IDLE and not lost


def _project_of(tx: ReadTransaction, tables: RatchetTables, workspace_id: str) -> str:
    workspace = tables.workspaces.get(tx, workspace_id)
    return workspace.project_id if workspace else ""
