"""What a runner does for sessions again and again."""

import logging
from datetime import timedelta
from functools import partial

from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import HeadwayError
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.processes import Supervisor
from headway_core.sessions.executor import BUSY_INTERVAL_S, SessionExecutor
from headway_core.sessions.model import SESSION_RUNS, Session
from headway_core.workspaces.model import Workspace, WorkspaceStatus

logger = logging.getLogger(__name__)

KEPT_AFTER_ARCHIVE = timedelta(days=30)
"""As long as events are kept: who has not read what a session left by then has given up."""
_AT_A_TIME = 200


class SessionDuty(Duty):
    """Lets the executor see to the sessions of this host: soon after every event, and twice a second while
    any is busy.
    """

    name = "sessions"
    wakes_on_events = True

    def __init__(self, executor: SessionExecutor) -> None:
        self._executor = executor

    async def run(self) -> float | None:
        return BUSY_INTERVAL_S if await self._executor.round() else None

    async def attend(self) -> float | None:
        """Watch over them side by side, so that none keeps another waiting."""
        await self._executor.watch()
        return None


class SessionFilesDuty(Duty):
    """Removes what is kept here of the sessions of workspaces that were archived long ago."""

    name = "session files"
    interval_s = 3600.0

    def __init__(
        self,
        *,
        ledger: Ledger,
        sessions: ReadTable[Session],
        workspaces: ReadTable[Workspace],
        supervisor: Supervisor,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._workspaces = workspaces
        self._supervisor = supervisor

    async def run(self) -> None:
        kept = await self._supervisor.kept(SESSION_RUNS)
        for begin in range(0, len(kept), _AT_A_TIME):
            some = kept[begin : begin + _AT_A_TIME]
            for session_id in await self._ledger.read(partial(self._done_with, kept=some)):
                try:
                    await self._supervisor.remove(SESSION_RUNS, session_id)
                except HeadwayError as error:
                    logger.warning("the files of session %s are kept: %s", session_id, error)

    def _done_with(self, tx: ReadTransaction, kept: tuple[str, ...]) -> list[str]:
        """Sessions that this database does not know may be those of another one: they are left alone."""
        sessions = [session for session_id in kept if (session := self._sessions.get(tx, session_id))]
        return [session.id for session in sessions if self._is_old(tx, session.workspace_id)]

    def _is_old(self, tx: ReadTransaction, workspace_id: str) -> bool:
        workspace = self._workspaces.get(tx, workspace_id)
        return (
            workspace is not None
            and workspace.status is WorkspaceStatus.ARCHIVED
            and tx.now() - workspace.status_changed_at >= KEPT_AFTER_ARCHIVE
        )
