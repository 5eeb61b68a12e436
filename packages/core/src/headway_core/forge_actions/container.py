"""The wiring of what Headway does at a forge for agents and people."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import forge_actions
from headway_core.forge_actions.model import FORGE_ACTIONS
from headway_core.forge_actions.ports import ForgeWriter
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import reader, singleton, writer
from headway_core.processes import Supervisor

if TYPE_CHECKING:
    from headway_core.pull_requests.steps import PullRequestSteps
    from headway_core.settings.steps import SettingsSteps
    from headway_core.workspaces.claims import WorkspaceClaims
    from headway_core.workspaces.git_reader import GitReader


class ForgeActionsContainer(containers.DeclarativeContainer):
    """Intents to write to a forge."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    forge_writer = providers.Dependency(instance_of=ForgeWriter)
    supervisor = providers.Dependency(instance_of=Supervisor)
    settings: "providers.Dependency[SettingsSteps]" = providers.Dependency()
    pull_requests: "providers.Dependency[PullRequestSteps]" = providers.Dependency()
    claims: "providers.Dependency[WorkspaceClaims]" = providers.Dependency()
    git_reader: "providers.Dependency[GitReader]" = providers.Dependency()
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_snapshots = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    read_actions = reader(store, FORGE_ACTIONS)
    write_actions = writer(store, FORGE_ACTIONS)

    steps = singleton(
        lambda: forge_actions.ForgeActionSteps, actions=write_actions, pull_requests=pull_requests
    )
    service = singleton(
        lambda: forge_actions.ForgeActionService,
        ledger=ledger,
        steps=steps,
        actions=read_actions,
        snapshots=read_snapshots,
    )
    duty = singleton(
        lambda: forge_actions.ForgeActionDuty,
        ledger=ledger,
        steps=steps,
        actions=read_actions,
        workspaces=read_workspaces,
        projects=read_projects,
        writer=forge_writer,
        locks=locks,
    )
    agent_output = singleton(
        lambda: forge_actions.AgentOutputConsumer,
        ledger=ledger,
        steps=steps,
        settings=settings,
        workspaces=read_workspaces,
        snapshots=read_snapshots,
        projects=read_projects,
        claims=claims,
        git_reader=git_reader,
        supervisor=supervisor,
        locks=locks,
    )
