"""GraphQL nodes to the parts of an observation: the one mapping, for every path."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

import attrs

from headway_core.forge_actions.model import own_mark
from headway_core.pull_requests.derive import latest_opinions
from headway_core.pull_requests.model import (
    Author,
    Base,
    GitHubState,
    Head,
    Mergeability,
    MergeQueueEntry,
    QueueExit,
    Review,
    ReviewDecision,
    ReviewThread,
    ThreadComment,
)
from headway_core.pull_requests.ports import Candidate, ConversationPart, StatePart, Untold
from headway_core.pull_requests.requests import is_request
from headway_github.reading import MalformedError, Node, cut
from headway_github.rows import NAME_BYTES

logger = logging.getLogger(__name__)

BODY_BYTES = 8 * 1024
_TITLE_CHARACTERS = 300
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_GHOST = Author(login="ghost")
_UNKNOWN = "UNKNOWN"
_QUEUE_WORD = re.compile(r"[A-Z_]{1,40}")
UNTOLD: dict[str, Untold] = {
    "author": "author",
    "headRepository": "head_repository",
    "mergeQueueEntry": "merge_queue",
    "timelineItems": "queue_exit",
}
"""Fields that GitHub may refuse without the rest of the state being wrong."""


class _QueueState(StrEnum):
    QUEUED = "QUEUED"
    AWAITING_CHECKS = "AWAITING_CHECKS"
    MERGEABLE = "MERGEABLE"
    UNMERGEABLE = "UNMERGEABLE"
    LOCKED = "LOCKED"


class _GitHubMergeability(StrEnum):
    MERGEABLE = "MERGEABLE"
    CONFLICTING = "CONFLICTING"
    UNKNOWN = "UNKNOWN"


_MERGEABILITY = {
    _GitHubMergeability.MERGEABLE: Mergeability.CLEAN,
    _GitHubMergeability.CONFLICTING: Mergeability.CONFLICT,
    _GitHubMergeability.UNKNOWN: Mergeability.UNKNOWN,
}
_NEVER_SEEN: set[tuple[str, str]] = set()

E = TypeVar("E", bound=StrEnum)


def state_part(pr: Node, *, refused: Collection[str] = ()) -> StatePart:
    """Which pull request it is and where it stands. `MalformedError` when a part of that can't be read.

    `refused`: the fields at or below which there is an error.
    """
    state = _word(GitHubState, pr.text("state"))
    if state is None:
        raise MalformedError("state", "is a word never seen")
    decision = pr.maybe_text("reviewDecision")
    return StatePart(
        node_id=pr.text("id"),
        number=pr.integer("number"),
        url=cut(pr.text("url"), 2048),
        title=pr.text("title")[:_TITLE_CHARACTERS],
        author=author(pr, can_push=None),
        state=state,
        draft=pr.flag("isDraft"),
        # A word never seen is not "no reviews required", from which a decision would be derived.
        review_decision=(_word(ReviewDecision, decision) or ReviewDecision.REVIEW_REQUIRED)
        if decision
        else None,
        head=_head(pr),
        base=Base(ref=pr.text("baseRefName"), commit=_commit(pr, "baseRefOid")),
        updated_at=pr.time("updatedAt"),
        merge_queue=_queue_entry(pr),
        queue_exit=_queue_exit(pr),
        untold=_untold(pr, refused),
    )


def _untold(pr: Node, refused: Collection[str]) -> frozenset[Untold]:
    found: set[Untold] = {told for field, told in UNTOLD.items() if field in refused}
    if not _is_queued(pr):
        found.discard("merge_queue")  # that it is in none is told
    elif pr.maybe_node("mergeQueueEntry") is None:
        found.add("merge_queue")
    return frozenset(found)


def _word(kind: type[E], word: str) -> E | None:
    """A word of a closed set; one that is not in it is logged once and is None (R29)."""
    try:
        return kind(word.strip().upper())
    except ValueError:
        if (kind.__name__, word) not in _NEVER_SEEN:
            _NEVER_SEEN.add((kind.__name__, word))
            logger.warning("GitHub says a %s that is not known: %.40r", kind.__name__, word)
        return None


def _commit(node: Node, key: str) -> str:
    oid = node.text(key)
    if not _COMMIT.fullmatch(oid):
        raise MalformedError(key, "is no commit id")
    return oid


def _head(pr: Node) -> Head:
    ref = pr.maybe_node("headRef")
    target = ref and ref.maybe_node("target")
    repository = pr.maybe_node("headRepository")
    return Head(
        ref=pr.text("headRefName"),
        commit=_commit(pr, "headRefOid"),
        repository=repository.text("nameWithOwner") if repository else None,
        tip=_commit(target, "oid") if target else None,
    )


def _queue_entry(pr: Node) -> MergeQueueEntry | None:
    """Its place in the queue; one that may not be read, of a pull request that is in it, is unknown."""
    node = pr.maybe_node("mergeQueueEntry")
    if node is None:
        return MergeQueueEntry(state=_UNKNOWN, position=None) if _is_queued(pr) else None
    commit = node.maybe_node("headCommit")
    return MergeQueueEntry(
        state=str(_word(_QueueState, node.text("state")) or _UNKNOWN),
        position=node.maybe_integer("position"),
        head_commit=_commit(commit, "oid") if commit else None,
    )


def left_queue(pr: Node) -> Node | None:
    """The event by which it last left a merge queue."""
    items = pr.maybe_node("timelineItems")
    nodes = items.nodes("nodes") if items else []
    return nodes[-1] if nodes else None


def _queue_exit(pr: Node) -> QueueExit | None:
    left = left_queue(pr)
    if left is None:
        return None
    word = (left.maybe_text("reason") or _UNKNOWN).upper()
    reason = word if _QUEUE_WORD.fullmatch(word) else _UNKNOWN
    return QueueExit(id=left.text("id"), reason=reason, head=_commit(pr, "headRefOid"))


def _is_queued(pr: Node) -> bool:
    """Whether it is in a merge queue; a server that was not asked has none."""
    return pr.flag("isInMergeQueue") if pr.has("isInMergeQueue") else False


def mergeability(pr: Node) -> Mergeability:
    """What GitHub says; a value of another field is UNKNOWN and logged (R29)."""
    word = _word(_GitHubMergeability, pr.text("mergeable"))
    return Mergeability.UNKNOWN if word is None else _MERGEABILITY[word]


def author(node: Node, *, can_push: bool | None) -> Author:
    """Who wrote a thing that has `author`, `authorAssociation` and `viewerDidAuthor`.

    A deleted account is `ghost`. Whether it is the token's own account GitHub says itself: an app's
    token has no account to compare with.
    """
    who = node.maybe_node("author")
    if who is None:
        return attrs.evolve(_GHOST, association=_association(node))
    return Author(
        login=who.text("login"),
        node_id=who.maybe_text("id"),
        is_bot=who.maybe_text("__typename") == "Bot",
        association=_association(node),
        can_push=can_push,
        is_viewer=node.flag("viewerDidAuthor"),
    )


def _association(node: Node) -> str:
    return (node.maybe_text("authorAssociation") or "NONE").upper()


def body_text(text: str) -> str:
    """A body cut to 8 KiB; Headway's mark in its own place stays, so that our words are known as ours."""
    if len(text.encode("utf-8", "replace")) <= BODY_BYTES:
        return text
    mark = own_mark(text)
    if mark is None:
        return cut(text, BODY_BYTES)
    return f"{cut(text, BODY_BYTES - len(mark) - 1)}\n{mark}"


def review(node: Node) -> Review:
    commit = node.maybe_node("commit")
    return Review(
        id=node.text("id"),
        author=author(node, can_push=node.maybe_flag("authorCanPushToRepository")),
        state=node.text("state").upper(),
        body=body_text(node.maybe_text("body") or ""),
        submitted_at=node.maybe_time("submittedAt"),
        edited_at=node.maybe_time("lastEditedAt"),
        commit=commit.text("oid") if commit else None,
    )


def is_submitted(node: Node) -> bool:
    """Whether others can see it: it is of no review that the token's own account has yet to submit."""
    return node.text("state").upper() != "PENDING"


def comment(node: Node) -> ThreadComment:
    of_review = node.maybe_node("pullRequestReview")
    # A comment belongs to a review of its own author, which tells what the comment itself does not.
    can_push = of_review.maybe_flag("authorCanPushToRepository") if of_review else None
    # What was drafted is said when its review is submitted: before that nobody could read it.
    written_at, submitted_at = node.time("createdAt"), of_review and of_review.maybe_time("submittedAt")
    return ThreadComment(
        id=node.text("id"),
        author=author(node, can_push=can_push),
        body=body_text(node.text("body")),
        created_at=max(written_at, submitted_at or written_at),
        edited_at=node.maybe_time("lastEditedAt"),
        minimized=node.maybe_flag("isMinimized") or False,
        url=node.maybe_text("url"),
        review_id=of_review.text("id") if of_review else None,
    )


def remark(node: Node) -> ThreadComment:
    """A comment of the conversation. GitHub does not tell whether its author can push."""
    return ThreadComment(
        id=node.text("id"),
        author=author(node, can_push=None),
        body=body_text(node.text("body")),
        created_at=node.time("createdAt"),
        edited_at=node.maybe_time("lastEditedAt"),
        minimized=node.maybe_flag("isMinimized") or False,
        url=node.maybe_text("url"),
    )


def requests(
    remarks: Iterable[ThreadComment], account: str | None, known: ConversationPart
) -> tuple[ThreadComment, ...]:
    """The remarks that ask Headway for something. Whether their authors can push, their reviews may tell."""
    authors = [review.author for review in known.reviews]
    authors += [comment.author for thread in known.threads for comment in thread.comments]
    rights = {each.node_id: each.can_push for each in authors if each.can_push is not None}
    asked = [each for each in remarks if is_request(each.body, account)]
    asked.sort(key=lambda each: (each.created_at, each.id))
    return tuple(
        attrs.evolve(each, author=attrs.evolve(each.author, can_push=rights.get(each.author.node_id or "")))
        for each in asked
    )


def thread(node: Node, comments: Iterable[ThreadComment]) -> ReviewThread:
    return ReviewThread(
        id=node.text("id"),
        path=cut(node.text("path"), 4096),
        line=node.maybe_integer("line"),
        outdated=node.flag("isOutdated"),
        comments=tuple(sorted(comments, key=lambda each: (each.created_at, each.id))),
    )


def conversation(reviews: Sequence[Review], threads: Sequence[tuple[bool, ReviewThread]]) -> ConversationPart:
    """What is kept of a whole conversation. `threads`: with whether each is resolved.

    Of the reviews the latest opinion of each author, and every one with a body; of the threads those
    that are not resolved (R26) and of which a comment is submitted. Both are ordered by time, so that
    GitHub's order changes nothing.
    """
    submitted = [each for each in reviews if each.state != "PENDING"]
    submitted.sort(key=lambda each: (each.submitted_at is not None, each.submitted_at or 0, each.id))
    opened = Counter(each.comments[0].review_id for _, each in threads if each.comments)
    latest = {each.id for each in latest_opinions(submitted).values()}
    return ConversationPart(
        reviews=tuple(
            attrs.evolve(each, thread_count=opened[each.id])
            for each in submitted
            if each.id in latest or each.body.strip()
        ),
        threads=tuple(
            sorted((each for resolved, each in threads if each.comments and not resolved), key=_age)
        ),
    )


def _age(opened: ReviewThread) -> tuple[object, ...]:
    """Orders threads by their first comment."""
    return (opened.comments[0].created_at, opened.id)


def in_same_repository(head: Node | None, repository: Node) -> bool | None:
    """Whether a head's repository is this one: by their ids, which a rename keeps; None where one is not
    told. None as `head` is a repository that is gone.
    """
    ids = [None if head is None else head.maybe_text("id"), repository.maybe_text("id")]
    if head is None:
        return False
    return None if None in ids else ids[0] == ids[1]


def candidate(node: Node, of: Node) -> Candidate:
    """An open pull request of a repository."""
    repository = node.maybe_node("headRepository")
    return Candidate(
        node_id=node.text("id"),
        number=node.integer("number"),
        base_ref=cut(node.text("baseRefName"), NAME_BYTES),
        created_at=node.time("createdAt"),
        head_repository=repository.text("nameWithOwner") if repository else None,
        head_commit=_commit(node, "headRefOid") if node.has("headRefOid") else None,
        in_repository=in_same_repository(repository, of),
    )
