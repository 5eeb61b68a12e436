"""What an agent left in `$HEADWAY_OUT` for GitHub, read strictly: agents are not trusted with more.

`replies.json` is a list of {"thread": id, "text": text, "resolve": flag}, and names only unresolved threads
of the pull request, each once; each entry stands alone. `pull-request.json` is {"title": line, "body": text,
"draft": flag}, for a workspace that has no open pull request.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

import attrs
import cattrs

from headway_core.forge_actions.model import OpenPullRequest, Order, Reply, Resolve
from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import InvalidInput
from headway_core.kernel.outside_text import unstorable
from headway_core.pull_requests.model import GitHubState

REPLIES = "replies.json"
PULL_REQUEST = "pull-request.json"

_TITLE_CAP = 250
_BODY_CAP = 60_000
"""GitHub's own limit is 65,536 characters; the mark needs a line."""

REPLIES_LIMIT = 50
"""Entries of `replies.json` that are taken of one turn."""
_TOLD = 5
"""How many refused entries are told one by one: the first."""

_MOST_REVIEWERS = 15
"""As many as GitHub takes."""
_LOGIN = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,38})(?:\[bot\])?")

_NO_TITLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Categories of what ends a line, or shows nothing in it."""
_DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
"""Bidirectional classes of what reorders what people read."""

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ReplyEntry:
    """One entry of `replies.json`."""

    thread: str
    text: str = ""
    resolve: bool = False


@attrs.frozen(kw_only=True)
class PullRequestEntry:
    """The whole of `pull-request.json`."""

    title: str
    body: str = ""
    draft: bool = False


@attrs.frozen(kw_only=True)
class Taken:
    """What of a file is carried out, and what is not."""

    orders: tuple[Order, ...] = ()
    """In the order of the file, a reply before the resolving of its thread."""
    refused: tuple[str, ...] = ()
    """A sentence for each part that is not carried out, with its place; no outside text."""

    @property
    def problem(self) -> str | None:
        """What was refused, for people: the first ones, and how many more. None when nothing was."""
        if not self.refused:
            return None
        more = len(self.refused) - _TOLD
        rest = f"; and {more} more" if more > 0 else ""
        return "; ".join(self.refused[:_TOLD]) + rest


@attrs.frozen(kw_only=True)
class Target:
    """What an agent's answers may be about."""

    head: str
    base: str
    has_pull_request: bool
    over: GitHubState | None = None
    """How the pull request ended that the agent worked for: whether there is to be another one is a person's
    decision. None: an agent may open one.
    """
    threads: frozenset[str]
    """The unresolved threads of the conversation."""
    may_reply: bool


def given_body(text: str) -> str:
    """What a person wants to say. `InvalidInput("body")` when it is blank or nothing that GitHub takes."""
    if not text.strip():
        raise InvalidInput("body", "is blank")
    _expect_body(text, "body")
    return text


def given_reviewers(logins: Sequence[str]) -> tuple[str, ...]:
    """Logins, each once. `InvalidInput("reviewers")` for none, for too many and for what is no login."""
    found = tuple(dict.fromkeys(login.strip().removeprefix("@") for login in logins))
    if not 1 <= len(found) <= _MOST_REVIEWERS:
        raise InvalidInput("reviewers", f"must be 1 to {_MOST_REVIEWERS} logins")
    for login in found:
        if not _LOGIN.fullmatch(login):
            raise InvalidInput("reviewers", f"{login[:40]!r} is no login")
    return found


def replies(raw: bytes, target: Target) -> Taken:
    """The orders of `replies.json`. `InvalidInput` when it is no list; an entry that can't be used, a second
    one of a thread and whatever comes after 50 are refused alone.
    """
    entries = _json(raw, REPLIES, list)
    orders, refused, answered = list[Order](), list[str](), set[str]()
    for number, value in enumerate(entries):
        place = f"{REPLIES}[{number}]"
        if len(answered) == REPLIES_LIMIT:
            refused.append(f"{place}: is one more than the {REPLIES_LIMIT} that are taken of a turn")
            continue
        try:
            entry = _structured(value, ReplyEntry, place)
            orders += _orders(entry, target, answered, place)
            answered.add(entry.thread)
        except InvalidInput as error:
            refused.append(str(error))
    return Taken(orders=tuple(orders), refused=tuple(refused))


def _orders(entry: ReplyEntry, target: Target, answered: set[str], place: str) -> list[Order]:
    if entry.thread not in target.threads:
        raise InvalidInput(f"{place}.thread", "is no unresolved thread of this pull request")
    if entry.thread in answered:
        raise InvalidInput(f"{place}.thread", "is answered by an entry before it")
    _expect_body(entry.text, f"{place}.text")
    says = bool(entry.text.strip())
    if not says and not entry.resolve:
        raise InvalidInput(f"{place}.text", "is blank, and the thread is not to be resolved")
    orders: list[Order] = (
        [Reply(thread_id=entry.thread, body=entry.text)] if says and target.may_reply else []
    )
    return [*orders, Resolve(thread_id=entry.thread)] if entry.resolve else orders


def pull_request(raw: bytes, target: Target) -> tuple[Order, ...]:
    """The order of `pull-request.json`; nothing when the workspace has a pull request already.

    `InvalidInput` names what can't be used.
    """
    entry = _structured(_json(raw, PULL_REQUEST, dict), PullRequestEntry, PULL_REQUEST)
    _expect_title(entry.title, f"{PULL_REQUEST}.title")
    _expect_body(entry.body, f"{PULL_REQUEST}.body")
    if target.has_pull_request:
        return ()
    if target.over is not None:
        raise InvalidInput(
            PULL_REQUEST,
            f"the workspace's pull request is {target.over.lower()}: a person decides about another one",
        )
    order = OpenPullRequest(
        head=target.head, base=target.base, title=entry.title, body=entry.body, draft=entry.draft
    )
    return (order,)


def _json(raw: bytes, name: str, outermost: type[T]) -> T:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, outermost):  # an empty object would pass as an empty list
        raise InvalidInput(name, "is not the JSON that is wanted")
    return value


def _structured(value: object, shape: type[T], place: str) -> T:
    """`InvalidInput` names the first field that is not what it must be."""
    if not isinstance(value, dict):
        raise InvalidInput(place, "is not the JSON that is wanted")
    try:
        return CONVERTER.structure(value, shape)
    except cattrs.BaseValidationError as error:
        problem, _, field = cattrs.transform_error(error, path=place)[0].partition(" @ ")
        raise InvalidInput(field or place, problem) from None


def _expect_body(text: str, field: str) -> None:
    if len(text) > _BODY_CAP:
        raise InvalidInput(field, f"must have at most {_BODY_CAP} characters")
    if (problem := unstorable(text)) is not None:
        raise InvalidInput(field, problem)


def _expect_title(text: str, field: str) -> None:
    if (problem := unstorable(text)) is not None:
        raise InvalidInput(field, problem)
    if not 1 <= len(text) <= _TITLE_CAP or text[0].isspace() or any(map(_is_no_title, text)):
        raise InvalidInput(field, f"must be one line of 1 to {_TITLE_CAP} characters that begins with a word")


def _is_no_title(character: str) -> bool:
    return unicodedata.category(character) in _NO_TITLE or unicodedata.bidirectional(character) in _DIRECTIONS
