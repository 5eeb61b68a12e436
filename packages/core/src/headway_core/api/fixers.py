"""Fixers: the one session of a workspace that mends its pull request."""

from typing import TYPE_CHECKING

from headway_core.sessions.fixers import START_WAIT_S, FixerOutcome, FixerRequest

if TYPE_CHECKING:
    from headway_core.sessions.service import FixerSessionService


class Fixers:
    """The one way to a fixer, for the ratchet, for people and for programs: `hw.fixers`."""

    def __init__(self, *, fixers: "FixerSessionService") -> None:
        self._fixers = fixers

    async def acquire_and_dispatch(
        self, request: FixerRequest, *, wait_s: float = START_WAIT_S, actor: str = "headway"
    ) -> FixerOutcome:
        """Acquire the workspace's fixer and give it a prompt; at most one fixer lives at any time.

        The intent is stored in one transaction; then the start, which the runner of the workspace's host
        carries out, is waited for. The agent's work is not.

        Args:
            request: In which workspace, what to fix, and what to do when a fixer lives already.
            wait_s: Seconds to wait for the outcome of the start; 0 waits for nothing.
            actor: Who asks, as the events tell it.

        Returns:
            `Started`, which is `pending` when the start has no outcome yet; `Signalled` when the live fixer
            took the prompt; `AlreadyActive` when it was left alone; `NotReady` when nothing can start in
            the workspace; `LimitReached` when it has as many live sessions as it may; `FixerFailed` when
            the prompt was not delivered.

        Raises:
            NotFound: There is no such workspace.
            InvalidInput: `prompt` is blank or too long.
        """
        return await self._fixers.acquire_and_dispatch(request, wait_s=wait_s, actor=actor)
