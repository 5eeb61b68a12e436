"""A store on each database, with the contract's sample tables."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psycopg
import pytest

from headway_core.kernel.events import EventCatalog
from headway_sql import SqlStore
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]


@pytest.fixture
def empty_postgresql(postgresql_url: str) -> str:
    """The module's database, with nothing in it."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return postgresql_url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headway.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    """An empty database of each kind; modules about one kind have a fixture of their own."""
    if request.param == "sqlite":
        return f"sqlite:///{path}"
    return str(request.getfixturevalue("empty_postgresql"))


@pytest.fixture
def opening(url: str) -> Opening:
    """Opens the store of `url`; each call is as another process would."""
    return lambda: SqlStore.open(
        url,
        specs=SAMPLE_TABLES,
        catalog=EventCatalog(SAMPLE_EVENTS),
        clock=ManualClock(),
        ids=SequentialIds(),
        migrate=False,
    )


@pytest.fixture
async def store(opening: Opening, anyio_backend: str) -> AsyncIterator[SqlStore]:
    async with opening() as store:
        yield store
        assert store.open_transactions() == 0
