"""Constructs the adapters of this host; runs nothing."""

from pathlib import Path

from dependency_injector import containers, providers

from headway_local.agents import ConfiguredAgents, ReadAgain
from headway_local.git import Git
from headway_local.hosts import LocalHost
from headway_local.scripts import ShellScripts
from headway_local.supervisor import LocalSupervisor
from headway_local.system import RandomIds, SystemClock
from headway_local.worktrees import GitWorktrees


class LocalContainer(containers.DeclarativeContainer):
    """`data_dir` and `programs` (agents by name: `dict[str, AgentProgram]`) are given; `read_programs_again`
    may be: see `ConfiguredAgents`.
    """

    data_dir = providers.Dependency(instance_of=Path)
    programs = providers.Dependency(instance_of=dict)
    read_programs_again: providers.Provider[ReadAgain | None] = providers.Object(None)

    git = providers.Singleton(Git)
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    host = providers.Singleton(LocalHost, data_dir)
    worktrees = providers.Singleton(GitWorktrees, git)
    scripts = providers.Singleton(ShellScripts)
    agents = providers.Singleton(ConfiguredAgents, programs, read_programs_again)
    supervisor = providers.Singleton(LocalSupervisor, data_dir)
