"""The settings: quiet time, budgets, limits, trust."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from headway_core.kernel.errors import InvalidInput
from headway_core.settings.model import SettingsRecord
from headway_core.settings.rules import accepted

if TYPE_CHECKING:
    from headway_core.operations.branch_names import BranchPrefixes
    from headway_core.pull_requests.service import PRSnapshotService
    from headway_core.sessions.ports import Agents
    from headway_core.settings.service import SettingsService

_ASK_S = 10.0
"""A person waits for the answer."""


class Settings:
    """The one record of settings: `hw.settings`."""

    def __init__(
        self,
        *,
        settings: "SettingsService",
        agents: "Agents",
        branch_prefixes: "BranchPrefixes",
        pull_requests: "PRSnapshotService",
    ) -> None:
        self._settings = settings
        self._agents = agents
        self._prefixes = branch_prefixes
        self._pull_requests = pull_requests

    async def get(self) -> SettingsRecord:
        """Look at the settings.

        Returns:
            The settings as they are stored; the defaults when nobody changed any.
        """
        return await self._settings.get()

    async def change(
        self,
        edit: Callable[[SettingsRecord], SettingsRecord] | None = None,
        /,
        *,
        actor: str = "headway",
        **fields: object,
    ) -> SettingsRecord:
        """Change settings by name, or by a function of the present ones, or by both.

        Args:
            edit: A pure function from the present settings to the new ones, which may be called again; None:
                only `fields` change.
            actor: Who asks, as the events tell it.
            **fields: New values by the names of `SettingsRecord`.

        Returns:
            The settings as they are now stored.

        Raises:
            InvalidInput: There is no such setting, or the value does not fit; the error names it, and
                nothing is changed. A `default_agent` must be configured on this host; in no project may a
                branch leave no room for those of a `branch_prefix`.
        """
        present = await self._settings.get()
        wanted = edit(present) if edit else present
        for name, expect in (("default_agent", self._expect_agent), ("branch_prefix", self._expect_prefix)):
            value = fields.get(name, getattr(wanted, name))
            if name in fields or value != getattr(present, name):
                await expect(value)
        return await self._settings.change(edit, actor=actor, **fields)

    async def reset(self, name: str, *, actor: str = "headway") -> SettingsRecord:
        """Give one setting its default again.

        Args:
            name: The name of the setting, as in `SettingsRecord`.
            actor: Who asks, as the events tell it.

        Returns:
            The settings as they are now stored.

        Raises:
            InvalidInput: There is no such setting; the error names it.
        """
        return await self._settings.reset(name, actor=actor)

    async def unknown_trusted(self) -> tuple[str, ...]:
        """Ask the forge whether it knows everybody who is trusted.

        Returns:
            Those of `trusted` that are nobody's login and nobody's node id, as far as the forge tells within
            ten seconds: what a name with a mistake in it says counts for nothing.
        """
        trusted = (await self._settings.get()).trusted
        with anyio.move_on_after(_ASK_S):
            return await self._pull_requests.unknown_accounts(trusted)
        return ()

    async def _expect_prefix(self, prefix: object) -> None:
        await self._prefixes.expect_everywhere(str(accepted("branch_prefix", prefix)))

    async def _expect_agent(self, agent: object) -> None:
        configured = self._agents.names()
        if agent not in configured:
            known = ", ".join(configured) or "none"
            raise InvalidInput(
                "default_agent", f"{agent!r} is not configured on this host (configured: {known})"
            )
