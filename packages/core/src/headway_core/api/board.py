"""The board: a card for each workspace, and why it stands where it stands."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio

from headway_core.board.service import Card
from headway_core.kernel.feed import POLL_S

if TYPE_CHECKING:
    from headway_core.board.service import BoardService
    from headway_core.kernel.feed import EventFeed

BOARD_GAP_S = 1.0
"""Seconds from one board to the next at least: each is of all workspaces, whatever changed."""


class Board:
    """Everything that people look at: `hw.board`."""

    def __init__(self, *, board: "BoardService", feed: "EventFeed") -> None:
        self._board = board
        self._feed = feed

    async def cards(self) -> list[Card]:
        """Look at the whole board once.

        Returns:
            A card for each live workspace, oldest first, of one consistent read.
        """
        return await self._board.cards()

    async def get(self, workspace_id: str) -> Card:
        """Look at the card of one workspace, archived or not.

        Args:
            workspace_id: The workspace's id.

        Returns:
            Its card.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._board.get(workspace_id)

    async def views(self) -> AsyncGenerator[list[Card], None]:
        """Look at the whole board now, and again after each change. It never ends.

        A change of this process shows at once, one of another within two seconds. Many changes come
        together: there is at most one board a second.

        Yields:
            A card for each live workspace, oldest first.
        """
        while True:
            changed, began = self._feed.changes(), anyio.current_time()  # none during the look is missed
            yield await self.cards()
            with anyio.move_on_after(POLL_S):
                await changed.wait()
                await anyio.sleep_until(began + BOARD_GAP_S)
