"""What reacts to events: an agent's end makes intents of what it left behind."""

import logging
from collections.abc import Callable

import attrs

from headway_core.forge_actions.agent_output import (
    PULL_REQUEST,
    REPLIES,
    Taken,
    Target,
    pull_request,
    replies,
)
from headway_core.forge_actions.steps import ForgeActionSteps
from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.errors import HeadwayError, InvalidInput
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.processes import RunId, Supervisor
from headway_core.projects.model import Project
from headway_core.pull_requests.model import GitHubState, PullRequestFacts, PullRequestSnapshot
from headway_core.sessions import Purpose, SessionEnded
from headway_core.settings import SettingsSteps
from headway_core.workspaces import GitReader, WorkspaceClaims
from headway_core.workspaces.model import Workspace

logger = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class OutputFiles:
    """The files of one ended session; None where there is none, a text where it can't be read."""

    replies: bytes | str | None
    pull_request: bytes | str | None
    branch: str | None = None
    """The branch that the worktree is on since; None when nothing tells, or no pull request is wanted."""


class AgentOutputConsumer(EventConsumer[OutputFiles | None]):
    """Turns what an agent left behind into intents, once: with the consumer's position (I7).

    What it left lies on its host, so each host has a consumer of its own, with its own position.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        steps: ForgeActionSteps,
        settings: SettingsSteps,
        workspaces: ReadTable[Workspace],
        snapshots: ReadTable[PullRequestSnapshot],
        projects: ReadTable[Project],
        claims: WorkspaceClaims,
        git_reader: GitReader,
        supervisor: Supervisor,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._steps = steps
        self._settings = settings
        self._workspaces = workspaces
        self._snapshots = snapshots
        self._projects = projects
        self._claims = claims
        self._git_reader = git_reader
        self._supervisor = supervisor
        self._locks = locks

    @property
    def name(self) -> str:
        """The name, which is found when it is first used: a container touches no data directory."""
        return f"agent output of {self._locks.host_id}"

    def wants(self, event: DomainEvent) -> bool:
        """Whether an agent has run, and may have left something behind."""
        return isinstance(event.payload, SessionEnded) and event.payload.attempt > 0

    async def prepare(self, event: DomainEvent) -> OutputFiles | None:
        """Read the files of the session that ended, on its host."""
        assert isinstance(event.payload, SessionEnded)  # nothing else is wanted
        payload, workspace_id = event.payload, event.workspace_id or ""
        workspace = await self._ledger.read(lambda tx: self._workspaces.get(tx, workspace_id))
        if workspace is None or workspace.host_id != self._locks.host_id:
            return None
        wanted = await self._said(payload.run, PULL_REQUEST)
        return OutputFiles(
            replies=await self._said(payload.run, REPLIES),
            pull_request=wanted,
            branch=None if wanted is None else await self._branch(workspace),
        )

    async def _branch(self, workspace: Workspace) -> str | None:
        """Where the agent has left its work: it may have switched branches (S16)."""
        project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
        try:
            git = None if project is None else await self._git_reader.read(workspace, project)
        except HeadwayError as error:
            log_failure(logger, f"git could not be asked about workspace {workspace.id}", error)
            return None
        return None if git is None else git.branch

    async def _said(self, run: RunId, name: str) -> bytes | str | None:
        try:
            return await self._supervisor.said(run, name)
        except InvalidInput as error:
            return error.problem

    def handle(self, tx: Transaction, event: DomainEvent, prepared: OutputFiles | None) -> None:
        if prepared is None or not isinstance(event.payload, SessionEnded) or event.workspace_id is None:
            return
        tx.lock(event.workspace_id)
        self._steps.retry_openings(tx, event.workspace_id)
        target = self._target(tx, event.workspace_id, prepared.branch, event.payload)
        if target is None:
            return
        session_id = event.payload.session_id
        for raw, name, read in (
            (prepared.pull_request, PULL_REQUEST, _pull_request),
            (prepared.replies, REPLIES, replies),
        ):
            taken = _taken(raw, name, read, target)
            if taken.problem is not None:
                self._steps.refuse(
                    tx,
                    workspace_id=event.workspace_id,
                    session_id=session_id,
                    file=name,
                    problem=taken.problem,
                )
            for order in taken.orders:
                self._steps.ask(tx, workspace_id=event.workspace_id, session_id=session_id, order=order)

    def _head(self, tx: ReadTransaction, workspace: Workspace, branch: str | None) -> str:
        """The branch that a pull request is opened from: the one that the worktree is on, unless it is the
        base or another workspace's; else the workspace's own.
        """
        if branch is None or branch == workspace.base_branch:
            return workspace.branch
        holder = self._claims.holder_of_branch(tx, workspace.project_id, branch)
        return branch if holder is None or holder.id == workspace.id else workspace.branch

    def _target(
        self, tx: ReadTransaction, workspace_id: str, branch: str | None, ended: SessionEnded
    ) -> Target | None:
        workspace = self._workspaces.get(tx, workspace_id)
        snapshot = self._snapshots.get(tx, workspace_id)
        if workspace is None or snapshot is None:
            return None
        facts = snapshot.facts
        return Target(
            head=self._head(tx, workspace, branch),
            base=workspace.base_branch,
            has_pull_request=facts is not None and facts.state is GitHubState.OPEN,
            over=_over(facts, ended),
            threads=frozenset(thread.id for thread in facts.threads) if facts else frozenset(),
            may_reply=self._settings.current(tx).reply_to_comments,
        )


def _over(facts: PullRequestFacts | None, ended: SessionEnded) -> GitHubState | None:
    """How the pull request ended that the agent worked for; None: it did not, or the agent began after that.

    A fixer mends a pull request and never opens one.
    """
    if facts is None or facts.state is GitHubState.OPEN:
        return None
    began_later = ended.started_at is not None and ended.started_at > facts.updated_at
    return None if began_later and ended.purpose is not Purpose.FIXER else facts.state


def _pull_request(raw: bytes, target: Target) -> Taken:
    return Taken(orders=pull_request(raw, target))


def _taken(
    raw: bytes | str | None, name: str, read: Callable[[bytes, Target], Taken], target: Target
) -> Taken:
    """What a file asks for; what can't be read is refused whole."""
    if isinstance(raw, str):
        return Taken(refused=(f"{name}: {raw}",))
    try:
        return Taken() if raw is None else read(raw, target)
    except InvalidInput as error:
        return Taken(refused=(str(error),))
