"""The contract of the ledger: every store holds all of it, on asyncio and on Trio.

::

    from headway_testing.contracts.ledger import SAMPLE_EVENTS, SAMPLE_TABLES, LedgerContract

    class TestMine(LedgerContract):
        @pytest.fixture
        async def store(self, clock, ids):
            async with open_mine(SAMPLE_TABLES, EventCatalog(SAMPLE_EVENTS), clock, ids) as store:
                yield store
"""

from headway_testing.contracts.ledger.claims import ClaimsContract
from headway_testing.contracts.ledger.concurrency import ConcurrencyContract
from headway_testing.contracts.ledger.log import LogContract
from headway_testing.contracts.ledger.queries import QueriesContract
from headway_testing.contracts.ledger.rows import RowsContract
from headway_testing.contracts.ledger.samples import SAMPLE_EVENTS, SAMPLE_TABLES
from headway_testing.contracts.ledger.units import UnitsContract

__all__ = ["SAMPLE_EVENTS", "SAMPLE_TABLES", "LedgerContract"]


class LedgerContract(
    RowsContract, UnitsContract, QueriesContract, ClaimsContract, LogContract, ConcurrencyContract
):
    """Subclasses define the fixture `store` (a `Store`): empty, with the sample tables and events, on the
    fixtures `clock` and `ids`.
    """
