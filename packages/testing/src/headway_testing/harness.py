"""The whole of core over fakes: one container, one ledger in memory, time that a test moves.

::

    harness = Harness()
    harness.git.add_repository("/src/demo")
    project = await harness.core.projects.service().register("/src/demo")
    ...
    await harness.run_duties()
    harness.clock.advance(60)
"""

from functools import cached_property
from typing import Self, TypeVar

import attrs

from headway_core.container import CoreContainer
from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import DomainEvent, EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.kernel.transactions import Payload, Transaction
from headway_core.projects.model import PROJECTS
from headway_core.workspaces.model import WORKSPACES, Workspace
from headway_testing.clock import ManualClock, SequentialIds
from headway_testing.crash_points import Point, no_point, pointed_store
from headway_testing.fakes import (
    FakeAgents,
    FakeEffects,
    FakeForgeReader,
    FakeForgeWriter,
    FakeGit,
    FakeIssueReader,
    FakeLocks,
    FakeProcesses,
    FakeScripts,
    FakeSupervisor,
    FakeWebhookDecoder,
    FakeWorktrees,
)
from headway_testing.pull_requests import pull_request_steps_on
from headway_testing.records import a_project

P = TypeVar("P", bound=Payload)

WHOLE_LOG = 1_000_000


@attrs.define(kw_only=True)
class World:
    """What outlives a process: what is stored, what is there, and the time."""

    clock: ManualClock = attrs.field(factory=ManualClock)
    git: FakeGit = attrs.field(factory=FakeGit)
    processes: FakeProcesses = attrs.field(factory=FakeProcesses)
    forge: FakeForgeReader = attrs.field(factory=FakeForgeReader)
    effects: FakeEffects = attrs.field(factory=FakeEffects)
    issues: FakeIssueReader = attrs.field(factory=FakeIssueReader)
    held: dict[str, set[str]] = attrs.field(factory=dict)
    """The locks that are held, by host."""
    store: MemoryStore = attrs.field()
    """Runs each unit of work twice, and refuses one that writes other things the second time."""

    @store.default
    def _store(self) -> MemoryStore:
        catalog = EventCatalog(ALL_EVENTS)
        return MemoryStore(clock=self.clock, ids=SequentialIds(), catalog=catalog, run_twice=True)


class Harness:
    """One process of Headway on a host: every port faked, every service real, nothing running by itself.

    `core` is the container; a port of it can be replaced before anything is resolved:
    `harness.core.forge.override(MyForge())`.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        host_id: str = "host-1",
        point: Point = no_point,
        container: type[CoreContainer] = CoreContainer,
        worktrees_root: str = "/worktrees",
    ) -> None:
        """Build a process. `point` is awaited before and after each effect and each transaction of it."""
        self.world = World() if world is None else world
        self.clock = self.world.clock
        self.store = self.world.store
        """The store itself, where a test reads and writes without the points of this process."""
        self.git = self.world.git
        self.processes = self.world.processes
        self.forge = self.world.forge
        self.effects = self.world.effects
        self.issues = self.world.issues
        self.worktrees = FakeWorktrees(self.git, point)
        self.scripts = FakeScripts(point)
        self.agents = FakeAgents()
        self.supervisor = FakeSupervisor(self.processes, point)
        self.forge_writer = FakeForgeWriter(self.effects, point)
        self.webhook_decoder = FakeWebhookDecoder()
        self.locks = FakeLocks(host_id, self.world.held.setdefault(host_id, set()))
        self.own_store = pointed_store(self.store, point)
        """The same rows, as this process reads and writes them: with its points."""
        self._container = container
        self._worktrees_root = worktrees_root

    @cached_property
    def core(self) -> CoreContainer:
        """The services, over this process's ports."""
        return self._container(
            store=self.own_store,
            locks=self.locks,
            worktrees=self.worktrees,
            scripts=self.scripts,
            agents=self.agents,
            supervisor=self.supervisor,
            forge=self.forge,
            forge_writer=self.forge_writer,
            webhook_decoder=self.webhook_decoder,
            issues=self.issues,
            worktrees_root=self._worktrees_root,
        )

    def again(self, *, host_id: str | None = None, point: Point = no_point) -> Self:
        """Another process on the same world: the next one of this host, or one of another host."""
        return type(self)(self.world, host_id=host_id or self.locks.host_id, point=point)

    async def run_duties(self) -> None:
        """Run every duty of a runner once, one after the other."""
        for duty in self.core.duties():
            await duty.run()

    async def add_workspace(self, workspace: Workspace, *, ratchet: bool | None = None) -> None:
        """Store a workspace as it is, with the records of its pull request and, on or off, of its ratchet.

        Its project `p1` is stored with the first one.
        """
        projects, workspaces = self.store.writer(PROJECTS), self.store.writer(WORKSPACES)
        pull_requests = pull_request_steps_on(self.store)

        def work(tx: Transaction) -> None:
            if projects.get(tx, workspace.project_id) is None:
                projects.add(tx, a_project(id=workspace.project_id))
            workspaces.add(tx, workspace)
            pull_requests.open_record(tx, workspace)
            if ratchet is not None:
                self.core.ratchet.steps().open_record(tx, workspace, enabled=ratchet)

        await self.store.ledger.transact(work)

    async def log(self) -> list[DomainEvent]:
        """The log of events, oldest first."""
        return await self.store.ledger.read(lambda tx: self.store.events.after(tx, 0, limit=WHOLE_LOG))

    async def payloads(self, kind: type[P]) -> list[P]:
        """What the events of one type say, oldest first."""
        return [event.payload for event in await self.log() if isinstance(event.payload, kind)]
