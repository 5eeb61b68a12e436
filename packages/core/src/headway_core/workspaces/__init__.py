"""Workspaces: one task on one branch in one worktree on one host.

`WorkspaceLifecycleService` is the only writer of a workspace, its init output and its git facts.
"""

from headway_core.workspaces.events import (
    EVENTS,
    ProvisioningCancelAsked,
    WorkPreserved,
    WorkspaceBranchChanged,
    WorkspaceCreated,
    WorkspaceSessionsBegan,
    WorkspaceStatusChanged,
    WorkspaceWarned,
    WorktreeMade,
)
from headway_core.workspaces.model import (
    GIT_FACTS,
    INIT_OUTPUT,
    LIFECYCLE_TRANSITIONS,
    MOVABLE,
    RETRY_LIMIT,
    WORKSPACES,
    GitFacts,
    GitHubIssueSource,
    InitOutputLine,
    ManualSource,
    ResumeBranchSource,
    SessionPolicy,
    SourceKind,
    Workspace,
    WorkspaceSource,
    WorkspaceStatus,
    branch_claim,
    issue_claim,
)
from headway_core.workspaces.output import OUTPUT_LIMIT, InitOutput
from headway_core.workspaces.service import CANCELLED, WorkspaceLifecycleService

__all__ = [
    "CANCELLED",
    "EVENTS",
    "GIT_FACTS",
    "INIT_OUTPUT",
    "LIFECYCLE_TRANSITIONS",
    "MOVABLE",
    "OUTPUT_LIMIT",
    "RETRY_LIMIT",
    "WORKSPACES",
    "GitFacts",
    "GitHubIssueSource",
    "InitOutput",
    "InitOutputLine",
    "ManualSource",
    "ProvisioningCancelAsked",
    "ResumeBranchSource",
    "SessionPolicy",
    "SourceKind",
    "WorkPreserved",
    "Workspace",
    "WorkspaceBranchChanged",
    "WorkspaceCreated",
    "WorkspaceLifecycleService",
    "WorkspaceSessionsBegan",
    "WorkspaceSource",
    "WorkspaceStatus",
    "WorkspaceStatusChanged",
    "WorkspaceWarned",
    "WorktreeMade",
    "branch_claim",
    "issue_claim",
]
