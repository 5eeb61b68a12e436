"""What happened to a workspace. Each payload has every field that its write changed (S7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

import attrs

from headway_core.kernel.events import Upcasts
from headway_core.workspaces.model import Workspace, WorkspaceStatus


@attrs.frozen(kw_only=True)
class WorkspaceCreated:
    """A workspace was created, in NEW."""

    event: ClassVar[str] = "workspace.created"
    version: ClassVar[int] = 1

    workspace: Workspace
    """The workspace as it is stored."""


@attrs.frozen(kw_only=True)
class WorkspaceStatusChanged:
    """A workspace moved along its table of transitions; the fields are as the move left them."""

    event: ClassVar[str] = "workspace.status_changed"
    version: ClassVar[int] = 1

    from_status: WorkspaceStatus
    """Its status before."""
    status: WorkspaceStatus
    """Its status now."""
    status_changed_at: datetime
    """When it moved."""
    archiving_from: WorkspaceStatus | None
    """While ARCHIVING: where a failed archive goes back to."""
    retries: int
    """How often a person asked to retry."""
    warning: str | None
    """What is not as it should be in a READY workspace."""
    error: str | None
    """Why it is FAILED, or why its last archive failed."""
    cancel_asked: bool
    """Whether a person asked its provisioning to end."""
    init_started_at: datetime | None
    """When its last provisioning began."""
    init_completed_at: datetime | None
    """When its last provisioning ended."""
    host_id: str | None
    """The host to which it is pinned."""
    worktree_path: str | None
    """Its worktree; None when there is none."""
    branch_claim: str | None
    """`<repository>:<branch>` while it is live."""
    issue_claim: str | None
    """`<repository>:<issue number>` while it is live."""


@attrs.frozen(kw_only=True)
class WorkspaceBranchChanged:
    """A workspace is on another branch now."""

    event: ClassVar[str] = "workspace.branch_changed"
    version: ClassVar[int] = 1

    branch: str
    """The branch."""
    branch_is_generated: bool
    """Whether Headway chose its name."""
    branch_claim: str | None
    """`<repository>:<branch>` while the workspace is live."""


def _worktree_made_2(data: Mapping[str, object]) -> Mapping[str, object]:
    """Version 1 did not say that the branch is the workspace's own from then on."""
    return {**data, "branch_made": True}


@attrs.frozen(kw_only=True)
class WorktreeMade:
    """The worktree of a workspace exists; its start-up script may still run."""

    event: ClassVar[str] = "workspace.worktree_made"
    version: ClassVar[int] = 2
    upcasts: ClassVar[Upcasts] = {1: _worktree_made_2}

    worktree_path: str
    """The worktree, as an absolute path."""
    branch_made: bool
    """Always true: the branch is the workspace's own from now on."""


@attrs.frozen(kw_only=True)
class WorkspaceWarned:
    """A READY workspace is not as it should be."""

    event: ClassVar[str] = "workspace.warned"
    version: ClassVar[int] = 1

    warning: str | None
    """What is wrong, as a sentence for people; None: its worktree is there again."""


@attrs.frozen(kw_only=True)
class WorkspaceStopped:
    """Nothing starts in a workspace any more before a person has looked."""

    event: ClassVar[str] = "workspace.stopped"
    version: ClassVar[int] = 1

    stopped: str
    """Why, as a sentence for people, without outside text."""


@attrs.frozen(kw_only=True)
class WorkspaceReleased:
    """A person has looked at a workspace that was stopped: sessions may start in it again."""

    event: ClassVar[str] = "workspace.released"
    version: ClassVar[int] = 1

    stopped: str | None
    """Always None: nothing keeps it."""


@attrs.frozen(kw_only=True)
class ProvisioningCancelAsked:
    """A person asked the provisioning of a workspace to end."""

    event: ClassVar[str] = "workspace.cancel_asked"
    version: ClassVar[int] = 1

    cancel_asked: bool
    """Always true."""


@attrs.frozen(kw_only=True)
class WorkPreserved:
    """What was on no branch at the archive of a workspace was saved."""

    event: ClassVar[str] = "workspace.work_preserved"
    version: ClassVar[int] = 1

    preserved: str
    """Where it is: the branch that took it up, refs and folders."""


@attrs.frozen(kw_only=True)
class WorkspaceSessionsBegan:
    """A workspace got its first session."""

    event: ClassVar[str] = "workspace.sessions_began"
    version: ClassVar[int] = 1

    has_had_sessions: bool
    """Always true."""


WorkspaceChange = (
    WorkspaceStatusChanged
    | WorkspaceBranchChanged
    | WorktreeMade
    | WorkspaceWarned
    | WorkspaceStopped
    | WorkspaceReleased
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
    WorkspaceStopped,
    WorkspaceReleased,
    ProvisioningCancelAsked,
    WorkPreserved,
    WorkspaceSessionsBegan,
)
