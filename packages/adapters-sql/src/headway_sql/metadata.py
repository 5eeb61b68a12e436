"""From tables as data to SQLAlchemy's metadata: one `Table` a `TableSpec`, and the log of events."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, MetaData, String, Table, Text, text
from sqlalchemy import Column as SqlColumn
from sqlalchemy import Index as SqlIndex
from sqlalchemy.types import TypeEngine

from headway_core.kernel.claims import CLAIMS
from headway_core.kernel.events import PRUNED
from headway_core.kernel.tables import Column, Index, Kind, TableSpec

EVENTS = "events"

_TYPES: dict[Kind, type[TypeEngine[Any]]] = {
    Kind.TEXT: String,
    Kind.INTEGER: BigInteger,
    Kind.FLAG: Boolean,
    Kind.TIME: String,
    Kind.JSON: Text,
}


def metadata_of(specs: Iterable[TableSpec[Any]]) -> MetaData:
    """The tables of these specs, and what every ledger keeps itself: claims and the log of events."""
    metadata = MetaData()
    for spec in (*specs, CLAIMS, PRUNED):
        columns = [_column(column, key=column.name in spec.key) for column in spec.columns()]
        Table(spec.name, metadata, *columns, *(_index(index) for index in spec.indexes))
    Table(
        EVENTS,
        metadata,
        SqlColumn("position", Integer, primary_key=True),
        SqlColumn("workspace_id", String, nullable=True),
        SqlColumn("at", String, nullable=False),
        SqlColumn("actor", String, nullable=False),
        SqlColumn("event", String, nullable=False),
        SqlColumn("version", Integer, nullable=False),
        SqlColumn("data", Text, nullable=False),
        SqlIndex("events_workspace", "workspace_id", "position"),
        sqlite_autoincrement=True,  # a position is never given twice, also when the newest rows are removed
    )
    return metadata


def _column(column: Column, *, key: bool) -> SqlColumn[Any]:
    return SqlColumn(column.name, _TYPES[column.kind], primary_key=key, nullable=column.nullable)


def _index(index: Index) -> SqlIndex:
    if not index.only:
        return SqlIndex(index.name, *index.columns, unique=index.unique)
    where = text(" AND ".join(_among(column, values) for column, values in index.only.items()))
    return SqlIndex(index.name, *index.columns, unique=index.unique, sqlite_where=where)


def _among(column: str, values: tuple[str, ...]) -> str:
    """`column IN ('A', 'B')`: constants of our own code, which an index can't take as parameters."""
    if not all(value.isidentifier() for value in (column, *values)):
        raise ValueError(f"{column} IN {values}: not plain words")
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
