"""A store on a file, with the contract's sample tables."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from headway_core.kernel.events import EventCatalog
from headway_core.testing.clock import ManualClock, SequentialIds
from headway_core.testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_sql import SqlStore

Opening = Callable[[], AbstractAsyncContextManager[SqlStore]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headway.db"


@pytest.fixture
def opening(path: Path) -> Opening:
    """Opens the store on `path`; each call is as another process would."""
    return lambda: SqlStore.open(
        f"sqlite:///{path}",
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
