"""Every record and event of the product that its types allow is stored and read back equal."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection

from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.scope import Draws
from headway_core.kernel.tables import TableSpec
from headway_core.kernel.transactions import Payload
from headway_core.pull_requests.model import SNAPSHOTS, PullRequestSnapshot
from headway_core.schema import ALL_TABLES
from headway_sql import metadata_of
from headway_sql.database import Database
from headway_sql.opening import database_of
from headway_sql.rows import Rows, json_text
from headway_sql.tables import SqlWriter
from headway_sql.transactions import SqlTransaction
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.conversations import some_facts
from headway_testing.strategies import records

few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def database(url: str) -> Database:
    database = database_of(url)
    database.prepare(metadata_of([]), migrate=False)
    return database


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    engine = database.writer_engine()
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("spec", [*ALL_TABLES, *SAMPLE_TABLES], ids=lambda spec: spec.name)
def test_records(spec: TableSpec[Any], database: Database, connection: Connection) -> None:
    """A record is stored column by column, and comes back equal, by key and by query."""
    metadata = metadata_of([*ALL_TABLES, *SAMPLE_TABLES])
    metadata.create_all(connection, tables=[metadata.tables[spec.name]])
    connection.commit()
    table = SqlWriter(spec, metadata.tables[spec.name], database)

    @few
    @given(records(spec.record))
    def round_trip(record: Any) -> None:
        try:
            database.begin(connection)
            tx = SqlTransaction(connection, Draws(ManualClock(), SequentialIds()), EventCatalog(()))
            tx.lock(str(getattr(record, spec.workspace, "")))
            table.add(tx, record)
            assert table.get(tx, *spec.key_of(record)) == record
            assert table.replace(tx, record) is not None
        finally:
            connection.rollback()

    round_trip()


def test_facts_are_shared_while_they_are_held() -> None:
    """Equal columns give one value to whoever reads them, and others their own."""
    rows = Rows(SNAPSHOTS)

    def read(title: str) -> PullRequestSnapshot:
        snapshot = PullRequestSnapshot(workspace_id="w1", facts=some_facts(title=title), quiet_passed=True)
        again = rows.decode([*rows.encode(snapshot).values()])
        assert again == snapshot
        return again

    first, second, other = read("Fix"), read("Fix"), read("Mend")
    assert first.facts is second.facts
    assert first.facts is not other.facts


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
