"""The single writer of forge actions, and the duty that carries them out."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs

from headway_core.forge_actions.agent_output import (
    PULL_REQUEST,
    REPLIES,
    Target,
    given_body,
    given_reviewers,
    pull_request,
    replies,
)
from headway_core.forge_actions.events import AgentOutputRefused, ForgeActionChanged
from headway_core.forge_actions.model import (
    ACTION_LIMIT,
    ACTIONS_OF,
    DUE_ACTIONS,
    NEXT_ACTION,
    ActionStatus,
    Comment,
    ForgeAction,
    OpenPullRequest,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.ports import ForgeWriter, Written
from headway_core.kernel.consumers import EventConsumer
from headway_core.kernel.duties import Duty
from headway_core.kernel.errors import (
    HeadwayError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unavailable,
)
from headway_core.kernel.events import DomainEvent
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import Project
from headway_core.pull_requests import PRSnapshotService
from headway_core.pull_requests.model import GitHubState, PullRequestFacts, PullRequestSnapshot
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.sessions import Session, SessionEnded, Supervisor
from headway_core.settings import SettingsSteps
from headway_core.workspaces.model import Workspace

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = timedelta(minutes=10)
_SHORTEST_PAUSE_S = 0.1


class ForgeActionService:
    """Owner of the actions."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        actions: OwnedTable[ForgeAction],
        snapshots: ReadTable[PullRequestSnapshot],
        pull_requests: PRSnapshotService,
    ) -> None:
        self._ledger = ledger
        self._actions = actions
        self._snapshots = snapshots
        self._pull_requests = pull_requests

    # What people ask for, of the workspace's open pull request. The runner of its host carries it out.

    async def reply(
        self, workspace_id: str, thread_id: str, body: str, *, actor: str = "headway"
    ) -> ForgeAction:
        """Answer an unresolved review thread. `InvalidInput` (`thread_id`, `body`, `workspace_id`)."""
        order = Reply(thread_id=thread_id, body=given_body(body))
        return await self._asked(workspace_id, lambda facts: _of_thread(facts, order), actor)

    async def resolve(self, workspace_id: str, thread_id: str, *, actor: str = "headway") -> ForgeAction:
        """Resolve an unresolved review thread. `InvalidInput` (`thread_id`, `workspace_id`)."""
        order = Resolve(thread_id=thread_id)
        return await self._asked(workspace_id, lambda facts: _of_thread(facts, order), actor)

    async def comment(self, workspace_id: str, body: str, *, actor: str = "headway") -> ForgeAction:
        """Comment on the conversation. `InvalidInput` (`body`, `workspace_id`)."""
        text = given_body(body)
        return await self._asked(
            workspace_id,
            lambda facts: Comment(pull_request=facts.node_id, number=facts.number, body=text),
            actor,
        )

    async def request_review(
        self, workspace_id: str, reviewers: Sequence[str], *, actor: str = "headway"
    ) -> ForgeAction:
        """Ask these logins for a review. `InvalidInput` (`reviewers`, `workspace_id`)."""
        logins = given_reviewers(reviewers)
        return await self._asked(
            workspace_id,
            lambda facts: RequestReview(pull_request=facts.node_id, number=facts.number, reviewers=logins),
            actor,
        )

    async def _asked(
        self, workspace_id: str, order: Callable[[PullRequestFacts], Order], actor: str
    ) -> ForgeAction:
        def work(tx: Transaction) -> ForgeAction:
            tx.lock(workspace_id)
            snapshot = self._snapshots.get(tx, workspace_id)
            if snapshot is None:
                raise NotFound("workspace", workspace_id)
            if snapshot.facts is None or snapshot.facts.state is not GitHubState.OPEN:
                raise InvalidInput("workspace_id", "the workspace has no open pull request")
            return self.ask(
                tx, workspace_id=workspace_id, session_id=None, order=order(snapshot.facts), actor=actor
            )

        return await self._ledger.transact(work)

    async def of_workspace(self, workspace_id: str) -> list[ForgeAction]:
        """What was ever asked for in a workspace, oldest first; nothing for an unknown one."""
        return await self._ledger.read(
            lambda tx: self._actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)
        )

    def ask(
        self,
        tx: Transaction,
        *,
        workspace_id: str,
        session_id: str | None,
        order: Order,
        actor: str = "headway",
    ) -> ForgeAction:
        """The intent of an action."""
        action = self._actions.add(
            tx,
            ForgeAction(
                id=tx.new_id(),
                workspace_id=workspace_id,
                session_id=session_id,
                order=order,
                due_at=tx.now(),
                created_at=tx.now(),
            ),
        )
        self._tell(tx, action, actor=actor)
        return action

    async def begin(self, action_id: str) -> ForgeAction | None:
        """The intent of one attempt; None when the action is over."""

        def work(tx: Transaction) -> ForgeAction | None:
            action = self._locked(tx, action_id)
            if action.due_at is None:
                return None
            return self._store(
                tx,
                attrs.evolve(
                    action,
                    status=ActionStatus.POSTING,
                    attempts=action.attempts + 1,
                    due_at=tx.now() + READ_LAG,
                ),
            )

        return await self._ledger.transact(work)

    async def done(self, action_id: str, written: Written) -> None:
        """The outcome: its effect exists."""

        def work(tx: Transaction) -> None:
            action = self._locked(tx, action_id)
            if action.due_at is None:
                return
            self._store(
                tx,
                attrs.evolve(
                    action,
                    status=ActionStatus.DONE,
                    due_at=None,
                    done_at=tx.now(),
                    result=written.node_id,
                    problem=None,
                ),
            )
            if isinstance(action.order, OpenPullRequest):
                self._pull_requests.attach(tx, action.workspace_id, written.node_id)
            else:
                self._pull_requests.hint(tx, action.workspace_id)

        await self._ledger.transact(work)

    async def failed(self, action_id: str, problem: str, *, final: bool, pause: float | None = None) -> None:
        """The outcome: no effect. Tried again after `pause` seconds or a growing while, unless `final`."""

        def work(tx: Transaction) -> None:
            action = self._locked(tx, action_id)
            if action.due_at is None:
                return
            # A look that fails before an attempt begins counts too, or it would be repeated for ever.
            attempts = action.attempts + (action.status is ActionStatus.PENDING)
            over = final or attempts >= ACTION_LIMIT
            wait = max(timedelta(seconds=pause or 0), min(READ_LAG * 2**attempts, _LONGEST_PAUSE))
            self._store(
                tx,
                attrs.evolve(
                    action,
                    status=ActionStatus.FAILED if over else ActionStatus.PENDING,
                    attempts=attempts,
                    due_at=None if over else tx.now() + wait,
                    problem=problem,
                ),
            )

        await self._ledger.transact(work)

    async def put_off(self, action_id: str, pause: float) -> None:
        """GitHub asked to wait for `pause` seconds before it was this action's turn: that is no attempt."""

        def work(tx: Transaction) -> None:
            action = self._locked(tx, action_id)
            if action.due_at is not None:
                self._store(tx, attrs.evolve(action, due_at=tx.now() + timedelta(seconds=pause)))

        await self._ledger.transact(work)

    def _locked(self, tx: Transaction, action_id: str) -> ForgeAction:
        action = self._actions.get(tx, action_id)
        if action is None:
            raise NotFound("forge action", action_id)
        tx.lock(action.workspace_id)
        return action

    def _store(self, tx: Transaction, action: ForgeAction) -> ForgeAction:
        stored = self._actions.replace(tx, action)
        self._tell(tx, stored)
        return stored

    def _tell(self, tx: Transaction, action: ForgeAction, *, actor: str = "headway") -> None:
        tx.emit(
            ForgeActionChanged(
                action_id=action.id,
                order=action.order,
                status=action.status,
                attempts=action.attempts,
                result=action.result,
                problem=action.problem,
            ),
            workspace_id=action.workspace_id,
            actor=actor,
        )


def _of_thread(facts: PullRequestFacts, order: Reply | Resolve) -> Order:
    if order.thread_id not in {thread.id for thread in facts.threads}:
        raise InvalidInput("thread_id", "is no unresolved thread of this pull request")
    return order


class ForgeActionDuty(Duty):
    """Carries out the actions of this host's workspaces, in the order in which they were asked for."""

    name = "forge actions"
    wakes_on_events = True

    def __init__(
        self,
        *,
        ledger: Ledger,
        service: ForgeActionService,
        actions: ReadTable[ForgeAction],
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        writer: ForgeWriter,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._service = service
        self._actions = actions
        self._workspaces = workspaces
        self._projects = projects
        self._writer = writer
        self._locks = locks

    async def run(self) -> float | None:
        pauses: dict[str, float] = {}
        for action, project in await self._ledger.read(self._due):
            pause = pauses.get(project.github_host)
            if pause is None:
                pause = await self._carry_out(action, project)
                if pause is not None:
                    pauses[project.github_host] = pause
            else:
                await self._service.put_off(action.id, pause)
        return await self._ledger.read(self._pause)

    def _due(self, tx: ReadTransaction) -> list[tuple[ForgeAction, Project]]:
        found = []
        for action in self._actions.query(tx, DUE_ACTIONS, due_at=tx.now()):
            workspace = self._workspaces.get(tx, action.workspace_id)
            project = self._projects.get(tx, workspace.project_id) if workspace else None
            if workspace is not None and project is not None and workspace.host_id == self._locks.host_id:
                found.append((action, project))
        return found

    async def _carry_out(self, action: ForgeAction, project: Project) -> float | None:
        """Seconds for which GitHub asks to be left alone (S11); None when it does not."""
        try:
            # An attempt without an outcome, or somebody else's pull request: look before writing (S14).
            found = None
            if action.attempts or isinstance(action.order, OpenPullRequest):
                found = await self._writer.find(project, action.order, action.mark)
            if found is None:
                if await self._service.begin(action.id) is None:
                    return None
                found = await self._writer.write(project, action.order, action.mark)
            await self._service.done(action.id, found)
        except Unavailable as error:
            await self._service.failed(action.id, error.problem, final=False, pause=error.retry_after)
            return error.retry_after
        except PermissionDenied as error:
            await self._service.failed(action.id, error.problem, final=False)
        except (NotFound, InvalidInput) as error:
            await self._service.failed(action.id, str(error), final=True)
        except HeadwayError:
            logger.exception("forge action %s", action.id)
        return None

    def _pause(self, tx: ReadTransaction) -> float:
        if self._due(tx):
            return _SHORTEST_PAUSE_S
        for action in self._actions.query(tx, NEXT_ACTION, due_at=tx.now()):
            if action.due_at is not None:
                return min(max((action.due_at - tx.now()).total_seconds(), _SHORTEST_PAUSE_S), self.interval)
        return self.interval


@attrs.frozen(kw_only=True)
class Words:
    """The files of one ended session; None where there is none, a text where it can't be read."""

    replies: bytes | str | None
    pull_request: bytes | str | None


class AgentOutputConsumer(EventConsumer[Words | None]):
    """Turns what an agent left behind into intents, once: with the consumer's position (I7).

    What it left lies on its host, so each host has a consumer of its own, with its own position.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        service: ForgeActionService,
        settings: SettingsSteps,
        sessions: ReadTable[Session],
        workspaces: ReadTable[Workspace],
        snapshots: ReadTable[PullRequestSnapshot],
        supervisor: Supervisor,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._service = service
        self._settings = settings
        self._sessions = sessions
        self._workspaces = workspaces
        self._snapshots = snapshots
        self._supervisor = supervisor
        self._locks = locks

    @property
    def name(self) -> str:
        """Known when it is first used: a container touches no data directory."""
        return f"agent output of {self._locks.host_id}"

    def wants(self, event: DomainEvent) -> bool:
        """Whether an agent may have left something behind."""
        return isinstance(event.payload, SessionEnded)

    async def prepare(self, event: DomainEvent) -> Words | None:
        """Read the files of the session that ended, on its host."""
        if not isinstance(event.payload, SessionEnded):
            return None
        payload, workspace_id = event.payload, event.workspace_id or ""
        workspace = await self._ledger.read(lambda tx: self._workspaces.get(tx, workspace_id))
        if workspace is None or workspace.host_id != self._locks.host_id:
            return None
        return Words(
            replies=await self._said(payload.session_id, payload.attempt, REPLIES),
            pull_request=await self._said(payload.session_id, payload.attempt, PULL_REQUEST),
        )

    async def _said(self, session_id: str, attempt: int, name: str) -> bytes | str | None:
        try:
            return await self._supervisor.said(session_id, attempt, name)
        except InvalidInput as error:
            return error.problem

    def handle(self, tx: Transaction, event: DomainEvent, prepared: Words | None) -> None:
        if prepared is None or not isinstance(event.payload, SessionEnded) or event.workspace_id is None:
            return
        tx.lock(event.workspace_id)
        target = self._target(tx, event.workspace_id)
        if target is None:
            return
        for raw, name, read in (
            (prepared.pull_request, PULL_REQUEST, pull_request),
            (prepared.replies, REPLIES, replies),
        ):
            if raw is None:
                continue
            try:
                if isinstance(raw, str):
                    raise InvalidInput(name, raw)  # noqa: TRY301  one way out for all that can't be used
                orders = read(raw, target)
            except InvalidInput as error:
                refused = AgentOutputRefused(
                    session_id=event.payload.session_id, file=name, problem=str(error)
                )
                tx.emit(refused, workspace_id=event.workspace_id)
                continue
            for order in orders:
                self._service.ask(
                    tx, workspace_id=event.workspace_id, session_id=event.payload.session_id, order=order
                )

    def _target(self, tx: ReadTransaction, workspace_id: str) -> Target | None:
        workspace = self._workspaces.get(tx, workspace_id)
        snapshot = self._snapshots.get(tx, workspace_id)
        if workspace is None or snapshot is None:
            return None
        facts = snapshot.facts
        return Target(
            head=workspace.branch,
            base=workspace.base_branch,
            has_pull_request=facts is not None and facts.state is GitHubState.OPEN,
            threads=frozenset(thread.id for thread in facts.threads) if facts else frozenset(),
            may_reply=self._settings.current(tx).reply_to_comments,
        )
