"""Headway on one machine: git worktrees, start-up scripts, supervised agents, locks, time and ids."""

from headway_local.agents import AgentProgram, ConfiguredAgents
from headway_local.container import LocalContainer
from headway_local.hosts import LocalHost
from headway_local.scripts import ShellScripts
from headway_local.supervisor import LocalSupervisor
from headway_local.system import RandomIds, SystemClock
from headway_local.worktrees import GitWorktrees

__all__ = [
    "AgentProgram",
    "ConfiguredAgents",
    "GitWorktrees",
    "LocalContainer",
    "LocalHost",
    "LocalSupervisor",
    "RandomIds",
    "ShellScripts",
    "SystemClock",
]
