"""Issues, comments, reviews and threads."""

from collections.abc import Sequence

from headway_sandbox import pulls
from headway_sandbox.errors import Forbidden, Unprocessable
from headway_sandbox.facts import permission, repository_of
from headway_sandbox.records import (
    Comment,
    Issue,
    PullRequest,
    PullState,
    Repository,
    Review,
    ReviewRequest,
    ReviewState,
    Thread,
    User,
)
from headway_sandbox.store import Transaction


def create_issue(tx: Transaction, repository: Repository, *, author: User, title: str, body: str) -> Issue:
    """Open an issue."""
    return tx.add(
        Issue(
            id=tx.next_id(),
            repository=repository.id,
            number=pulls.next_number(tx, repository),
            author=author.id,
            title=title,
            body=body,
            closed=False,
            created_at=tx.stamp,
            updated_at=tx.stamp,
        )
    )


def comment(tx: Transaction, subject: PullRequest | Issue, *, author: User, body: str) -> Comment:
    """Comment on a pull request or an issue."""
    _require_text(body)
    added = _add_comment(tx, subject=subject.id, author=author, body=body)
    if isinstance(subject, PullRequest):
        pulls.touch(tx, subject)
    else:
        tx.replace(subject, updated_at=tx.stamp)
    return added


def review(
    tx: Transaction,
    pull: PullRequest,
    *,
    author: User,
    state: ReviewState,
    body: str,
    remarks: Sequence[tuple[str, int | None, str]],
) -> tuple[Review, list[Thread]]:
    """Submit a review with threads (path, line or None for the file, body)."""
    if pull.state is not PullState.OPEN:
        message = f"pull request {pull.number} is not open"
        raise Unprocessable(message)
    if author.id == pull.author and state is not ReviewState.COMMENTED:
        verb = "approve" if state is ReviewState.APPROVED else "request changes on"
        message = f"Can not {verb} your own pull request"
        raise Unprocessable(message)
    if state is not ReviewState.APPROVED and not remarks:
        _require_text(body)
    submitted = _submit(tx, pull, author=author, state=state, body=body)
    threads = []
    for path, line, text in remarks:
        _require_text(text)
        thread = tx.add(
            Thread(
                id=tx.next_id(),
                pull=pull.id,
                path=path,
                line=line,
                original_line=line,
                commit_oid=pull.head_oid,
                outdated=False,
                resolved_by=None,
            )
        )
        _add_comment(tx, subject=pull.id, author=author, body=text, thread=thread, review=submitted)
        threads.append(thread)
    return submitted, threads


def _submit(tx: Transaction, pull: PullRequest, *, author: User, state: ReviewState, body: str) -> Review:
    if asked := tx.first(ReviewRequest, pull=pull.id, user=author.id):
        tx.remove(asked)
    pulls.touch(tx, pull)
    return tx.add(
        Review(
            id=tx.next_id(),
            pull=pull.id,
            author=author.id,
            state=state,
            body=body,
            commit_oid=pull.head_oid,
            submitted_at=tx.stamp,
            updated_at=tx.stamp,
        )
    )


def dismiss(tx: Transaction, submitted: Review) -> Review:
    """Dismiss an approval or a request for changes."""
    if submitted.state not in {ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED}:
        message = f"Can not dismiss a review that is {submitted.state}"
        raise Unprocessable(message)
    pulls.touch(tx, tx.get(PullRequest, submitted.pull))
    return tx.replace(submitted, state=ReviewState.DISMISSED, updated_at=tx.stamp)


def reply(tx: Transaction, thread: Thread, *, author: User, body: str) -> Comment:
    """Reply in a thread; GitHub wraps each reply in a review of its own, state COMMENTED."""
    _require_text(body)
    pull = tx.get(PullRequest, thread.pull)
    wrapper = _submit(tx, pull, author=author, state=ReviewState.COMMENTED, body="")
    return _add_comment(tx, subject=pull.id, author=author, body=body, thread=thread, review=wrapper)


def resolve(tx: Transaction, thread: Thread, *, by: User, resolved: bool) -> Thread:
    """Resolve or unresolve a thread: push right, or the pull request's author. Moves no updatedAt."""
    pull = tx.get(PullRequest, thread.pull)
    may = permission(tx, repository_of(tx, pull), by).can_push or by.id == pull.author
    if not may:
        message = f"{by.login} does not have the correct permissions to resolve this thread"
        raise Forbidden(message)
    return tx.replace(thread, resolved_by=by.id if resolved else None)


def request_reviews(tx: Transaction, pull: PullRequest, users: Sequence[User], *, keep: bool) -> PullRequest:
    """Ask users for a review; without `keep` earlier requests to others are withdrawn."""
    wanted = {user.id for user in users}
    if pull.author in wanted:
        message = "Review cannot be requested from pull request author."
        raise Unprocessable(message)
    present = {asked.user: asked for asked in tx.find(ReviewRequest, pull=pull.id)}
    for user, asked in present.items():
        if user not in wanted and not keep:
            tx.remove(asked)
    for user in sorted(wanted - set(present)):
        tx.add(ReviewRequest(id=tx.next_id(), pull=pull.id, user=user))
    return pulls.touch(tx, pull)


def edit_comment(tx: Transaction, edited: Comment, *, body: str | None, minimized: bool | None) -> Comment:
    """Change a comment's text or hide it; None leaves as it is."""
    if pull := tx.first(PullRequest, id=edited.subject):
        pulls.touch(tx, pull)
    if body is not None:
        _require_text(body)
        edited = tx.replace(edited, body=body, updated_at=tx.stamp, last_edited_at=tx.stamp)
    return tx.replace(edited, minimized=edited.minimized if minimized is None else minimized)


def _require_text(body: str) -> None:
    if not body.strip():
        message = "Body can't be blank"
        raise Unprocessable(message)


def _add_comment(
    tx: Transaction,
    *,
    subject: int,
    author: User,
    body: str,
    thread: Thread | None = None,
    review: Review | None = None,
) -> Comment:
    first = tx.first(Comment, thread=thread.id) if thread else None
    return tx.add(
        Comment(
            id=tx.next_id(),
            subject=subject,
            thread=thread.id if thread else None,
            review=review.id if review else None,
            reply_to=first.id if first else None,
            author=author.id,
            body=body,
            commit_oid=review.commit_oid if review and thread else None,
            created_at=tx.stamp,
            updated_at=tx.stamp,
        )
    )
