"""The list of cards: one consistent read, joined in memory; no git, no network, no file system."""

from collections import defaultdict

import attrs

from headway_core.board.model import Column, StatusReason, WorkspaceView, column, status_reason
from headway_core.board.problems import Problem, note, problems_of
from headway_core.forge_actions.model import ACTIONS_OF, UNDONE_OF_LIVE_WORKSPACES, ForgeAction
from headway_core.hosts import Host, is_lost
from headway_core.hosts.model import ALL_HOSTS
from headway_core.kernel.errors import NotFound
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction
from headway_core.projects.model import ALL_PROJECTS, Project
from headway_core.pull_requests.budget import READS
from headway_core.pull_requests.limits import ALL_BUDGETS, ForgeBudget
from headway_core.pull_requests.model import CIStatus, PRState, PullRequestSnapshot, PullRequestWatch
from headway_core.ratchet import RatchetRecord, RatchetState
from headway_core.sessions.model import (
    PROMPTS_OF,
    QUEUED_PROMPTS,
    SESSIONS_OF,
    SESSIONS_OF_LIVE_WORKSPACES,
    Activity,
    Prompt,
    PromptStatus,
    Session,
    SessionActivity,
)
from headway_core.settings import SettingsSteps
from headway_core.workspaces.model import LIVE_WORKSPACES, OF_LIVE_WORKSPACES, Workspace


@attrs.frozen(kw_only=True)
class BoardTables:
    """What the board reads."""

    hosts: ReadTable[Host]
    projects: ReadTable[Project]
    workspaces: ReadTable[Workspace]
    snapshots: ReadTable[PullRequestSnapshot]
    watches: ReadTable[PullRequestWatch]
    ratchets: ReadTable[RatchetRecord]
    actions: ReadTable[ForgeAction]
    sessions: ReadTable[Session]
    activity: ReadTable[SessionActivity]
    prompts: ReadTable[Prompt]
    budgets: ReadTable[ForgeBudget]


@attrs.frozen(kw_only=True)
class Card:
    """A workspace on the board: facts and what is derived from them."""

    view: WorkspaceView
    """The facts."""
    status_reason: StatusReason
    """Why it stands in its column."""
    column: Column | None
    """The column; None for what is archived or being archived."""
    ratchet_state: RatchetState
    """Where it stands for the ratchet."""
    pr_state: PRState
    """The state of its pull request."""
    ci: CIStatus
    """What its checks come to."""
    problems: tuple[Problem, ...]
    """All that is wrong, the gravest first."""
    note: str | None
    """What a person should know though nothing is wrong, in a sentence."""


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
        problems=problems_of(view),
        note=note(view, reason),
    )


class BoardService:
    """Reads cards, and stores nothing."""

    def __init__(self, *, ledger: Ledger, settings: SettingsSteps, tables: BoardTables) -> None:
        self._ledger = ledger
        self._settings = settings
        self._tables = tables

    async def cards(self) -> list[Card]:
        """All live workspaces, oldest first."""
        return await self._ledger.read(self._cards)

    async def get(self, workspace_id: str) -> Card:
        """The card of one workspace, archived or not. `NotFound` when there is none."""
        return await self._ledger.read(lambda tx: self._get(tx, workspace_id))

    def _cards(self, tx: ReadTransaction) -> list[Card]:
        """Read them by one statement a table, however many workspaces there are; nothing of archived ones."""
        tables, settings = self._tables, self._settings.current(tx)
        lost = {host.id for host in tables.hosts.query(tx, ALL_HOSTS) if not host.is_available}
        projects = {project.id: project for project in tables.projects.query(tx, ALL_PROJECTS)}
        snapshots = {each.workspace_id: each for each in tables.snapshots.query(tx, OF_LIVE_WORKSPACES)}
        watches = {each.workspace_id: each for each in tables.watches.query(tx, OF_LIVE_WORKSPACES)}
        ratchets = {each.workspace_id: each for each in tables.ratchets.query(tx, OF_LIVE_WORKSPACES)}
        sessions: dict[str, list[Session]] = defaultdict(list)
        for session in tables.sessions.query(tx, SESSIONS_OF_LIVE_WORKSPACES):
            sessions[session.workspace_id].append(session)
        activity: dict[str, dict[str, Activity]] = defaultdict(dict)
        for row in tables.activity.query(tx, OF_LIVE_WORKSPACES):
            activity[row.workspace_id][row.session_id] = row.activity
        prompted: dict[str, set[str]] = defaultdict(set)
        for prompt in tables.prompts.query(tx, QUEUED_PROMPTS):
            prompted[prompt.workspace_id].add(prompt.session_id)
        actions: dict[str, list[ForgeAction]] = defaultdict(list)
        for action in tables.actions.query(tx, UNDONE_OF_LIVE_WORKSPACES):
            actions[action.workspace_id].append(action)
        budgets = tables.budgets.query(tx, ALL_BUDGETS)
        held = {each.host: each.blocked_until for each in budgets if each.resource == READS}
        return [
            card(
                WorkspaceView(
                    settings=settings,
                    project=projects[workspace.project_id],
                    workspace=workspace,
                    host_lost=workspace.host_id in lost,
                    snapshot=snapshots[workspace.id],
                    watch=watches[workspace.id],
                    ratchet=ratchets[workspace.id],
                    sessions=tuple(sessions[workspace.id]),
                    activity=activity[workspace.id],
                    prompted=frozenset(prompted[workspace.id]),
                    actions=tuple(actions[workspace.id]),
                    held_back_until=held.get(projects[workspace.project_id].github_host),
                )
            )
            for workspace in tables.workspaces.query(tx, LIVE_WORKSPACES)
        ]

    def _get(self, tx: ReadTransaction, workspace_id: str) -> Card:
        tables = self._tables
        workspace = tables.workspaces.get(tx, workspace_id)
        if workspace is None:
            raise NotFound("workspace", workspace_id)
        sessions = tuple(tables.sessions.query(tx, SESSIONS_OF, workspace_id=workspace_id))
        project = tables.projects.get(tx, workspace.project_id)
        snapshot = tables.snapshots.get(tx, workspace_id)
        watch = tables.watches.get(tx, workspace_id)
        ratchet = tables.ratchets.get(tx, workspace_id)
        assert project is not None  # created with the workspace, and never removed before it
        assert snapshot is not None
        assert watch is not None
        assert ratchet is not None
        live = [session.id for session in sessions if session.is_live]
        activity = [tables.activity.get(tx, session_id) for session_id in live]
        prompts = [
            p for session_id in live for p in tables.prompts.query(tx, PROMPTS_OF, session_id=session_id)
        ]
        budget = tables.budgets.get(tx, project.github_host, READS)
        return card(
            WorkspaceView(
                settings=self._settings.current(tx),
                project=project,
                workspace=workspace,
                host_lost=is_lost(tx, tables.hosts, workspace.host_id),
                snapshot=snapshot,
                watch=watch,
                ratchet=ratchet,
                sessions=sessions,
                activity={row.session_id: row.activity for row in activity if row is not None},
                prompted=frozenset(p.session_id for p in prompts if p.status is PromptStatus.QUEUED),
                actions=tuple(tables.actions.query(tx, ACTIONS_OF, workspace_id=workspace_id)),
                held_back_until=None if budget is None else budget.blocked_until,
            )
        )
