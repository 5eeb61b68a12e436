"""The boards that `headway up` shows: none is missed, and many changes come together."""

import itertools

import anyio
import pytest
import trio
import trio.testing

from headway_core.api.board import BOARD_GAP_S
from headway_core.board import Card
from headway_core.settings import SettingsRecord
from headway_testing.harness import Harness

CHANGES = 60
PAUSE_S = 0.05


@pytest.mark.lesson("B4")
def test_many_changes_come_together() -> None:
    """However fast changes follow each other: a board a second, and one after the last of them."""

    async def main() -> tuple[list[float], list[int], float]:
        harness = Harness()
        hw = harness.core.api()
        shown: list[tuple[float, list[Card]]] = []
        limits: list[int] = []

        async def watch() -> None:
            async for cards in hw.board.views():
                shown.append((anyio.current_time(), cards))
                limits.append((await hw.settings.get()).session_limit)

        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            for number in range(CHANGES):
                await anyio.sleep(PAUSE_S)
                await hw.settings.change(session_limit=number + 1)
            last = anyio.current_time()
            await anyio.sleep(BOARD_GAP_S)
            group.cancel_scope.cancel()
        return [at for at, _ in shown], limits, last

    times, limits, last = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap >= BOARD_GAP_S - 1e-6 for gap in gaps), gaps
    assert len(times) <= CHANGES * PAUSE_S / BOARD_GAP_S + 2
    assert limits[0] == SettingsRecord().session_limit
    assert times[-1] >= last
    assert limits[-1] == CHANGES
