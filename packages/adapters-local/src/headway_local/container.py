"""Constructs the adapters of this host; runs nothing."""

from pathlib import Path

from dependency_injector import containers, providers

from headway_local.agents import ConfiguredAgents
from headway_local.git import Git
from headway_local.hosts import LocalHost
from headway_local.scripts import ShellScripts
from headway_local.supervisor import LocalSupervisor
from headway_local.system import RandomIds, SystemClock
from headway_local.worktrees import GitWorktrees


class LocalContainer(containers.DeclarativeContainer):
    """`config.data_dir` (a path) and `programs` (agents by name: `Mapping[str, AgentProgram]`) are given."""

    config = providers.Configuration(strict=True)
    programs = providers.Dependency(instance_of=dict)

    data_dir = providers.Callable(Path, config.data_dir)
    git = providers.Singleton(Git)
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    host = providers.Singleton(LocalHost, data_dir)
    worktrees = providers.Singleton(GitWorktrees, git)
    scripts = providers.Singleton(ShellScripts)
    agents = providers.Singleton(ConfiguredAgents, programs)
    supervisor = providers.Singleton(LocalSupervisor, data_dir)
