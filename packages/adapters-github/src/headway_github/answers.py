"""What GitHub answered to a GraphQL request, or why there is no answer: pure, whatever the transport.

Source: GitHub's documentation of the rate limits of GraphQL and REST.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import attrs

from headway_core.pull_requests.model import FailureKind
from headway_github.documents import Document

SECONDARY_WAIT_S = 60.0
"""GitHub: without `retry-after` wait at least a minute."""
_TYPE = re.compile(r"[A-Z_]{1,40}")
_OVERLOADED = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_NAME = re.compile(r"[A-Za-z_]\w{0,80}", re.ASCII)
_LACKS = (
    re.compile(r"[Ff]ield '(?P<field>\w+)' doesn't exist on type '(?P<type>\w+)'"),
    re.compile(r"[Cc]annot query field ['\"](?P<field>\w+)['\"] on type ['\"](?P<type>\w+)['\"]"),
    re.compile(r"[Nn]o such type (?P<type>\w+)"),
    re.compile(r"[Uu]nknown type ['\"](?P<type>\w+)['\"]"),
    re.compile(r"has an invalid value \(\[?(?P<type>[A-Z][A-Z_]+)\]?\)"),
)
"""How servers say that their schema lacks something."""
_NAMED_AT_MOST = 5
_PRIMARY_TYPES = frozenset({"RATE_LIMIT", "RATE_LIMITED"})
_ILL_TYPES = frozenset({"SERVICE_UNAVAILABLE", "INTERNAL", "INTERNAL_ERROR"})
_ILL = re.compile(r"something went wrong|.{0,40}tim(?:ed|e) ?-?out", re.IGNORECASE)
_TOO_BIG_TYPES = frozenset({"RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED", "TIMEOUT"})


@attrs.frozen(kw_only=True)
class AnswerError:
    """One entry of `errors`."""

    type: str
    """GitHub's word, upper case; empty when there is none, or it is no word."""
    message: str = attrs.field(repr=False)
    """Outside text."""
    path: tuple[str | int, ...]
    lacks: str | None = None
    """What the server's schema has not: `Type.field`, a type or a word of an enum; None: it is no such error.
    """
    is_of_query: bool = False
    """The document itself is refused: nothing of it was executed."""


@attrs.frozen(kw_only=True)
class GraphQLAnswer:
    """Data, and what is wrong with it: an error hurts what lies at and below its path alone."""

    data: Mapping[str, object]
    errors: tuple[AnswerError, ...]


@attrs.frozen(kw_only=True)
class SendFailed:
    """There is no usable answer."""

    kind: FailureKind
    problem: str
    """One sentence without outside text."""
    retry_after_s: float | None = None
    too_big: bool = False
    """A smaller question may be answered."""
    secondary: bool = False
    """Of RATE_LIMITED: too much at once, though points are left."""
    lacks: tuple[str, ...] = ()
    """What the server's schema has not, of all that was asked: an older Enterprise Server."""


@attrs.frozen(kw_only=True)
class RawAnswer:
    """A whole HTTP response, whatever the transport."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes = attrs.field(repr=False)
    at: datetime
    """GitHub's own clock where it told, so that waits are right when ours is not."""


class GraphQL(ABC):
    """Carries documents to GitHub. Failures are values; a mutation is sent at most once."""

    @abstractmethod
    async def send(self, document: Document, variables: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
        """Send one document, and return the answer."""


def their_time(headers: Mapping[str, str]) -> datetime:
    """The time of an answer by GitHub's own clock; ours when it is not told."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return datetime.now(UTC)  # noqa: TID251  no clock of ours is asked: only a wait comes from it


def _failed(kind: FailureKind, problem: str, **more: object) -> SendFailed:
    return SendFailed(kind=kind, problem=problem, **more)  # type: ignore[arg-type]  # its own fields, checked by attrs


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> GraphQLAnswer | SendFailed:
    """Judge a whole response: its limits by headers and body, then its status, then its content.

    `headers` have lower-case names. Primary limits come as 200 with an error, secondary ones as 200,
    403 or 429, with points left.
    """
    parsed = _parsed(body)
    failed = read_failure(status, headers, parsed, body, now)
    if failed is not None:
        return failed
    if status != HTTPStatus.OK:
        return _failed(FailureKind.NONSENSE, f"there is no GraphQL at this address ({status})")
    if parsed is None:
        return _failed(FailureKind.NONSENSE, "the answer is no JSON object")
    return _content(parsed)


def read_failure(
    status: int, headers: Mapping[str, str], parsed: dict[str, object] | None, body: bytes, now: datetime
) -> SendFailed | None:
    """What GraphQL and REST refuse alike: a limit, an overload, a token; None when it is none of them."""
    limited = _limit(status, headers, parsed, body, now)
    if limited is not None:
        return limited
    if status in _OVERLOADED:
        return _failed(
            FailureKind.UNAVAILABLE,
            f"GitHub answered {status}",
            retry_after_s=_wait_s(headers, now),
            too_big=True,
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _failed(
            FailureKind.UNAVAILABLE, f"GitHub answered {status}", retry_after_s=_wait_s(headers, now)
        )
    if status == HTTPStatus.UNAUTHORIZED:
        return _failed(FailureKind.FORBIDDEN, "the token is wrong or expired (401)")
    if status == HTTPStatus.FORBIDDEN:
        return _failed(FailureKind.FORBIDDEN, "the token may not do this (403)")
    return None


def _parsed(body: bytes) -> dict[str, object] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _limit(
    status: int, headers: Mapping[str, str], parsed: dict[str, object] | None, body: bytes, now: datetime
) -> SendFailed | None:
    types = {error.type for error in _errors(parsed or {})}
    told = b"secondary rate limit" in body[:20_000].lower() or b"abuse detection" in body[:20_000].lower()
    wait_s = _wait_s(headers, now)
    refused = status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
    without_data = parsed is not None and not isinstance(parsed.get("data"), dict)
    secondary = (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or (refused and ("retry-after" in headers or told))
        or (told and without_data)
    )
    primary = types & _PRIMARY_TYPES or (refused and headers.get("x-ratelimit-remaining") == "0")
    if primary:
        return _failed(
            FailureKind.RATE_LIMITED, "primary rate limit: no points are left", retry_after_s=wait_s
        )
    if secondary:
        return _failed(
            FailureKind.RATE_LIMITED,
            "secondary rate limit: too much at once",
            retry_after_s=max(wait_s or 0, 0 if "retry-after" in headers else SECONDARY_WAIT_S),
            secondary=True,
        )
    return None


def _wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait: `retry-after`, else until the reset when no points are left."""
    after = _number(headers.get("retry-after"))
    if after is not None:
        return after
    reset = _number(headers.get("x-ratelimit-reset"))
    if reset is not None and headers.get("x-ratelimit-remaining") == "0":
        return max(reset - now.timestamp(), 1.0)
    return None


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 12 else None  # noqa: PLR2004  no wait has so many digits


def _errors(parsed: Mapping[str, object]) -> tuple[AnswerError, ...]:
    found = parsed.get("errors")
    if not isinstance(found, list):
        return ()
    return tuple(_error(each) for each in found)


def _error(each: object) -> AnswerError:
    entry = each if isinstance(each, dict) else {}
    path = entry.get("path")
    steps = path if isinstance(path, list) else []
    kind = str(entry.get("type") or "").upper()
    message = str(entry.get("message") or "")
    return AnswerError(
        type=kind if _TYPE.fullmatch(kind) else "",
        message=message,
        path=tuple(step if isinstance(step, int) else str(step) for step in steps),
        lacks=_lacking(entry, message),
        is_of_query=_is_of_query(entry, steps),
    )


def _is_of_query(entry: Mapping[str, object], steps: list[object]) -> bool:
    """Whether a check of the document refuses it: it names the operation or the fragment, or has a code."""
    extensions = entry.get("extensions")
    coded = isinstance(extensions, dict) and isinstance(extensions.get("code"), str)
    first = steps[0] if steps else None
    return coded or (isinstance(first, str) and first.split(" ")[0] in ("query", "mutation", "fragment"))


def _lacking(entry: Mapping[str, object], message: str) -> str | None:
    """The thing that the schema has not, as far as the error names one that is a name."""
    found = next((match for lacks in _LACKS if (match := lacks.search(message))), None)
    extensions = entry.get("extensions")
    told = extensions if isinstance(extensions, dict) else {}
    names: tuple[object, ...] = ()
    if found is not None:
        names = (found.groupdict().get("type"), found.groupdict().get("field"))
    elif told.get("code") == "undefinedField":
        names = (told.get("typeName"), told.get("fieldName"))
    elif told.get("code") == "undefinedType":
        names = (told.get("typeName"),)
    plain = [name for name in names if isinstance(name, str) and _NAME.fullmatch(name)]
    return ".".join(plain) or None


def _content(parsed: Mapping[str, object]) -> GraphQLAnswer | SendFailed:
    errors, data = _errors(parsed), parsed.get("data")
    types = {error.type for error in errors}
    if isinstance(data, dict):
        return GraphQLAnswer(data=data, errors=errors)
    if any(error.is_of_query for error in errors):
        lacks = tuple(dict.fromkeys(error.lacks for error in errors if error.lacks))
        if not lacks:
            return _failed(FailureKind.NONSENSE, "GitHub does not understand the question")
        problem = f"this GitHub has no {', '.join(lacks[:_NAMED_AT_MOST])}"
        return _failed(FailureKind.NONSENSE, problem, lacks=lacks)
    if types & _TOO_BIG_TYPES:
        return _failed(FailureKind.UNAVAILABLE, "GitHub cut the query short", too_big=True)
    if types & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return _failed(FailureKind.FORBIDDEN, "the token may not read this")
    if errors and all(error.type == "NOT_FOUND" for error in errors):
        return _failed(FailureKind.NOT_FOUND, "GitHub knows no such thing, or the token may not see it")
    known = types - {"", *_ILL_TYPES}
    if known:
        said = ", ".join(sorted(known))
        return _failed(FailureKind.NONSENSE, f"GitHub answered with errors and no data ({said})")
    if any(_ILL.match(error.message) or error.type for error in errors):
        # In many words a timeout, as a 502 is, though the status is 200.
        return _failed(FailureKind.UNAVAILABLE, "GitHub could not answer the query", too_big=True)
    if errors:
        return _failed(FailureKind.NONSENSE, "GitHub answered with errors and no data", too_big=True)
    return _failed(FailureKind.NONSENSE, "the answer has neither data nor errors", too_big="data" in parsed)
