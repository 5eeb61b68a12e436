"""Operations: create, provision, archive, recover. They hold no facts; they compose the owners' steps."""

from headway_core.operations.archive import ArchiveService
from headway_core.operations.creation import WorkspaceCreationService
from headway_core.operations.duty import ProvisionDuty
from headway_core.operations.model import (
    ArchiveResult,
    Busy,
    CreateWorkspace,
    GitHubIssue,
    HoldsIgnored,
    Manual,
    NotDue,
    ProvisionResult,
    Recovered,
    ResumeBranch,
    Settled,
)
from headway_core.operations.ports import Issue, IssueReader
from headway_core.operations.provisioning import ProvisioningService
from headway_core.operations.recovery import RecoveryService

__all__ = [
    "ArchiveResult",
    "ArchiveService",
    "Busy",
    "CreateWorkspace",
    "GitHubIssue",
    "HoldsIgnored",
    "Issue",
    "IssueReader",
    "Manual",
    "NotDue",
    "ProvisionDuty",
    "ProvisionResult",
    "ProvisioningService",
    "Recovered",
    "RecoveryService",
    "ResumeBranch",
    "Settled",
    "WorkspaceCreationService",
]
