"""REST where it serves better than GraphQL: the trial merge, comments, replies, checks for some tokens.

Every answer that has an ETag is kept, and asked for again each time with it: GitHub says that an answer
may be 60 s old (`max-age=60`), which is too old for checks. A 304 costs nothing. After a
limit nothing more of its kind is asked until it is over.
"""

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

import attrs

from headway_core.kernel.errors import PermissionDenied
from headway_core.pull_requests.model import FailureKind
from headway_github.active_limit import ActiveLimit
from headway_github.answers import RawAnswer, SendFailed, read_failure
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.pages import IncompleteError
from headway_github.reading import Node
from headway_github.tokens import Tokens

logger = logging.getLogger(__name__)

_ACCEPT = "application/vnd.github+json"
_VERSION = "2022-11-28"
_PAGE = 100
_PAGES_AT_MOST = 30
_READINGS = 3
KEPT_AT_MOST = 500
"""How many answers are kept for their ETags; the ones that were asked for longest ago go first."""
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


@attrs.frozen
class Unprocessable:
    """GitHub understands the order and refuses its content (422)."""

    message: str = attrs.field(repr=False)
    """Outside text."""


@attrs.frozen
class _Kept:
    etag: str
    body: object


class Rest:
    """Asks GitHub by REST. Failures are values; what changes something is sent once."""

    def __init__(self, connection: HttpConnection, tokens: Tokens, budgets: Budgets) -> None:
        self._connection = connection
        self._tokens = tokens
        self._budgets = budgets
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        # To create too much does not stop the reading.
        self._active_limits = {"GET": ActiveLimit(), "POST": ActiveLimit()}

    def limit(self) -> SendFailed | None:
        """The limit that holds back reading by REST; None when there is none now."""
        return self._active_limits["GET"].left()

    async def get(self, path: str, **query: str) -> object | SendFailed:
        """The JSON at a path, read now: from the store only when GitHub says that it is unchanged."""
        where = f"{path}?{urlencode(query)}" if query else path
        try:
            token = await self._tokens.token()
        except PermissionDenied as error:
            return SendFailed(kind=FailureKind.FORBIDDEN, problem=error.problem)
        key = (hashlib.sha256(token.encode()).hexdigest(), where)
        kept = self._kept.get(key)
        raw = await self._ask("GET", where, headers={} if kept is None else {"if-none-match": kept.etag})
        if isinstance(raw, SendFailed):
            return raw
        if kept is not None and raw.status == HTTPStatus.NOT_MODIFIED:
            self._kept.move_to_end(key)
            return kept.body
        found = self._read(raw)
        if isinstance(found, SendFailed | Unprocessable):
            return _failure(found)
        if etag := raw.headers.get("etag"):
            self._kept[key] = _Kept(etag, found)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT_AT_MOST:
                self._kept.popitem(last=False)
        return found

    async def trigger_merge_check(self, path: str) -> None:
        """Read a path for its effect alone, and unconditionally: a 304 would start nothing."""
        await self._ask("GET", path)

    async def post(self, path: str, order: Mapping[str, object]) -> object | SendFailed | Unprocessable:
        """Do something, once."""
        raw = await self._ask("POST", path, content=json.dumps(order).encode())
        return raw if isinstance(raw, SendFailed) else self._read(raw)

    async def rows(self, path: str, field: str, **query: str) -> list[Node]:
        """All entries of a list that tells its `total_count`, over all pages, each once.

        What changes while it is read is read again. `IncompleteError` when it can't be read whole,
        `MalformedError` when it is not what GitHub promises.
        """
        for _ in range(_READINGS):
            found = await self._rows(path, field, query)
            if found is not None:
                return found
        raise IncompleteError("the list changed while it was read")

    async def _rows(self, path: str, field: str, query: Mapping[str, str]) -> list[Node] | None:
        entries: dict[int, Node] = {}
        total: int | None = None
        for page in range(1, _PAGES_AT_MOST + 1):
            found = await self.get(path, **query, per_page=str(_PAGE), page=str(page))
            if isinstance(found, SendFailed):
                raise IncompleteError(f"{found.kind}: {found.problem}")
            node = Node(found)
            if total is not None and node.integer("total_count") != total:
                return None
            total = node.integer("total_count")
            rows = node.nodes(field)
            for row in rows:
                entries[row.integer("id")] = row
            if len(rows) < _PAGE:
                return list(entries.values()) if len(entries) == total else None
        raise IncompleteError("the list is too long")

    async def _ask(
        self,
        method: str,
        where: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawAnswer | SendFailed:
        active = self._active_limits[method]
        if (limit := active.left()) is not None:
            return limit
        every = {"accept": _ACCEPT, "x-github-api-version": _VERSION, **(headers or {})}
        raw = await self._connection.request(
            method, where, content=content, headers=every, changes=method != "GET"
        )
        if isinstance(raw, RawAnswer):
            self._budgets.note(raw.headers, None, raw.at, resource="core")
            failure = read_failure(raw.status, raw.headers, None, raw.body, raw.at)
            if failure is not None:
                active.note(failure)
        return raw

    def _read(self, raw: RawAnswer) -> object | SendFailed | Unprocessable:
        try:
            parsed: object = json.loads(raw.body)
        except (ValueError, RecursionError):
            parsed = None
        told = parsed if isinstance(parsed, dict) else None
        failed = read_failure(raw.status, raw.headers, told, raw.body, raw.at)
        if failed is None and raw.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return Unprocessable(_said(told or {}))
        if failed is None and raw.status in _GONE:
            problem = "GitHub knows no such thing, or the token may not see it"
            failed = SendFailed(kind=FailureKind.NOT_FOUND, problem=problem)
        if failed is None and not HTTPStatus.OK <= raw.status < HTTPStatus.MULTIPLE_CHOICES:
            failed = SendFailed(kind=FailureKind.NONSENSE, problem=f"GitHub answered {raw.status}")
        if failed is None and parsed is None:
            failed = SendFailed(kind=FailureKind.NONSENSE, problem="the answer is no JSON")
        if failed is not None:
            logger.info("REST: %s", failed.problem)
            return failed
        return parsed


def _said(told: Mapping[str, object]) -> str:
    """Why GitHub refuses a content: its message, and what it says of each field."""
    errors = told.get("errors")
    each = errors if isinstance(errors, list) else []
    texts = [told.get("message"), *(one.get("message") if isinstance(one, dict) else one for one in each)]
    return ": ".join(text for text in texts if isinstance(text, str) and text)


def _failure(found: SendFailed | Unprocessable) -> SendFailed:
    if isinstance(found, SendFailed):
        return found
    return SendFailed(kind=FailureKind.NONSENSE, problem="GitHub refuses the question (422)")
