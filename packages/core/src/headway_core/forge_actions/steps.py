"""The steps of forge actions, which run inside transactions: the single writer of their table."""

from datetime import timedelta

import attrs

from headway_core.forge_actions.events import AgentOutputRefused, ForgeActionChanged
from headway_core.forge_actions.model import (
    ACTION_LIMIT,
    ACTIONS_OF,
    ActionStatus,
    ForgeAction,
    OpenPullRequest,
    Order,
    UnusableFile,
)
from headway_core.forge_actions.ports import Written
from headway_core.kernel.errors import NotFound
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import Transaction
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.pull_requests.steps import PullRequestSteps

_LONGEST_PAUSE = timedelta(minutes=10)
_PUSH_AWAITED = timedelta(days=1)
"""For so long a pull request that GitHub refused to open is tried again: its branch may yet be pushed."""
_SUPERSEDED = "a later one was asked for"
_HAS_ONE = "the workspace has an open pull request by now"
_HAD_ONE = "the workspace has had a pull request since: a person decides about another one"


class ForgeActionSteps:
    """Owner of the actions. An action that is unknown raises `NotFound`."""

    def __init__(self, *, actions: OwnedTable[ForgeAction], pull_requests: PullRequestSteps) -> None:
        self._actions = actions
        self._pull_requests = pull_requests

    def ask(
        self,
        tx: Transaction,
        *,
        workspace_id: str,
        session_id: str | None,
        order: Order,
        actor: str = "headway",
    ) -> ForgeAction:
        """Store the intent of an action. A pull request that waits for a push gives way to a later one."""
        if isinstance(order, OpenPullRequest):
            for waiting in self._waiting(tx, workspace_id):
                self._give_up(tx, waiting, _SUPERSEDED)
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

    def refuse(self, tx: Transaction, *, workspace_id: str, session_id: str, file: str, problem: str) -> None:
        """Store that a file of an agent, or a part of it, asks for nothing that can be done."""
        action = self._actions.add(
            tx,
            ForgeAction(
                id=tx.new_id(),
                workspace_id=workspace_id,
                session_id=session_id,
                order=UnusableFile(file=file),
                status=ActionStatus.FAILED,
                due_at=None,
                created_at=tx.now(),
                problem=problem,
            ),
        )
        self._tell(tx, action)
        refused = AgentOutputRefused(session_id=session_id, file=file, problem=problem)
        tx.emit(refused, workspace_id=workspace_id)

    def begin(self, tx: Transaction, action_id: str) -> ForgeAction | None:
        """Store the intent of one attempt; None when the action is over, or has become needless."""
        action = self._locked(tx, action_id)
        if action.due_at is None:
            return None
        if isinstance(action.order, OpenPullRequest) and self._pull_requests.is_open(tx, action.workspace_id):
            self._give_up(tx, action, _HAS_ONE)
            return None
        if isinstance(action.order, OpenPullRequest) and self._pull_requests.attached_since(
            tx, action.workspace_id, action.created_at
        ):
            self._give_up(tx, action, _HAD_ONE)
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

    def done(self, tx: Transaction, action_id: str, written: Written) -> None:
        """Store the outcome that its effect exists."""
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

    def failed(
        self, tx: Transaction, action_id: str, problem: str, *, final: bool, pause_s: float | None = None
    ) -> None:
        """Store the outcome that there is no effect. It is tried again, after `pause_s` or a growing while,
        unless `final`.
        """
        action = self._locked(tx, action_id)
        if action.due_at is None:
            return
        # A look that fails before an attempt begins counts too, or it would be repeated for ever.
        attempts = action.attempts + (action.status is ActionStatus.PENDING)
        over = final or attempts >= ACTION_LIMIT
        wait = max(timedelta(seconds=pause_s or 0), min(READ_LAG * 2**attempts, _LONGEST_PAUSE))
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

    def refused_opening(self, tx: Transaction, action_id: str, problem: str) -> None:
        """Store that GitHub refused to open a pull request: as a rule its branch is not pushed, or has no
        commit of its own. It is tried again after a push, of which no event tells for sure: so after a while
        that grows, and at once when a session ends (`retry_openings`); for a day.
        """
        action = self._locked(tx, action_id)
        if action.due_at is None:
            return
        now = tx.now()
        age = now - action.created_at
        if age >= _PUSH_AWAITED:
            self._give_up(tx, action, problem)
            return
        wait = min(max(age / 2, READ_LAG), _LONGEST_PAUSE)
        # Nothing was done by what was refused: it is no attempt whose effect is unknown.
        pending = attrs.evolve(
            action, status=ActionStatus.PENDING, attempts=0, due_at=now + wait, problem=problem
        )
        self._store(tx, pending)

    def retry_openings(self, tx: Transaction, workspace_id: str) -> None:
        """Try at once what waits for a push in this workspace: an agent has ended, and may have pushed."""
        for action in self._waiting(tx, workspace_id):
            self._store(tx, attrs.evolve(action, due_at=tx.now()))

    def _waiting(self, tx: Transaction, workspace_id: str) -> list[ForgeAction]:
        tx.lock(workspace_id)
        return [
            action
            for action in self._actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)
            if action.waits_for_push
        ]

    def _give_up(self, tx: Transaction, action: ForgeAction, problem: str) -> None:
        self._store(tx, attrs.evolve(action, status=ActionStatus.FAILED, due_at=None, problem=problem))

    def put_off(self, tx: Transaction, action_id: str, pause_s: float) -> None:
        """Put it off for `pause_s`: GitHub asked to wait before it was its turn, which is no attempt."""
        action = self._locked(tx, action_id)
        if action.due_at is not None:
            self._store(tx, attrs.evolve(action, due_at=tx.now() + timedelta(seconds=pause_s)))

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
