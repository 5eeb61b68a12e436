"""The wiring of the face: each noun with the services that stand behind it."""

from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from headway_core import api, operations
from headway_core.kernel.wiring import singleton

if TYPE_CHECKING:
    from headway_core.board.service import BoardService
    from headway_core.forge_actions.service import ForgeActionService
    from headway_core.hosts.service import HostService
    from headway_core.kernel.duties import DutyRunner
    from headway_core.kernel.feed import EventFeed
    from headway_core.kernel.hosts import HostLocks
    from headway_core.operations.archive import ArchiveService
    from headway_core.operations.branch_names import BranchPrefixes
    from headway_core.operations.branches import BranchService
    from headway_core.operations.creation import WorkspaceCreationService
    from headway_core.operations.heartbeat import HostHeartbeat
    from headway_core.operations.moving import MovingService
    from headway_core.operations.preserving import PreservingService
    from headway_core.operations.provisioning import ProvisioningService
    from headway_core.operations.recovery import RecoveryService
    from headway_core.operations.removal import ProjectRemovalService
    from headway_core.projects.service import ProjectService
    from headway_core.pull_requests.service import PRSnapshotService
    from headway_core.pull_requests.webhooks import WebhookService
    from headway_core.ratchet.service import RatchetService
    from headway_core.sessions.output import SessionOutput
    from headway_core.sessions.ports import Agents
    from headway_core.sessions.service import FixerSessionService, SessionService
    from headway_core.settings.service import SettingsService
    from headway_core.workspaces.service import WorkspaceLifecycleService


class ApiContainer(containers.DeclarativeContainer):
    """What callers use."""

    locks: "providers.Dependency[HostLocks]" = providers.Dependency()
    agents: "providers.Dependency[Agents]" = providers.Dependency()
    feed: "providers.Dependency[EventFeed]" = providers.Dependency()
    duties: "providers.Dependency[DutyRunner]" = providers.Dependency()
    hosts: "providers.Dependency[HostService]" = providers.Dependency()
    settings: "providers.Dependency[SettingsService]" = providers.Dependency()
    projects: "providers.Dependency[ProjectService]" = providers.Dependency()
    lifecycle: "providers.Dependency[WorkspaceLifecycleService]" = providers.Dependency()
    sessions: "providers.Dependency[SessionService]" = providers.Dependency()
    session_output: "providers.Dependency[SessionOutput]" = providers.Dependency()
    fixers: "providers.Dependency[FixerSessionService]" = providers.Dependency()
    pull_requests: "providers.Dependency[PRSnapshotService]" = providers.Dependency()
    webhooks: "providers.Dependency[WebhookService]" = providers.Dependency()
    forge_actions: "providers.Dependency[ForgeActionService]" = providers.Dependency()
    ratchet: "providers.Dependency[RatchetService]" = providers.Dependency()
    board: "providers.Dependency[BoardService]" = providers.Dependency()
    creation: "providers.Dependency[WorkspaceCreationService]" = providers.Dependency()
    provisioning: "providers.Dependency[ProvisioningService]" = providers.Dependency()
    archive: "providers.Dependency[ArchiveService]" = providers.Dependency()
    moving: "providers.Dependency[MovingService]" = providers.Dependency()
    branch_prefixes: "providers.Dependency[BranchPrefixes]" = providers.Dependency()
    removal: "providers.Dependency[ProjectRemovalService]" = providers.Dependency()
    preserving: "providers.Dependency[PreservingService]" = providers.Dependency()
    branches: "providers.Dependency[BranchService]" = providers.Dependency()
    recovery: "providers.Dependency[RecoveryService]" = providers.Dependency()
    heartbeat: "providers.Dependency[HostHeartbeat]" = providers.Dependency()

    runner = singleton(
        lambda: operations.HostRunner,
        locks=locks,
        heartbeat=heartbeat,
        pull_requests=pull_requests,
        recovery=recovery,
        duties=duties,
    )
    headway = singleton(
        lambda: api.Headway,
        workspaces=singleton(
            lambda: api.Workspaces,
            creation=creation,
            lifecycle=lifecycle,
            provisioning=provisioning,
            archive=archive,
            moving=moving,
            preserving=preserving,
        ).provider,
        projects=singleton(
            lambda: api.Projects,
            projects=projects,
            removal=removal,
            hosts=hosts,
        ).provider,
        sessions=singleton(
            lambda: api.Sessions, sessions=sessions, output=session_output, settings=settings, agents=agents
        ).provider,
        fixers=singleton(lambda: api.Fixers, fixers=fixers).provider,
        pull_requests=singleton(
            lambda: api.PullRequests, pull_requests=pull_requests, branches=branches
        ).provider,
        forge_actions=singleton(lambda: api.ForgeActions, actions=forge_actions).provider,
        ratchet=singleton(lambda: api.Ratchet, ratchet=ratchet).provider,
        board=singleton(lambda: api.Board, board=board, feed=feed).provider,
        events=singleton(lambda: api.Events, feed=feed).provider,
        settings=singleton(
            lambda: api.Settings,
            settings=settings,
            agents=agents,
            branch_prefixes=branch_prefixes,
            pull_requests=pull_requests,
        ).provider,
        hosts=singleton(lambda: api.Hosts, hosts=hosts).provider,
        webhooks=singleton(lambda: api.Webhooks, webhooks=webhooks).provider,
        runner=runner.provider,
        feed=feed.provider,
    )
