"""Removing the oldest events in SQL."""

from sqlalchemy import MetaData, bindparam, delete, func, insert, select, update

from headway_core.kernel.events import PRUNED, EventPruner, Pruned
from headway_core.kernel.scope import port_of
from headway_core.kernel.transactions import Transaction
from headway_sql.errors import translating
from headway_sql.events import SqlEventLog
from headway_sql.metadata import EVENTS
from headway_sql.rows import Rows
from headway_sql.transactions import sql_transaction


class SqlEventPruner(EventPruner):
    """Deletes from the log, and keeps count of it in the same transaction."""

    def __init__(self, metadata: MetaData, events: SqlEventLog) -> None:
        log, pruned = metadata.tables[EVENTS], metadata.tables[PRUNED.name]
        self._events = events
        self._rows = Rows(PRUNED)
        # One that was there: positions have holes, and who has read up to one has missed nothing.
        self._newest_gone = select(func.max(log.c.position)).where(log.c.position <= bindparam("limit"))
        self._delete = delete(log).where(log.c.position <= bindparam("gone"))
        # First, so that of two who prune at once one waits for the other.
        self._note = (
            update(pruned).where(pruned.c.up_to < bindparam("gone")).values(up_to=bindparam("gone"))
        ).returning(pruned.c.up_to)
        self._begin = insert(pruned)

    def prune(self, tx: Transaction, up_to: int) -> None:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            before, limit = self._events.pruned_up_to(tx), min(up_to, self._events.last_position(tx) - 1)
            gone = scope.connection.execute(self._newest_gone, {"limit": limit}).scalar_one()
            if gone is None:
                return
            if scope.connection.execute(self._note, {"gone": gone}).first() is None and before == 0:
                scope.connection.execute(self._begin, self._rows.encode(Pruned(up_to=gone)))
            scope.connection.execute(self._delete, {"gone": gone})
