"""Operations: create, provision, archive, recover. They hold no facts; they compose the owners' steps."""

from typing import TYPE_CHECKING

from headway_core.kernel.exports import lazy_exports

if TYPE_CHECKING:
    from headway_core.operations.archive import ArchiveService
    from headway_core.operations.branch_names import BranchPrefixes
    from headway_core.operations.branch_steps import BranchSteps
    from headway_core.operations.branches import BranchService
    from headway_core.operations.consumers import BranchConsumer
    from headway_core.operations.creation import WorkspaceCreationService
    from headway_core.operations.duty import HostDuty, WorkspaceDuty
    from headway_core.operations.heartbeat import HostHeartbeat
    from headway_core.operations.model import (
        ArchiveResult,
        Busy,
        CreateWorkspace,
        GitHubIssue,
        HoldsIgnored,
        Manual,
        NotDue,
        PreservedOf,
        ProvisionResult,
        Recovered,
        ResumeBranch,
        Settled,
    )
    from headway_core.operations.moving import MovingService
    from headway_core.operations.ports import Issue, IssueAddress, IssueReader
    from headway_core.operations.preserving import PreservingService
    from headway_core.operations.provisioning import ProvisioningService
    from headway_core.operations.recovery import RecoveryService
    from headway_core.operations.removal import ProjectRemovalService
    from headway_core.operations.running import HostRunner
    from headway_core.operations.worktree_look import WorktreeDuty, WorktreeLook
    from headway_core.operations.worktree_paths import WorktreePaths
else:
    __getattr__ = lazy_exports(
        __name__,
        "model",
        "ports",
        "worktree_paths",
        "branch_names",
        "branch_steps",
        "archive",
        "creation",
        "branches",
        "consumers",
        "heartbeat",
        "moving",
        "worktree_look",
        "preserving",
        "provisioning",
        "recovery",
        "removal",
        "duty",
        "running",
    )

__all__ = [
    "ArchiveResult",
    "ArchiveService",
    "BranchConsumer",
    "BranchPrefixes",
    "BranchService",
    "BranchSteps",
    "Busy",
    "CreateWorkspace",
    "GitHubIssue",
    "HoldsIgnored",
    "HostDuty",
    "HostHeartbeat",
    "HostRunner",
    "Issue",
    "IssueAddress",
    "IssueReader",
    "Manual",
    "MovingService",
    "NotDue",
    "PreservedOf",
    "PreservingService",
    "ProjectRemovalService",
    "ProvisionResult",
    "ProvisioningService",
    "Recovered",
    "RecoveryService",
    "ResumeBranch",
    "Settled",
    "WorkspaceCreationService",
    "WorkspaceDuty",
    "WorktreeDuty",
    "WorktreeLook",
    "WorktreePaths",
]
