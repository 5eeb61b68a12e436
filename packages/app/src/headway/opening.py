"""`headway.open`: Headway as a library, in one `async with`."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from headway.config import Config, database_url
from headway.container import AppContainer
from headway_core.board import BoardService, Card
from headway_core.container import CoreContainer
from headway_core.forge_actions import ForgeActionService
from headway_core.hosts import HostService
from headway_core.kernel.errors import Conflict, Unavailable
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.feed import POLL_S, EventFeed
from headway_core.kernel.transactions import Payload
from headway_core.operations import ArchiveResult, BranchService, CreateWorkspace, WorktreePaths
from headway_core.projects import ProjectService
from headway_core.pull_requests import PRSnapshotService
from headway_core.ratchet import RatchetService
from headway_core.schema import ALL_TABLES
from headway_core.sessions import Agents, FixerSessionService, SessionService
from headway_core.settings import SettingsService
from headway_core.workspaces import InitOutput, Workspace
from headway_local.system import RandomIds
from headway_sql import SqlStore

logger = logging.getLogger(__name__)

BOARD_GAP_S = 1.0
"""Seconds from one board to the next at least: each is of all workspaces, whatever changed."""


class Workspaces:
    """Everything that is done to workspaces, in one place for callers."""

    def __init__(self, core: CoreContainer) -> None:
        self._creation = core.operations.creation()
        self._lifecycle = core.workspaces.service()
        self._provisioning = core.operations.provisioning()
        self._archive = core.operations.archive()
        self._moving = core.operations.moving()

    async def create(
        self, command: CreateWorkspace, *, idempotency_key: str | None = None, actor: str = "headway"
    ) -> Workspace:
        """Create from one of the three sources; comes back at once, in NEW."""
        return await self._creation.create(command, idempotency_key=idempotency_key, actor=actor)

    async def get(self, workspace_id: str) -> Workspace:
        """`NotFound` when there is none."""
        return await self._lifecycle.get(workspace_id)

    async def list(self, *, archived: bool = False) -> list[Workspace]:
        """The live ones, oldest first; with `archived` all."""
        return await self._lifecycle.list(archived=archived)

    async def output(self, workspace_id: str) -> InitOutput:
        """What the present or last provisioning printed."""
        return await self._lifecycle.init_output(workspace_id)

    async def retry(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Have a failed provisioning run again."""
        return await self._provisioning.retry(workspace_id, actor=actor)

    async def cancel(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Ask a provisioning to end."""
        return await self._lifecycle.cancel(workspace_id, actor=actor)

    async def archive(self, workspace_id: str, *, lose_ignored: bool = False) -> ArchiveResult:
        """Stop its sessions, keep its work on the branch, remove its worktree."""
        return await self._archive.archive(workspace_id, lose_ignored=lose_ignored)

    async def move_here(self, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Take it over from a retired host: a fresh worktree, here, of the branch as it was pushed."""
        return await self._moving.move_here(workspace_id, actor=actor)


class Headway:
    """An open Headway: services to call, and a runner to start."""

    def __init__(self, core: CoreContainer) -> None:
        self._core = core
        self.workspaces = Workspaces(core)
        self.events: EventFeed = core.events.feed()
        self.hosts: HostService = core.hosts.service()
        self.settings: SettingsService = core.settings.service()
        self.worktree_paths: WorktreePaths = core.operations.worktree_paths()
        self.projects: ProjectService = core.projects.service()
        self.sessions: SessionService = core.sessions.service()
        self.fixers: FixerSessionService = core.sessions.fixers()
        self.pull_requests: PRSnapshotService = core.pull_requests.service()
        self.forge_actions: ForgeActionService = core.forge_actions.service()
        self.branches: BranchService = core.operations.branches()
        self.ratchet: RatchetService = core.ratchet.service()
        self.board: BoardService = core.board.service()
        self.agents: Agents = core.agents()

    def changes(self) -> anyio.Event:
        """Set at the next commit in this process that people can see."""
        changed: anyio.Event = self._core.ledger().changed()
        return changed

    async def boards(self) -> AsyncIterator[list[Card]]:
        """The board now, and again after each change: of this process at once, of others within 2 s.

        At most one a second: many changes come together, and each board is all workspaces.
        """
        while True:
            changed, began = self.changes(), anyio.current_time()  # what comes during the look is not missed
            yield await self.board.cards()
            with anyio.move_on_after(POLL_S):
                await changed.wait()
                await anyio.sleep_until(began + BOARD_GAP_S)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be this host's runner of the database: recover and do the duties until the block ends.

        `Conflict` when another process is; `Retired` when this host was retired, also while it runs.
        Leaving the block stops promptly; agents that run go on under their supervisors and are adopted by
        the next runner.
        """
        async with self._core.locks().runner() as mine:
            if not mine:
                raise Conflict("runner", self._core.locks().host_id, "another process runs this host")
            await self._core.operations.heartbeat().report()
            await self._core.pull_requests.service().recover()
            async with anyio.create_task_group() as group:
                group.start_soon(self._core.runner().run)
                group.start_soon(self._recover)  # beside the duties: a script may take its time
                try:
                    yield
                finally:
                    group.cancel_scope.cancel()

    async def _recover(self) -> None:
        recovered = await self._core.operations.recovery().recover()
        for problem in recovered.problems:
            logger.warning("recovery: %s", problem)
        for path in recovered.removed:
            logger.info("worktree folder %s belonged to no workspace and held no work: removed", path)
        for stray in recovered.strays:
            logger.warning("worktree folder %s belongs to no workspace and may hold work", stray.path)


@asynccontextmanager
async def open(database: str | None = None, *, config: Config | None = None) -> AsyncIterator[Headway]:  # noqa: A001  `headway.open` is the name
    """Open Headway on a database; starts nothing.

    `database` is `sqlite:///` and a path, and everything else is then kept beside it, in `<file>.d`; or it is
    `postgresql://user:password@host:port/name`, and this host's things are in the data directory of the
    command. With `config` everything is as it says. `InvalidInput`, `PermissionDenied` and `Unavailable` say
    what can't be used; nothing is written then.
    """
    if config is None:
        if database is None:
            raise TypeError("open takes a database or a config")
        config = Config.beside(database)
    async with AsyncExitStack() as stack:
        url = database_url(config.database)
        try:
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable("data directory", f"{config.data_dir}: {error.strerror}") from error
        store = await stack.enter_async_context(
            SqlStore.open(
                url,
                specs=ALL_TABLES,
                catalog=EventCatalog(_all_events),
                ids=RandomIds(),
            )
        )
        container = AppContainer(config=config, store=store)
        await stack.enter_async_context(container.github.connection())
        yield Headway(container.core())


def _all_events() -> tuple[type[Payload], ...]:
    from headway_core.event_types import ALL_EVENTS  # noqa: PLC0415  of every room, and few commands read any

    return ALL_EVENTS
