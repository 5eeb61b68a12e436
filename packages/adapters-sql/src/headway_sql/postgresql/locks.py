"""What others may write at the same time is held by row locks; what is not there, by its name."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.types import BigInteger

from headway_sql.database import Locks

EVENTS_KEY = 0x4864_7779_0001
MIGRATION_KEY = 0x4864_7779_0002
_NAMES_SEED = 0x4864_7779_0003
"""`Hdwy` and a number: advisory locks are told apart by numbers, within one database."""

_LOCK = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))
_LOCK_NAME = select(
    func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name"), bindparam("seed", type_=BigInteger)))
)


def take_lock(connection: Connection, key: int) -> None:
    """Wait for the advisory lock of this number, and hold it until the transaction ends."""
    connection.execute(_LOCK, {"key": key})


class RowLocks(Locks):
    """`SELECT … FOR UPDATE`; names by advisory locks."""

    def __init__(self, workspaces: Table | None) -> None:
        self._rows = None
        if workspaces is not None:
            wanted = workspaces.c.id.in_(bindparam("ids", expanding=True))
            self._rows = select(workspaces.c.id).where(wanted).order_by(workspaces.c.id).with_for_update()

    def workspaces(self, connection: Connection, ids: Sequence[str]) -> None:
        missing = self._held(connection, ids)
        if missing:
            for name in missing:
                self.name(connection, f"workspace {name}")
            self._held(connection, missing)  # whoever held the name may have added it meanwhile

    def name(self, connection: Connection, name: str) -> None:
        connection.execute(_LOCK_NAME, {"name": name, "seed": _NAMES_SEED})

    def _held(self, connection: Connection, ids: Sequence[str]) -> list[str]:
        """Hold the rows that are there; returns the ids of the others."""
        if self._rows is None:
            return list(ids)
        found = set(connection.execute(self._rows, {"ids": ids}).scalars())
        return [name for name in ids if name not in found]
