"""The two ports of a table in SQL. Statements are built once a table and query, when they are run first."""

from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn, TypeVar, cast

import attrs
from sqlalchemy import ColumnElement, Delete, Select, Table, bindparam, delete, func, insert, select, update
from sqlalchemy import exc as sqlalchemy_exc

from headway_core.kernel.errors import Conflict, NotFound, UniqueClash
from headway_core.kernel.scope import STALE, expect_query, key_text, port_of
from headway_core.kernel.tables import OwnedTable, Query, ReadTable, TableSpec
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_sql.database import PRIMARY_KEY, Database
from headway_sql.errors import translating
from headway_sql.prepared import Prepared
from headway_sql.rows import Rows, encode_parameters, plain
from headway_sql.transactions import connection_of, sql_transaction

R = TypeVar("R")

FETCHED = 250
"""Rows that are fetched together: one by one is slow, and all at once stand beside their records."""


class SqlReader(ReadTable[R]):
    """Reads one table."""

    def __init__(self, spec: TableSpec[R], table: Table) -> None:
        super().__init__(spec)
        self._table = table
        self._rows = Rows(spec)
        self._selects: dict[str, Select[Any]] = {}
        self._counts: dict[str, Select[Any]] = {}

    @cached_property
    def _has_key(self) -> list[ColumnElement[bool]]:
        return [self._table.c[name] == bindparam(f"key_{name}") for name in self.spec.key]

    @cached_property
    def _get(self) -> Select[Any]:
        columns = [self._table.c[column.name] for column in self.spec.columns()]
        return select(*columns).where(*self._has_key)

    def _select(self, query: Query) -> Select[Any]:
        found = self._selects.get(query.name)
        if found is None:
            found = self._selects[query.name] = _select(self.spec, self._table, query)
        return found

    def _count(self, query: Query) -> Select[Any]:
        found = self._counts.get(query.name)
        if found is None:
            counted = _select(self.spec, self._table, query).order_by(None).limit(None).subquery()
            found = self._counts[query.name] = select(func.count()).select_from(counted)
        return found

    def get(self, tx: ReadTransaction, *key: str | int) -> R | None:
        with port_of(tx), translating():
            row = connection_of(tx).execute(self._get, self._key(key)).first()
            return None if row is None else self._rows.decode(row)

    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        with port_of(tx), translating():
            expect_query(self.spec, query, parameters)
            found = connection_of(tx).execute(self._select(query), encode_parameters(parameters))
            return [self._rows.decode(row) for rows in found.partitions(FETCHED) for row in rows]

    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        with port_of(tx), translating():
            expect_query(self.spec, query, parameters)
            found = connection_of(tx).execute(self._count(query), encode_parameters(parameters))
            return int(found.scalar_one())

    def _key(self, key: tuple[str | int, ...]) -> dict[str, object]:
        return {f"key_{name}": plain(part) for name, part in zip(self.spec.key, key, strict=True)}


class SqlWriter(SqlReader[R], OwnedTable[R]):
    """Writes one table, for its owner."""

    def __init__(self, spec: TableSpec[R], table: Table, database: Database) -> None:
        super().__init__(spec, table)
        self._database = database
        self._versioned = spec.versioned
        self._changing = [column.name for column in spec.columns() if column.name not in spec.key]

    @cached_property
    def _hold(self) -> Select[Any]:
        return self._get.with_for_update()  # which SQLite leaves out

    @cached_property
    def _insert(self) -> Prepared:
        return Prepared(insert(self._table))

    @cached_property
    def _update(self) -> Prepared:
        changes: dict[str, Any] = {name: bindparam(name) for name in self._changing}
        replace = update(self._table).where(*self._has_key).values(changes)
        if self._versioned:
            replace = replace.where(self._table.c.version == bindparam("stored_version"))
        return Prepared(replace)

    @cached_property
    def _put(self) -> Prepared:
        upsert = self._database.insert(self._table)
        changes = {name: upsert.excluded[name] for name in self._changing}
        return Prepared(upsert.on_conflict_do_update(index_elements=list(self.spec.key), set_=changes))

    @cached_property
    def _delete(self) -> Delete:
        return delete(self._table).where(*self._has_key)

    def lock_row(self, tx: Transaction, *key: str | int) -> R | None:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            row = scope.connection.execute(self._hold, self._key(key)).first()
            if row is None and scope.lock_missing(f"{self.spec.name} {key_text(key)}"):
                row = scope.connection.execute(self._hold, self._key(key)).first()
            return None if row is None else self._rows.decode(row)

    def add(self, tx: Transaction, record: R) -> R:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            scope.inserted(self.spec, record)
            try:
                self._insert.execute(scope.connection, self._rows.encode(record))
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            return record

    def replace(self, tx: Transaction, record: R) -> R:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            scope.written(self.spec, record)
            key = self.spec.key_of(record)
            row = self._rows.encode(record)
            for name, part in zip(self.spec.key, key, strict=True):
                row[f"key_{name}"] = plain(part)
                del row[name]  # else the statement would set it
            stored = record
            if self._versioned:
                version = cast("Any", record).version
                stored = attrs.evolve(cast("Any", record), version=version + 1)
                row |= {"stored_version": version, "version": version + 1}
            try:
                done = self._update.execute(scope.connection, row)
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            if done.rowcount == 0:
                if self.get(tx, *key) is None:
                    raise NotFound(self.spec.name, key_text(key))
                raise Conflict(self.spec.name, key_text(key), STALE)
            return stored

    def put(self, tx: Transaction, record: R) -> R:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            if self._versioned:
                raise TypeError(f"{self.spec.name} is versioned: add or replace")
            scope.written(self.spec, record)
            try:
                self._put.execute(scope.connection, self._rows.encode(record))
            except sqlalchemy_exc.IntegrityError as error:
                self._clash(record, error)
            return record

    def remove(self, tx: Transaction, *key: str | int) -> None:
        scope = sql_transaction(tx)
        with port_of(scope), translating():
            stored = self.get(tx, *key)
            if stored is None:
                raise NotFound(self.spec.name, key_text(key))
            scope.written(self.spec, stored)
            scope.connection.execute(self._delete, self._key(key))

    def _clash(self, record: R, error: sqlalchemy_exc.IntegrityError) -> NoReturn:
        refused_by = self._database.clash(self.spec, error)
        if refused_by is None:
            raise error
        if refused_by == PRIMARY_KEY:
            raise Conflict(self.spec.name, key_text(self.spec.key_of(record)), "exists already") from error
        raise UniqueClash(self.spec.name, refused_by) from error


def _select(spec: TableSpec[Any], table: Table, query: Query) -> Select[Any]:
    columns = [table.c[column.name] for column in spec.columns()]
    order = [_ordered(table, query, name) for name in query.order]
    return (
        select(*columns)
        .where(*_conditions(table, query))
        .order_by(*order, *(table.c[name] for name in spec.key))
        .limit(query.limit)
    )


def _conditions(table: Table, query: Query) -> list[ColumnElement[bool]]:
    conditions = [table.c[name] == bindparam(name) for name in query.equal]
    conditions += [table.c[name].in_(values) for name, values in query.among.items()]
    conditions += [table.c[name].is_not(None) for name in query.present]
    if query.of is not None:
        parents = table.metadata.tables[query.of.table.name]
        [key] = query.of.table.key
        wanted = select(parents.c[key]).where(*_conditions(parents, query.of.query))
        conditions.append(table.c[query.of.column].in_(wanted))
    if query.up_to is not None:
        conditions.append(table.c[query.up_to] <= bindparam(query.up_to))
    if query.after is not None:
        conditions.append(table.c[query.after] > bindparam(query.after))
    return conditions


def _ordered(table: Table, query: Query, name: str) -> ColumnElement[Any]:
    """None is the lowest; said only where it can be, since an index is not read in that order."""
    column = table.c[name.removeprefix("-")]
    asked_for = {*query.equal, *query.among, *query.present, query.up_to, query.after}
    plain = not column.nullable or column.name in asked_for
    if name.startswith("-"):
        return column.desc() if plain else column.desc().nulls_last()
    return column.asc() if plain else column.asc().nulls_first()
