"""The wiring of the workspaces."""

from dependency_injector import containers, providers

from headway_core import workspaces
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.workspaces.model import GIT_FACTS, INIT_OUTPUT, WORKSPACES
from headway_core.workspaces.ports import Worktrees


class WorkspacesContainer(containers.DeclarativeContainer):
    """Workspaces with their lifecycle, what their provisioning printed, and what git said of them."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    read_projects = providers.Dependency(instance_of=ReadTable)

    read_workspaces = reader(store, WORKSPACES)
    read_git_facts = reader(store, GIT_FACTS)
    write_workspaces = writer(store, WORKSPACES)
    write_init_output = writer(store, INIT_OUTPUT)
    write_git_facts = writer(store, GIT_FACTS)

    claims = singleton(lambda: workspaces.WorkspaceClaims, read_workspaces, read_projects)
    steps = singleton(lambda: workspaces.WorkspaceSteps, write_workspaces, write_git_facts, claims)
    git_reader = singleton(
        lambda: workspaces.GitReader, ledger=store.provided.ledger, worktrees=worktrees, locks=locks
    )
    output_steps = singleton(lambda: workspaces.InitOutputSteps, write_init_output, steps)
    service = singleton(
        lambda: workspaces.WorkspaceLifecycleService, store.provided.ledger, steps, output_steps
    )
