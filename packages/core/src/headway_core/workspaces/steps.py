"""The single writer of workspaces: identity, lifecycle and the git facts of a worktree.

`operations` composes these steps with other rooms' and puts the effects between. A step locks the workspace
first, so of callers at the same time one moves it and the others find it moved (L1): they get
`IllegalTransition`, or `Conflict` from the compare-and-swap of the row.
"""

from typing import Any

import attrs

from headway_core.kernel.errors import Conflict, IllegalTransition, NotFound, RetriesUsed
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.workspaces import events
from headway_core.workspaces.archive_errors import ERROR_LENGTH, with_failed_archive, without_failed_archive
from headway_core.workspaces.claims import WorkspaceClaims
from headway_core.workspaces.model import (
    ALL_WORKSPACES,
    BY_IDEMPOTENCY_KEY,
    LIFECYCLE_TRANSITIONS,
    LIVE_WORKSPACES,
    MOVABLE,
    RETRY_LIMIT,
    GitFacts,
    SessionPolicy,
    Workspace,
    WorkspaceSource,
    WorkspaceStatus,
)

CANCELLED = "cancelled"
"""The error of a workspace whose provisioning a person cancelled."""

_S = WorkspaceStatus
_FRESH: dict[str, Any] = {
    **dict.fromkeys(("init_completed_at", "error", "warning")),
    "cancel_asked": False,
}
"""What each run of provisioning begins with, the first like every retry (L13)."""


class WorkspaceSteps:
    """Moves workspaces along `LIFECYCLE_TRANSITIONS`, and nothing else does (I1, I2)."""

    def __init__(
        self,
        workspaces: OwnedTable[Workspace],
        git_facts: OwnedTable[GitFacts],
        claims: WorkspaceClaims,
    ) -> None:
        self._workspaces = workspaces
        self._git_facts = git_facts
        self._claims = claims

    # Looking

    def known(self, tx: ReadTransaction, workspace_id: str) -> Workspace:
        """The workspace as this transaction sees it. `NotFound` when there is none."""
        workspace = self._workspaces.get(tx, workspace_id)
        if workspace is None:
            raise NotFound("workspace", workspace_id)
        return workspace

    def all(self, tx: ReadTransaction) -> list[Workspace]:
        """All workspaces, oldest first, the archived ones too."""
        return self._workspaces.query(tx, ALL_WORKSPACES)

    def live(self, tx: ReadTransaction) -> list[Workspace]:
        """Those that are not archived, oldest first."""
        return self._workspaces.query(tx, LIVE_WORKSPACES)

    def holder_of_branch(self, tx: ReadTransaction, project_id: str, branch: str) -> Workspace | None:
        """The live workspace on this branch of the project's repository, in whatever clone of it."""
        return self._claims.holder_of_branch(tx, project_id, branch)

    def holder_of_issue(self, tx: ReadTransaction, project_id: str, number: int) -> Workspace | None:
        """The live workspace of this issue of the repository: an archived one holds nothing (L21)."""
        return self._claims.holder_of_issue(tx, project_id, number)

    def created_with(self, tx: ReadTransaction, idempotency_key: str) -> Workspace | None:
        """What a create with this key made, archived or not."""
        found = self._workspaces.query(tx, BY_IDEMPOTENCY_KEY, idempotency_key=idempotency_key)
        return next(iter(found), None)

    # Steps of creation and provisioning

    def create(
        self,
        tx: Transaction,
        *,
        project_id: str,
        name: str,
        description: str | None,
        source: WorkspaceSource,
        session_policy: SessionPolicy,
        branch: str,
        branch_is_generated: bool,
        base_branch: str,
        claims_issue: int | None,
        idempotency_key: str | None,
        host_id: str | None = None,
        actor: str = "headway",
    ) -> Workspace:
        """Add a workspace in NEW with its claims. `Conflict` when a live one holds branch or issue.

        With a `host_id` that host alone provisions it.
        """
        self._claims.expect_branch(tx, project_id, branch)
        if claims_issue is not None:
            self._claims.expect_issue(tx, project_id, claims_issue)
        stored = self._workspaces.add(
            tx,
            Workspace(
                id=tx.new_id(),
                project_id=project_id,
                name=name,
                description=description,
                source=source,
                session_policy=session_policy,
                branch=branch,
                branch_is_generated=branch_is_generated,
                base_branch=base_branch,
                host_id=host_id,
                branch_claim=self._claims.of_branch(tx, project_id, branch),
                issue_claim=self._claims.of_issue(tx, project_id, claims_issue),
                idempotency_key=idempotency_key,
                created_at=tx.now(),
                status_changed_at=tx.now(),
            ),
        )
        tx.emit(events.WorkspaceCreated(workspace=stored), workspace_id=stored.id, actor=actor)
        return stored

    def begin_provisioning(self, tx: Transaction, workspace_id: str, host_id: str) -> Workspace:
        """Move it from NEW to PROVISIONING on this host, to which it belongs from now on.

        `Conflict` when it belongs to another host already.
        """
        workspace = self._locked(tx, workspace_id, _S.NEW, to=_S.PROVISIONING)
        if workspace.host_id not in {None, host_id}:
            raise Conflict("workspace", workspace_id, f"it belongs to host {workspace.host_id}")
        return self._move(tx, workspace, _S.PROVISIONING, host_id=host_id, **_FRESH, init_started_at=tx.now())

    def choose_branch(self, tx: Transaction, workspace_id: str, branch: str) -> Workspace:
        """Give it another generated name, as long as no worktree has the branch: in one write (L17).

        `Conflict` when the name is a person's choice, a worktree exists or a live workspace has it.
        """
        workspace = self._locked(tx, workspace_id, _S.PROVISIONING)
        if not workspace.branch_is_generated or workspace.worktree_path is not None:
            raise Conflict("workspace", workspace_id, f"its branch {workspace.branch} is settled")
        return self._rebranch(tx, workspace, branch, generated=True)

    def worktree_made(self, tx: Transaction, workspace_id: str, path: str) -> Workspace:
        """Record the worktree of a PROVISIONING workspace: from now on no clean-up may remove it (L10)."""
        workspace = self._locked(tx, workspace_id, _S.PROVISIONING, to=_S.PROVISIONING)
        if workspace.worktree_path == path and workspace.branch_made:
            return workspace
        return self._change(tx, workspace, events.WorktreeMade, worktree_path=path, branch_made=True)

    def provisioned(self, tx: Transaction, workspace_id: str, path: str, warning: str | None) -> Workspace:
        """Move it from PROVISIONING to READY; `warning` says what is wrong with it all the same (L14)."""
        return self._move(
            tx,
            self._locked(tx, workspace_id, _S.PROVISIONING, to=_S.READY),
            _S.READY,
            worktree_path=path,
            warning=warning,
            cancel_asked=False,
            init_completed_at=tx.now(),
        )

    def provisioning_failed(self, tx: Transaction, workspace_id: str, error: str) -> Workspace:
        """Move it from PROVISIONING to FAILED. A worktree that was made stays the workspace's."""
        return self._move(
            tx,
            self._locked(tx, workspace_id, _S.PROVISIONING, to=_S.FAILED),
            _S.FAILED,
            error=error[:ERROR_LENGTH],
            cancel_asked=False,
            init_completed_at=tx.now(),
        )

    def retry(self, tx: Transaction, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Move it to NEW when it is FAILED without a worktree; to PROVISIONING when it is FAILED with one, or
        READY with a warning.

        `IllegalTransition` for any other state, `RetriesUsed` past `RETRY_LIMIT` (told apart, L2). The
        caller sees to it that no session runs: this room knows nothing of sessions.
        """
        workspace = self._locked(tx, workspace_id)
        if not workspace.is_retryable:
            raise IllegalTransition("workspace", workspace_id, workspace.status, _S.PROVISIONING)
        if workspace.retries >= RETRY_LIMIT:
            raise RetriesUsed("workspace", workspace_id, RETRY_LIMIT)
        anew = workspace.status is _S.FAILED and workspace.worktree_path is None
        return self._move(
            tx,
            workspace,
            _S.NEW if anew else _S.PROVISIONING,
            actor=actor,
            retries=workspace.retries + 1,
            **_FRESH,
            init_started_at=None if anew else tx.now(),
        )

    def ask_cancel(self, tx: Transaction, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Ask for the end of a provisioning. NEW passes through PROVISIONING to FAILED at once: nothing was
        begun.

        A provisioning under way is marked, and its provisioner ends it. `IllegalTransition` for any other
        status.
        """
        workspace = self._locked(tx, workspace_id)
        match workspace.status:
            case _S.NEW:
                begun = self._move(
                    tx, workspace, _S.PROVISIONING, actor=actor, **_FRESH, init_started_at=tx.now()
                )
                return self._move(
                    tx, begun, _S.FAILED, actor=actor, error=CANCELLED, init_completed_at=tx.now()
                )
            case _S.PROVISIONING if workspace.cancel_asked:
                return workspace
            case _S.PROVISIONING:
                return self._change(
                    tx, workspace, events.ProvisioningCancelAsked, actor=actor, cancel_asked=True
                )
            case status:
                raise IllegalTransition("workspace", workspace_id, status, _S.FAILED)

    def move(self, tx: Transaction, workspace_id: str, host_id: str, *, actor: str = "headway") -> Workspace:
        """Move it from any live status to PROVISIONING on this host, which makes a worktree of the pushed
        branch.

        The caller sees to it that its host is retired, and ends what ran there in the same transaction.
        """
        workspace = self._locked(tx, workspace_id)
        if workspace.status not in MOVABLE:
            raise IllegalTransition("workspace", workspace_id, workspace.status, _S.PROVISIONING)
        return self._enter(
            tx,
            workspace,
            _S.PROVISIONING,
            actor=actor,
            host_id=host_id,
            worktree_path=None,
            archiving_from=None,
            **_FRESH,
            init_started_at=tx.now(),
        )

    def expect_host(self, tx: Transaction, workspace_id: str, host_id: str) -> None:
        """`Conflict` when it is pinned to another host by now: what was done here is no outcome any more."""
        tx.lock(workspace_id)
        pinned = self.known(tx, workspace_id).host_id
        if pinned not in {None, host_id}:
            raise Conflict("workspace", workspace_id, f"it belongs to host {pinned}")

    # Steps of an archive

    def begin_archive(
        self, tx: Transaction, workspace_id: str, *, host_id: str | None = None, actor: str = "headway"
    ) -> Workspace:
        """Move it from READY or FAILED to ARCHIVING, stored before anything is stopped or removed (L4).

        One that no host has provisioned is pinned to `host_id`, so that one host goes on after a crash.
        """
        workspace = self._locked(tx, workspace_id)
        return self._move(
            tx,
            workspace,
            _S.ARCHIVING,
            actor=actor,
            archiving_from=workspace.status,
            error=without_failed_archive(workspace.error),
            host_id=workspace.host_id or host_id,
        )

    def note_preserved(self, tx: Transaction, workspace_id: str, ref: str) -> Workspace:
        """Record where everything is that was on no branch at the archive."""
        workspace = self._locked(tx, workspace_id, _S.ARCHIVING)
        if workspace.preserved == ref:
            return workspace
        return self._change(tx, workspace, events.WorkPreserved, preserved=ref)

    def archived(self, tx: Transaction, workspace_id: str) -> Workspace:
        """Move it from ARCHIVING to ARCHIVED: its branch and its issue are free again."""
        workspace = self._locked(tx, workspace_id)
        free: dict[str, Any] = {"worktree_path": None, "branch_claim": None, "issue_claim": None}
        return self._move(tx, workspace, _S.ARCHIVED, **free)

    def archive_failed(self, tx: Transaction, workspace_id: str, error: str) -> Workspace:
        """Move it from ARCHIVING back to where it came from, with the reason beside what was wrong before."""
        workspace = self._locked(tx, workspace_id, _S.ARCHIVING, to=_S.READY)
        told = with_failed_archive(workspace.error, error)
        back = workspace.archiving_from or _S.FAILED
        return self._move(tx, workspace, back, archiving_from=None, error=told)

    # Steps that record facts

    def follow_branch(
        self, tx: Transaction, workspace_id: str, branch: str, *, actor: str = "headway"
    ) -> Workspace:
        """Record that the workspace is on this branch now: name, flag and claim in one write (L17).

        `Conflict` when another live workspace is on it, or this one is archived.
        """
        workspace = self._locked(tx, workspace_id)
        if not workspace.is_live:
            raise Conflict("workspace", workspace_id, "it is archived")
        return self._rebranch(tx, workspace, branch, generated=False, actor=actor)

    def worktree_seen(self, tx: Transaction, workspace_id: str, warning: str | None) -> Workspace:
        """Warn that the worktree of a READY workspace is not as it should be: a retry makes another.

        None: it is there. Any other warning of the workspace stays then.
        """
        workspace = self._locked(tx, workspace_id)
        ours = warning is not None or workspace.worktree_lost
        if workspace.status is not _S.READY or workspace.warning == warning or not ours:
            return workspace
        return self._change(tx, workspace, events.WorkspaceWarned, warning=warning)

    def stop(self, tx: Transaction, workspace_id: str, why: str) -> Workspace:
        """Have nothing start in it before a person has looked; `why` is a sentence without outside text."""
        workspace = self._locked(tx, workspace_id)
        known = workspace.stopped == why or not workspace.is_live
        return workspace if known else self._change(tx, workspace, events.WorkspaceStopped, stopped=why)

    def release(self, tx: Transaction, workspace_id: str, *, actor: str = "headway") -> Workspace:
        """Let sessions start again in a workspace that was stopped: a person has looked. Safe to repeat."""
        workspace = self._locked(tx, workspace_id)
        if workspace.stopped is None:
            return workspace
        return self._change(tx, workspace, events.WorkspaceReleased, actor=actor, stopped=None)

    def note_session(self, tx: Transaction, workspace_id: str) -> Workspace:
        """Record that it has had a session; stored once."""
        workspace = self._locked(tx, workspace_id)
        if workspace.has_had_sessions:
            return workspace
        return self._change(tx, workspace, events.WorkspaceSessionsBegan, has_had_sessions=True)

    def record_git_facts(self, tx: Transaction, facts: GitFacts) -> None:
        """Store what git said of the worktree; older facts never replace newer ones (I5). No event.

        Those of a moment in the future were noted while the clock was ahead, and are not newer.
        """
        stored = self._git_facts.get(tx, facts.workspace_id)
        if stored is None or stored.at <= facts.at or stored.at > tx.now():
            self._git_facts.put(tx, facts.after(stored))

    # Inside

    def _locked(
        self,
        tx: Transaction,
        workspace_id: str,
        expected: WorkspaceStatus | None = None,
        *,
        to: WorkspaceStatus | None = None,
    ) -> Workspace:
        """The row, locked; `IllegalTransition` when the step is of another status.

        The table alone does not say that: a late outcome of provisioning must not end an archive.
        """
        tx.lock(workspace_id)
        workspace = self.known(tx, workspace_id)
        if expected is not None and workspace.status is not expected:
            raise IllegalTransition("workspace", workspace_id, workspace.status, to or expected)
        return workspace

    def _rebranch(
        self,
        tx: Transaction,
        workspace: Workspace,
        branch: str,
        *,
        generated: bool,
        actor: str = "headway",
    ) -> Workspace:
        self._claims.expect_branch(tx, workspace.project_id, branch, but=workspace.id)
        if (workspace.branch, workspace.branch_is_generated) == (branch, generated):
            return workspace
        return self._change(
            tx,
            workspace,
            events.WorkspaceBranchChanged,
            actor=actor,
            branch=branch,
            branch_is_generated=generated,
            branch_claim=self._claims.of_branch(tx, workspace.project_id, branch),
        )

    def _move(
        self,
        tx: Transaction,
        workspace: Workspace,
        to: WorkspaceStatus,
        *,
        actor: str = "headway",
        **changes: Any,
    ) -> Workspace:
        """A step along the table (I1)."""
        if to not in LIFECYCLE_TRANSITIONS[workspace.status]:
            raise IllegalTransition("workspace", workspace.id, workspace.status, to)
        return self._enter(tx, workspace, to, actor=actor, **changes)

    def _enter(
        self,
        tx: Transaction,
        workspace: Workspace,
        to: WorkspaceStatus,
        *,
        actor: str,
        **changes: Any,
    ) -> Workspace:
        """The only place where a status changes: for `_move`, and for `move` with a table of its own."""
        return self._change(
            tx,
            workspace,
            events.WorkspaceStatusChanged,
            actor=actor,
            status=to,
            status_changed_at=tx.now(),
            **changes,
        )

    def _change(
        self,
        tx: Transaction,
        before: Workspace,
        payload: type[events.WorkspaceChange],
        *,
        actor: str = "headway",
        **changes: Any,
    ) -> Workspace:
        """Store the changes and say so, with the values that the write returned (B5)."""
        after = self._workspaces.replace(tx, attrs.evolve(before, **changes))
        facts: dict[str, Any] = {"from_status": before.status, **attrs.asdict(after, recurse=False)}
        said = {field.name: facts[field.name] for field in attrs.fields(payload)}
        tx.emit(payload(**said), workspace_id=after.id, actor=actor)
        return after
