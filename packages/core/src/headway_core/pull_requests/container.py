"""The wiring of the pull requests."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import pull_requests
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import claims, reader, singleton, writer
from headway_core.processes import Supervisor
from headway_core.pull_requests.deliveries import DELIVERIES
from headway_core.pull_requests.limits import FORGE_BUDGETS
from headway_core.pull_requests.model import SNAPSHOTS, WATCHES
from headway_core.pull_requests.ports import ForgeReader, WebhookDecoder

if TYPE_CHECKING:
    from headway_core.workspaces.git_reader import GitReader
    from headway_core.workspaces.steps import WorkspaceSteps


class PullRequestsContainer(containers.DeclarativeContainer):
    """Snapshots of pull requests, what is known of a forge's budgets, and webhook deliveries."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    forge = providers.Dependency(instance_of=ForgeReader)
    webhook_decoder = providers.Dependency(instance_of=WebhookDecoder)
    supervisor = providers.Dependency(instance_of=Supervisor)
    git_reader: "providers.Dependency[GitReader]" = providers.Dependency()
    workspaces: "providers.Dependency[WorkspaceSteps]" = providers.Dependency()
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_git_facts = providers.Dependency(instance_of=ReadTable)
    read_settings = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    read_snapshots = reader(store, SNAPSHOTS)
    read_watches = reader(store, WATCHES)
    read_budgets = reader(store, FORGE_BUDGETS)
    write_snapshots = writer(store, SNAPSHOTS)
    write_watches = writer(store, WATCHES)
    write_budgets = writer(store, FORGE_BUDGETS)
    write_deliveries = writer(store, DELIVERIES)
    claim_fetches = claims(store, "fetch")

    budgets = singleton(lambda: pull_requests.ForgeBudgets, write_budgets)
    repository = singleton(
        lambda: pull_requests.PullRequestRepository,
        snapshots=write_snapshots,
        watches=write_watches,
        workspaces=read_workspaces,
        projects=read_projects,
        git_facts=read_git_facts,
        settings=read_settings,
    )
    steps = singleton(lambda: pull_requests.PullRequestSteps, repository)
    fetches = singleton(lambda: pull_requests.FetchSteps, repository, claim_fetches, budgets)
    outcomes = singleton(lambda: pull_requests.OutcomeSteps, repository, fetches, budgets)
    service = singleton(
        lambda: pull_requests.PRSnapshotService,
        ledger,
        repository=repository,
        steps=steps,
        fetches=fetches,
        outcomes=outcomes,
        budgets=budgets,
        forge=forge,
        locks=locks,
    )
    webhook_steps = singleton(
        lambda: pull_requests.WebhookSteps,
        deliveries=write_deliveries,
        projects=read_projects,
        workspaces=read_workspaces,
        snapshots=read_snapshots,
        pull_requests=steps,
    )
    webhooks = singleton(lambda: pull_requests.WebhookService, ledger, webhook_steps, webhook_decoder)
    duty = singleton(lambda: pull_requests.WatchDuty, service)
    webhook_duty = singleton(lambda: pull_requests.WebhookDuty, webhooks)
    consumer = singleton(lambda: pull_requests.PullRequestConsumer, steps)
    named_consumer = singleton(
        lambda: pull_requests.NamedPullRequestsConsumer,
        ledger=ledger,
        steps=steps,
        workspaces=read_workspaces,
        projects=read_projects,
        git_reader=git_reader,
        workspace_steps=workspaces,
        supervisor=supervisor,
        locks=locks,
    )
