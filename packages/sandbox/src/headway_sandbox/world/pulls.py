"""Pull requests: opened, edited, queued, merged and closed."""

from headway_sandbox import checks, commands, facts, pulls
from headway_sandbox.errors import Unprocessable
from headway_sandbox.records import PullState, QueueExit
from headway_sandbox.world.desk import Desk


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


def set_queue_entry(desk: Desk, order: commands.SetQueueEntry) -> commands.PullView:
    """Queue a pull request, or take it out."""
    pull = desk.pull(order.repository, order.number)
    if order.state is not None and pull.state is not PullState.OPEN:
        raise Unprocessable(f"pull request {pull.number} is not open")
    repository = desk.repository(order.repository)
    commit = checks.commit_named(desk.tx, repository, order.commit) if order.commit else None
    if order.state is None and pull.queue is not None:
        left = QueueExit(
            id=desk.tx.next_id(),
            pull=pull.id,
            reason=order.reason,
            commit_oid=commit or pull.queue_oid,
            created_at=desk.tx.stamp,
        )
        desk.tx.add(left)
    queued = desk.tx.replace(
        pull,
        queue=order.state,
        queue_position=order.position,
        queue_oid=commit if order.state is not None else None,
    )
    return desk.show(queued)
