"""What callers ask of workspaces: reading them, and the end of a provisioning."""

from headway_core.kernel.ledger import Ledger
from headway_core.workspaces.model import Workspace
from headway_core.workspaces.output import InitOutput, InitOutputSteps
from headway_core.workspaces.steps import WorkspaceSteps


class WorkspaceLifecycleService:
    """Reads workspaces, and asks for the end of a provisioning."""

    def __init__(self, ledger: Ledger, steps: WorkspaceSteps, output: InitOutputSteps) -> None:
        self._ledger = ledger
        self._steps = steps
        self._output = output

    async def get(self, workspace_id: str) -> Workspace:
        """The workspace. `NotFound` when there is none."""
        return await self._ledger.read(lambda tx: self._steps.known(tx, workspace_id))

    async def list(self, *, archived: bool = False) -> list[Workspace]:
        """The live workspaces, oldest first; with `archived` all."""
        return await self._ledger.read(self._steps.all if archived else self._steps.live)

    async def init_output(self, workspace_id: str) -> InitOutput:
        """What the present or last run of provisioning printed. `NotFound` for an unknown workspace."""
        return await self._ledger.read(lambda tx: self._output.of(tx, workspace_id))

    async def release(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Let sessions start again in a workspace that was stopped. `NotFound`."""
        return await self._ledger.transact(lambda tx: self._steps.release(tx, workspace_id, actor=actor))

    async def cancel(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Ask for the end of a provisioning: a NEW workspace is FAILED at once, one under way soon.

        `NotFound`; `IllegalTransition` for any other status.
        """
        return await self._ledger.transact(lambda tx: self._steps.ask_cancel(tx, workspace_id, actor=actor))
