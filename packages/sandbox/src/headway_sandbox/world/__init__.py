"""What each control command does, within one transaction."""

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

from headway_sandbox import commands
from headway_sandbox.world import branches, checks, conversation, hooks, pulls, repositories, server
from headway_sandbox.world.desk import Desk

__all__ = ["ACTIONS", "Action", "Desk"]

Action: TypeAlias = Callable[[Desk, object], object]

_ACTIONS: tuple[tuple[type, object], ...] = (
    (commands.CreateRepository, repositories.create_repository),
    (commands.ChangeRepository, repositories.change_repository),
    (commands.RenameRepository, repositories.rename_repository),
    (commands.CreateUser, repositories.create_user),
    (commands.CreateIssue, conversation.create_issue),
    (commands.OpenPullRequest, pulls.open_pull_request),
    (commands.EditPullRequest, pulls.edit_pull_request),
    (commands.SubmitReview, conversation.submit_review),
    (commands.DismissReview, conversation.dismiss_review),
    (commands.RequestReview, conversation.request_review),
    (commands.ReplyToThread, conversation.reply_to_thread),
    (commands.ResolveThread, conversation.resolve_thread),
    (commands.AddComment, conversation.add_comment),
    (commands.EditComment, conversation.edit_comment),
    (commands.MergePullRequest, pulls.merge_pull_request),
    (commands.ClosePullRequest, pulls.close_pull_request),
    (commands.ReopenPullRequest, pulls.reopen_pull_request),
    (commands.DeleteBranch, branches.delete_branch),
    (commands.CommitFiles, branches.commit_files),
    (commands.ForcePush, branches.force_push),
    (commands.SetQueueEntry, pulls.set_queue_entry),
    (commands.CreateHook, hooks.create_hook),
    (commands.ListDeliveries, hooks.list_deliveries),
    (commands.SetStatus, checks.set_status),
    (commands.ReportCheck, checks.report_check),
    (commands.ReportSuite, checks.report_suite),
    (commands.RerunCheck, checks.rerun_check),
    (commands.AddFault, server.add_fault),
    (commands.ClearFaults, server.clear_faults),
    (commands.LackFields, server.lack_fields),
    (commands.SetClock, server.set_clock),
)
ACTIONS: Mapping[str, tuple[type, Action]] = {
    kind.__name__: (kind, cast("Action", action)) for kind, action in _ACTIONS
}
