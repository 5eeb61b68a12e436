"""The steps of webhook deliveries: hints, taken once.

What a delivery says of a pull request is read again by the one path.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import ALL_PROJECTS, Project
from headway_core.pull_requests.deliveries import OLD_DELIVERIES, WebhookDelivery
from headway_core.pull_requests.events import PullRequestHinted
from headway_core.pull_requests.model import BY_HEAD, BY_NUMBER, GitHubState, PullRequestSnapshot
from headway_core.pull_requests.outcomes import (
    DeliveryAccepted,
    DeliveryIgnored,
    DeliveryOutcome,
    DeliveryRepeated,
)
from headway_core.pull_requests.ports import Delivery, LookAgain
from headway_core.pull_requests.steps import PullRequestSteps
from headway_core.workspaces.model import OF_PROJECT, Workspace

KEPT = timedelta(days=10)
"""Longer than GitHub redelivers: three days on github.com, seven on an enterprise server."""
SPACING = timedelta(seconds=2)
"""A burst of deliveries costs no more than a fetch in so long."""


class WebhookSteps:
    """Owner of the deliveries.

    A delivery's row and its hints are stored in one transaction, so a delivery that has a row is done, and
    one whose transaction failed is let through when it comes again. Order, loss and forged content do
    not matter: a hint says where to look, never what is there.
    """

    def __init__(
        self,
        *,
        deliveries: OwnedTable[WebhookDelivery],
        projects: ReadTable[Project],
        workspaces: ReadTable[Workspace],
        snapshots: ReadTable[PullRequestSnapshot],
        pull_requests: PullRequestSteps,
    ) -> None:
        self._deliveries = deliveries
        self._projects = projects
        self._workspaces = workspaces
        self._snapshots = snapshots
        self._pull_requests = pull_requests

    def receive(self, tx: Transaction, delivery: Delivery) -> DeliveryOutcome:
        """Take a delivery that the decoder accepted, with its hints, and once."""
        concerned = sorted({each for hint in delivery.hints for each in self._concerned(tx, hint)})
        tx.lock(*concerned)
        if self._deliveries.get(tx, delivery.hook, delivery.guid) is not None:
            return DeliveryRepeated(event=delivery.event)
        self._deliveries.put(
            tx,
            WebhookDelivery(
                hook=delivery.hook,
                guid=delivery.guid,
                event=delivery.event,
                concerned=len(concerned),
                done_at=tx.now(),
            ),
        )
        for workspace_id in concerned:
            if self._pull_requests.hint(tx, workspace_id, spacing=SPACING):
                tx.emit(PullRequestHinted(by=delivery.event), workspace_id=workspace_id)
        if not delivery.hints:
            return DeliveryIgnored(event=delivery.event)
        return DeliveryAccepted(event=delivery.event, workspaces=len(concerned))

    def prune(self, tx: Transaction) -> int:
        """Forget some of the deliveries that GitHub sends no more. How many."""
        old = self._deliveries.query(tx, OLD_DELIVERIES, done_at=tx.now() - KEPT)
        for each in old:
            self._deliveries.remove(tx, each.hook, each.guid)
        return len(old)

    def _concerned(self, tx: ReadTransaction, hint: LookAgain) -> Iterator[str]:
        names = {hint.repository.casefold(), (hint.former_repository or hint.repository).casefold()}
        for project in self._projects.query(tx, ALL_PROJECTS):
            if project.github_host == hint.host and project.repository.casefold() in names:
                yield from self._concerned_of(tx, project, hint)

    def _concerned_of(self, tx: ReadTransaction, project: Project, hint: LookAgain) -> Iterator[str]:
        for number in hint.numbers:
            yield from self._of(tx, project, self._snapshots.query(tx, BY_NUMBER, number=number))
        for commit in hint.commits:
            yield from self._of(tx, project, self._snapshots.query(tx, BY_HEAD, head_commit=commit))
        if hint.all or hint.branches:
            for workspace in self._workspaces.query(tx, OF_PROJECT, project_id=project.id):
                snapshot = self._snapshots.get(tx, workspace.id) if workspace.is_live else None
                if snapshot is None:
                    continue
                if workspace.branch in hint.branches or _touches(snapshot, hint):
                    yield workspace.id

    def _of(
        self, tx: ReadTransaction, project: Project, snapshots: Iterable[PullRequestSnapshot]
    ) -> Iterator[str]:
        for snapshot in snapshots:
            workspace = self._workspaces.get(tx, snapshot.workspace_id)
            if workspace is not None and workspace.is_live and workspace.project_id == project.id:
                yield workspace.id


def _touches(snapshot: PullRequestSnapshot, hint: LookAgain) -> bool:
    """Whether a pull request that is not merged has one of these branches as its head or base."""
    facts = snapshot.facts
    if facts is None or facts.state is GitHubState.MERGED:
        return hint.all and facts is None
    return hint.all or facts.head.ref in hint.branches or facts.base.ref in hint.branches
