"""A host's runner: recovery, and the duties, for as long as a block lasts."""

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.errors import Conflict, HeadwayError, Unavailable
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.operations.heartbeat import HostHeartbeat
from headway_core.operations.recovery import RecoveryService
from headway_core.pull_requests.service import PRSnapshotService

logger = logging.getLogger(__name__)

RECOVER_AGAIN_S = 10.0
"""Between tries of a recovery for which the database or git could not be used; it is safe to repeat."""

GOODBYE_S = 2.0


class HostRunner:
    """Is this host's runner of the database, at most once in all processes."""

    def __init__(
        self,
        *,
        locks: HostLocks,
        heartbeat: HostHeartbeat,
        pull_requests: PRSnapshotService,
        recovery: RecoveryService,
        duties: DutyRunner,
    ) -> None:
        self._locks = locks
        self._heartbeat = heartbeat
        self._pull_requests = pull_requests
        self._recovery = recovery
        self._duties = duties

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Recover and do the duties until the block ends, which stops them promptly.

        `Conflict` when another process is this host's runner; `Retired` when this host was retired, also
        while it runs.
        """
        async with self._locks.runner() as mine:
            if not mine:
                raise Conflict("runner", self._locks.host_id, "another process runs this host")
            await self._heartbeat.report()
            await self._pull_requests.recover()
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._duties.run)
                    group.start_soon(self._recover)  # beside the duties: a script may take its time
                    try:
                        yield
                    finally:
                        group.cancel_scope.cancel()
            finally:
                await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        """Report the stop; without a database nobody learns of it but by the silence."""
        with anyio.move_on_after(GOODBYE_S, shield=True), contextlib.suppress(HeadwayError):
            await self._heartbeat.stopped()

    async def _recover(self) -> None:
        recovered = None
        while recovered is None:
            try:
                recovered = await self._recovery.recover()
            except* Unavailable as errors:  # the duties back off by themselves
                log_failure(
                    logger, f"recovery: again in {RECOVER_AGAIN_S:.0f} s", errors, level=logging.WARNING
                )
            if recovered is None:
                await anyio.sleep(RECOVER_AGAIN_S)
        for problem in recovered.problems:
            logger.warning("recovery: %s", problem)
        for path in recovered.removed:
            logger.info("worktree folder %s belonged to no workspace and held no work: removed", path)
        for stray in recovered.strays:
            logger.warning("worktree folder %s belongs to no workspace and may hold work", stray.path)
