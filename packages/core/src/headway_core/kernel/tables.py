"""Tables as data: a record type, its key, its indexes, its lock and its named queries.

A `TableSpec` is all that a ledger needs to store a frozen attrs record: the in-memory ledger keeps
the objects, the SQL ledger derives columns. Access goes through two generic ports: `ReadTable` for
everybody, `OwnedTable` for the one service that owns the table (law 1).
"""

import enum
import functools
import operator
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import attrs

from headway_core.kernel.transactions import ReadTransaction, Transaction

R = TypeVar("R")


class Lock(enum.Enum):
    """What must be held before a row of the table is written."""

    WORKSPACE = "workspace"
    """`tx.lock(workspace_id)` came first in the same transaction; inserting a workspace counts."""
    ROW = "row"
    """The row itself: held (`OwnedTable.lock_row`), then compare-and-swap on its version."""
    APPEND = "append"
    """Nothing: rows are only added, or replaced whole without a version (telemetry, positions)."""


@attrs.frozen(kw_only=True)
class Index:
    """An index over `columns`, on the rows whose columns in `only` hold one of the values given.

    A row with None in any of `columns` never clashes in a unique index, as in SQL.
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    only: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Parents:
    """The rows that a query of another table selects, and the column in which children hold their key."""

    column: str
    table: "TableSpec[Any]" = attrs.field(eq=operator.attrgetter("name"))
    """Its key is one column. Compared by name: a container copies what it is made of."""
    query: "Query"
    """One of its queries, without parameters and without a limit."""


@attrs.frozen(kw_only=True)
class Query:
    """A named query; all conditions must hold, and None satisfies none of them."""

    name: str
    equal: tuple[str, ...] = ()
    """Columns that equal the parameter of their name."""
    among: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    """Columns that hold one of these constants."""
    present: tuple[str, ...] = ()
    """Columns that are not None."""
    of: Parents | None = None
    """Only the children of these rows."""
    up_to: str | None = None
    """A column that is ≤ the parameter of its name."""
    after: str | None = None
    """A column that is > the parameter of its name: to read on where a page ended."""
    order: tuple[str, ...] = ()
    """Columns to sort by, descending with a leading `-`. None is the lowest; the key breaks ties."""
    limit: int | None = None

    @property
    def parameters(self) -> frozenset[str]:
        """The names of what is given at the call."""
        return frozenset(name for name in (*self.equal, self.up_to, self.after) if name is not None)


class Kind(enum.Enum):
    """How a column is stored."""

    TEXT = "text"
    INTEGER = "integer"
    FLAG = "flag"
    TIME = "time"
    JSON = "json"


@attrs.frozen(kw_only=True)
class ColumnSpec:
    """A stored field: its name, how it is stored, its Python type and whether it may be None."""

    name: str
    kind: Kind
    type: Any
    nullable: bool


@attrs.frozen(kw_only=True, eq=False)
class TableSpec(Generic[R]):
    """A table: `record` is a frozen attrs class with str, int (64 bits), bool, aware datetime, StrEnum,
    or (kept as JSON) anything that the kernel's converter knows. A field `version: int` makes `replace`
    a compare-and-swap. `workspace` names the column that `Lock.WORKSPACE` looks at; when it is the key
    `id`, the table is that of the workspaces, and an insert counts as locking.
    """

    name: str
    record: type[R]
    key: tuple[str, ...] = ("id",)
    lock: Lock = Lock.WORKSPACE
    workspace: str = "workspace_id"
    indexes: tuple[Index, ...] = ()
    queries: tuple[Query, ...] = ()

    @property
    def of_workspaces(self) -> bool:
        """Whether this is the table of the workspaces themselves."""
        return self.lock is Lock.WORKSPACE and self.key == (self.workspace,) == ("id",)

    @property
    def versioned(self) -> bool:
        return any(column.name == "version" for column in self.columns())

    def columns(self) -> tuple[ColumnSpec, ...]:
        """The stored fields, in the record's order."""
        return _columns(typing.cast("Hashable", self.record))

    def key_of(self, record: R) -> tuple[str | int, ...]:
        return tuple(getattr(record, column) for column in self.key)

    def workspace_of(self, record: R) -> str:
        return str(getattr(record, self.workspace))


@functools.cache
def _columns(record: Hashable) -> tuple[ColumnSpec, ...]:
    hints = typing.get_type_hints(record)
    fields = attrs.fields(typing.cast("type[attrs.AttrsInstance]", record))
    return tuple(_column(field.name, hints[field.name]) for field in fields)


def _column(name: str, hint: Any) -> ColumnSpec:
    nullable = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        nullable = len(rest) < len(typing.get_args(hint))
        if len(rest) == 1:
            hint = rest[0]
        elif nullable:
            hint = typing.Union[tuple(rest)]  # noqa: UP007  built from a tuple at run time
    return ColumnSpec(name=name, kind=_kind(hint), type=hint, nullable=nullable)


def _kind(hint: Any) -> Kind:
    if isinstance(hint, type):
        for base, kind in _KINDS:
            if issubclass(hint, base):
                return kind
    return Kind.JSON


_KINDS: tuple[tuple[type, Kind], ...] = (
    (enum.StrEnum, Kind.TEXT),
    (str, Kind.TEXT),
    (bool, Kind.FLAG),  # before int: a bool is one
    (int, Kind.INTEGER),
    (datetime, Kind.TIME),
)


class ReadTable(ABC, Generic[R]):
    """Reads one table. Given to everybody who may look."""

    def __init__(self, spec: TableSpec[R]) -> None:
        self.spec = spec

    @abstractmethod
    def get(self, tx: ReadTransaction, *key: str | int) -> R | None:
        """The record with this key, as this transaction sees it, or None."""

    @abstractmethod
    def query(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> list[R]:
        """The records that a query of the spec selects, in its order.

        `parameters` are exactly those that the query names: `TypeError` otherwise, and for a query
        that the spec does not list.
        """

    @abstractmethod
    def count(self, tx: ReadTransaction, query: Query, **parameters: str | int | datetime) -> int:
        """How many records the query selects (its limit aside)."""


class OwnedTable(ReadTable[R]):
    """Writes one table. Injected into the owner of the table and into nobody else (law 1).

    An error from any method dooms the transaction, even when the work catches it. `RuntimeError` when
    the table is locked by workspace and the record's workspace is not: a programming error.
    """

    @abstractmethod
    def lock_row(self, tx: Transaction, *key: str | int) -> R | None:
        """Read as `get` does, and keep what was found, or that nothing was, until the transaction ends:
        others who hold or write it wait. Only where writers overlap is there anything to do.
        """

    @abstractmethod
    def add(self, tx: Transaction, record: R) -> R:
        """Insert. `Conflict` when the key exists, `UniqueClash` when a unique index refuses."""

    @abstractmethod
    def replace(self, tx: Transaction, record: R) -> R:
        """Store `record` in place of the one with its key, and return what is stored.

        Versioned: the stored version must be `record.version` (`Conflict` when it is not), and the
        returned record has the next one. Unversioned: last writer wins. `NotFound` when there is none.
        """

    @abstractmethod
    def put(self, tx: Transaction, record: R) -> R:
        """Insert or replace a record of an unversioned table."""

    @abstractmethod
    def remove(self, tx: Transaction, *key: str | int) -> None:
        """Delete. `NotFound` when there is none."""
