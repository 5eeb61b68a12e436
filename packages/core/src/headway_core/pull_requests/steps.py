"""The steps of pull requests that other rooms compose into their transactions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs

from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.pull_requests.events import PullRequestHinted
from headway_core.pull_requests.model import GitHubState, PullRequestSnapshot, PullRequestWatch
from headway_core.pull_requests.reconciliation import FORMER_KEPT, rewatched, switched
from headway_core.pull_requests.repository import PullRequestRepository
from headway_core.workspaces.model import Workspace

HINTED_KEPT = 3


class PullRequestSteps:
    """Opens the records of workspaces, hints that something may have changed, attaches and detaches."""

    def __init__(self, repository: PullRequestRepository) -> None:
        self._repository = repository

    def open_record(self, tx: Transaction, workspace: Workspace) -> None:
        """Add the records of a new workspace. Called in the transaction that creates it."""
        self._repository.add(
            tx,
            PullRequestSnapshot(workspace_id=workspace.id),
            PullRequestWatch(workspace_id=workspace.id, due_at=tx.now()),
        )

    def hint(
        self,
        tx: Transaction,
        workspace_id: str,
        *,
        happened_at: datetime | None = None,
        spacing: timedelta = timedelta(0),
        numbers: Sequence[int] = (),
    ) -> bool:
        """Have it looked at at once, because something may have changed: a push, a session's end, a webhook.

        A view whose fetch began before the hint is out of date from now on. A pull request of the
        branch is looked for 0, 5, 15 and 45 s from now, and with the first look at those that an agent
        named by `numbers`. Fetches of many hints keep `spacing`. Nothing to do for an unknown workspace,
        and when a hint came or a fetch began after `happened_at`. Whether it was not due already.
        """
        tx.lock(workspace_id)
        watch = self._repository.watch(tx, workspace_id)
        if watch is None:
            return False
        now = tx.now()
        later = [at for at in (watch.hint_at, watch.fetch_began_at) if at is not None and at <= now]
        if not numbers and happened_at is not None and any(at > happened_at for at in later):
            return False
        began_at = watch.fetch_began_at
        due = now if began_at is None else max(now, min(began_at, now) + spacing)
        hinted = tuple(dict.fromkeys([*watch.hinted, *numbers]))[-HINTED_KEPT:]
        hinted_at = (happened_at or now) if numbers else watch.hinted_at
        news = watch.due_at is None or watch.due_at > due
        self._repository.put_watch(
            tx,
            attrs.evolve(
                watch, hint_at=now, due_at=due, discovery_step=0, hinted=hinted, hinted_at=hinted_at
            ),
        )
        return news

    def hint_all(self, tx: Transaction, by: str) -> int:
        """Hint at every live workspace but those whose pull request is merged; how many."""
        live = self._repository.live(tx)
        tx.lock(*live)
        meant = [each for each in live if not self._is_merged(tx, each)]
        for workspace_id in meant:
            if self.hint(tx, workspace_id):
                tx.emit(PullRequestHinted(by=by), workspace_id=workspace_id)
        return len(meant)

    def _is_merged(self, tx: Transaction, workspace_id: str) -> bool:
        snapshot, _ = self._repository.records(tx, workspace_id)
        return snapshot.facts is not None and snapshot.facts.state is GitHubState.MERGED

    def attach(self, tx: Transaction, workspace_id: str, node_id: str, *, actor: str = "headway") -> bool:
        """Make this pull request the workspace's own; its facts are read next. False when it is already, and
        when another live workspace has it: what is found next says so.

        A switch resets all facts in the same write (S10). For those who know no more than its id, as
        when Headway has just opened it.
        """
        tx.lock(workspace_id)
        snapshot, watch = self._repository.records(tx, workspace_id)
        now = tx.now()
        hinted = attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0)
        if snapshot.node_id == node_id or self._repository.holder(tx, workspace_id, node_id) is not None:
            self._repository.put_watch(tx, hinted)
            return False
        self._repository.put_watch(tx, rewatched(hinted))
        self._repository.store_attached(tx, snapshot, switched(snapshot, node_id, now), actor)
        return True

    def is_open(self, tx: ReadTransaction, workspace_id: str) -> bool:
        """Whether the workspace has a pull request that is open, as far as is known."""
        snapshot, _ = self._repository.records(tx, workspace_id)
        return snapshot.facts is not None and snapshot.facts.state is GitHubState.OPEN

    def release(self, tx: Transaction, workspace_id: str) -> None:
        """Let the pull request of a workspace that is being archived be another one's."""
        tx.lock(workspace_id)
        self._repository.release(tx, workspace_id)

    def attached_since(self, tx: Transaction, workspace_id: str, moment: datetime) -> bool:
        """Whether the workspace's pull request was attached after `moment`."""
        snapshot, _ = self._repository.records(tx, workspace_id)
        return snapshot.node_id is not None and (snapshot.attached_at or moment) > moment

    def detach(self, tx: Transaction, workspace_id: str, *, actor: str = "headway") -> bool:
        """Let the workspace have no pull request; False when it has none.

        This one is not attached again by itself.
        """
        tx.lock(workspace_id)
        snapshot, watch = self._repository.records(tx, workspace_id)
        if snapshot.node_id is None:
            return False
        now = tx.now()
        declined = [each for each in snapshot.declined if each != snapshot.node_id]
        after = attrs.evolve(
            switched(snapshot, None, now), declined=(*declined, snapshot.node_id)[-FORMER_KEPT:]
        )
        self._repository.put_watch(
            tx, rewatched(attrs.evolve(watch, hint_at=now, due_at=now, discovery_step=0, hinted=()))
        )
        self._repository.store_detached(tx, snapshot, after, actor)
        return True
