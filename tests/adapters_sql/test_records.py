"""Every record and event of the product that its types allow is stored and read back equal."""

import json
import types
import typing
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from headway_core.kernel.events import EventCatalog, Payload
from headway_core.kernel.scope import Draws
from headway_core.kernel.tables import TableSpec
from headway_core.schema import ALL_EVENTS, ALL_TABLES
from headway_core.testing.clock import ManualClock, SequentialIds
from headway_core.testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_sql import metadata_of
from headway_sql.rows import json_text
from headway_sql.sqlite.database import SqliteDatabase
from headway_sql.tables import SqlWriter
from headway_sql.transactions import SqlTransaction

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

PLAIN: dict[type, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(codec="utf-8")),
    bool: st.booleans(),
    int: st.integers(min_value=-(2**63), max_value=2**63 - 2),  # a version counts on
    float: st.floats(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)),
    type(None): st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """What an annotation of a record allows."""
    origin, arms = typing.get_origin(hint), typing.get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if origin in (typing.Union, types.UnionType):
        return st.one_of([values(arm) for arm in arms])
    if origin is tuple:
        if arms[1:] == (...,):
            return st.lists(values(arms[0]), max_size=3).map(tuple)
        return st.tuples(*(values(arm) for arm in arms))
    if origin is frozenset:
        return st.frozensets(values(arms[0]), max_size=3)
    if origin in (dict, Mapping):
        return st.dictionaries(values(arms[0]), values(arms[1]), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    return records(hint)


def records(record: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(record)
    fields = attrs.fields(typing.cast("type[attrs.AttrsInstance]", record))
    return st.builds(record, **{field.alias: values(hints[field.name]) for field in fields})


@pytest.mark.parametrize("spec", [*ALL_TABLES, *SAMPLE_TABLES], ids=lambda spec: spec.name)
def test_records(spec: TableSpec[Any]) -> None:
    """A record is stored column by column, and comes back equal, by key and by query."""
    metadata = metadata_of([spec])
    engine = create_engine("sqlite://")
    table = SqlWriter(spec, metadata.tables[spec.name], SqliteDatabase("sqlite:///any"))

    @few
    @given(records(spec.record))
    def round_trip(record: Any) -> None:
        with engine.connect() as connection:
            tx = SqlTransaction(connection, Draws(ManualClock(), SequentialIds()), EventCatalog(()))
            tx.lock(str(getattr(record, spec.workspace, "")))
            table.add(tx, record)
            assert table.get(tx, *spec.key_of(record)) == record
            assert table.replace(tx, record) is not None
            connection.rollback()

    metadata.create_all(engine)
    try:
        round_trip()
    finally:
        engine.dispose()


@pytest.mark.parametrize("payload", [*ALL_EVENTS, *SAMPLE_EVENTS], ids=lambda payload: payload.event)
def test_events(payload: type[Payload]) -> None:
    """An event is stored as JSON text, and comes back equal."""
    catalog = EventCatalog([payload])

    @few
    @given(records(payload))
    def round_trip(event: Any) -> None:
        name, version, data = catalog.encode(event)
        assert catalog.decode(name, version, json.loads(json_text(data))) == event

    round_trip()
