"""Tables as data: columns from annotations, and every table of the product is coherent."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import attrs
import pytest

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.tables import ColumnSpec, Kind, Lock, Query, TableSpec
from headway_core.schema import ALL_TABLES
from headway_testing.contracts.ledger import SAMPLE_TABLES


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    LOW = 1


@attrs.frozen(kw_only=True)
class Leaf:
    size: int


@attrs.frozen(kw_only=True)
class Twig:
    size: int


@attrs.frozen(kw_only=True)
class Tree:
    id: str
    colour: Colour
    height: int | None
    level: Level
    tall: bool
    cut_at: datetime | None
    leaf: Leaf | None
    part: Leaf | Twig | None
    rings: tuple[int, ...]
    weight: float


def test_columns() -> None:
    """A column is text, a number, a flag or a time where the annotation is one, and JSON else."""
    columns = TableSpec(name="trees", record=Tree).columns()
    assert [(column.name, column.kind, column.nullable) for column in columns] == [
        ("id", Kind.TEXT, False),
        ("colour", Kind.TEXT, False),
        ("height", Kind.INTEGER, True),
        ("level", Kind.INTEGER, False),
        ("tall", Kind.FLAG, False),
        ("cut_at", Kind.TIME, True),
        ("leaf", Kind.JSON, True),
        ("part", Kind.JSON, True),
        ("rings", Kind.JSON, False),
        ("weight", Kind.JSON, False),
    ]
    assert (columns[1].type, columns[5].type, columns[6].type) == (Colour, datetime, Leaf)
    assert columns[7].type == Leaf | Twig


def test_versioned() -> None:
    """A table is versioned when its record has a `version`."""
    assert not TableSpec(name="trees", record=Tree).versioned
    assert [spec.versioned for spec in SAMPLE_TABLES] == [True, True, False]


def test_query_parameters() -> None:
    """A query takes exactly its equalities and its bounds."""
    query = Query(name="q", equal=("a", "b"), among={"c": ("x",)}, present=("d",), up_to="e", after="f")
    assert query.parameters == {"a", "b", "e", "f"}


@pytest.mark.parametrize("spec", [*ALL_TABLES, *SAMPLE_TABLES], ids=lambda spec: spec.name)
def test_coherence(spec: TableSpec[Any]) -> None:
    """Keys, indexes, queries and locks speak of columns that exist and can be compared."""
    columns: dict[str, ColumnSpec] = {column.name: column for column in spec.columns()}
    comparable = {name for name, column in columns.items() if column.kind is not Kind.JSON}
    required = {name for name in comparable if not columns[name].nullable}
    assert spec.key
    assert required >= set(spec.key)
    for index in spec.indexes:
        assert index.columns
        assert comparable >= {*index.columns, *index.only}, index.name
    for query in spec.queries:
        order = {name.removeprefix("-") for name in query.order}
        used = {*query.equal, *query.among, *query.present, *order, *query.parameters}
        assert comparable >= used - set(query.present), query.name
        assert columns.keys() >= used, query.name
        assert query.up_to is None or query.up_to != query.after
        if query.of is not None:
            assert query.of.column in comparable
            assert len(query.of.table.key) == 1
            assert query.of.query in query.of.table.queries
            assert not query.of.query.parameters
            assert query.of.query.limit is None
    texts = [*(index.only for index in spec.indexes), *(query.among for query in spec.queries)]
    assert all(columns[name].kind is Kind.TEXT for constants in texts for name in constants)
    assert len({query.name for query in spec.queries}) == len(spec.queries)
    if spec.lock is Lock.WORKSPACE:
        assert spec.workspace in required
    if spec.lock is Lock.ROW:
        assert spec.versioned
    if spec.versioned:
        assert columns["version"] == ColumnSpec(name="version", kind=Kind.INTEGER, type=int, nullable=False)


def test_names_are_unique() -> None:
    """No two tables, indexes or events share a name."""
    for specs in (ALL_TABLES, SAMPLE_TABLES):
        names = [spec.name for spec in specs]
        names += [index.name for spec in specs for index in spec.indexes]
        assert len(set(names)) == len(names)
    events = [(event.event, event.version) for event in ALL_EVENTS]
    assert len(set(events)) == len(events)
