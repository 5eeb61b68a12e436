"""Fetches in flight in this process: who comes meanwhile shares one instead of beginning another.

This spares the forge, and guards nothing: the tables decide what is believed, whoever fetched it.
"""

from collections.abc import Iterable

import anyio

from headway_core.pull_requests.outcomes import FetchOutcome


class _Flight:
    def __init__(self) -> None:
        self.finished = anyio.Event()
        self.outcome: FetchOutcome | None = None
        """None until it is finished, and for ever when it was cancelled or failed with an exception."""


class SingleFlight:
    """One fetch a workspace at a time."""

    def __init__(self) -> None:
        self._in_flight: dict[str, _Flight] = {}

    def free(self, workspace_ids: Iterable[str]) -> list[str]:
        """Those of them for which no fetch is in flight."""
        return [workspace_id for workspace_id in workspace_ids if workspace_id not in self._in_flight]

    def begin(self, workspace_ids: Iterable[str]) -> None:
        """Begin. Call it before the first await after `free` or `wait`, so that no two begin (S17)."""
        for workspace_id in workspace_ids:
            self._in_flight[workspace_id] = _Flight()

    def finish(self, workspace_id: str, outcome: FetchOutcome | None) -> None:
        """End the fetch: those who wait get its outcome, or with None begin one themselves."""
        flight = self._in_flight.pop(workspace_id, None)
        if flight is not None:
            flight.outcome = outcome
            flight.finished.set()

    async def wait(self, workspace_id: str, *, insist: bool) -> FetchOutcome | None:
        """The outcome of the fetch in flight; None when there is none to share, and the caller begins one.

        Who insists does not take the outcome of a fetch that was in flight already when they came.
        """
        too_old = self._in_flight.get(workspace_id) if insist else None
        while (flight := self._in_flight.get(workspace_id)) is not None:
            await flight.finished.wait()
            if flight is not too_old and flight.outcome is not None:
                return flight.outcome
        return None
