"""Statements that write, compiled once and given to the driver as they are.

SQLAlchemy looks each one up, takes its parameters apart and makes ready for its result: half of the time of a
write. Its connection still runs them, so that errors and lost connections are what they are for the others.
"""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql import Insert, Update


class Prepared:
    """An INSERT or UPDATE whose parameters are its rows' columns, for one kind of database."""

    def __init__(self, statement: Insert | Update) -> None:
        self._statement = statement
        self._text: str | None = None
        self._order: tuple[str, ...] = ()
        """Where the driver takes parameters by their places; else it takes them by name."""

    def execute(self, connection: Connection, *rows: Mapping[str, object]) -> CursorResult[Any]:
        """Run it for each row. The values are as the driver takes them: texts, numbers, flags, None."""
        text = self._text or self._compiled(connection.dialect)
        parameters = [tuple([row[name] for name in self._order]) for row in rows] if self._order else [*rows]
        return connection.exec_driver_sql(text, cast("Any", parameters if rows[1:] else parameters[0]))

    def _compiled(self, dialect: Dialect) -> str:
        compiled = self._statement.compile(dialect=dialect)
        self._order = tuple(compiled.positiontup or ())
        self._text = str(compiled)
        return self._text
