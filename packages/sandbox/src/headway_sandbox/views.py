"""The records as the control API shows them."""

from headway_sandbox import facts
from headway_sandbox.commands import (
    CommentView,
    FaultView,
    IssueView,
    PullView,
    PushView,
    RepositoryView,
    ReviewView,
    RunView,
    StatusView,
    ThreadView,
    UserView,
    WorldState,
)
from headway_sandbox.nodes import node_id
from headway_sandbox.records import (
    Branch,
    CheckRun,
    CheckSuite,
    Comment,
    CommitStatus,
    Fault,
    Issue,
    Membership,
    PullRequest,
    Push,
    Repository,
    Review,
    ReviewRequest,
    Thread,
    User,
)
from headway_sandbox.store import Transaction


def world(tx: Transaction, *, url: str, instance: str) -> WorldState:
    """Return everything."""
    return WorldState(
        instance=instance,
        users=tuple(user_view(tx, user) for user in tx.find(User)),
        repositories=tuple(repository_view(tx, found, url=url) for found in tx.find(Repository)),
        faults=tuple(
            FaultView(kind=fault.kind, remaining=fault.remaining, operation=fault.operation)
            for fault in tx.find(Fault)
        ),
    )


def full_name(repository: Repository) -> str:
    """Return "owner/name"."""
    return f"{repository.owner}/{repository.name}"


def user_view(tx: Transaction, user: User) -> UserView:
    """Show a user."""
    return UserView(
        login=user.login,
        token=user.token,
        node_id=node_id(user),
        permissions={
            full_name(tx.get(Repository, member.repository)): member.permission
            for member in tx.find(Membership, user=user.id)
        },
    )


def repository_view(tx: Transaction, repository: Repository, *, url: str) -> RepositoryView:
    """Show a repository with all that is in it."""
    within = {"repository": repository.id}
    return RepositoryView(
        name=full_name(repository),
        origin=repository.origin,
        default_branch=repository.default_branch,
        branches={branch.name: branch.oid for branch in tx.find(Branch, **within)},
        pulls=tuple(pull_view(tx, pull, url=url) for pull in tx.find(PullRequest, **within)),
        issues=tuple(issue_view(tx, issue, url=url) for issue in tx.find(Issue, **within)),
        runs=tuple(run for suite in tx.find(CheckSuite, **within) for run in _runs(tx, suite)),
        statuses=tuple(status_view(status) for status in tx.find(CommitStatus, **within)),
        pushes=tuple(
            PushView(branch=push.branch, before=push.before, after=push.after, at=push.at)
            for push in tx.find(Push, **within)
        ),
    )


def issue_view(tx: Transaction, issue: Issue, *, url: str) -> IssueView:
    """Show an issue."""
    name = full_name(facts.repository_of(tx, issue))
    return IssueView(
        number=issue.number,
        node_id=node_id(issue),
        url=f"{url}/{name}/issues/{issue.number}",
        title=issue.title,
        state="CLOSED" if issue.closed else "OPEN",
    )


def pull_view(tx: Transaction, pull: PullRequest, *, url: str) -> PullView:
    """Show a pull request."""
    pull = tx.get(PullRequest, pull.id)
    repository = facts.repository_of(tx, pull)
    suites = tx.find(CheckSuite, repository=repository.id, commit_oid=pull.head_oid)
    return PullView(
        number=pull.number,
        node_id=node_id(pull),
        url=f"{url}/{full_name(repository)}/pull/{pull.number}",
        author=_login(tx, pull.author),
        title=pull.title,
        body=pull.body,
        state=pull.state,
        draft=pull.draft,
        head=pull.head,
        base=pull.base,
        head_oid=pull.head_oid,
        base_oid=facts.base_oid(tx, repository, pull),
        mergeable=facts.mergeable(tx, repository, pull),
        merge_state=facts.merge_state(tx, repository, pull),
        review_decision=facts.review_decision(tx, repository, pull),
        merge_commit=pull.merge_commit,
        created_at=pull.created_at,
        updated_at=pull.updated_at,
        review_requests=tuple(_login(tx, asked.user) for asked in tx.find(ReviewRequest, pull=pull.id)),
        reviews=tuple(review_view(tx, review) for review in tx.find(Review, pull=pull.id)),
        threads=tuple(thread_view(tx, thread) for thread in tx.find(Thread, pull=pull.id)),
        comments=tuple(comment_view(tx, found) for found in tx.find(Comment, subject=pull.id, thread=None)),
        runs=tuple(run for suite in suites for run in _runs(tx, suite)),
    )


def review_view(tx: Transaction, review: Review) -> ReviewView:
    """Show a review."""
    comments = tx.find(Comment, review=review.id, reply_to=None)
    return ReviewView(
        id=review.id,
        node_id=node_id(review),
        author=_login(tx, review.author),
        state=review.state,
        body=review.body,
        commit=review.commit_oid,
        threads=tuple(comment.thread for comment in comments if comment.thread is not None),
    )


def thread_view(tx: Transaction, thread: Thread) -> ThreadView:
    """Show a thread."""
    return ThreadView(
        id=thread.id,
        node_id=node_id(thread),
        path=thread.path,
        line=thread.line,
        resolved=thread.resolved_by is not None,
        outdated=thread.outdated,
        resolved_by=None if thread.resolved_by is None else _login(tx, thread.resolved_by),
        comments=tuple(comment_view(tx, found) for found in tx.find(Comment, thread=thread.id)),
    )


def comment_view(tx: Transaction, comment: Comment) -> CommentView:
    """Show a comment."""
    return CommentView(
        id=comment.id,
        node_id=node_id(comment),
        author=_login(tx, comment.author),
        body=comment.body,
        minimized=comment.minimized,
        created_at=comment.created_at,
    )


def run_view(suite: CheckSuite, run: CheckRun) -> RunView:
    """Show a check run."""
    return RunView(
        id=run.id,
        name=run.name,
        commit=suite.commit_oid,
        branch=suite.branch,
        app=suite.app,
        event=suite.event,
        status=run.status,
        conclusion=run.conclusion,
        title=run.title,
        summary=run.summary,
        replaced=run.replaced,
        attempts=run.attempts,
        completed_at=run.completed_at,
    )


def status_view(status: CommitStatus) -> StatusView:
    """Show a commit status."""
    return StatusView(context=status.context, commit=status.commit_oid, state=status.state)


def _runs(tx: Transaction, suite: CheckSuite) -> list[RunView]:
    return [run_view(suite, run) for run in tx.find(CheckRun, suite=suite.id)]


def _login(tx: Transaction, user_id: int) -> str:
    return tx.get(User, user_id).login
