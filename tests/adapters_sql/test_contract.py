"""The ledger on SQLite and on PostgreSQL holds the contract."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headway_core.kernel.events import EventCatalog
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES, LedgerContract


class TestSqlite(LedgerContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/headway.db"

    @pytest.fixture
    async def store(
        self, url: str, clock: ManualClock, ids: SequentialIds, anyio_backend: str
    ) -> AsyncIterator[SqlStore]:
        async with SqlStore.open(
            url,
            specs=SAMPLE_TABLES,
            catalog=EventCatalog(SAMPLE_EVENTS),
            clock=clock,
            ids=ids,
            migrate=False,
        ) as store:
            yield store
            assert store.open_transactions() == 0


class TestPostgresql(TestSqlite):
    @pytest.fixture
    def url(self, empty_postgresql: str) -> str:
        return empty_postgresql
