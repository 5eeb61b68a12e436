"""What every `Clock` and every `Ids` does. Nothing of it is optional."""

import re
from datetime import timedelta

import anyio
import anyio.to_thread
import pytest

from headway_core.kernel.clock import Clock, Ids
from headway_testing.contracts.suite import PortContract

MANY = 1000
THREADS = 8


@pytest.mark.anyio
class ClockContract(PortContract):
    """Subclasses define the fixture `clock` (a `Clock`)."""

    port = Clock

    async def test_time_is_aware_and_utc(self, clock: Clock) -> None:
        """A moment has its zone, which is UTC."""
        assert clock.now().utcoffset() == timedelta(0)


@pytest.mark.anyio
class IdsContract(PortContract):
    """Subclasses define the fixture `ids` (an `Ids`)."""

    port = Ids

    async def test_ids_are_plain(self, ids: Ids) -> None:
        """An id fits into a path and a key: 1 to 40 letters, digits and hyphens."""
        assert all(re.fullmatch(r"[0-9a-zA-Z-]{1,40}", ids.new()) for _ in range(MANY))

    async def test_no_id_is_given_twice(self, ids: Ids) -> None:
        """Ids differ, also those that threads draw at the same time: a ledger may run its work in one."""
        drawn: list[str] = []

        def draw() -> None:
            drawn.extend(ids.new() for _ in range(MANY))

        async with anyio.create_task_group() as group:
            for _ in range(THREADS):
                group.start_soon(anyio.to_thread.run_sync, draw)
        assert len(set(drawn)) == MANY * THREADS
