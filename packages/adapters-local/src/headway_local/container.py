"""Constructs the adapters of this host; runs nothing."""

from pathlib import Path
from typing import TYPE_CHECKING

from dependency_injector import containers, providers

import headway_local
from headway_core.kernel.wiring import singleton

if TYPE_CHECKING:
    from headway_local.agents import ReadAgain


class LocalContainer(containers.DeclarativeContainer):
    """`data_dir` and `programs` (agents by name: `dict[str, AgentProgram]`) are given; `read_programs_again`
    and `lfs_repositories` may be: see `ConfiguredAgents` and `Git`.
    """

    data_dir = providers.Dependency(instance_of=Path)
    programs = providers.Dependency(instance_of=dict)
    read_programs_again: "providers.Provider[ReadAgain | None]" = providers.Object(None)

    lfs_repositories: "providers.Provider[tuple[str, ...]]" = providers.Object(())

    git = singleton(lambda: headway_local.Git, lfs_repositories=lfs_repositories)
    clock = singleton(lambda: headway_local.SystemClock)
    ids = singleton(lambda: headway_local.RandomIds)
    host = singleton(lambda: headway_local.LocalHost, data_dir)
    worktrees = singleton(lambda: headway_local.GitWorktrees, git)
    scripts = singleton(lambda: headway_local.ShellScripts)
    agents = singleton(lambda: headway_local.ConfiguredAgents, programs, read_programs_again)
    supervisor = singleton(lambda: headway_local.LocalSupervisor, data_dir)
