"""What each control command does, within one transaction."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias, cast

import attrs

from headway_sandbox import checks, commands, conversation, facts, pulls, views
from headway_sandbox.errors import NotFound, Unprocessable
from headway_sandbox.git import Git
from headway_sandbox.records import (
    Association,
    CheckRun,
    CheckSuite,
    Comment,
    Delivery,
    Fault,
    FormerName,
    Hook,
    Issue,
    Membership,
    PullRequest,
    PullState,
    Repository,
    Review,
    Thread,
    User,
)
from headway_sandbox.store import Transaction


@attrs.frozen(kw_only=True)
class Desk:
    """Where a command is done: the transaction, and the server's URL for links."""

    tx: Transaction
    url: str

    def repository(self, name: str) -> Repository:
        """Return the named repository, or the only one."""
        if name:
            owner, _, short = name.partition("/")
            return facts.find_repository(self.tx, owner, short)
        known = self.tx.find(Repository)
        if len(known) != 1:
            raise Unprocessable(f"repository: there are {len(known)}, name one")
        return known[0]

    def pull(self, name: str, number: int) -> PullRequest:
        """Return a pull request."""
        return facts.find_pull(self.tx, self.repository(name), number)

    def show(self, pull: PullRequest) -> commands.PullView:
        """Show a pull request as it is now."""
        return views.pull_view(self.tx, pull, url=self.url)

    def user(self, login: str, subject: PullRequest | Issue | Repository) -> User:
        """Return a user who may see the subject's repository."""
        user = facts.find_user(self.tx, login)
        repository = (
            subject if isinstance(subject, Repository) else self.tx.get(Repository, subject.repository)
        )
        facts.require_read(self.tx, repository, user)
        return user


def create_repository(desk: Desk, order: commands.CreateRepository) -> commands.RepositoryView:
    """Serve a repository."""
    tx = desk.tx
    origin = str(Path(order.origin).resolve())
    try:
        repository = facts.find_repository(tx, order.owner, order.name)
    except NotFound:
        repository = _add_repository(tx, order, origin)
    if repository.origin != origin:
        raise Unprocessable(f"origin: {order.owner}/{order.name} is served from {repository.origin}")
    for spec in order.users:
        _put_user(tx, repository, spec)
    return views.repository_view(tx, repository, url=desk.url)


def _add_repository(tx: Transaction, order: commands.CreateRepository, origin: str) -> Repository:
    for field, name in (("owner", order.owner), ("name", order.name)):
        _check_name(field, name)
    git = Git(Path(origin))
    git.check_repository()
    git.check_branch_name(order.default_branch)
    repository = tx.add(
        Repository(
            id=tx.next_id(),
            owner=order.owner,
            name=order.name,
            origin=origin,
            default_branch=order.default_branch,
            next_number=1,
            test_command=order.test_command,
            ci_env=order.ci_env,
            ci_on_push=False,  # what is there when the repository is served is no push
            ci_timeout=order.ci_timeout,
            required_checks=order.required_checks,
            required_approvals=order.required_approvals,
            requires_resolution=order.requires_resolution,
            requires_up_to_date=order.requires_up_to_date,
            ruleset=order.ruleset,
            mergeable_delay=order.mergeable_delay,
            mergeable_by_rest=order.mergeable_by_rest,
        )
    )
    pulls.follow(tx, repository)
    return tx.replace(repository, ci_on_push=order.ci_on_push)


def _check_name(field: str, name: str) -> None:
    if not name or not all(char.isalnum() or char in "-_." for char in name):
        raise Unprocessable(f"{field}: {name!r} is no GitHub name")


def change_repository(desk: Desk, order: commands.ChangeRepository) -> commands.RepositoryView:
    """Change settings."""
    given = {
        field.name: getattr(order, field.name)
        for field in attrs.fields(type(order))
        if field.name != "repository" and getattr(order, field.name) is not None
    }
    changed = desk.tx.replace(desk.repository(order.repository), **given)
    return views.repository_view(desk.tx, changed, url=desk.url)


def rename_repository(desk: Desk, order: commands.RenameRepository) -> commands.RepositoryView:
    """Rename or transfer a repository."""
    before = desk.repository(order.repository)
    owner, name = order.owner or before.owner, order.name or before.name
    if (owner, name) == (before.owner, before.name):
        return views.repository_view(desk.tx, before, url=desk.url)
    for field, text in (("owner", owner), ("name", name)):
        _check_name(field, text)
    for taken in desk.tx.find(Repository):
        if (taken.owner.lower(), taken.name.lower()) == (owner.lower(), name.lower()):
            raise Unprocessable(f"name: {owner}/{name} exists already")
    for former in desk.tx.find(FormerName, owner=owner, name=name):
        desk.tx.remove(former)  # a new name takes precedence over a redirect
    desk.tx.add(FormerName(id=desk.tx.next_id(), repository=before.id, owner=before.owner, name=before.name))
    renamed = desk.tx.replace(before, owner=owner, name=name)
    return views.repository_view(desk.tx, renamed, url=desk.url)


def create_user(desk: Desk, order: commands.CreateUser) -> commands.UserView:
    """Create a user or change a membership."""
    return views.user_view(desk.tx, _put_user(desk.tx, desk.repository(order.repository), order.user))


def _put_user(tx: Transaction, repository: Repository, spec: commands.UserSpec) -> User:
    try:
        user = facts.find_user(tx, spec.login)
    except NotFound:
        token = spec.token or f"ghp_{secrets.token_hex(18)}"
        user = tx.add(
            User(
                id=tx.next_id(),
                login=spec.login,
                token=token,
                bot=spec.bot,
                fine_grained=spec.fine_grained,
            )
        )
    known = facts.membership(tx, repository, user)
    member = Membership(
        id=known.id if known else tx.next_id(),
        repository=repository.id,
        user=user.id,
        permission=spec.permission,
        association=spec.association or _usual_association(repository, spec),
    )
    if known:
        tx.replace(member)
    else:
        tx.add(member)
    return user


def _usual_association(repository: Repository, spec: commands.UserSpec) -> Association:
    if spec.login.lower() == repository.owner.lower():
        return Association.OWNER
    return Association.COLLABORATOR if spec.permission.can_push else Association.NONE


def create_issue(desk: Desk, order: commands.CreateIssue) -> commands.IssueView:
    """Open an issue."""
    repository = desk.repository(order.repository)
    author = desk.user(order.user, repository)
    issue = conversation.create_issue(desk.tx, repository, author=author, title=order.title, body=order.body)
    return views.issue_view(desk.tx, issue, url=desk.url)


def open_pull_request(desk: Desk, order: commands.OpenPullRequest) -> commands.PullView:
    """Open a pull request."""
    repository = desk.repository(order.repository)
    author = desk.user(order.user, repository)
    facts.require_push(desk.tx, repository, author, "CreatePullRequest")
    pull = pulls.open_pull(
        desk.tx,
        repository,
        author=author,
        head=order.head,
        base=order.base or repository.default_branch,
        title=order.title,
        body=order.body,
        draft=order.draft,
    )
    return desk.show(pull)


def edit_pull_request(desk: Desk, order: commands.EditPullRequest) -> commands.PullView:
    """Edit a pull request."""
    pull = desk.pull(order.repository, order.number)
    return desk.show(pulls.edit(desk.tx, pull, title=order.title, body=order.body, draft=order.draft))


def submit_review(desk: Desk, order: commands.SubmitReview) -> commands.ReviewView:
    """Review a pull request."""
    pull = desk.pull(order.repository, order.number)
    review, _ = conversation.review(
        desk.tx,
        pull,
        author=desk.user(order.user, pull),
        state=order.state,
        body=order.body,
        remarks=[(remark.path, remark.line, remark.body) for remark in order.threads],
    )
    return views.review_view(desk.tx, review)


def dismiss_review(desk: Desk, order: commands.DismissReview) -> commands.ReviewView:
    """Dismiss a review."""
    review = conversation.dismiss(desk.tx, desk.tx.get(Review, order.review))
    return views.review_view(desk.tx, review)


def request_review(desk: Desk, order: commands.RequestReview) -> commands.PullView:
    """Ask for a review."""
    pull = desk.pull(order.repository, order.number)
    user = desk.user(order.user, pull)
    return desk.show(conversation.request_reviews(desk.tx, pull, [user], keep=True))


def reply_to_thread(desk: Desk, order: commands.ReplyToThread) -> commands.CommentView:
    """Reply in a thread."""
    thread = desk.tx.get(Thread, order.thread)
    author = desk.user(order.user, desk.tx.get(PullRequest, thread.pull))
    reply = conversation.reply(desk.tx, thread, author=author, body=order.body)
    return views.comment_view(desk.tx, reply)


def resolve_thread(desk: Desk, order: commands.ResolveThread) -> commands.ThreadView:
    """Resolve or unresolve a thread."""
    thread = desk.tx.get(Thread, order.thread)
    user = desk.user(order.user, desk.tx.get(PullRequest, thread.pull))
    resolved = conversation.resolve(desk.tx, thread, by=user, resolved=order.resolved)
    return views.thread_view(desk.tx, resolved)


def add_comment(desk: Desk, order: commands.AddComment) -> commands.CommentView:
    """Comment on a pull request or an issue."""
    repository = desk.repository(order.repository)
    pull = desk.tx.first(PullRequest, repository=repository.id, number=order.number)
    subject = pull or facts.find_issue(desk.tx, repository, order.number)
    author = desk.user(order.user, subject)
    return views.comment_view(desk.tx, conversation.comment(desk.tx, subject, author=author, body=order.body))


def edit_comment(desk: Desk, order: commands.EditComment) -> commands.CommentView:
    """Edit a comment."""
    edited = conversation.edit_comment(
        desk.tx, desk.tx.get(Comment, order.comment), body=order.body, minimized=order.minimized
    )
    return views.comment_view(desk.tx, edited)


def merge_pull_request(desk: Desk, order: commands.MergePullRequest) -> commands.PullView:
    """Merge a pull request."""
    pull = desk.pull(order.repository, order.number)
    repository = desk.repository(order.repository)
    user = desk.user(order.user, pull)
    facts.require_push(desk.tx, repository, user, "MergePullRequest")
    # Merged already: either before, or by this very command before a crash took its answer.
    if pull.state is not PullState.MERGED:
        pull = pulls.merge(desk.tx, repository, pull, by=user, squash=order.squash)
    return desk.show(pull)


def close_pull_request(desk: Desk, order: commands.ClosePullRequest) -> commands.PullView:
    """Close a pull request."""
    pull = desk.pull(order.repository, order.number)
    return desk.show(pulls.close(desk.tx, desk.repository(order.repository), pull))


def reopen_pull_request(desk: Desk, order: commands.ReopenPullRequest) -> commands.PullView:
    """Reopen a pull request."""
    pull = desk.pull(order.repository, order.number)
    return desk.show(pulls.reopen(desk.tx, desk.repository(order.repository), pull))


def delete_branch(desk: Desk, order: commands.DeleteBranch) -> commands.Done:
    """Delete a branch."""
    repository = desk.repository(order.repository)
    if order.branch == repository.default_branch:
        raise Unprocessable(f"branch: {order.branch!r} is the default branch")
    if oid := facts.tip(desk.tx, repository, order.branch):
        facts.git_of(repository).delete_branch(order.branch, old=oid)
        pulls.follow(desk.tx, repository)
    return commands.Done()


def commit_files(desk: Desk, order: commands.CommitFiles) -> commands.CommitView:
    """Commit files onto a branch."""
    repository = desk.repository(order.repository)
    git = facts.git_of(repository)
    git.check_branch_name(order.branch)
    facts.require_push(desk.tx, repository, desk.user(order.user, repository), "CreateCommitOnBranch")
    old = facts.tip(desk.tx, repository, order.branch)
    parent = old or checks.commit_named(desk.tx, repository, order.start or repository.default_branch)
    tree = git.tree_with(parent, order.files)
    if tree == git.tree_of(parent) and old is not None:
        return commands.CommitView(oid=parent)
    commit = git.commit_tree(tree, parents=(parent,), message=order.message, author=order.user)
    git.move_branch(order.branch, old=old, new=commit)
    pulls.follow(desk.tx, repository)
    return commands.CommitView(oid=commit)


def force_push(desk: Desk, order: commands.ForcePush) -> commands.CommitView:
    """Move a branch to any commit."""
    repository = desk.repository(order.repository)
    git = facts.git_of(repository)
    git.check_branch_name(order.branch)
    facts.require_push(desk.tx, repository, desk.user(order.user, repository), "UpdateRef")
    commit = checks.commit_named(desk.tx, repository, order.commit)
    git.move_branch(order.branch, old=facts.tip(desk.tx, repository, order.branch), new=commit)
    pulls.follow(desk.tx, repository)
    return commands.CommitView(oid=commit)


def set_queue_entry(desk: Desk, order: commands.SetQueueEntry) -> commands.PullView:
    """Queue a pull request, or take it out."""
    pull = desk.pull(order.repository, order.number)
    if order.state is not None and pull.state is not PullState.OPEN:
        raise Unprocessable(f"pull request {pull.number} is not open")
    repository = desk.repository(order.repository)
    commit = checks.commit_named(desk.tx, repository, order.commit) if order.commit else None
    queued = desk.tx.replace(
        pull,
        queue=order.state,
        queue_position=order.position,
        queue_oid=commit if order.state is not None else None,
    )
    return desk.show(queued)


def create_hook(desk: Desk, order: commands.CreateHook) -> commands.HookView:
    """Add a webhook."""
    if not order.secret:
        raise Unprocessable("secret: must not be empty")
    repository = desk.repository(order.repository)
    hook = desk.tx.add(Hook(id=desk.tx.next_id(), repository=repository.id, secret=order.secret))
    return commands.HookView(id=hook.id)


def list_deliveries(desk: Desk, order: commands.ListDeliveries) -> commands.DeliveriesView:
    """Fetch deliveries."""
    hooks = {hook.id: hook for hook in desk.tx.find(Hook, repository=desk.repository(order.repository).id)}
    found = desk.tx.after(Delivery, order.after, limit=order.limit)
    return commands.DeliveriesView(
        deliveries=tuple(_delivery(hooks[one.hook], one) for one in found if one.hook in hooks)
    )


def _delivery(hook: Hook, delivery: Delivery) -> commands.DeliveryView:
    signature = hmac.new(hook.secret.encode(), delivery.body.encode(), hashlib.sha256).hexdigest()
    return commands.DeliveryView(
        id=delivery.id,
        event=delivery.event,
        headers={
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Delivery": delivery.guid,
            "X-GitHub-Event": delivery.event,
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        },
        body=delivery.body,
    )


def set_status(desk: Desk, order: commands.SetStatus) -> commands.StatusView:
    """Add a commit status."""
    repository = desk.repository(order.repository)
    status = checks.set_status(
        desk.tx,
        repository,
        commit=order.commit,
        context=order.context,
        state=order.state,
        description=order.description,
        target_url=order.target_url,
        creator=desk.user(order.user, repository),
    )
    return views.status_view(status)


def report_check(desk: Desk, order: commands.ReportCheck) -> commands.RunView:
    """Report a check run of another app."""
    run = checks.report(
        desk.tx,
        desk.repository(order.repository),
        commit=order.commit,
        name=order.name,
        status=order.status,
        conclusion=order.conclusion,
        app=order.app,
        title=order.title,
        summary=order.summary,
        details_url=order.details_url,
    )
    return views.run_view(desk.tx.get(CheckSuite, run.suite), run)


def rerun_check(desk: Desk, order: commands.RerunCheck) -> commands.RunView:
    """Run a job again."""
    run = checks.rerun(desk.tx, desk.tx.get(CheckRun, order.run), fresh=order.fresh)
    return views.run_view(desk.tx.get(CheckSuite, run.suite), run)


def add_fault(desk: Desk, order: commands.AddFault) -> commands.Done:
    """Prepare wrong answers."""
    if order.count < 1:
        raise Unprocessable("count: must be at least 1")
    desk.tx.add(
        Fault(
            id=desk.tx.next_id(),
            kind=order.kind,
            remaining=order.count,
            seconds=order.seconds,
            operation=order.operation,
            applied=order.applied,
        )
    )
    return commands.Done()


def set_clock(desk: Desk, order: commands.SetClock) -> commands.Done:
    """Stop or free the clock, for what happens after this command."""
    desk.tx.set_clock(order.at)
    return commands.Done()


def clear_faults(desk: Desk, _: commands.ClearFaults) -> commands.Done:
    """Forget all faults."""
    for fault in desk.tx.find(Fault):
        desk.tx.remove(fault)
    return commands.Done()


Action: TypeAlias = Callable[[Desk, object], object]

_ACTIONS: tuple[tuple[type, object], ...] = (
    (commands.CreateRepository, create_repository),
    (commands.ChangeRepository, change_repository),
    (commands.RenameRepository, rename_repository),
    (commands.CreateUser, create_user),
    (commands.CreateIssue, create_issue),
    (commands.OpenPullRequest, open_pull_request),
    (commands.EditPullRequest, edit_pull_request),
    (commands.SubmitReview, submit_review),
    (commands.DismissReview, dismiss_review),
    (commands.RequestReview, request_review),
    (commands.ReplyToThread, reply_to_thread),
    (commands.ResolveThread, resolve_thread),
    (commands.AddComment, add_comment),
    (commands.EditComment, edit_comment),
    (commands.MergePullRequest, merge_pull_request),
    (commands.ClosePullRequest, close_pull_request),
    (commands.ReopenPullRequest, reopen_pull_request),
    (commands.DeleteBranch, delete_branch),
    (commands.CommitFiles, commit_files),
    (commands.ForcePush, force_push),
    (commands.SetQueueEntry, set_queue_entry),
    (commands.CreateHook, create_hook),
    (commands.ListDeliveries, list_deliveries),
    (commands.SetStatus, set_status),
    (commands.ReportCheck, report_check),
    (commands.RerunCheck, rerun_check),
    (commands.AddFault, add_fault),
    (commands.ClearFaults, clear_faults),
    (commands.SetClock, set_clock),
)
ACTIONS: Mapping[str, tuple[type, Action]] = {
    kind.__name__: (kind, cast("Action", action)) for kind, action in _ACTIONS
}
