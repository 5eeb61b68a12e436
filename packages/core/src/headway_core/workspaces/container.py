"""The wiring of the workspaces."""

from dependency_injector import containers, providers

from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, writer
from headway_core.workspaces.model import GIT_FACTS, INIT_OUTPUT, WORKSPACES
from headway_core.workspaces.output import InitOutputSteps
from headway_core.workspaces.service import WorkspaceLifecycleService
from headway_core.workspaces.steps import WorkspaceSteps


class WorkspacesContainer(containers.DeclarativeContainer):
    """Workspaces with their lifecycle, what their provisioning printed, and what git said of them."""

    store = providers.Dependency(instance_of=Store)

    read_workspaces = reader(store, WORKSPACES)
    read_git_facts = reader(store, GIT_FACTS)
    write_workspaces = writer(store, WORKSPACES)
    write_init_output = writer(store, INIT_OUTPUT)
    write_git_facts = writer(store, GIT_FACTS)

    steps = providers.Singleton(WorkspaceSteps, write_workspaces, write_git_facts)
    output_steps = providers.Singleton(InitOutputSteps, write_init_output, steps)
    service = providers.Singleton(WorkspaceLifecycleService, store.provided.ledger, steps, output_steps)
