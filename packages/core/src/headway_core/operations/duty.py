"""The duties of a host: to report itself, and to move its workspaces on."""

from collections.abc import Awaitable, Callable

import anyio

from headway_core.hosts import HostService, Retired
from headway_core.kernel.duties import Duty
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.operations.archive import ArchiveService
from headway_core.operations.heartbeat import HostHeartbeat
from headway_core.operations.provisioning import AT_ONCE, ProvisioningService
from headway_core.workspaces.model import IN_MOTION, Workspace, WorkspaceStatus


class HostDuty(Duty):
    """Reports this host, and records which others are lost, so that no derivation needs a clock.

    A runner whose host was retired while it slept ends.
    """

    name = "hosts"
    interval_s = 15.0
    ends_runner = (Retired,)

    def __init__(self, heartbeat: HostHeartbeat, hosts: HostService) -> None:
        self._heartbeat = heartbeat
        self._hosts = hosts

    async def run(self) -> float | None:
        await self._heartbeat.report()
        await self._hosts.notice_losses()
        return None


class WorkspaceDuty(Duty):
    """Takes the NEW, PROVISIONING and ARCHIVING workspaces of this host, or of none, to their end.

    Several at once, and new ones while others still run their scripts.

    This is also the recovery of what a dead process left, this host's last runner or somebody who archived:
    the same path, by liveness (L5, L11, L13).
    """

    name = "workspaces"
    interval_s = 10.0
    wakes_on_events = True

    def __init__(
        self,
        ledger: Ledger,
        *,
        workspaces: ReadTable[Workspace],
        provisioning: ProvisioningService,
        archive: ArchiveService,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._workspaces = workspaces
        self._provisioning = provisioning
        self._archive = archive
        self._locks = locks

    async def run(self) -> float | None:
        run = _Run(self._move_on)
        async with anyio.create_task_group() as group:
            while True:
                changed = self._ledger.changed()
                for workspace in await self._ledger.read(self._due):
                    if run.takes(workspace):
                        group.start_soon(run.act, workspace)
                if not run.active:
                    break
                # Some row changes when a provisioning ends, but for one that had nothing to do.
                with anyio.move_on_after(self.interval_s):
                    async with anyio.create_task_group() as either:
                        either.start_soon(_first, changed, either.cancel_scope)
                        either.start_soon(_first, run.ended(), either.cancel_scope)
        if run.errors:
            raise ExceptionGroup("workspaces", run.errors)
        return None

    def _due(self, tx: ReadTransaction) -> list[Workspace]:
        found = self._workspaces.query(tx, IN_MOTION)
        return [w for w in found if w.host_id in {None, self._locks.host_id}]

    async def _move_on(self, workspace: Workspace) -> None:
        if workspace.status is WorkspaceStatus.ARCHIVING:
            await self._archive.resume(workspace.id)
        else:
            await self._provisioning.provision(workspace.id)


class _Run:
    """What one run of the duty has in hand. It only schedules: what guards is the workspace's lock."""

    def __init__(self, move_on: Callable[[Workspace], Awaitable[None]]) -> None:
        self._move_on = move_on
        self._tried: set[tuple[str, int]] = set()
        self._ended = anyio.Event()
        self.active: set[str] = set()
        self.errors: list[Exception] = []

    def takes(self, workspace: Workspace) -> bool:
        """Take it, unless it is in hand, was tried as it stands, or all hands are full."""
        state = (workspace.id, workspace.version)
        if workspace.id in self.active or state in self._tried or len(self.active) >= AT_ONCE:
            return False
        self._tried.add(state)
        self.active.add(workspace.id)
        return True

    def ended(self) -> anyio.Event:
        """Set when one of those in hand ends."""
        return self._ended

    async def act(self, workspace: Workspace) -> None:
        try:
            await self._move_on(workspace)
        except Exception as error:  # noqa: BLE001  the others go on; the duty backs off afterwards
            self.errors.append(error)
        finally:
            self.active.discard(workspace.id)
            ended, self._ended = self._ended, anyio.Event()
            ended.set()


async def _first(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
