"""The room of pull requests on any store, without the rest of the harness."""

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    DELIVERIES,
    FORGE_BUDGETS,
    SNAPSHOTS,
    WATCHES,
    ForgeBudgets,
    HookService,
    PRSnapshotService,
    PullRequestRepository,
    PullRequests,
)
from headway_core.settings.model import SETTINGS
from headway_core.workspaces.model import GIT_FACTS, WORKSPACES
from headway_testing.fakes import FakeLocks


def pull_requests_on(
    store: Store, forge: PullRequests, *, locks: HostLocks | None = None
) -> PRSnapshotService:
    """The service of one process. Several on one store are several processes: they share no memory."""
    budgets = ForgeBudgets(store.writer(FORGE_BUDGETS))
    records = PullRequestRepository(
        snapshots=store.writer(SNAPSHOTS),
        watches=store.writer(WATCHES),
        claims=store.claims("fetch"),
        budgets=budgets,
        workspaces=store.reader(WORKSPACES),
        projects=store.reader(PROJECTS),
        git_facts=store.reader(GIT_FACTS),
        settings=store.reader(SETTINGS),
    )
    return PRSnapshotService(
        store.ledger, records=records, budgets=budgets, forge=forge, locks=locks or FakeLocks()
    )


def hooks_on(store: Store, pull_requests: PRSnapshotService) -> HookService:
    """The service of webhook deliveries."""
    return HookService(
        store.ledger,
        deliveries=store.writer(DELIVERIES),
        projects=store.reader(PROJECTS),
        workspaces=store.reader(WORKSPACES),
        snapshots=store.reader(SNAPSHOTS),
        pull_requests=pull_requests,
    )
