"""Headway on one machine: git worktrees, start-up scripts, supervised agents, locks, time and ids."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_local.agents import AgentProgram, ConfiguredAgents
    from headway_local.container import LocalContainer
    from headway_local.git import Git
    from headway_local.hosts import LocalHost
    from headway_local.scripts import ShellScripts
    from headway_local.supervisor import LocalSupervisor
    from headway_local.system import RandomIds, SystemClock
    from headway_local.worktrees import GitWorktrees
else:
    __getattr__ = lazy_exports(
        __name__, "system", "hosts", "agents", "container", "git", "scripts", "supervisor", "worktrees"
    )

__all__ = [
    "AgentProgram",
    "ConfiguredAgents",
    "Git",
    "GitWorktrees",
    "LocalContainer",
    "LocalHost",
    "LocalSupervisor",
    "RandomIds",
    "ShellScripts",
    "SystemClock",
]
