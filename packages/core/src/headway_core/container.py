"""The wiring of core: every port a dependency, every room a container of its own, joined here.

A container constructs; it runs nothing. Adapters fill the dependencies; tests and embedders override
them in a fresh container, before anything is resolved.
"""

from dependency_injector import containers, providers

from headway_core.api.container import ApiContainer
from headway_core.board.container import BoardContainer
from headway_core.forge_actions.container import ForgeActionsContainer
from headway_core.forge_actions.ports import ForgeWriter
from headway_core.hosts.container import HostsContainer
from headway_core.kernel.consumers import ConsumerDuty
from headway_core.kernel.container import EventsContainer
from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.retention import Retention
from headway_core.kernel.store import Store
from headway_core.kernel.wiring import room
from headway_core.operations.container import OperationsContainer
from headway_core.operations.ports import IssueReader
from headway_core.processes import Supervisor
from headway_core.projects.container import ProjectsContainer
from headway_core.projects.ports import AnyHost, ForgeHosts
from headway_core.pull_requests.container import PullRequestsContainer
from headway_core.pull_requests.ports import ForgeReader, WebhookDecoder
from headway_core.ratchet.container import RatchetContainer
from headway_core.sessions.container import SessionsContainer
from headway_core.sessions.ports import Agents
from headway_core.settings.container import SettingsContainer
from headway_core.workspaces.container import WorkspacesContainer
from headway_core.workspaces.ports import Scripts, Worktrees


class CoreContainer(containers.DeclarativeContainer):
    """Core, joined: `core.sessions.service()`, `core.ratchet.service()`, …"""

    # What adapters fill in
    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    scripts = providers.Dependency(instance_of=Scripts)
    agents = providers.Dependency(instance_of=Agents)
    supervisor = providers.Dependency(instance_of=Supervisor)
    forge = providers.Dependency(instance_of=ForgeReader)
    forge_hosts = providers.Dependency(instance_of=ForgeHosts, default=AnyHost())
    webhook_decoder = providers.Dependency(instance_of=WebhookDecoder)
    forge_writer = providers.Dependency(instance_of=ForgeWriter)
    issues = providers.Dependency(instance_of=IssueReader)
    worktrees_root = providers.Dependency(instance_of=str)

    # What embedders may set otherwise
    retention = providers.Object(Retention())

    ledger = store.provided.ledger

    # The rooms, each with what it reads and composes of those above it
    hosts = room(HostsContainer, store=store, locks=locks)
    settings = room(SettingsContainer, store=store)
    projects = room(ProjectsContainer, store=store, repositories=worktrees, forge_hosts=forge_hosts)
    workspaces = room(
        WorkspacesContainer,
        store=store,
        locks=locks,
        worktrees=worktrees,
        read_projects=projects.read_projects,
    )
    sessions = room(
        SessionsContainer,
        store=store,
        locks=locks,
        agents=agents,
        supervisor=supervisor,
        settings=settings.steps,
        workspaces=workspaces.steps,
        read_hosts=hosts.read_hosts,
        read_workspaces=workspaces.read_workspaces,
    )
    pull_requests = room(
        PullRequestsContainer,
        store=store,
        locks=locks,
        forge=forge,
        webhook_decoder=webhook_decoder,
        supervisor=supervisor,
        git_reader=workspaces.git_reader,
        workspaces=workspaces.steps,
        read_projects=projects.read_projects,
        read_workspaces=workspaces.read_workspaces,
        read_git_facts=workspaces.read_git_facts,
        read_settings=settings.read_settings,
    )
    forge_actions = room(
        ForgeActionsContainer,
        store=store,
        locks=locks,
        forge_writer=forge_writer,
        supervisor=supervisor,
        claims=workspaces.claims,
        git_reader=workspaces.git_reader,
        settings=settings.steps,
        pull_requests=pull_requests.steps,
        read_projects=projects.read_projects,
        read_workspaces=workspaces.read_workspaces,
        read_snapshots=pull_requests.read_snapshots,
    )
    ratchet = room(
        RatchetContainer,
        store=store,
        locks=locks,
        git_reader=workspaces.git_reader,
        worktrees=worktrees,
        settings=settings.steps,
        workspaces=workspaces.steps,
        sessions=sessions.steps,
        fixers=sessions.fixer_steps,
        pull_requests=pull_requests.steps,
        read_hosts=hosts.read_hosts,
        read_projects=projects.read_projects,
        read_workspaces=workspaces.read_workspaces,
        read_git_facts=workspaces.read_git_facts,
        read_sessions=sessions.read_sessions,
        read_activity=sessions.read_activity,
        read_snapshots=pull_requests.read_snapshots,
        read_watches=pull_requests.read_watches,
        read_actions=forge_actions.read_actions,
    )
    operations = room(
        OperationsContainer,
        store=store,
        locks=locks,
        worktrees=worktrees,
        worktrees_root=worktrees_root,
        scripts=scripts,
        issues=issues,
        hosts=hosts.service,
        settings=settings.steps,
        projects=projects.steps,
        workspaces=workspaces.steps,
        output=workspaces.output_steps,
        sessions=sessions.steps,
        executor=sessions.executor,
        pull_requests=pull_requests.steps,
        ratchet=ratchet.steps,
        read_hosts=hosts.read_hosts,
        read_projects=projects.read_projects,
        read_workspaces=workspaces.read_workspaces,
        read_git_facts=workspaces.read_git_facts,
        read_sessions=sessions.read_sessions,
        read_snapshots=pull_requests.read_snapshots,
    )
    board = room(
        BoardContainer,
        store=store,
        settings=settings.steps,
        read_hosts=hosts.read_hosts,
        read_projects=projects.read_projects,
        read_workspaces=workspaces.read_workspaces,
        read_sessions=sessions.read_sessions,
        read_prompts=sessions.read_prompts,
        read_activity=sessions.read_activity,
        read_snapshots=pull_requests.read_snapshots,
        read_watches=pull_requests.read_watches,
        read_budgets=pull_requests.read_budgets,
        read_ratchets=ratchet.read_ratchets,
        read_actions=forge_actions.read_actions,
    )
    events = room(
        EventsContainer,
        store=store,
        retention=retention,
        consumers=providers.List(
            pull_requests.consumer,
            pull_requests.named_consumer,
            operations.branch_consumer,
            forge_actions.agent_output,
            ratchet.consumer,
        ),
    )

    # What a runner does again and again
    duties = providers.List(
        operations.host_duty,
        operations.workspace_duty,
        operations.worktree_duty,
        sessions.duty,
        sessions.files_duty,
        pull_requests.duty,
        forge_actions.duty,
        ratchet.duty,
        providers.Singleton(ConsumerDuty, pull_requests.consumer, events.reader),
        providers.Singleton(ConsumerDuty, pull_requests.named_consumer, events.reader),
        providers.Singleton(ConsumerDuty, operations.branch_consumer, events.reader),
        pull_requests.webhook_duty,
        providers.Singleton(ConsumerDuty, forge_actions.agent_output, events.reader),
        providers.Singleton(ConsumerDuty, ratchet.consumer, events.reader),
        events.retention_duty,
    )
    runner = providers.Factory(DutyRunner, ledger, duties)

    # What callers use
    api = room(
        ApiContainer,
        locks=locks,
        agents=agents,
        feed=events.feed,
        duties=runner,
        hosts=hosts.service,
        settings=settings.service,
        projects=projects.service,
        lifecycle=workspaces.service,
        sessions=sessions.service,
        session_output=sessions.output,
        fixers=sessions.fixers,
        pull_requests=pull_requests.service,
        webhooks=pull_requests.webhooks,
        forge_actions=forge_actions.service,
        ratchet=ratchet.service,
        board=board.service,
        creation=operations.creation,
        provisioning=operations.provisioning,
        archive=operations.archive,
        moving=operations.moving,
        removal=operations.removal,
        branch_prefixes=operations.branch_prefixes,
        preserving=operations.preserving,
        branches=operations.branches,
        recovery=operations.recovery,
        heartbeat=operations.heartbeat,
    ).headway
