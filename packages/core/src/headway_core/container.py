"""The wiring of core: every port a dependency, every table's write port given to one owner.

A container constructs; it runs nothing. Adapters fill the dependencies; tests and embedders override
them in a fresh container, before anything is resolved.
"""

from typing import Any

from dependency_injector import containers, providers

from headway_core import ratchet as ratchet_room
from headway_core.board import BoardService
from headway_core.board.service import BoardTables
from headway_core.forge_actions import (
    FORGE_ACTIONS,
    AgentOutputConsumer,
    ForgeActionDuty,
    ForgeActionService,
    ForgeWriter,
)
from headway_core.hosts import HOSTS, HOSTS_SEEN, HostService, HostSteps
from headway_core.kernel.claims import Claims
from headway_core.kernel.consumers import CONSUMER_POSITIONS, ConsumerDuty, EventReader
from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.feed import EventFeed
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.retention import Retention, RetentionDuty
from headway_core.kernel.store import Store
from headway_core.kernel.tables import OwnedTable, ReadTable, TableSpec
from headway_core.operations import (
    ArchiveService,
    BranchConsumer,
    BranchService,
    HostDuty,
    HostHeartbeat,
    IssueReader,
    MovingService,
    ProvisioningService,
    RecoveryService,
    WorkspaceCreationService,
    WorkspaceDuty,
    WorktreePaths,
)
from headway_core.projects import PROJECTS, ProjectService, ProjectSteps
from headway_core.pull_requests import (
    DELIVERIES,
    FORGE_BUDGETS,
    SNAPSHOTS,
    WATCHES,
    ForgeBudgets,
    HookDuty,
    HookService,
    NamedPullRequestsConsumer,
    PRSnapshotService,
    PullRequestConsumer,
    PullRequestRepository,
    PullRequests,
    WatchDuty,
)
from headway_core.sessions import (
    Agents,
    FixerSessionService,
    SessionDuty,
    SessionExecutor,
    SessionService,
    Supervisor,
)
from headway_core.sessions.model import PROMPTS, SESSION_ACTIVITY, SESSIONS
from headway_core.settings import SETTINGS, SettingsService, SettingsSteps
from headway_core.workspaces import (
    GIT_FACTS,
    INIT_OUTPUT,
    WORKSPACES,
    InitOutputSteps,
    WorkspaceLifecycleService,
    WorkspaceSteps,
)
from headway_core.workspaces.ports import Scripts, Worktrees


def reader_of(store: Store, spec: TableSpec[Any]) -> ReadTable[Any]:
    """The read port of a table."""
    return store.reader(spec)


def writer_of(store: Store, spec: TableSpec[Any]) -> OwnedTable[Any]:
    """The write port of a table: each is given to exactly one service below (law 1)."""
    return store.writer(spec)


def claims_of(store: Store, kind: str) -> Claims:
    """The claims of one kind: each is given to exactly one service below (law 1)."""
    return store.claims(kind)


class CoreContainer(containers.DeclarativeContainer):
    """Core, joined."""

    # What adapters fill in
    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    scripts = providers.Dependency(instance_of=Scripts)
    agents = providers.Dependency(instance_of=Agents)
    supervisor = providers.Dependency(instance_of=Supervisor)
    forge = providers.Dependency(instance_of=PullRequests)
    forge_writer = providers.Dependency(instance_of=ForgeWriter)
    issues = providers.Dependency(instance_of=IssueReader)
    worktrees_root = providers.Dependency(instance_of=str)

    # What embedders may set otherwise
    retention = providers.Object(Retention())

    ledger = store.provided.ledger
    events = store.provided.events

    # Read ports: for everybody
    read_hosts = providers.Singleton(reader_of, store, HOSTS)
    read_projects = providers.Singleton(reader_of, store, PROJECTS)
    read_workspaces = providers.Singleton(reader_of, store, WORKSPACES)
    read_git_facts = providers.Singleton(reader_of, store, GIT_FACTS)
    read_sessions = providers.Singleton(reader_of, store, SESSIONS)
    read_prompts = providers.Singleton(reader_of, store, PROMPTS)
    read_activity = providers.Singleton(reader_of, store, SESSION_ACTIVITY)
    read_settings = providers.Singleton(reader_of, store, SETTINGS)
    read_snapshots = providers.Singleton(reader_of, store, SNAPSHOTS)
    read_watches = providers.Singleton(reader_of, store, WATCHES)
    read_budgets = providers.Singleton(reader_of, store, FORGE_BUDGETS)
    read_actions = providers.Singleton(reader_of, store, FORGE_ACTIONS)
    read_ratchets = providers.Singleton(reader_of, store, ratchet_room.RATCHETS)
    read_dispatches = providers.Singleton(reader_of, store, ratchet_room.DISPATCHES)
    read_wakes = providers.Singleton(reader_of, store, ratchet_room.WAKES)

    # Write ports: one consumer each
    write_hosts = providers.Singleton(writer_of, store, HOSTS)
    write_hosts_seen = providers.Singleton(writer_of, store, HOSTS_SEEN)
    write_positions = providers.Singleton(writer_of, store, CONSUMER_POSITIONS)
    write_settings = providers.Singleton(writer_of, store, SETTINGS)
    write_projects = providers.Singleton(writer_of, store, PROJECTS)
    write_workspaces = providers.Singleton(writer_of, store, WORKSPACES)
    write_init_output = providers.Singleton(writer_of, store, INIT_OUTPUT)
    write_git_facts = providers.Singleton(writer_of, store, GIT_FACTS)
    write_sessions = providers.Singleton(writer_of, store, SESSIONS)
    write_prompts = providers.Singleton(writer_of, store, PROMPTS)
    write_activity = providers.Singleton(writer_of, store, SESSION_ACTIVITY)
    write_snapshots = providers.Singleton(writer_of, store, SNAPSHOTS)
    write_watches = providers.Singleton(writer_of, store, WATCHES)
    write_budgets = providers.Singleton(writer_of, store, FORGE_BUDGETS)
    write_deliveries = providers.Singleton(writer_of, store, DELIVERIES)
    write_actions = providers.Singleton(writer_of, store, FORGE_ACTIONS)
    write_ratchets = providers.Singleton(writer_of, store, ratchet_room.RATCHETS)
    write_dispatches = providers.Singleton(writer_of, store, ratchet_room.DISPATCHES)
    write_wakes = providers.Singleton(writer_of, store, ratchet_room.WAKES)
    write_fixer_slots = providers.Singleton(writer_of, store, ratchet_room.FIXER_SLOTS)

    # Claims: one consumer each
    claim_fetches = providers.Singleton(claims_of, store, "fetch")

    feed = providers.Singleton(EventFeed, ledger, events)

    # Owners
    event_reader = providers.Singleton(EventReader, ledger, events, write_positions)
    host_steps = providers.Singleton(HostSteps, write_hosts, write_hosts_seen)
    hosts = providers.Singleton(HostService, ledger, host_steps, locks)
    settings_steps = providers.Singleton(SettingsSteps, write_settings)
    settings = providers.Singleton(SettingsService, ledger, settings_steps)
    project_steps = providers.Singleton(ProjectSteps, write_projects)
    projects = providers.Singleton(ProjectService, ledger, project_steps, worktrees)
    workspace_steps = providers.Singleton(WorkspaceSteps, write_workspaces, write_git_facts)
    init_output_steps = providers.Singleton(InitOutputSteps, write_init_output, workspace_steps)
    lifecycle = providers.Singleton(WorkspaceLifecycleService, ledger, workspace_steps, init_output_steps)
    sessions = providers.Singleton(
        SessionService,
        ledger=ledger,
        sessions=write_sessions,
        prompts=write_prompts,
        activity=write_activity,
        workspaces=workspace_steps,
        settings=settings_steps,
    )
    fixers = providers.Singleton(FixerSessionService, ledger, sessions, read_hosts)
    executor = providers.Singleton(
        SessionExecutor,
        ledger=ledger,
        sessions=sessions,
        session_rows=read_sessions,
        prompts=read_prompts,
        supervisor=supervisor,
        agents=agents,
        locks=locks,
    )
    forge_budgets = providers.Singleton(ForgeBudgets, write_budgets)
    pull_request_repository = providers.Singleton(
        PullRequestRepository,
        snapshots=write_snapshots,
        watches=write_watches,
        claims=claim_fetches,
        budgets=forge_budgets,
        workspaces=read_workspaces,
        projects=read_projects,
        git_facts=read_git_facts,
        settings=read_settings,
    )
    pull_requests = providers.Singleton(
        PRSnapshotService,
        ledger,
        records=pull_request_repository,
        budgets=forge_budgets,
        forge=forge,
        locks=locks,
    )
    hooks = providers.Singleton(
        HookService,
        ledger,
        deliveries=write_deliveries,
        projects=read_projects,
        workspaces=read_workspaces,
        snapshots=read_snapshots,
        pull_requests=pull_requests,
    )
    forge_actions = providers.Singleton(
        ForgeActionService,
        ledger=ledger,
        actions=write_actions,
        snapshots=read_snapshots,
        pull_requests=pull_requests,
    )
    ratchet_tables = providers.Singleton(
        ratchet_room.RatchetTables,
        hosts=read_hosts,
        workspaces=read_workspaces,
        projects=read_projects,
        git_facts=read_git_facts,
        snapshots=read_snapshots,
        watches=read_watches,
        sessions=read_sessions,
        activity=read_activity,
        actions=read_actions,
        ratchets=read_ratchets,
        dispatches=read_dispatches,
    )
    ratchet_dispatches = providers.Singleton(
        ratchet_room.DispatchSteps, dispatches=write_dispatches, tables=ratchet_tables, sessions=sessions
    )
    ratchet_steps = providers.Singleton(
        ratchet_room.RatchetSteps,
        ratchets=write_ratchets,
        wakes=write_wakes,
        slots=write_fixer_slots,
        tables=ratchet_tables,
        settings=settings_steps,
        dispatches=ratchet_dispatches,
        fixers=fixers,
        pull_requests=pull_requests,
    )
    ratchet = providers.Singleton(ratchet_room.RatchetService, ledger, ratchet_steps)

    # Operations and views: no table of their own
    worktree_paths = providers.Singleton(WorktreePaths, worktrees_root)
    creation = providers.Singleton(
        WorkspaceCreationService,
        ledger,
        settings=settings_steps,
        projects=project_steps,
        workspaces=workspace_steps,
        pull_requests=pull_requests,
        ratchet=ratchet_steps,
        sessions=sessions,
        worktrees=worktrees,
        issues=issues,
    )
    provisioning = providers.Singleton(
        ProvisioningService,
        ledger,
        projects=read_projects,
        sessions=read_sessions,
        workspaces=workspace_steps,
        output=init_output_steps,
        locks=locks,
        worktrees=worktrees,
        scripts=scripts,
        hosts=read_hosts,
        worktree_paths=worktree_paths,
    )
    branches = providers.Singleton(
        BranchService,
        ledger,
        workspaces=workspace_steps,
        projects=read_projects,
        snapshots=read_snapshots,
        git_facts=read_git_facts,
        worktrees=worktrees,
    )
    archive = providers.Singleton(
        ArchiveService,
        ledger,
        projects=read_projects,
        workspaces=workspace_steps,
        sessions=sessions,
        executor=executor,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    heartbeat = providers.Singleton(HostHeartbeat, hosts, executor)
    moving = providers.Singleton(
        MovingService, ledger, hosts=read_hosts, workspaces=workspace_steps, sessions=sessions, locks=locks
    )
    recovery = providers.Singleton(
        RecoveryService,
        ledger,
        workspaces=workspace_steps,
        projects=read_projects,
        provisioning=provisioning,
        archive=archive,
        executor=executor,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    board = providers.Singleton(
        BoardService,
        ledger=ledger,
        settings=settings_steps,
        tables=providers.Singleton(
            BoardTables,
            hosts=read_hosts,
            projects=read_projects,
            workspaces=read_workspaces,
            snapshots=read_snapshots,
            watches=read_watches,
            ratchets=read_ratchets,
            sessions=read_sessions,
            activity=read_activity,
            prompts=read_prompts,
            budgets=read_budgets,
        ),
    )

    # Duties of a runner
    worktree_facts = providers.Singleton(
        ratchet_room.WorktreeFacts,
        ledger=ledger,
        worktrees=worktrees,
        workspaces=workspace_steps,
        locks=locks,
    )
    pull_request_consumer = providers.Singleton(PullRequestConsumer, pull_requests)
    ratchet_consumer = providers.Singleton(ratchet_room.RatchetConsumer, ratchet_steps)
    agent_output = providers.Singleton(
        AgentOutputConsumer,
        ledger=ledger,
        service=forge_actions,
        settings=settings_steps,
        sessions=read_sessions,
        workspaces=read_workspaces,
        snapshots=read_snapshots,
        supervisor=supervisor,
        locks=locks,
    )
    branch_consumer = providers.Singleton(BranchConsumer, branches)
    named_pull_requests = providers.Singleton(
        NamedPullRequestsConsumer,
        ledger=ledger,
        service=pull_requests,
        workspaces=read_workspaces,
        projects=read_projects,
        supervisor=supervisor,
        locks=locks,
    )
    duties = providers.List(
        providers.Singleton(HostDuty, heartbeat, hosts),
        providers.Singleton(
            WorkspaceDuty,
            ledger,
            workspaces=read_workspaces,
            provisioning=provisioning,
            archive=archive,
            locks=locks,
        ),
        providers.Singleton(SessionDuty, executor),
        providers.Singleton(WatchDuty, pull_requests),
        providers.Singleton(
            ForgeActionDuty,
            ledger=ledger,
            service=forge_actions,
            actions=read_actions,
            workspaces=read_workspaces,
            projects=read_projects,
            writer=forge_writer,
            locks=locks,
        ),
        providers.Singleton(
            ratchet_room.RatchetDuty,
            ledger=ledger,
            ratchet=ratchet,
            settings=settings_steps,
            tables=ratchet_tables,
            wakes=read_wakes,
            worktree_facts=worktree_facts,
            locks=locks,
        ),
        providers.Singleton(ConsumerDuty, pull_request_consumer, event_reader),
        providers.Singleton(ConsumerDuty, named_pull_requests, event_reader),
        providers.Singleton(ConsumerDuty, branch_consumer, event_reader),
        providers.Singleton(HookDuty, hooks),
        providers.Singleton(ConsumerDuty, agent_output, event_reader),
        providers.Singleton(ConsumerDuty, ratchet_consumer, event_reader),
        providers.Singleton(
            RetentionDuty,
            ledger,
            events=events,
            pruner=store.provided.pruner,
            reader=event_reader,
            consumers=providers.List(
                pull_request_consumer, named_pull_requests, branch_consumer, agent_output, ratchet_consumer
            ),
            retention=retention,
        ),
    )
    runner = providers.Factory(DutyRunner, ledger, duties)
