"""The wiring of the operations, which hold no table and compose the owners of all."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import operations
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.store import Store
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.wiring import singleton
from headway_core.operations.ports import IssueReader
from headway_core.workspaces.ports import Scripts, Worktrees

if TYPE_CHECKING:
    from headway_core.hosts.service import HostService
    from headway_core.projects.steps import ProjectSteps
    from headway_core.pull_requests.steps import PullRequestSteps
    from headway_core.ratchet.steps import RatchetSteps
    from headway_core.sessions.executor import SessionExecutor
    from headway_core.sessions.steps import SessionSteps
    from headway_core.settings.steps import SettingsSteps
    from headway_core.workspaces.output import InitOutputSteps
    from headway_core.workspaces.steps import WorkspaceSteps


class OperationsContainer(containers.DeclarativeContainer):
    """Create, provision, archive, move, recover."""

    store = providers.Dependency(instance_of=Store)
    locks = providers.Dependency(instance_of=HostLocks)
    worktrees = providers.Dependency(instance_of=Worktrees)
    worktrees_root = providers.Dependency(instance_of=str)
    scripts = providers.Dependency(instance_of=Scripts)
    issues = providers.Dependency(instance_of=IssueReader)
    hosts: "providers.Dependency[HostService]" = providers.Dependency()
    settings: "providers.Dependency[SettingsSteps]" = providers.Dependency()
    projects: "providers.Dependency[ProjectSteps]" = providers.Dependency()
    workspaces: "providers.Dependency[WorkspaceSteps]" = providers.Dependency()
    output: "providers.Dependency[InitOutputSteps]" = providers.Dependency()
    sessions: "providers.Dependency[SessionSteps]" = providers.Dependency()
    executor: "providers.Dependency[SessionExecutor]" = providers.Dependency()
    pull_requests: "providers.Dependency[PullRequestSteps]" = providers.Dependency()
    ratchet: "providers.Dependency[RatchetSteps]" = providers.Dependency()
    read_hosts = providers.Dependency(instance_of=ReadTable)
    read_projects = providers.Dependency(instance_of=ReadTable)
    read_workspaces = providers.Dependency(instance_of=ReadTable)
    read_git_facts = providers.Dependency(instance_of=ReadTable)
    read_sessions = providers.Dependency(instance_of=ReadTable)
    read_snapshots = providers.Dependency(instance_of=ReadTable)

    ledger = store.provided.ledger

    worktree_paths = singleton(lambda: operations.WorktreePaths, worktrees_root)
    branch_prefixes = singleton(
        lambda: operations.BranchPrefixes, ledger, projects=projects, worktrees=worktrees
    )
    worktree_look = singleton(
        lambda: operations.WorktreeLook,
        ledger,
        workspaces=workspaces,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    creation = singleton(
        lambda: operations.WorkspaceCreationService,
        ledger,
        settings=settings,
        projects=projects,
        workspaces=workspaces,
        pull_requests=pull_requests,
        ratchet=ratchet,
        sessions=sessions,
        worktrees=worktrees,
        branch_prefixes=branch_prefixes,
        issues=issues,
    )
    provisioning = singleton(
        lambda: operations.ProvisioningService,
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
        look=worktree_look,
    )
    branch_steps = singleton(
        lambda: operations.BranchSteps,
        workspaces=workspaces,
        snapshots=read_snapshots,
        git_facts=read_git_facts,
    )
    branches = singleton(lambda: operations.BranchService, ledger, steps=branch_steps, worktrees=worktrees)
    archive = singleton(
        lambda: operations.ArchiveService,
        ledger,
        projects=read_projects,
        workspaces=workspaces,
        pull_requests=pull_requests,
        sessions=sessions,
        executor=executor,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    removal = singleton(
        lambda: operations.ProjectRemovalService, ledger, projects=projects, workspaces=workspaces
    )
    heartbeat = singleton(lambda: operations.HostHeartbeat, hosts, executor)
    moving = singleton(
        lambda: operations.MovingService,
        ledger,
        hosts=read_hosts,
        workspaces=workspaces,
        sessions=sessions,
        locks=locks,
    )
    recovery = singleton(
        lambda: operations.RecoveryService,
        ledger,
        workspaces=workspaces,
        projects=read_projects,
        provisioning=provisioning,
        archive=archive,
        executor=executor,
        sessions=read_sessions,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
        worktree_look=worktree_look,
    )
    preserving = singleton(
        lambda: operations.PreservingService,
        ledger,
        workspaces=workspaces,
        projects=read_projects,
        creation=creation,
        locks=locks,
        worktrees=worktrees,
        worktree_paths=worktree_paths,
    )
    worktree_duty = singleton(
        lambda: operations.WorktreeDuty,
        ledger,
        workspaces=workspaces,
        projects=read_projects,
        look=worktree_look,
        locks=locks,
    )
    host_duty = singleton(lambda: operations.HostDuty, heartbeat, hosts)
    workspace_duty = singleton(
        lambda: operations.WorkspaceDuty,
        ledger,
        workspaces=read_workspaces,
        provisioning=provisioning,
        archive=archive,
        locks=locks,
    )
    branch_consumer = singleton(lambda: operations.BranchConsumer, branches, branch_steps)
