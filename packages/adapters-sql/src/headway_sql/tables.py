"""The two ports of a table in SQL. Statements are built once a table and query."""

import sqlite3
from datetime import datetime
from typing import Any, NoReturn, TypeVar, cast

import attrs
from sqlalchemy import Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy import exc as sqlalchemy_exc
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from headway_core.kernel.errors import Conflict, NotFound, UniqueClash
from headway_core.kernel.ledger import ReadTransaction, Transaction
from headway_core.kernel.scope import STALE, expect_query, key_text, port_of
from headway_core.kernel.tables import OwnedTable, Query, ReadTable, TableSpec
from headway_sql.errors import translating
from headway_sql.rows import Rows, encode_parameters
from headway_sql.transactions import connection_of, writing

R = TypeVar("R")


class SqlReader(ReadTable[R]):
    """Reads one table."""

    def __init__(self, spec: TableSpec[R], table: Table) -> None:
        super().__init__(spec)
        self._table = table
        self._rows = Rows(spec)
        columns = [table.c[column.name] for column in spec.columns()]
        self._has_key = [table.c[name] == bindparam(f"key_{name}") for name in spec.key]
        self._get = select(*columns).where(*self._has_key)
        self._queries = {query.name: _select(spec, table, query) for query in spec.queries}
        self._counts = {
            query.name: select(func.count()).select_from(
                _select(spec, table, query).order_by(None).limit(None).subquery()
            )
            for query in spec.queries
        }

    def get(self, tx: ReadTransaction, *key: str | int) -> R | None:
        with port_of(tx), translating():
            row = connection_of(tx).execute(self._get, self._key(key)).first()
            return None if row is None else self._rows.decode(row)

    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        with port_of(tx), translating():
            expect_query(self.spec, query, parameters)
            found = connection_of(tx).execute(self._queries[query.name], encode_parameters(parameters))
            return [self._rows.decode(row) for row in found]

    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        with port_of(tx), translating():
            expect_query(self.spec, query, parameters)
            found = connection_of(tx).execute(self._counts[query.name], encode_parameters(parameters))
            return int(found.scalar_one())

    def _key(self, key: tuple[str | int, ...]) -> dict[str, str | int]:
        return {f"key_{name}": part for name, part in zip(self.spec.key, key, strict=True)}


class SqlWriter(SqlReader[R], OwnedTable[R]):
    """Writes one table, for its owner."""

    def __init__(self, spec: TableSpec[R], table: Table) -> None:
        super().__init__(spec, table)
        self._insert = insert(table)
        changes: dict[str, Any] = {
            column.name: bindparam(column.name) for column in spec.columns() if column.name not in spec.key
        }
        self._update = update(table).where(*self._has_key).values(changes)
        if spec.versioned:
            self._update = self._update.where(table.c.version == bindparam("stored_version"))
        upsert = sqlite_insert(table)
        self._put = upsert.on_conflict_do_update(
            index_elements=list(spec.key), set_={name: upsert.excluded[name] for name in changes}
        )
        self._delete = delete(table).where(*self._has_key)

    def add(self, tx: Transaction, record: R) -> R:
        scope = writing(tx)
        with port_of(scope), translating():
            scope.inserted(self.spec, record)
            try:
                scope.connection.execute(self._insert, self._rows.encode(record))
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            return record

    def replace(self, tx: Transaction, record: R) -> R:
        scope = writing(tx)
        with port_of(scope), translating():
            scope.written(self.spec, record)
            key = self.spec.key_of(record)
            row = self._rows.encode(record)
            for name, part in zip(self.spec.key, key, strict=True):
                row[f"key_{name}"] = part
                del row[name]  # else the statement would set it
            stored = record
            if self.spec.versioned:
                version = cast("Any", record).version
                stored = attrs.evolve(cast("Any", record), version=version + 1)
                row |= {"stored_version": version, "version": version + 1}
            try:
                done = scope.connection.execute(self._update, row)
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            if done.rowcount == 0:
                if self.get(tx, *key) is None:
                    raise NotFound(self.spec.name, key_text(key))
                raise Conflict(self.spec.name, key_text(key), STALE)
            return stored

    def put(self, tx: Transaction, record: R) -> R:
        scope = writing(tx)
        with port_of(scope), translating():
            if self.spec.versioned:
                raise TypeError(f"{self.spec.name} is versioned: add or replace")
            scope.written(self.spec, record)
            try:
                scope.connection.execute(self._put, self._rows.encode(record))
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            return record

    def remove(self, tx: Transaction, *key: str | int) -> None:
        scope = writing(tx)
        with port_of(scope), translating():
            stored = self.get(tx, *key)
            if stored is None:
                raise NotFound(self.spec.name, key_text(key))
            scope.written(self.spec, stored)
            scope.connection.execute(self._delete, self._key(key))

    def _clash(self, record: R, error: sqlalchemy_exc.IntegrityError) -> NoReturn:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
            key = key_text(self.spec.key_of(record))
            raise Conflict(self.spec.name, key, "exists already") from error
        if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise UniqueClash(self.spec.name, self._index_of(str(error.orig))) from error
        raise error

    def _index_of(self, message: str) -> str:
        """SQLite names the columns: `UNIQUE constraint failed: workspaces.branch_claim`."""
        columns = message.partition(": ")[2].replace(f"{self.spec.name}.", "").split(", ")
        found = [index.name for index in self.spec.indexes if index.unique and list(index.columns) == columns]
        return found[0] if found else "unique"


def _select(spec: TableSpec[Any], table: Table, query: Query) -> Select[Any]:
    columns = [table.c[column.name] for column in spec.columns()]
    conditions = [table.c[name] == bindparam(name) for name in query.equal]
    conditions += [table.c[name].in_(values) for name, values in query.among.items()]
    conditions += [table.c[name].is_not(None) for name in query.present]
    if query.up_to is not None:
        conditions.append(table.c[query.up_to] <= bindparam(query.up_to))
    if query.after is not None:
        conditions.append(table.c[query.after] > bindparam(query.after))
    order = [
        table.c[name[1:]].desc() if name.startswith("-") else table.c[name].asc() for name in query.order
    ]
    return (
        select(*columns)
        .where(*conditions)
        .order_by(*order, *(table.c[name] for name in spec.key))
        .limit(query.limit)
    )
