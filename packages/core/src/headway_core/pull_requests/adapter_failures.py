"""A forge adapter that raises, which none may, becomes one whose answers are failures."""

import logging
from collections.abc import Sequence

from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_core.pull_requests.ports import (
    Candidate,
    FetchFailed,
    ForgeReader,
    Observation,
    RateLimit,
)

logger = logging.getLogger(__name__)


class NonRaisingForge(ForgeReader):
    """Answers as the adapter does. An exception of it is a failed fetch; a cancellation goes through.

    An exception of the system, such as a refused connection, is UNAVAILABLE, and every other one NONSENSE.
    The failure tells the exception's class alone: what it says may be outside text, or have a secret in it.
    Its traceback is logged when the call fails so for the first time.
    """

    def __init__(self, forge: ForgeReader) -> None:
        self._forge = forge
        self._logged: set[tuple[str, str]] = set()

    async def observe(
        self, project: Project, node_ids: Sequence[str]
    ) -> dict[str, Observation | FetchFailed]:
        try:
            return await self._forge.observe(project, node_ids)
        except Exception as error:  # noqa: BLE001  logged and told
            return dict.fromkeys(node_ids, self._failed("observe", error))

    async def resolve(self, project: Project, number: int) -> str | FetchFailed:
        try:
            return await self._forge.resolve(project, number)
        except Exception as error:  # noqa: BLE001  logged and told
            return self._failed("resolve", error)

    async def of_branches(
        self, project: Project, branches: Sequence[str]
    ) -> dict[str, tuple[Candidate, ...] | FetchFailed]:
        try:
            return await self._forge.of_branches(project, branches)
        except Exception as error:  # noqa: BLE001  logged and told
            return dict.fromkeys(branches, self._failed("of_branches", error))

    def limits(self) -> tuple[RateLimit, ...]:
        try:
            return self._forge.limits()
        except Exception as error:  # noqa: BLE001  logged: nobody counts then
            self._failed("limits", error)
            return ()

    async def unknown_accounts(self, names: Sequence[str]) -> tuple[str, ...]:
        try:
            return await self._forge.unknown_accounts(names)
        except Exception as error:  # noqa: BLE001  logged: nobody is said to be unknown
            self._failed("unknown_accounts", error)
            return ()

    async def trigger_merge_check(self, project: Project, number: int) -> None:
        try:
            await self._forge.trigger_merge_check(project, number)
        except Exception as error:  # noqa: BLE001  logged: a failure is of no interest here
            self._failed("trigger_merge_check", error)

    def _failed(self, call: str, error: Exception) -> FetchFailed:
        name = type(error).__name__
        if (call, name) not in self._logged:
            self._logged.add((call, name))
            logger.error("the forge adapter failed in %s: %s", call, name, exc_info=error)
        kind = FailureKind.UNAVAILABLE if isinstance(error, OSError) else FailureKind.NONSENSE
        return FetchFailed(kind=kind, problem=f"the forge adapter failed: {name}")
