"""Moving a workspace of a retired host to this one."""

from headway_core.hosts import Host
from headway_core.kernel.errors import Conflict
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import Transaction
from headway_core.sessions import SessionSteps
from headway_core.workspaces.model import Workspace
from headway_core.workspaces.steps import WorkspaceSteps


class MovingService:
    """Takes workspaces over from hosts that do not come back."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        hosts: ReadTable[Host],
        workspaces: WorkspaceSteps,
        sessions: SessionSteps,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._hosts = hosts
        self._workspaces = workspaces
        self._sessions = sessions
        self._locks = locks

    async def move_here(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Pin it to this host, which provisions it anew: a fresh worktree of the branch as it was pushed.

        What ran there counts as lost, in the same transaction; what was not pushed stays on the other host.
        `NotFound`; `Conflict` while its host is not retired, or when this one is; `IllegalTransition` for
        an archived one.
        """
        return await self._ledger.transact(lambda tx: self._move(tx, workspace_id, actor))

    def _move(self, tx: Transaction, workspace_id: str, actor: str) -> Workspace:
        tx.lock(workspace_id)
        here = self._locks.host_id
        workspace = self._workspaces.known(tx, workspace_id)
        if workspace.host_id == here:
            raise Conflict("workspace", workspace_id, "it is on this host already")
        if self._is_retired(tx, here):
            raise Conflict("host", here, "it is retired")
        if workspace.host_id is None or not self._is_retired(tx, workspace.host_id):
            raise Conflict("workspace", workspace_id, f"its host {workspace.host_id} is not retired")
        moved = self._workspaces.move(tx, workspace_id, here, actor=actor)
        self._sessions.lose_all(tx, workspace_id)  # once it is not READY: nothing starts again
        return moved

    def _is_retired(self, tx: Transaction, host_id: str) -> bool:
        host = self._hosts.get(tx, host_id)
        return host is not None and host.retired_at is not None
