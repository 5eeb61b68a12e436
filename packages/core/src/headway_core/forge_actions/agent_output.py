"""What an agent left in `$HEADWAY_OUT` for GitHub, read strictly: agents are not trusted with more.

`replies.json` is a list of {"thread": id, "text": text, "resolve": flag}, and names only unresolved threads
of the pull request. `pull-request.json` is {"title": line, "body": text, "draft": flag}, for a workspace that
has no open pull request.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

import attrs
import cattrs

from headway_core.forge_actions.model import OpenPullRequest, Order, Reply, Resolve
from headway_core.kernel.conversion import CONVERTER
from headway_core.kernel.errors import InvalidInput

REPLIES = "replies.json"
PULL_REQUEST = "pull-request.json"

_TITLE_CAP = 250
_BODY_CAP = 60_000
"""GitHub's own limit is 65,536 characters; the mark needs a line."""

_MOST_REVIEWERS = 15
"""As many as GitHub takes."""
_LOGIN = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,38})(?:\[bot\])?")

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class ReplyEntry:
    """One entry of `replies.json`."""

    thread: str
    text: str = attrs.field(default="", validator=attrs.validators.max_len(_BODY_CAP))
    resolve: bool = False


@attrs.frozen(kw_only=True)
class PullRequestEntry:
    """The whole of `pull-request.json`."""

    title: str = attrs.field(validator=attrs.validators.matches_re(rf"\S[^\r\n]{{0,{_TITLE_CAP - 1}}}"))
    body: str = attrs.field(default="", validator=attrs.validators.max_len(_BODY_CAP))
    draft: bool = False


@attrs.frozen(kw_only=True)
class Target:
    """What an agent's answers may be about."""

    head: str
    base: str
    has_pull_request: bool
    threads: frozenset[str]
    """The unresolved threads of the conversation."""
    may_reply: bool


def given_body(text: str) -> str:
    """What a person wants to say. `InvalidInput("body")` when it is blank or too long for GitHub."""
    if not text.strip() or len(text) > _BODY_CAP:
        raise InvalidInput("body", f"must be text of at most {_BODY_CAP} characters")
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


def replies(raw: bytes, target: Target) -> tuple[Order, ...]:
    """The orders of `replies.json`. `InvalidInput` names the entry that can't be used; then none is."""
    entries = _read(raw, list[ReplyEntry], REPLIES, list)
    for number, entry in enumerate(entries):
        if entry.thread not in target.threads:
            raise InvalidInput(f"{REPLIES}[{number}].thread", "is no unresolved thread of this pull request")
    return tuple(order for entry in entries for order in _orders(entry, target))


def _orders(entry: ReplyEntry, target: Target) -> Iterable[Order]:
    if entry.text.strip() and target.may_reply:
        yield Reply(thread_id=entry.thread, body=entry.text)
    if entry.resolve:
        yield Resolve(thread_id=entry.thread)


def pull_request(raw: bytes, target: Target) -> tuple[Order, ...]:
    """The order of `pull-request.json`; nothing when the workspace has a pull request already."""
    entry = _read(raw, PullRequestEntry, PULL_REQUEST, dict)
    if target.has_pull_request:
        return ()
    order = OpenPullRequest(
        head=target.head, base=target.base, title=entry.title, body=entry.body, draft=entry.draft
    )
    return (order,)


def _read(raw: bytes, shape: type[T], name: str, outermost: type) -> T:
    try:
        value = json.loads(raw)
        if isinstance(value, outermost):  # an empty object would pass as an empty list
            return CONVERTER.structure(value, shape)
    except cattrs.BaseValidationError as error:
        raise InvalidInput(name, "; ".join(cattrs.transform_error(error, path=name))[:300]) from None
    except (ValueError, TypeError, RecursionError):
        pass
    raise InvalidInput(name, "is not the JSON that is wanted")
