"""Fields of pull requests and issues, and of what people say on them."""

from headway_sandbox import facts
from headway_sandbox.nodes import Commit
from headway_sandbox.records import (
    Comment,
    Issue,
    PullRequest,
    QueueExit,
    Repository,
    Review,
    ReviewRequest,
    Thread,
    User,
)
from headway_sandbox.resolvers.call import Call, Info, Resolver, branch, global_id, no, nothing, owner
from headway_sandbox.resolvers.checkruns import rollup_of_pull
from headway_sandbox.store import Transaction


def _head_ref(pull: PullRequest, info: Info) -> object:
    call: Call = info.context
    return branch(call, call.repository(pull), pull.head)


def _mergeable(pull: PullRequest, info: Info) -> object:
    return facts.mergeable(info.context.tx, info.context.repository(pull), pull)


def _merge_state(pull: PullRequest, info: Info) -> object:
    return facts.merge_state(info.context.tx, info.context.repository(pull), pull)


def _queue_entry(pull: PullRequest, info: Info) -> object:
    if pull.queue is None:
        return None
    return {
        "__typename": "MergeQueueEntry",
        "id": f"MQE_kwDO{pull.id:08x}",
        "state": pull.queue,
        "position": pull.queue_position,
        "enqueuedAt": pull.updated_at,
        "headCommit": pull.queue_oid and Commit(info.context.repository(pull), pull.queue_oid),
    }


def _commits(pull: PullRequest, info: Info, **page: object) -> object:
    """The head alone, as the page that is asked for from the end."""
    call: Call = info.context
    head = {
        "__typename": "PullRequestCommit",
        "id": f"PURC_kwDO{pull.id:08x}",
        "commit": Commit(call.repository(pull), call.head(pull)),
    }
    return call.connection([head], page)


def _timeline(pull: PullRequest, info: Info, *, itemTypes: list[str] | None = None, **page: object) -> object:
    call: Call = info.context
    exits = call.tx.find(QueueExit, pull=pull.id) if itemTypes is None or itemTypes else []
    return call.connection(
        [
            {
                "__typename": "RemovedFromMergeQueueEvent",
                "id": f"RFMQE_kwDO{left.id:08x}",
                "createdAt": left.created_at,
                "reason": left.reason,
                "beforeCommit": left.commit_oid and Commit(call.repository(pull), left.commit_oid),
            }
            for left in exits
        ],
        page,
    )


def _opinions(pull: PullRequest, info: Info, *, writersOnly: bool = False, **page: object) -> object:
    call: Call = info.context
    found = [
        review
        for review in facts.opinions(call.tx, pull)
        if not writersOnly or _review_author_can_push(review, info)
    ]
    return call.connection(found, page)


def _reviews(pull: PullRequest, info: Info, *, states: list[str] | None = None, **page: object) -> object:
    found = info.context.tx.find(Review, pull=pull.id)
    return info.context.connection([r for r in found if states is None or r.state in states], page)


def _threads(pull: PullRequest, info: Info, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Thread, pull=pull.id), page)


def _review_requests(pull: PullRequest, info: Info, **page: object) -> object:
    return info.context.connection(info.context.tx.find(ReviewRequest, pull=pull.id), page)


def _comments(subject: PullRequest | Issue, info: Info, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Comment, subject=subject.id, thread=None), page)


def _thread_comments(thread: Thread, info: Info, **page: object) -> object:
    return info.context.connection(info.context.tx.find(Comment, thread=thread.id), page)


def total_comments(pull: PullRequest, info: Info) -> int:
    # GitHub counts conversation, review comments and review bodies.
    tx: Transaction = info.context.tx
    bodies = [review for review in tx.find(Review, pull=pull.id) if review.body]
    return len(tx.find(Comment, subject=pull.id)) + len(bodies)


def _updated_at(pull: PullRequest, info: Info) -> object:
    return (pull.lagging_at or pull.updated_at) if info.context.stale else pull.updated_at


def _author(obj: PullRequest | Issue | Review | Comment, info: Info) -> object:
    return info.context.user(obj.author)


def _subject_repository(call: Call, obj: PullRequest | Issue | Review | Comment) -> Repository:
    match obj:
        case PullRequest() | Issue():
            return call.repository(obj)
        case Review():
            return call.repository(call.tx.get(PullRequest, obj.pull))
        case Comment():
            subject = call.tx.first(PullRequest, id=obj.subject) or call.tx.get(Issue, obj.subject)
            return call.repository(subject)


def _association(obj: PullRequest | Issue | Review | Comment, info: Info) -> object:
    call: Call = info.context
    return facts.association(call.tx, _subject_repository(call, obj), call.tx.get(User, obj.author))


def _review_author_can_push(review: Review, info: Info) -> bool:
    call: Call = info.context
    author = call.tx.get(User, review.author)
    return facts.permission(call.tx, _subject_repository(call, review), author).can_push


def _commit_of_review(review: Review, info: Info) -> object:
    return Commit(_subject_repository(info.context, review), review.commit_oid)


def _original_commit(comment: Comment, info: Info) -> object:
    if comment.commit_oid is None:
        return None
    return Commit(_subject_repository(info.context, comment), comment.commit_oid)


def _comment_url(comment: Comment, info: Info) -> object:
    call: Call = info.context
    if comment.thread is not None:
        pull = call.tx.get(PullRequest, comment.subject)
        return f"{call.pull_url(pull)}#discussion_r{comment.id}"
    if pull_or_none := call.tx.first(PullRequest, id=comment.subject):
        return f"{call.pull_url(pull_or_none)}#issuecomment-{comment.id}"
    issue = call.tx.get(Issue, comment.subject)
    return f"{_issue_url(issue, info)}#issuecomment-{comment.id}"


def _issue_url(issue: Issue, info: Info) -> str:
    call: Call = info.context
    return f"{call.repository_url(call.repository(issue))}/issues/{issue.number}"


def _review_url(review: Review, info: Info) -> object:
    call: Call = info.context
    return f"{call.pull_url(call.tx.get(PullRequest, review.pull))}#pullrequestreview-{review.id}"


def _full_database_id(obj: PullRequest | Issue | Review | Comment, _: Info) -> str:
    return str(obj.id)  # BigInt travels as a string


_TEXT: dict[str, Resolver] = {
    "id": global_id,
    "author": _author,
    "authorAssociation": _association,
    "fullDatabaseId": _full_database_id,
    "viewerDidAuthor": lambda obj, info: obj.author == info.context.viewer.id,
}


_COMMENT: dict[str, Resolver] = {
    **_TEXT,
    "isMinimized": lambda comment, _: comment.minimized,
    "url": _comment_url,
}


RESOLVERS: dict[str, dict[str, Resolver]] = {
    "Issue": {
        **_TEXT,
        "comments": _comments,
        "repository": lambda issue, info: info.context.repository(issue),
        "state": lambda issue, _: "CLOSED" if issue.closed else "OPEN",
        "url": _issue_url,
    },
    "PullRequest": {
        **_TEXT,
        "autoMergeRequest": nothing,
        "baseRef": lambda pull, info: branch(info.context, info.context.repository(pull), pull.base),
        "baseRefName": lambda pull, _: pull.base,
        "baseRefOid": lambda pull, info: facts.base_oid(info.context.tx, info.context.repository(pull), pull),
        "closed": lambda pull, _: pull.state != "OPEN",
        "comments": _comments,
        "commits": _commits,
        "headRef": _head_ref,
        "headRefName": lambda pull, _: pull.head,
        "headRefOid": lambda pull, info: info.context.head(pull),
        "headRepository": lambda pull, info: info.context.repository(pull),
        "headRepositoryOwner": lambda pull, info: owner(info.context.repository(pull), info),
        "isCrossRepository": no,
        "isDraft": lambda pull, _: pull.draft,
        "isInMergeQueue": lambda pull, _: pull.queue is not None,
        "latestOpinionatedReviews": _opinions,
        "mergeCommit": lambda pull, info: (
            pull.merge_commit and Commit(info.context.repository(pull), pull.merge_commit)
        ),
        "mergeQueueEntry": _queue_entry,
        "mergeStateStatus": _merge_state,
        "mergeable": _mergeable,
        "merged": lambda pull, _: pull.state == "MERGED",
        "mergedBy": lambda pull, info: info.context.user(pull.merged_by),
        "repository": lambda pull, info: info.context.repository(pull),
        "reviewDecision": lambda pull, info: facts.review_decision(
            info.context.tx, info.context.repository(pull), pull
        ),
        "reviewRequests": _review_requests,
        "reviewThreads": _threads,
        "reviews": _reviews,
        "statusCheckRollup": rollup_of_pull,
        "timelineItems": _timeline,
        "totalCommentsCount": total_comments,
        "updatedAt": _updated_at,
        "url": lambda pull, info: info.context.pull_url(pull),
    },
    "PullRequestReview": {
        **_TEXT,
        "authorCanPushToRepository": _review_author_can_push,
        "commit": _commit_of_review,
        "lastEditedAt": nothing,
        "url": _review_url,
    },
    "ReviewRequest": {
        "id": global_id,
        "asCodeOwner": no,
        "requestedReviewer": lambda asked, info: info.context.user(asked.user),
    },
    "PullRequestReviewThread": {
        "id": global_id,
        "comments": _thread_comments,
        "isCollapsed": lambda thread, _: thread.resolved_by is not None or thread.outdated,
        "isOutdated": lambda thread, _: thread.outdated,
        "isResolved": lambda thread, _: thread.resolved_by is not None,
        "pullRequest": lambda thread, info: info.context.tx.get(PullRequest, thread.pull),
        "resolvedBy": lambda thread, info: info.context.user(thread.resolved_by),
        "subjectType": lambda thread, _: "FILE" if thread.original_line is None else "LINE",
    },
    "PullRequestReviewComment": {
        **_COMMENT,
        "originalCommit": _original_commit,
        "path": lambda comment, info: info.context.tx.get(Thread, comment.thread).path,
        "pullRequestReview": lambda comment, info: info.context.tx.get(Review, comment.review),
        "state": lambda _, __: "SUBMITTED",  # drafts of reviews are not served
        "replyTo": lambda comment, info: comment.reply_to and info.context.tx.get(Comment, comment.reply_to),
    },
    "IssueComment": _COMMENT,
}
