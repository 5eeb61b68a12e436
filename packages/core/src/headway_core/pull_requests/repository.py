"""The rows of pull requests: who reads and who stores them, with the event that tells of it."""

from datetime import datetime

import attrs

from headway_core.kernel.errors import NotFound
from headway_core.kernel.tables import OwnedTable, ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.projects.model import Project
from headway_core.pull_requests.events import (
    AmbiguousPullRequest,
    PullRequestAttached,
    PullRequestChanged,
    PullRequestDetached,
    PullRequestTaken,
    digest,
)
from headway_core.pull_requests.model import (
    BY_CLAIM,
    DUE,
    DUE_SOON,
    NEXT_DUE,
    PLANNED_AHEAD,
    PullRequestSnapshot,
    PullRequestWatch,
)
from headway_core.settings.model import SettingsRecord
from headway_core.workspaces.model import OF_LIVE_WORKSPACES, GitFacts, Workspace


class PullRequestRepository:
    """Owner of the two tables, for the steps of this room alone."""

    def __init__(
        self,
        *,
        snapshots: OwnedTable[PullRequestSnapshot],
        watches: OwnedTable[PullRequestWatch],
        workspaces: ReadTable[Workspace],
        projects: ReadTable[Project],
        git_facts: ReadTable[GitFacts],
        settings: ReadTable[SettingsRecord],
    ) -> None:
        self._snapshots = snapshots
        self._watches = watches
        self._workspaces = workspaces
        self._projects = projects
        self._git_facts = git_facts
        self._settings = settings

    # What is read.

    def watch(self, tx: ReadTransaction, workspace_id: str) -> PullRequestWatch | None:
        """The watch of a workspace; None for an unknown one."""
        return self._watches.get(tx, workspace_id)

    def records(self, tx: ReadTransaction, workspace_id: str) -> tuple[PullRequestSnapshot, PullRequestWatch]:
        """Both rows of a workspace. `NotFound` for an unknown one."""
        snapshot = self._snapshots.get(tx, workspace_id)
        watch = self._watches.get(tx, workspace_id)
        if snapshot is None or watch is None:
            raise NotFound("workspace", workspace_id)
        return snapshot, watch

    def live(self, tx: ReadTransaction) -> list[str]:
        """The live workspaces, by id."""
        return sorted(watch.workspace_id for watch in self._watches.query(tx, OF_LIVE_WORKSPACES))

    def due(self, tx: ReadTransaction) -> list[str]:
        """A batch of the workspaces that are due now, the longest due first, and of those whose time was set
        while the clock was ahead.
        """
        due = [*self._watches.query(tx, DUE, due_at=tx.now()), *self._ahead(tx)]
        return list(dict.fromkeys(watch.workspace_id for watch in due))

    def _ahead(self, tx: ReadTransaction) -> list[PullRequestWatch]:
        return self._watches.query(tx, PLANNED_AHEAD, planned_at=tx.now())

    def due_by(self, tx: ReadTransaction, at: datetime) -> list[PullRequestWatch]:
        """All watches that are due at that moment."""
        return self._watches.query(tx, DUE_SOON, due_at=at)

    def next_due_in_s(self, tx: ReadTransaction) -> float | None:
        """Seconds until something is due; None when nothing is."""
        if self._ahead(tx):
            return 0.0
        rows = self._watches.query(tx, NEXT_DUE)
        due = rows[0].due_at if rows else None
        return None if due is None else max((due - tx.now()).total_seconds(), 0.0)

    def workspace_and_project(
        self, tx: ReadTransaction, workspace_id: str
    ) -> tuple[Workspace, Project] | None:
        """The workspace and its project; None when one of them is not there."""
        workspace = self._workspaces.get(tx, workspace_id)
        project = None if workspace is None else self._projects.get(tx, workspace.project_id)
        return None if workspace is None or project is None else (workspace, project)

    def git_facts(self, tx: ReadTransaction, workspace_id: str) -> GitFacts | None:
        """What git said of the workspace's worktree last; None before it was asked."""
        return self._git_facts.get(tx, workspace_id)

    def holder(self, tx: ReadTransaction, workspace_id: str, node_id: str) -> str | None:
        """The other live workspace that has this pull request, in whatever clone of the repository."""
        claim = self._claim(tx, workspace_id, node_id)
        rows = [] if claim is None else self._snapshots.query(tx, BY_CLAIM, claim=claim)
        return next((row.workspace_id for row in rows if row.workspace_id != workspace_id), None)

    def _claim(self, tx: ReadTransaction, workspace_id: str, node_id: str) -> str | None:
        """Ids are those of one host; an archived workspace claims nothing."""
        found = self.workspace_and_project(tx, workspace_id)
        if found is None or not found[0].is_live:
            return None
        return f"{found[1].github_host}:{node_id}"

    def settings(self, tx: ReadTransaction) -> SettingsRecord:
        """The settings as they are stored, else the defaults."""
        return self._settings.get(tx, "settings") or SettingsRecord()

    # What is stored.

    def add(self, tx: Transaction, snapshot: PullRequestSnapshot, watch: PullRequestWatch) -> None:
        """Add the rows of a new workspace."""
        self._snapshots.add(tx, snapshot)
        self._watches.put(tx, watch)

    def put_watch(self, tx: Transaction, watch: PullRequestWatch) -> None:
        """Replace the watch; nothing is told of it."""
        self._watches.put(tx, attrs.evolve(watch, planned_at=tx.now()))

    def store_changed(self, tx: Transaction, after: PullRequestSnapshot, fields: tuple[str, ...]) -> None:
        """Store facts of which these fields changed."""
        stored = self._snapshots.replace(tx, after)
        now = digest(stored, self.settings(tx).ci_scope)
        tx.emit(
            PullRequestChanged(node_id=stored.node_id or "", fields=fields, now=now),
            workspace_id=stored.workspace_id,
        )

    def store_attached(
        self, tx: Transaction, before: PullRequestSnapshot, after: PullRequestSnapshot, actor: str
    ) -> None:
        """Store that the workspace has this pull request now: nobody else does (`holder`)."""
        assert after.node_id is not None
        claim = self._claim(tx, after.workspace_id, after.node_id)
        stored = self._snapshots.replace(tx, attrs.evolve(after, claim=claim))
        now = digest(stored, self.settings(tx).ci_scope)
        tx.emit(
            PullRequestAttached(node_id=stored.node_id or "", replaced=before.node_id, now=now),
            workspace_id=stored.workspace_id,
            actor=actor,
        )

    def store_detached(
        self, tx: Transaction, before: PullRequestSnapshot, after: PullRequestSnapshot, actor: str
    ) -> None:
        """Store that the workspace has no pull request any more."""
        assert before.node_id is not None
        self._snapshots.replace(tx, after)
        tx.emit(
            PullRequestDetached(node_id=before.node_id, number=before.number),
            workspace_id=before.workspace_id,
            actor=actor,
        )

    def store_tied(self, tx: Transaction, after: PullRequestSnapshot) -> None:
        """Store which pull requests of the branch tie."""
        stored = self._snapshots.replace(tx, after)
        tx.emit(AmbiguousPullRequest(numbers=stored.tied), workspace_id=stored.workspace_id)

    def store_taken(self, tx: Transaction, after: PullRequestSnapshot) -> PullRequestSnapshot:
        """Store which pull request was found and is another workspace's; or that there is none any more."""
        stored = self._snapshots.replace(tx, after)
        tx.emit(
            PullRequestTaken(number=stored.taken, taken_by=stored.taken_by), workspace_id=stored.workspace_id
        )
        return stored

    def release(self, tx: Transaction, workspace_id: str) -> None:
        """Let its pull request be another workspace's: it is archived in this transaction, which tells it."""
        snapshot = self._snapshots.get(tx, workspace_id)
        if snapshot is not None and snapshot.claim is not None:
            self._snapshots.replace(tx, attrs.evolve(snapshot, claim=None))
