"""Fakes of the ports: each models what its port describes, and holds the port's contract suite.

What a test sets and looks at are their public attributes. Where a world outlives a process (`FakeGit`,
`FakeProcesses`, the set of held locks), it is an object of its own, which several fakes may share. The fakes
of `Clock` and `Ids` are in `headway_testing.clock`; a store in memory is `headway_core.kernel.memory`.
"""

from headway_testing.fakes.agents import FakeAgents
from headway_testing.fakes.forge import NOT_FOUND, Asked, FakeForgeReader
from headway_testing.fakes.forge_hosts import FakeForgeHosts
from headway_testing.fakes.forge_writer import FakeEffects, FakeForgeWriter
from headway_testing.fakes.issues import FakeIssueReader
from headway_testing.fakes.locks import FakeLocks
from headway_testing.fakes.scripts import FakeScripts
from headway_testing.fakes.supervisor import FakeProcesses, FakeSupervisor
from headway_testing.fakes.webhooks import FakeWebhookDecoder
from headway_testing.fakes.worktrees import (
    FakeGit,
    FakeWorktree,
    FakeWorktrees,
)

__all__ = [
    "NOT_FOUND",
    "Asked",
    "FakeAgents",
    "FakeEffects",
    "FakeForgeHosts",
    "FakeForgeReader",
    "FakeForgeWriter",
    "FakeGit",
    "FakeIssueReader",
    "FakeLocks",
    "FakeProcesses",
    "FakeScripts",
    "FakeSupervisor",
    "FakeWebhookDecoder",
    "FakeWorktree",
    "FakeWorktrees",
]
