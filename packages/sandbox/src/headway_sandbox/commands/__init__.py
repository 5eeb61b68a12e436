"""The control API's vocabulary: one attrs class a command, and the values that answer them.

`repository` is "owner/name"; empty means the only one. `user` is a login. Server and client share
these classes; the name of a class is its path under /control/.
"""

from headway_sandbox.commands.branches import CommitFiles, CommitView, DeleteBranch, ForcePush, PushView
from headway_sandbox.commands.checks import ReportCheck, RerunCheck, RunView, SetStatus, StatusView
from headway_sandbox.commands.conversation import (
    AddComment,
    CommentView,
    CreateIssue,
    DismissReview,
    EditComment,
    IssueView,
    Remark,
    ReplyToThread,
    RequestReview,
    ResolveThread,
    ReviewView,
    SubmitReview,
    ThreadView,
)
from headway_sandbox.commands.hooks import CreateHook, DeliveriesView, DeliveryView, HookView, ListDeliveries
from headway_sandbox.commands.pulls import (
    ClosePullRequest,
    EditPullRequest,
    MergePullRequest,
    OpenPullRequest,
    PullView,
    ReopenPullRequest,
    SetQueueEntry,
)
from headway_sandbox.commands.repositories import (
    ChangeRepository,
    CreateRepository,
    CreateUser,
    RenameRepository,
    RepositoryView,
    UserSpec,
    UserView,
)
from headway_sandbox.commands.server import (
    AddFault,
    ClearFaults,
    Done,
    FaultView,
    Health,
    SetClock,
    WorldState,
)

__all__ = [
    "AddComment",
    "AddFault",
    "ChangeRepository",
    "ClearFaults",
    "ClosePullRequest",
    "CommentView",
    "CommitFiles",
    "CommitView",
    "CreateHook",
    "CreateIssue",
    "CreateRepository",
    "CreateUser",
    "DeleteBranch",
    "DeliveriesView",
    "DeliveryView",
    "DismissReview",
    "Done",
    "EditComment",
    "EditPullRequest",
    "FaultView",
    "ForcePush",
    "Health",
    "HookView",
    "IssueView",
    "ListDeliveries",
    "MergePullRequest",
    "OpenPullRequest",
    "PullView",
    "PushView",
    "Remark",
    "RenameRepository",
    "ReopenPullRequest",
    "ReplyToThread",
    "ReportCheck",
    "RepositoryView",
    "RequestReview",
    "RerunCheck",
    "ResolveThread",
    "ReviewView",
    "RunView",
    "SetClock",
    "SetQueueEntry",
    "SetStatus",
    "StatusView",
    "SubmitReview",
    "ThreadView",
    "UserSpec",
    "UserView",
    "WorldState",
]
