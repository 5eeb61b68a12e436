"""What tests of Headway, and of what is built on it, stand on.

`Harness` is the whole of core over fakes; `fakes` has one of every port; `contracts` has the suite of every
port, for adapters of one's own. The plugin of pytest (`headway_testing.plugin`) gives fixtures.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway_testing.clock import EPOCH, ManualClock, SequentialIds
    from headway_testing.crash_points import Crash, CrashPoints
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
    from headway_testing.harness import Harness, World
    from headway_testing.observations import a_candidate, a_check, an_observation
    from headway_testing.records import a_project, a_workspace

_HOMES = {
    "EPOCH": "clock",
    "Crash": "crash_points",
    "CrashPoints": "crash_points",
    "FakeAgents": "fakes",
    "FakeProcesses": "fakes",
    "FakeGit": "fakes",
    "FakeEffects": "fakes",
    "FakeForgeReader": "fakes",
    "FakeForgeWriter": "fakes",
    "FakeIssueReader": "fakes",
    "FakeLocks": "fakes",
    "FakeScripts": "fakes",
    "FakeSupervisor": "fakes",
    "FakeWebhookDecoder": "fakes",
    "FakeWorktrees": "fakes",
    "Harness": "harness",
    "ManualClock": "clock",
    "SequentialIds": "clock",
    "World": "harness",
    "a_candidate": "observations",
    "a_check": "observations",
    "a_project": "records",
    "a_workspace": "records",
    "an_observation": "observations",
}
"""Imported when they are used first: pytest loads the plugin also where no test needs Headway."""

__all__ = [
    "EPOCH",
    "Crash",
    "CrashPoints",
    "FakeAgents",
    "FakeEffects",
    "FakeForgeReader",
    "FakeForgeWriter",
    "FakeGit",
    "FakeIssueReader",
    "FakeLocks",
    "FakeProcesses",
    "FakeScripts",
    "FakeSupervisor",
    "FakeWebhookDecoder",
    "FakeWorktrees",
    "Harness",
    "ManualClock",
    "SequentialIds",
    "World",
    "a_candidate",
    "a_check",
    "a_project",
    "a_workspace",
    "an_observation",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
