"""Workspaces: one task on one branch in one worktree on one host.

`WorkspaceSteps` is the only writer of a workspace and its git facts, `InitOutputSteps` of its init output.
"""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.workspaces.claims import WorkspaceClaims
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
    from headway_core.workspaces.git_reader import GitReader
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
    from headway_core.workspaces.output import OUTPUT_LIMIT, InitOutput, InitOutputSteps
    from headway_core.workspaces.service import WorkspaceLifecycleService
    from headway_core.workspaces.steps import CANCELLED, WorkspaceSteps
else:
    __getattr__ = lazy_exports(
        __name__, "model", "events", "output", "steps", "service", "git_reader", "claims"
    )

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
    "GitReader",
    "InitOutput",
    "InitOutputLine",
    "InitOutputSteps",
    "ManualSource",
    "ProvisioningCancelAsked",
    "ResumeBranchSource",
    "SessionPolicy",
    "SourceKind",
    "WorkPreserved",
    "Workspace",
    "WorkspaceBranchChanged",
    "WorkspaceClaims",
    "WorkspaceCreated",
    "WorkspaceLifecycleService",
    "WorkspaceSessionsBegan",
    "WorkspaceSource",
    "WorkspaceStatus",
    "WorkspaceStatusChanged",
    "WorkspaceSteps",
    "WorkspaceWarned",
    "WorktreeMade",
    "branch_claim",
    "issue_claim",
]
