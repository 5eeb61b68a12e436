"""Fetches in flight in this process: who comes meanwhile shares one instead of beginning another.

Politeness towards the forge, not an invariant: the tables guard what is believed, whoever fetched it.
"""

from collections.abc import Iterable

import anyio

from headway_core.pull_requests.outcomes import FetchOutcome


class _Flight:
    def __init__(self) -> None:
        self.landed = anyio.Event()
        self.outcome: FetchOutcome | None = None
        """None while it flies, and for ever when it was cancelled or failed with an exception."""


class SingleFlight:
    """One fetch a workspace at a time."""

    def __init__(self) -> None:
        self._flying: dict[str, _Flight] = {}

    def free(self, workspace_ids: Iterable[str]) -> list[str]:
        """Those for which nothing flies."""
        return [workspace_id for workspace_id in workspace_ids if workspace_id not in self._flying]

    def begin(self, workspace_ids: Iterable[str]) -> None:
        """Take off. Call it before the first await after `free` or `wait`, so that no two begin (S17)."""
        for workspace_id in workspace_ids:
            self._flying[workspace_id] = _Flight()

    def land(self, workspace_id: str, outcome: FetchOutcome | None) -> None:
        """The fetch is over; those who wait get its outcome, or with None begin one themselves."""
        flight = self._flying.pop(workspace_id, None)
        if flight is not None:
            flight.outcome = outcome
            flight.landed.set()

    async def wait(self, workspace_id: str, *, insist: bool) -> FetchOutcome | None:
        """The outcome of the fetch in flight; None when there is none to share, and the caller begins one.

        Who insists does not take the outcome of a fetch that flew already when they came.
        """
        too_old = self._flying.get(workspace_id) if insist else None
        while (flight := self._flying.get(workspace_id)) is not None:
            await flight.landed.wait()
            if flight is not too_old and flight.outcome is not None:
                return flight.outcome
        return None
