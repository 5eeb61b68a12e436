"""The log of events in SQL: appended by the ledger last, read by position."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, MetaData, bindparam, func, insert, select

from headway_core.kernel.events import PRUNED, DomainEvent, EventCatalog, EventLog
from headway_core.kernel.scope import Emitted, port_of
from headway_core.kernel.transactions import ReadTransaction
from headway_sql.errors import translating
from headway_sql.metadata import EVENTS
from headway_sql.prepared import Prepared
from headway_sql.rows import json_text, time_text
from headway_sql.transactions import connection_of


class SqlEventLog(EventLog):
    """Reads the log, and appends to it for the ledger."""

    def __init__(self, metadata: MetaData, catalog: EventCatalog) -> None:
        table = metadata.tables[EVENTS]
        columns = (table.c[name] for name in ("position", "workspace_id", "at", "actor"))
        payload = (table.c[name] for name in ("event", "version", "data"))
        self._catalog = catalog
        given: dict[str, Any] = {
            column.name: bindparam(column.name) for column in table.c if not column.primary_key
        }
        self._append = Prepared(insert(table).values(given).inline())
        self._after = (
            select(*columns, *payload)
            .where(table.c.position > bindparam("after"))
            .order_by(table.c.position)
            .limit(bindparam("most"))
        )
        self._after_of = self._after.where(table.c.workspace_id == bindparam("workspace"))
        pruned = metadata.tables[PRUNED.name]
        self._pruned = select(func.coalesce(func.max(pruned.c.up_to), 0))
        self._last = select(func.coalesce(func.max(table.c.position), 0))

    def after(
        self, tx: ReadTransaction, position: int, *, limit: int = 100, workspace_id: str | None = None
    ) -> list[DomainEvent]:
        with port_of(tx), translating():
            parameters: dict[str, object] = {"after": position, "most": limit}
            statement = self._after
            if workspace_id is not None:
                statement, parameters = self._after_of, {**parameters, "workspace": workspace_id}
            return [
                DomainEvent(
                    position=position,
                    workspace_id=workspace_id,
                    at=datetime.fromisoformat(at),
                    actor=actor,
                    payload=self._catalog.decode(event, version, json.loads(data)),
                )
                for position, workspace_id, at, actor, event, version, data in connection_of(tx).execute(
                    statement, parameters
                )
            ]

    def last_position(self, tx: ReadTransaction) -> int:
        with port_of(tx), translating():
            return int(connection_of(tx).execute(self._last).scalar_one())

    def pruned_up_to(self, tx: ReadTransaction) -> int:
        with port_of(tx), translating():
            return int(connection_of(tx).execute(self._pruned).scalar_one())

    def append(self, connection: Connection, at: datetime, emitted: Iterable[Emitted]) -> None:
        """Write the events of a unit of work, as its last statement."""
        rows = [
            {
                "workspace_id": event.workspace_id,
                "at": time_text(at),
                "actor": event.actor,
                "event": event.event,
                "version": event.version,
                "data": json_text(event.data),
            }
            for event in emitted
        ]
        self._append.execute(connection, *rows)
