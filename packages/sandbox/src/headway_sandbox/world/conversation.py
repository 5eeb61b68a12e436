"""What people say: issues, comments, reviews and their threads."""

from headway_sandbox import commands, conversation, facts, views
from headway_sandbox.records import Comment, PullRequest, Review, Thread
from headway_sandbox.world.desk import Desk


def create_issue(desk: Desk, order: commands.CreateIssue) -> commands.IssueView:
    """Open an issue."""
    repository = desk.repository(order.repository)
    author = desk.user(order.user, repository)
    issue = conversation.create_issue(desk.tx, repository, author=author, title=order.title, body=order.body)
    return views.issue_view(desk.tx, issue, url=desk.url)


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
