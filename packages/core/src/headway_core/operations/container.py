"""The wiring of the operations, which hold no table and compose the owners of all."""

from dependency_injector import containers, providers

from headway_core.hosts.service import HostService
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.operations.archive import ArchiveService
from headway_core.operations.creation import WorkspaceCreationService
from headway_core.operations.duty import WorkspaceDuty
from headway_core.operations.following import BranchConsumer, BranchService
from headway_core.operations.heartbeat import HostDuty, HostHeartbeat
from headway_core.operations.moving import MovingService
from headway_core.operations.ports import IssueReader
from headway_core.operations.provisioning import ProvisioningService
from headway_core.operations.recovery import RecoveryService
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.steps import ProjectSteps
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.ratchet.steps import RatchetSteps
from headway_core.sessions.executor import SessionExecutor
from headway_core.sessions.service import SessionService
from headway_core.settings.steps import SettingsSteps
from headway_core.workspaces.output import InitOutputSteps
from headway_core.workspaces.ports import Scripts, Worktrees
from headway_core.workspaces.steps import WorkspaceSteps


class OperationsContainer(containers.DeclarativeContainer):
    """Create, provision, archive, move, recover."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    worktrees_root = providers.Dependency(instance_of=str)
    scripts = providers.Dependency(instance_of=Scripts)
    issues = providers.Dependency(instance_of=IssueReader)
    hosts = providers.Dependency(instance_of=HostService)
    settings = providers.Dependency(instance_of=SettingsSteps)
    projects = providers.Dependency(instance_of=ProjectSteps)
    workspaces = providers.Dependency(instance_of=WorkspaceSteps)
    output = providers.Dependency(instance_of=InitOutputSteps)
    sessions = providers.Dependency(instance_of=SessionService)
    executor = providers.Dependency(instance_of=SessionExecutor)
    pull_requests = providers.Dependency(instance_of=PRSnapshotService)
    ratchet = providers.Dependency(instance_of=RatchetSteps)
    read_hosts = providers.Dependency(instance_of=ReadTable)
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_git_facts = providers.Dependency(instance_of=ReadTable)
    read_sessions = providers.Dependency(instance_of=ReadTable)
    read_snapshots = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    worktree_paths = providers.Singleton(WorktreePaths, worktrees_root)
    creation = providers.Singleton(
        WorkspaceCreationService,
        ledger,
        settings=settings,
        projects=projects,
        workspaces=workspaces,
        pull_requests=pull_requests,
        ratchet=ratchet,
        sessions=sessions,
        worktrees=worktrees,
        issues=issues,
    )
    provisioning = providers.Singleton(
        ProvisioningService,
        ledger,
        projects=read_projects,
        sessions=read_sessions,
        workspaces=workspaces,
        output=output,
        locks=locks,
        worktrees=worktrees,
        scripts=scripts,
        hosts=read_hosts,
        worktree_paths=worktree_paths,
    )
    branches = providers.Singleton(
        BranchService,
        ledger,
        workspaces=workspaces,
        projects=read_projects,
        snapshots=read_snapshots,
        git_facts=read_git_facts,
        worktrees=worktrees,
    )
    archive = providers.Singleton(
        ArchiveService,
        ledger,
        projects=read_projects,
        workspaces=workspaces,
        sessions=sessions,
        executor=executor,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    heartbeat = providers.Singleton(HostHeartbeat, hosts, executor)
    moving = providers.Singleton(
        MovingService, ledger, hosts=read_hosts, workspaces=workspaces, sessions=sessions, locks=locks
    )
    recovery = providers.Singleton(
        RecoveryService,
        ledger,
        workspaces=workspaces,
        projects=read_projects,
        provisioning=provisioning,
        archive=archive,
        executor=executor,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    host_duty = providers.Singleton(HostDuty, heartbeat, hosts)
    workspace_duty = providers.Singleton(
        WorkspaceDuty,
        ledger,
        workspaces=read_workspaces,
        provisioning=provisioning,
        archive=archive,
        locks=locks,
    )
    branch_consumer = providers.Singleton(BranchConsumer, branches)
