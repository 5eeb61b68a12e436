"""The room of pull requests on any store, without the rest of the harness."""

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    DELIVERIES,
    FORGE_BUDGETS,
    SNAPSHOTS,
    WATCHES,
    FetchSteps,
    ForgeBudgets,
    ForgeReader,
    OutcomeSteps,
    PRSnapshotService,
    PullRequestRepository,
    PullRequestSteps,
    WebhookDecoder,
    WebhookService,
    WebhookSteps,
)
from headway_core.settings.model import SETTINGS
from headway_core.workspaces.model import GIT_FACTS, WORKSPACES
from headway_testing.fakes import FakeLocks, FakeWebhookDecoder


def pull_requests_on(
    store: Store, forge: ForgeReader, *, locks: HostLocks | None = None
) -> PRSnapshotService:
    """The service of one process. Several on one store are several processes: they share no memory."""
    repository = _repository_on(store)
    budgets = ForgeBudgets(store.writer(FORGE_BUDGETS))
    fetches = FetchSteps(repository, store.claims("fetch"), budgets)
    return PRSnapshotService(
        store.ledger,
        repository=repository,
        steps=PullRequestSteps(repository),
        fetches=fetches,
        outcomes=OutcomeSteps(repository, fetches, budgets),
        budgets=budgets,
        forge=forge,
        locks=locks or FakeLocks(),
    )


def pull_request_steps_on(store: Store) -> PullRequestSteps:
    """The steps that other rooms compose."""
    return PullRequestSteps(_repository_on(store))


def webhooks_on(
    store: Store, pull_requests: PullRequestSteps, *, decoder: WebhookDecoder | None = None
) -> WebhookService:
    """The service of webhook deliveries, with the steps that its hints take."""
    steps = WebhookSteps(
        deliveries=store.writer(DELIVERIES),
        projects=store.reader(PROJECTS),
        workspaces=store.reader(WORKSPACES),
        snapshots=store.reader(SNAPSHOTS),
        pull_requests=pull_requests,
    )
    return WebhookService(store.ledger, steps, decoder or FakeWebhookDecoder())


def _repository_on(store: Store) -> PullRequestRepository:
    return PullRequestRepository(
        snapshots=store.writer(SNAPSHOTS),
        watches=store.writer(WATCHES),
        workspaces=store.reader(WORKSPACES),
        projects=store.reader(PROJECTS),
        git_facts=store.reader(GIT_FACTS),
        settings=store.reader(SETTINGS),
    )
