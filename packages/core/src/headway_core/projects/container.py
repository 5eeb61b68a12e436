"""The wiring of the projects."""

from dependency_injector import containers, providers

from headway_core import projects
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.projects.model import PROJECTS
from headway_core.projects.ports import AnyHost, ForgeHosts, Repositories


class ProjectsContainer(containers.DeclarativeContainer):
    """Registered repositories."""

    store = providers.Dependency(instance_of=Store)
    repositories = providers.Dependency(instance_of=Repositories)
    forge_hosts = providers.Dependency(instance_of=ForgeHosts, default=AnyHost())

    read_projects = reader(store, PROJECTS)
    write_projects = writer(store, PROJECTS)

    steps = singleton(lambda: projects.ProjectSteps, write_projects)
    service = singleton(
        lambda: projects.ProjectService, store.provided.ledger, steps, repositories, forge_hosts
    )
