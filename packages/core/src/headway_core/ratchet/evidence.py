"""What a fixer's prompt quotes of its causes, in a size: unanswered words first, then the newest. Pure.

A cause of which nothing fits is left out, and so is a check: this fixer does not handle them, and they come
to a later one. Of a thread that is told of, the newest words always fit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs

from headway_core.forge_actions.agent_output import REPLIES_LIMIT
from headway_core.kernel.outside_text import beginning, json_size, plain
from headway_core.pull_requests.derive import own_head, thrown_out
from headway_core.pull_requests.model import Check, PullRequestFacts, Review, ReviewThread, ThreadComment
from headway_core.ratchet.feedback import heard, said_at
from headway_core.ratchet.model import Cause, CauseKind
from headway_core.ratchet.trust import Trust

REF_CAP = 250
"""Characters of a branch's name: git takes no more bytes in a file's name."""
NAME_CAP = 200
URL_CAP = 500
_PATH_CAP = 500
_WORD_CAP = 40
_TEXT_CAP = 8192

_FIRST_CHECKS = 20
"""The checks that are told of before any thread is."""

_ANY_SIZE = 12 * _TEXT_CAP + len('""')
"""No text of so many characters has more bytes in JSON."""

_CAUSE_DEPTH = 2
_QUOTE_DEPTH = 4

LEFT_OUT = ("causes", "checks", "comments", "review", "outputs of checks")
"""What may be left out, in words."""

Quoted = dict[str, object]


@attrs.frozen(kw_only=True)
class Evidence:
    """What is quoted, and how much is not."""

    causes: tuple[Cause, ...]
    """The causes, each with the items that are told of: what the fixer gets to handle."""
    documents: list[Quoted]
    """A document for each of them."""
    left_out: Mapping[str, int]
    """What did not fit, by what it is; what is left out none of is not named."""


@attrs.frozen(kw_only=True)
class _Quote:
    """What is quoted as one: a comment, a check."""

    key: str
    """The item of the cause that it is of."""
    at: datetime | None
    """When it was written, or ended."""
    answered: bool = False
    """We have replied since."""
    fields: Quoted
    text: str
    """What a person wrote, or a check printed."""
    text_name: str = "text"

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Unanswered first, then the newest; what has no time comes last."""
        return self.answered, self.at is None, -self.at.timestamp() if self.at else 0.0

    def document(self, size: int) -> Quoted:
        """The fields and the text, of which at most `size` bytes are quoted."""
        if not self.text and self.text_name == "summary":
            return self.fields
        quoted = beginning(self.text, characters=_TEXT_CAP, size=size)
        rest = len(self.text) - len(quoted)
        cut = {"characters_left_out": rest} if rest else {}
        return {**self.fields, self.text_name: quoted, **cut}


@attrs.frozen(kw_only=True)
class _Candidate:
    """A cause that may be told of, with all that could be quoted of it, in the order of reading."""

    cause: Cause
    frame: Quoted
    quotes_name: str = ""
    quotes: tuple[_Quote, ...] = ()

    @property
    def is_thread(self) -> bool:
        """Whether an answer is asked for."""
        return "thread" in self.frame

    @property
    def ranked(self) -> list[int]:
        """The places of the quotes, the most important first."""
        return sorted(range(len(self.quotes)), key=lambda place: self.quotes[place].rank)

    @property
    def importance(self) -> tuple[bool, bool, bool, float]:
        """Checks and the conflict first, then the threads and reviews by their most important words."""
        if self.cause.kind is not CauseKind.FEEDBACK or not self.quotes:
            return False, False, False, 0.0
        return True, *min(quote.rank for quote in self.quotes)


Chosen = dict[int, Quoted]
"""What is quoted of a cause, by its place among the quotes."""


def evidence(facts: PullRequestFacts, causes: Iterable[Cause], trust: Trust, *, size: int) -> Evidence:
    """What is quoted of these causes in at most `size` bytes; nothing that nobody vouches for is."""
    candidates = {cause.id: _candidate(facts, cause, trust) for cause in causes}
    space = _Space(size)
    chosen: dict[str, Chosen] = {}
    threads = 0
    for candidate in sorted(candidates.values(), key=lambda each: each.importance):
        threads += candidate.is_thread
        if candidate.is_thread and threads > REPLIES_LIMIT:
            continue  # nobody could answer it
        begun = _begun(candidate, space, longest=size // 4)
        if begun is not None:
            chosen[candidate.cause.id] = begun
    told = [candidate for candidate in candidates.values() if candidate.cause.id in chosen]
    _fill(told, chosen, space)
    return Evidence(
        causes=tuple(_carried(each, chosen[each.cause.id]) for each in told),
        documents=[_document(each, chosen[each.cause.id]) for each in told],
        left_out=_left_out(candidates.values(), chosen),
    )


class _Space:
    """What is left of the size."""

    def __init__(self, size: int) -> None:
        self._left = size

    def may_take(self, quote: _Quote) -> bool:
        """Whether it is worth the trouble to look: JSON has a byte for each character at least."""
        return min(len(quote.text), _TEXT_CAP) <= self._left

    def takes(self, size: int) -> bool:
        """Whether that much is left; then it is taken."""
        fits = size <= self._left
        self._left -= size if fits else 0
        return fits


def _begun(candidate: _Candidate, space: _Space, *, longest: int) -> Chosen | None:
    """The least that is told of a cause: its newest words, its first checks; None where that does not fit."""
    frame = json_size(_document(candidate, {}), depth=_CAUSE_DEPTH)
    if not candidate.quotes:
        return {} if space.takes(frame) else None
    checks = candidate.cause.kind is CauseKind.CI
    chosen: Chosen = {}
    for place in candidate.ranked[: _FIRST_CHECKS if checks else 1]:
        quote = candidate.quotes[place]
        document = quote.fields if checks else quote.document(longest)
        if space.takes(json_size(document, depth=_QUOTE_DEPTH) + (0 if chosen else frame)):
            chosen[place] = document
    return chosen or None


def _fill(told: Iterable[_Candidate], chosen: Mapping[str, Chosen], space: _Space) -> None:
    """Quote what else fits whole of the causes that are told of: further words, checks and their outputs."""
    rest = [(each.quotes[place], place, chosen[each.cause.id]) for each in told for place in each.ranked]
    for quote, place, documents in sorted(rest, key=lambda each: each[0].rank):
        before = documents.get(place)
        told_already = before is not None and quote.text_name in before  # the newest words of a thread
        if told_already or not space.may_take(quote):
            continue
        whole = quote.document(_ANY_SIZE)
        more = json_size(whole, depth=_QUOTE_DEPTH)
        more -= json_size(before, depth=_QUOTE_DEPTH) if before is not None else 0
        if more and space.takes(more):
            documents[place] = whole


def _carried(candidate: _Candidate, chosen: Chosen) -> Cause:
    """The cause with the items that are told of."""
    if not candidate.quotes:
        return candidate.cause
    keys = {candidate.quotes[place].key for place in chosen}
    return attrs.evolve(
        candidate.cause, items=tuple(item for item in candidate.cause.items if item.key in keys)
    )


def _document(candidate: _Candidate, chosen: Chosen) -> Quoted:
    if not candidate.quotes:
        return candidate.frame
    left_out = len(candidate.quotes) - len(chosen)
    said = {f"{candidate.quotes_name}_left_out": left_out} if left_out else {}
    quoted = [chosen[place] for place in sorted(chosen)]
    return {**candidate.frame, candidate.quotes_name: quoted, **said}


def _left_out(candidates: Iterable[_Candidate], chosen: Mapping[str, Chosen]) -> dict[str, int]:
    counts = Counter[str]()
    for candidate in candidates:
        documents = chosen.get(candidate.cause.id)
        if documents is None:
            counts["causes"] += 1
            continue
        counts[candidate.quotes_name] += len(candidate.quotes) - len(documents)
        counts["outputs of checks"] += sum(
            candidate.cause.kind is CauseKind.CI
            and bool(candidate.quotes[place].text)
            and candidate.quotes[place].text_name not in document
            for place, document in documents.items()
        )
    return {what: count for what, count in counts.items() if count}


def _candidate(facts: PullRequestFacts, cause: Cause, trust: Trust) -> _Candidate:
    keys = {item.key for item in cause.items}
    match cause.kind:
        case CauseKind.CI:
            quoted = own_head(facts)
            checks = (_check(check, quoted=quoted) for check in _checks(facts) if check.identity in keys)
            return _Candidate(cause=cause, frame={"id": cause.id}, quotes_name="checks", quotes=tuple(checks))
        case CauseKind.CONFLICT:
            return _Candidate(cause=cause, frame={"id": cause.id, "base": plain(facts.base.ref, REF_CAP)})
        case CauseKind.FEEDBACK:
            thread = next((thread for thread in facts.threads if thread.id in keys), None)
            if thread is not None:
                return _thread(cause, thread, trust)
            comments = tuple(_comment(each, each.id, None) for each in facts.comments if each.id in keys)
            if comments:
                return _Candidate(
                    cause=cause, frame={"id": cause.id}, quotes_name="comments", quotes=comments
                )
            reviews = (_review(review) for review in facts.reviews if review.id in keys)
            return _Candidate(
                cause=cause, frame={"id": cause.id}, quotes_name="review", quotes=tuple(reviews)
            )


def _checks(facts: PullRequestFacts) -> tuple[Check, ...]:
    """Those of the head, and of the merge group with which its queue threw it out."""
    left = thrown_out(facts)
    return (*facts.checks, *(left.failed if left else ()))


def _check(check: Check, *, quoted: bool) -> _Quote:
    """No output of a fork's head is quoted: its author chose it."""
    fields: Quoted = {
        "name": plain(check.name, NAME_CAP),
        "result": plain(check.word, _WORD_CAP),
        "url": None if check.url is None else plain(check.url, URL_CAP),
    }
    return _Quote(
        key=check.identity,
        at=check.completed_at or check.started_at,
        fields=fields,
        text=(check.summary or "") if quoted else "",
        text_name="summary",
    )


def _thread(cause: Cause, thread: ReviewThread, trust: Trust) -> _Candidate:
    comments = heard(thread, trust)
    ours = (each for each in thread.comments if trust.is_ours(each.author, each.body, said_at(each)))
    replied_at = max((*map(said_at, ours), *trust.replies_in(thread.id)), default=None)
    return _Candidate(
        cause=cause,
        frame={
            "id": cause.id,
            "thread": thread.id,
            "path": plain(thread.path, _PATH_CAP),
            "line": thread.line,
            "comments_of_others": len(thread.comments) - len(comments),
        },
        quotes_name="comments",
        quotes=tuple(_comment(comment, thread.id, replied_at) for comment in comments),
    )


def _comment(comment: ThreadComment, key: str, replied_at: datetime | None) -> _Quote:
    at = said_at(comment)
    return _Quote(
        key=key,
        at=at,
        answered=replied_at is not None and at < replied_at,
        fields={"author": plain(comment.author.login, NAME_CAP)},
        text=comment.body,
    )


def _review(review: Review) -> _Quote:
    return _Quote(
        key=review.id,
        at=review.edited_at or review.submitted_at,
        fields={"author": plain(review.author.login, NAME_CAP)},
        text=review.body,
    )
