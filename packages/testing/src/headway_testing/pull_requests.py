"""The room of pull requests on any store, without the rest of the harness.

What is made in two calls on one store is of two processes: they share no memory.
"""

from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.projects.model import PROJECTS
from headway_core.pull_requests import (
    ForgeReader,
    PRSnapshotService,
    PullRequestSteps,
    WebhookDecoder,
    WebhookService,
)
from headway_core.pull_requests.container import PullRequestsContainer
from headway_core.settings.model import SETTINGS
from headway_core.workspaces import GitReader, WorkspaceClaims, WorkspaceSteps
from headway_core.workspaces.model import GIT_FACTS, WORKSPACES
from headway_testing.fakes import (
    FakeForgeReader,
    FakeGit,
    FakeLocks,
    FakeProcesses,
    FakeSupervisor,
    FakeWebhookDecoder,
    FakeWorktrees,
)


def pull_requests_on(
    store: Store, forge: ForgeReader, *, locks: HostLocks | None = None
) -> PRSnapshotService:
    """The service that reads the forge."""
    return pull_requests_room(store, forge, locks=locks).service()


def pull_request_steps_on(store: Store) -> PullRequestSteps:
    """The steps that other rooms compose."""
    return pull_requests_room(store).steps()


def webhooks_on(store: Store, *, decoder: WebhookDecoder | None = None) -> WebhookService:
    """The service of webhook deliveries, with the steps that its hints take."""
    return pull_requests_room(store, decoder=decoder).webhooks()


def pull_requests_room(
    store: Store,
    forge: ForgeReader | None = None,
    *,
    locks: HostLocks | None = None,
    decoder: WebhookDecoder | None = None,
) -> PullRequestsContainer:
    """The room of one process: what is resolved of it shares its memory."""
    locks = locks or FakeLocks()
    worktrees = FakeWorktrees(FakeGit())
    return PullRequestsContainer(
        store=store,
        locks=locks,
        git_reader=GitReader(ledger=store.ledger, worktrees=worktrees, locks=locks),
        workspaces=WorkspaceSteps(
            store.writer(WORKSPACES),
            store.writer(GIT_FACTS),
            WorkspaceClaims(store.reader(WORKSPACES), store.reader(PROJECTS)),
        ),
        forge=forge or FakeForgeReader(),
        supervisor=FakeSupervisor(FakeProcesses()),
        webhook_decoder=decoder or FakeWebhookDecoder(),
        read_projects=store.reader(PROJECTS),
        read_workspaces=store.reader(WORKSPACES),
        read_git_facts=store.reader(GIT_FACTS),
        read_settings=store.reader(SETTINGS),
    )
