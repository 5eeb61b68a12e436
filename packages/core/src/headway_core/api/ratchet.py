"""The ratchet: the automation that moves a pull request forward, and explains itself."""

from typing import TYPE_CHECKING

from headway_core.ratchet.decision import Decision
from headway_core.ratchet.explain import Explanation
from headway_core.ratchet.model import RatchetRecord

if TYPE_CHECKING:
    from headway_core.ratchet.service import RatchetService


class Ratchet:
    """Everything that is asked of the ratchet: `hw.ratchet`."""

    def __init__(self, *, ratchet: "RatchetService") -> None:
        self._ratchet = ratchet

    async def switch(self, workspace_id: str, *, enabled: bool) -> RatchetRecord:
        """Switch it on or off for a workspace.

        Off cancels what it dispatched, asks its fixer to stop, and forgets what was handled, all at once; so
        on again means "try again".

        Args:
            workspace_id: The workspace's id.
            enabled: Whether it is to be on.

        Returns:
            Its record as it is now stored.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._ratchet.switch(workspace_id, enabled=enabled)

    async def hold(self, workspace_id: str) -> RatchetRecord:
        """Keep it from acting in a workspace until `release`.

        Args:
            workspace_id: The workspace's id.

        Returns:
            Its record as it is now stored.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._ratchet.hold(workspace_id)

    async def release(self, workspace_id: str) -> RatchetRecord:
        """End every hold in a workspace.

        Args:
            workspace_id: The workspace's id.

        Returns:
            Its record as it is now stored.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._ratchet.release(workspace_id)

    async def check(self, workspace_id: str) -> Decision:
        """Decide now, of what is stored, and store the intent of what follows.

        It reads no forge: `hw.pull_requests.refresh` does. A fixer that is due is started by the runner of
        the workspace's host.

        Args:
            workspace_id: The workspace's id.

        Returns:
            The decision, with the time at which it is looked at again.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._ratchet.check(workspace_id)

    async def explain(self, workspace_id: str) -> Explanation:
        """Say why a workspace moves, or does not.

        Args:
            workspace_id: The workspace's id.

        Returns:
            What was seen and how old it is, what was decided and why, and what will change it.

        Raises:
            NotFound: There is no such workspace.
        """
        return await self._ratchet.explain(workspace_id)
