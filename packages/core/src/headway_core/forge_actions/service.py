"""What people ask for at a forge: async operations, each stores an intent that a runner carries out."""

from collections.abc import Callable, Sequence

from headway_core.forge_actions.agent_output import given_body, given_reviewers
from headway_core.forge_actions.model import (
    ACTIONS_OF,
    Comment,
    ForgeAction,
    Order,
    Reply,
    RequestReview,
    Resolve,
)
from headway_core.forge_actions.steps import ForgeActionSteps
from headway_core.kernel.errors import InvalidInput, NotFound
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import Transaction
from headway_core.pull_requests.model import GitHubState, PullRequestFacts, PullRequestSnapshot


class ForgeActionService:
    """Orders of people for the workspace's open pull request. The runner of its host carries them out."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        steps: ForgeActionSteps,
        actions: ReadTable[ForgeAction],
        snapshots: ReadTable[PullRequestSnapshot],
    ) -> None:
        self._ledger = ledger
        self._steps = steps
        self._actions = actions
        self._snapshots = snapshots

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
            return self._steps.ask(
                tx, workspace_id=workspace_id, session_id=None, order=order(snapshot.facts), actor=actor
            )

        return await self._ledger.transact(work)

    async def of_workspace(self, workspace_id: str) -> list[ForgeAction]:
        """What was ever asked for in a workspace, oldest first; nothing for an unknown one."""
        return await self._ledger.read(
            lambda tx: self._actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)
        )


def _of_thread(facts: PullRequestFacts, order: Reply | Resolve) -> Order:
    if order.thread_id not in {thread.id for thread in facts.threads}:
        raise InvalidInput("thread_id", "is no unresolved thread of this pull request")
    return order
