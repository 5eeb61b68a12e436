"""The ledger in memory holds the contract, and finds impure transactions."""

import pytest

from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.testing.clock import ManualClock, SequentialIds
from headway_core.testing.contracts.ledger import SAMPLE_EVENTS, LedgerContract

pytestmark = pytest.mark.anyio


class TestMemory(LedgerContract):
    """Each unit of work is run once."""

    @pytest.fixture
    def store(self, clock: ManualClock, ids: SequentialIds) -> MemoryStore:
        return MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(SAMPLE_EVENTS))


class TestMemoryRunTwice(LedgerContract):
    """Each unit of work is run, undone and run again."""

    @pytest.fixture
    def store(self, clock: ManualClock, ids: SequentialIds) -> MemoryStore:
        return MemoryStore(clock=clock, ids=ids, catalog=EventCatalog(SAMPLE_EVENTS), run_twice=True)
