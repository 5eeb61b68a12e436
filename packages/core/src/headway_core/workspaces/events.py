"""What happened to a workspace. Each payload has every field that its write changed (S7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.kernel.events import Upcasts
from headway_core.workspaces.model import Workspace, WorkspaceStatus


@attrs.frozen(kw_only=True)
class WorkspaceCreated:
    """A workspace is there, in NEW."""

    event: ClassVar[str] = "workspace.created"
    version: ClassVar[int] = 1

    workspace: Workspace


@attrs.frozen(kw_only=True)
class WorkspaceStatusChanged:
    """A step along the table of transitions, and the lifecycle as it left it."""

    event: ClassVar[str] = "workspace.status_changed"
    version: ClassVar[int] = 1

    from_status: WorkspaceStatus
    status: WorkspaceStatus
    status_changed_at: datetime
    archiving_from: WorkspaceStatus | None
    retries: int
    warning: str | None
    error: str | None
    cancel_asked: bool
    init_started_at: datetime | None
    init_completed_at: datetime | None
    host_id: str | None
    worktree_path: str | None
    branch_claim: str | None
    issue_claim: str | None


@attrs.frozen(kw_only=True)
class WorkspaceBranchChanged:
    """It is on another branch now."""

    event: ClassVar[str] = "workspace.branch_changed"
    version: ClassVar[int] = 1

    branch: str
    branch_is_generated: bool
    branch_claim: str | None


def _worktree_made_2(data: Mapping[str, object]) -> Mapping[str, object]:
    """Version 1 did not say that the branch is the workspace's own from then on."""
    return {**data, "branch_made": True}


@attrs.frozen(kw_only=True)
class WorktreeMade:
    """Its worktree exists; scripts may still run."""

    event: ClassVar[str] = "workspace.worktree_made"
    version: ClassVar[int] = 2
    upcasts: ClassVar[Upcasts] = {1: _worktree_made_2}

    worktree_path: str
    branch_made: bool


@attrs.frozen(kw_only=True)
class WorkspaceWarned:
    """It is READY, but not as it should be."""

    event: ClassVar[str] = "workspace.warned"
    version: ClassVar[int] = 1

    warning: str


@attrs.frozen(kw_only=True)
class ProvisioningCancelAsked:
    """Somebody wants its provisioning to end."""

    event: ClassVar[str] = "workspace.cancel_asked"
    version: ClassVar[int] = 1

    cancel_asked: bool


@attrs.frozen(kw_only=True)
class WorkPreserved:
    """What was uncommitted at its archive is kept at this ref."""

    event: ClassVar[str] = "workspace.work_preserved"
    version: ClassVar[int] = 1

    preserved: str


@attrs.frozen(kw_only=True)
class WorkspaceSessionsBegan:
    """It has its first session."""

    event: ClassVar[str] = "workspace.sessions_began"
    version: ClassVar[int] = 1

    has_had_sessions: bool


WorkspaceChange = (
    WorkspaceStatusChanged
    | WorkspaceBranchChanged
    | WorktreeMade
    | WorkspaceWarned
    | ProvisioningCancelAsked
    | WorkPreserved
    | WorkspaceSessionsBegan
)

EVENTS = (
    WorkspaceCreated,
    WorkspaceStatusChanged,
    WorkspaceBranchChanged,
    WorktreeMade,
    WorkspaceWarned,
    ProvisioningCancelAsked,
    WorkPreserved,
    WorkspaceSessionsBegan,
)
