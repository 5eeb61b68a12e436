"""What reacts to events: sessions that end, branches and workspaces that change are hints."""

import logging

import attrs

from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.errors import HeadwayError, InvalidInput
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.processes import Supervisor
from headway_core.projects.model import Project
from headway_core.pull_requests.addresses import named_pull_requests
from headway_core.pull_requests.steps import PullRequestSteps
from headway_core.sessions.events import SessionEnded
from headway_core.workspaces.events import WorkspaceBranchChanged, WorkspaceStatusChanged
from headway_core.workspaces.git_reader import GitReader
from headway_core.workspaces.model import GitFacts, Workspace, WorkspaceStatus
from headway_core.workspaces.steps import WorkspaceSteps

logger = logging.getLogger(__name__)

_OUTPUT_BYTES = 262_144
_REPLIES = "replies.json"


class PullRequestConsumer(EventConsumer[None]):
    """Takes a session's end, a workspace that became READY and a renamed branch as hints (S14)."""

    name = "pull_requests"

    def __init__(self, steps: PullRequestSteps) -> None:
        self._steps = steps

    def wants(self, event: DomainEvent) -> bool:
        """Whether it is a hint."""
        match event.payload:
            case SessionEnded(attempt=attempt):
                return attempt > 0
            case WorkspaceStatusChanged(status=status):
                return status is WorkspaceStatus.READY
            case WorkspaceBranchChanged():
                return True
            case _:
                return False

    async def prepare(self, event: DomainEvent) -> None:
        """Nothing is read."""

    def handle(self, tx: Transaction, event: DomainEvent, prepared: None) -> None:
        if event.workspace_id is not None:
            self._steps.hint(tx, event.workspace_id, happened_at=event.at)


@attrs.frozen(kw_only=True)
class AgentTrace:
    """What an agent that ended left on this host."""

    numbers: tuple[int, ...]
    """The pull requests that it named."""
    git: GitFacts | None
    """What git says since it ended; None when that can't be told."""


class NamedPullRequestsConsumer(EventConsumer[AgentTrace | None]):
    """Takes a pull request that an agent named before it ended as a hint, whatever its exit (S14).

    Reads what it printed and wrote on this host: every host has a position of its own. Git is asked with it:
    what was known before the agent's end does not tell whose the pull request is.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        steps: PullRequestSteps,
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        git_reader: GitReader,
        workspace_steps: WorkspaceSteps,
        supervisor: Supervisor,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._steps = steps
        self._workspaces = workspaces
        self._projects = projects
        self._git_reader = git_reader
        self._workspace_steps = workspace_steps
        self._supervisor = supervisor
        self._locks = locks

    @property
    def name(self) -> str:
        return f"named pull requests of {self._locks.host_id}"

    def wants(self, event: DomainEvent) -> bool:
        """Whether an agent has run, and may have left something."""
        return isinstance(event.payload, SessionEnded) and event.payload.attempt > 0

    async def prepare(self, event: DomainEvent) -> AgentTrace | None:
        """The numbers in what the agent left, and git's word; None for a workspace of another host."""
        assert isinstance(event.payload, SessionEnded)  # nothing else is wanted
        workspace_id = event.workspace_id or ""

        def query(tx: ReadTransaction) -> tuple[Workspace, Project] | None:
            workspace = self._workspaces.get(tx, workspace_id)
            if workspace is None or workspace.host_id != self._locks.host_id:
                return None
            project = self._projects.get(tx, workspace.project_id)
            return None if project is None else (workspace, project)

        found = await self._ledger.read(query)
        if found is None:
            return None
        workspace, project = found
        printed = await self._supervisor.output(event.payload.run, limit=_OUTPUT_BYTES)
        try:
            written = await self._supervisor.said(event.payload.run, _REPLIES)
        except InvalidInput:
            written = None
        said = f"{(written or b'').decode('utf-8', 'replace')}\n{printed}"
        git = None
        try:
            git = await self._git_reader.read(workspace, project)
        except HeadwayError as error:  # the names are kept until somebody could ask git
            log_failure(logger, f"git could not be asked about workspace {workspace_id}", error)
        return AgentTrace(numbers=named_pull_requests(project, said), git=git)

    def handle(self, tx: Transaction, event: DomainEvent, prepared: AgentTrace | None) -> None:
        if prepared is None or event.workspace_id is None:
            return
        if prepared.git is not None:
            self._workspace_steps.record_git_facts(tx, prepared.git)
        if prepared.numbers:
            self._steps.hint(tx, event.workspace_id, happened_at=event.at, numbers=prepared.numbers)
