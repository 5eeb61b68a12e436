"""What people ask for, in threads and in reviews, and when they asked last: pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from headway_core.pull_requests import latest_opinions
from headway_core.pull_requests.model import (
    Author,
    PullRequestFacts,
    Review,
    ReviewThread,
    ThreadComment,
)
from headway_core.ratchet.model import Cause, CauseItem, CauseKind
from headway_core.ratchet.trust import Trust, is_bot
from headway_core.settings.model import ReviewTrigger


def feedback_of(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    """A cause for each thread, each review with a text and each comment to us that somebody waits for, in
    GitHub's order.

    A review's text and its threads are causes of their own: resolving the threads ends no request that
    stands in the text.
    """
    if facts.conversation_complete:
        yield from _threads(facts, trust)
        yield from _reviews(facts, trust)
        yield from _comments(facts, trust)


def heard(thread: ReviewThread, trust: Trust) -> list[ThreadComment]:
    """The comments of a thread that are feedback, and may be quoted, oldest first."""
    return [comment for comment in thread.comments if _is_heard(comment, trust)]


def _is_heard(comment: ThreadComment, trust: Trust) -> bool:
    return not comment.minimized and trust.hears(comment.author, comment.body, said_at(comment))


def said_at(said: ThreadComment) -> datetime:
    """When its words were said, or changed by a person."""
    return _changed_at(said.author, said.created_at, said.edited_at)


def _changed_at(author: Author, written_at: datetime, edited_at: datetime | None) -> datetime:
    """A bot's edit of its remark says nothing new: it ticks off what it sees. A draft's edit came before."""
    return written_at if edited_at is None or is_bot(author) else max(written_at, edited_at)


def _threads(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    opinions = latest_opinions(facts.reviews)
    for thread in facts.threads:
        asked = list(_asked(thread, trust))
        waiting = [each for each in asked if not _approved_since(opinions, each)]
        if waiting:
            people = [said_at(each) for each in asked if not is_bot(each.author)]
            yield _feedback(
                thread.id,
                max(map(said_at, waiting)),
                person_at=max(people, default=None),
                outdated=thread.outdated,
            )


def _asked(thread: ReviewThread, trust: Trust) -> Iterable[ThreadComment]:
    """The comments that ask for something. What a bot says to a reply of ours does not, until a person has
    spoken again: it would thank for each reply, and each thanks would bring the next.
    """
    replies = trust.replies_in(thread.id)
    person_at: datetime | None = None
    answered = False
    for comment in thread.comments:
        if trust.is_ours(comment.author, comment.body, said_at(comment)):
            answered = True
        elif not _is_heard(comment, trust):
            continue
        elif not is_bot(comment.author):
            answered, person_at = False, comment.created_at
            yield comment
        elif not answered and not any(_between(person_at, at, comment.created_at) for at in replies):
            yield comment


def _between(earlier: datetime | None, at: datetime, later: datetime) -> bool:
    return at <= later and (earlier is None or at > earlier)


def _approved_since(opinions: Mapping[str, Review], comment: ThreadComment) -> bool:
    """The comment's author approves, and said so after it (R25); what came with the approval is not older."""
    opinion = opinions.get(comment.author.login.casefold())
    return (
        opinion is not None
        and opinion.state == "APPROVED"
        and opinion.id != comment.review_id
        and opinion.submitted_at is not None
        and opinion.submitted_at > said_at(comment)
    )


def _reviews(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    triggers = {"CHANGES_REQUESTED"}
    if trust.settings.review_trigger is not ReviewTrigger.THREADS:
        triggers.add("COMMENTED")
    for review in facts.reviews:
        if review.state not in triggers or not review.body.strip():
            continue
        written_at = review.submitted_at or review.edited_at
        if written_at is None:
            continue
        when = _changed_at(review.author, written_at, review.edited_at)
        if trust.hears(review.author, review.body, when) and not _superseded(
            facts.reviews, review.author, when
        ):
            yield _feedback(review.id, when, person_at=None if is_bot(review.author) else when)


def _comments(facts: PullRequestFacts, trust: Trust) -> Iterable[Cause]:
    """Of people alone: a bot that addresses us would be answered by us, and answer."""
    if trust.settings.review_trigger is not ReviewTrigger.CONVERSATION:
        return
    opinions = latest_opinions(facts.reviews)
    for comment in facts.comments:
        if (
            not is_bot(comment.author)
            and _is_heard(comment, trust)
            and not _approved_since(opinions, comment)
        ):
            when = said_at(comment)
            yield _feedback(comment.id, when, person_at=when)


def _superseded(reviews: tuple[Review, ...], author: Author, when: datetime) -> bool:
    """By its author's later approval or dismissal; not by a comment nor by a further request (R25)."""
    return any(
        new.author.login.casefold() == author.login.casefold()
        and new.state in {"APPROVED", "DISMISSED"}
        and new.submitted_at is not None
        and new.submitted_at > when
        for new in reviews
    )


def _feedback(key: str, when: datetime, *, person_at: datetime | None, outdated: bool = False) -> Cause:
    item = CauseItem(
        key=key,
        mark=_mark(when),
        person_mark=None if person_at is None else _mark(person_at),
        outdated=outdated,
    )
    return Cause(id=f"FEEDBACK:{key}", kind=CauseKind.FEEDBACK, items=(item,))


def _mark(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")
