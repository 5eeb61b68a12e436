"""The list of cards: one consistent read, joined in memory; no git, no network, no file system."""

from collections import defaultdict

import attrs

from headway_core.board.model import Column, StatusReason, WorkspaceView, column, status_reason
from headway_core.kernel.errors import NotFound
from headway_core.kernel.ledger import Ledger, ReadTransaction
from headway_core.kernel.tables import ReadTable
from headway_core.projects.model import Project
from headway_core.pull_requests.model import CIStatus, PRState, PullRequestSnapshot
from headway_core.ratchet import FixerDispatch, Ratchet, RatchetState
from headway_core.ratchet.model import LIVE_DISPATCH_OF, LIVE_DISPATCHES
from headway_core.sessions.model import ALL_SESSIONS, SESSIONS_OF, Session, SessionActivity
from headway_core.settings import SettingsService
from headway_core.workspaces.model import LIVE_WORKSPACES, Workspace


@attrs.frozen(kw_only=True)
class Tables:
    """What the board reads."""

    projects: ReadTable[Project]
    workspaces: ReadTable[Workspace]
    snapshots: ReadTable[PullRequestSnapshot]
    ratchets: ReadTable[Ratchet]
    dispatches: ReadTable[FixerDispatch]
    sessions: ReadTable[Session]
    activity: ReadTable[SessionActivity]


@attrs.frozen(kw_only=True)
class Card:
    """A workspace on the board: facts and what is derived from them."""

    view: WorkspaceView
    status_reason: StatusReason
    column: Column | None
    ratchet_state: RatchetState
    pr_state: PRState
    ci: CIStatus


def card(view: WorkspaceView) -> Card:
    """Derive everything that a card shows."""
    reason = status_reason(view)
    return Card(
        view=view,
        status_reason=reason,
        column=column(reason),
        ratchet_state=view.ratchet_state,
        pr_state=view.pr_state,
        ci=view.ci,
    )


class BoardService:
    """Reads. Stores nothing."""

    def __init__(self, *, ledger: Ledger, settings: SettingsService, tables: Tables) -> None:
        self._ledger = ledger
        self._settings = settings
        self._tables = tables

    async def cards(self) -> list[Card]:
        """All live workspaces, oldest first."""
        return await self._ledger.read(self._cards)

    async def get(self, workspace_id: str) -> Card:
        """One workspace, archived or not. `NotFound`."""
        return await self._ledger.read(lambda tx: self._get(tx, workspace_id))

    def _cards(self, tx: ReadTransaction) -> list[Card]:
        sessions: dict[str, list[Session]] = defaultdict(list)
        for session in self._tables.sessions.query(tx, ALL_SESSIONS):
            sessions[session.workspace_id].append(session)
        live = {d.workspace_id: d for d in self._tables.dispatches.query(tx, LIVE_DISPATCHES)}
        return [
            card(self._view(tx, workspace, tuple(sessions[workspace.id]), live.get(workspace.id)))
            for workspace in self._tables.workspaces.query(tx, LIVE_WORKSPACES)
        ]

    def _get(self, tx: ReadTransaction, workspace_id: str) -> Card:
        workspace = self._tables.workspaces.get(tx, workspace_id)
        if workspace is None:
            raise NotFound("workspace", workspace_id)
        sessions = tuple(self._tables.sessions.query(tx, SESSIONS_OF, workspace_id=workspace_id))
        live = self._tables.dispatches.query(tx, LIVE_DISPATCH_OF, workspace_id=workspace_id)
        return card(self._view(tx, workspace, sessions, live[0] if live else None))

    def _view(
        self,
        tx: ReadTransaction,
        workspace: Workspace,
        sessions: tuple[Session, ...],
        dispatch: FixerDispatch | None,
    ) -> WorkspaceView:
        project = self._tables.projects.get(tx, workspace.project_id)
        snapshot = self._tables.snapshots.get(tx, workspace.id)
        ratchet = self._tables.ratchets.get(tx, workspace.id)
        assert project is not None  # created with the workspace, and never removed before it
        assert snapshot is not None
        assert ratchet is not None
        activity = [self._tables.activity.get(tx, s.id) for s in sessions if s.is_live]
        return WorkspaceView(
            settings=self._settings.current(tx),
            project=project,
            workspace=workspace,
            snapshot=snapshot,
            ratchet=ratchet,
            dispatch=dispatch,
            sessions=sessions,
            activity={row.session_id: row.activity for row in activity if row is not None},
        )
