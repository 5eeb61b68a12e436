"""The wiring of the face: each noun with the services that stand behind it."""

from dependency_injector import containers, providers

from headway_core.api.board import Board
from headway_core.api.events import Events
from headway_core.api.fixers import Fixers
from headway_core.api.forge_actions import ForgeActions
from headway_core.api.headway import Headway
from headway_core.api.hosts import Hosts
from headway_core.api.projects import Projects
from headway_core.api.pull_requests import PullRequests
from headway_core.api.ratchet import Ratchet
from headway_core.api.sessions import Sessions
from headway_core.api.settings import Settings
from headway_core.api.workspaces import Workspaces
from headway_core.board.service import BoardService
from headway_core.forge_actions.service import ForgeActionService
from headway_core.hosts.service import HostService
from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.feed import EventFeed
from headway_core.kernel.hosts import HostLocks
from headway_core.operations.archive import ArchiveService
from headway_core.operations.creation import WorkspaceCreationService
from headway_core.operations.following import BranchService
from headway_core.operations.heartbeat import HostHeartbeat
from headway_core.operations.moving import MovingService
from headway_core.operations.provisioning import ProvisioningService
from headway_core.operations.recovery import RecoveryService
from headway_core.operations.running import HostRunner
from headway_core.operations.worktree_paths import WorktreePaths
from headway_core.projects.service import ProjectService
from headway_core.pull_requests.service import PRSnapshotService
from headway_core.ratchet.service import RatchetService
from headway_core.sessions.ports import Agents
from headway_core.sessions.service import FixerSessionService, SessionService
from headway_core.settings.service import SettingsService
from headway_core.workspaces.service import WorkspaceLifecycleService


class ApiContainer(containers.DeclarativeContainer):
    """What callers use."""

    locks = providers.Dependency(instance_of=HostLocks)
    agents = providers.Dependency(instance_of=Agents)
    feed = providers.Dependency(instance_of=EventFeed)
    duties = providers.Dependency(instance_of=DutyRunner)
    hosts = providers.Dependency(instance_of=HostService)
    settings = providers.Dependency(instance_of=SettingsService)
    projects = providers.Dependency(instance_of=ProjectService)
    lifecycle = providers.Dependency(instance_of=WorkspaceLifecycleService)
    sessions = providers.Dependency(instance_of=SessionService)
    fixers = providers.Dependency(instance_of=FixerSessionService)
    pull_requests = providers.Dependency(instance_of=PRSnapshotService)
    forge_actions = providers.Dependency(instance_of=ForgeActionService)
    ratchet = providers.Dependency(instance_of=RatchetService)
    board = providers.Dependency(instance_of=BoardService)
    creation = providers.Dependency(instance_of=WorkspaceCreationService)
    provisioning = providers.Dependency(instance_of=ProvisioningService)
    archive = providers.Dependency(instance_of=ArchiveService)
    moving = providers.Dependency(instance_of=MovingService)
    branches = providers.Dependency(instance_of=BranchService)
    recovery = providers.Dependency(instance_of=RecoveryService)
    heartbeat = providers.Dependency(instance_of=HostHeartbeat)
    worktree_paths = providers.Dependency(instance_of=WorktreePaths)

    runner = providers.Singleton(
        HostRunner,
        locks=locks,
        heartbeat=heartbeat,
        pull_requests=pull_requests,
        recovery=recovery,
        duties=duties,
    )
    headway = providers.Singleton(
        Headway,
        workspaces=providers.Singleton(
            Workspaces,
            creation=creation,
            lifecycle=lifecycle,
            provisioning=provisioning,
            archive=archive,
            moving=moving,
        ),
        projects=providers.Singleton(Projects, projects=projects, worktree_paths=worktree_paths),
        sessions=providers.Singleton(Sessions, sessions=sessions, settings=settings, agents=agents),
        fixers=providers.Singleton(Fixers, fixers=fixers),
        pull_requests=providers.Singleton(PullRequests, pull_requests=pull_requests, branches=branches),
        forge_actions=providers.Singleton(ForgeActions, actions=forge_actions),
        ratchet=providers.Singleton(Ratchet, ratchet=ratchet),
        board=providers.Singleton(Board, board=board, feed=feed),
        events=providers.Singleton(Events, feed=feed),
        settings=providers.Singleton(Settings, settings=settings, agents=agents),
        hosts=providers.Singleton(Hosts, hosts=hosts),
        runner=runner,
        feed=feed,
    )
