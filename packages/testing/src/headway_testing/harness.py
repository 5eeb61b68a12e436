"""The whole of core over fakes, for tests: one container, one ledger in memory, virtual time."""

from headway_core.container import CoreContainer
from headway_core.event_types import ALL_EVENTS
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_testing.clock import ManualClock, SequentialIds
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


class CoreHarness:
    """Every port faked, every service real; each unit of work is run twice."""

    def __init__(self, container: type[CoreContainer] = CoreContainer) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore(
            clock=self.clock, ids=SequentialIds(), catalog=EventCatalog(ALL_EVENTS), run_twice=True
        )
        self.git = FakeGit()
        self.processes = FakeProcesses()
        self.forge = FakeForgeReader()
        self.effects = FakeEffects()
        self.writer = FakeForgeWriter(self.effects)
        self.core = container(
            store=self.store,
            locks=FakeLocks(),
            worktrees=FakeWorktrees(self.git),
            scripts=FakeScripts(),
            agents=FakeAgents(),
            supervisor=FakeSupervisor(self.processes),
            forge=self.forge,
            forge_writer=self.writer,
            webhook_decoder=FakeWebhookDecoder(),
            issues=FakeIssueReader(),
            worktrees_root="/worktrees",
        )
