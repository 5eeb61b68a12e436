"""The server without HTTP: requests in, replies out, each one transaction. One thread at a time."""

import hashlib
import json
import os
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

import attrs

from headway_sandbox import commands, graph, hooks, rest, serialize, views
from headway_sandbox.errors import SandboxError, Unprocessable
from headway_sandbox.pulls import RefWatch
from headway_sandbox.records import Answer, Fault, FaultKind, LackingField, RateWindow, User
from headway_sandbox.resolvers import LIMIT, Call
from headway_sandbox.serialize import Json
from headway_sandbox.store import Store, Transaction
from headway_sandbox.world import ACTIONS, Desk

_HOUR = 3600.0
_JSON = "application/json; charset=utf-8"
_UNICORN = (
    b"<!DOCTYPE html>\n<html><head><title>Unicorn! &middot; GitHub</title></head>"
    b"<body><p>We had issues producing the response to your request.</p></body></html>\n"
)


@attrs.frozen(kw_only=True)
class Reply:
    """An HTTP answer; it is held back for `delay` seconds."""

    status: int
    body: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)
    media_type: str = _JSON
    delay: float = 0.0


def json_reply(data: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Write JSON."""
    return Reply(status=status, body=json.dumps(data).encode(), headers=headers or {})


def refusal(status: int, message: str) -> Reply:
    """Refuse as GitHub's REST API does."""
    return json_reply({"message": message, "documentation_url": "https://docs.github.com"}, status=status)


@attrs.frozen(kw_only=True)
class _Request:
    query: str
    variables: Mapping[str, object]
    operation: str | None


@attrs.define
class Engine:
    """The world behind the server."""

    store: Store
    url: str
    _watch: RefWatch = attrs.field(factory=RefWatch)

    def __attrs_post_init__(self) -> None:
        """Tell webhooks of everything that is written from now on."""
        self.store.before_commit = hooks.record

    def refresh(self) -> bool:
        """Take over pushes; say whether there was one."""
        with self.store.transaction() as tx:
            return self._watch.refresh(tx)

    # GraphQL

    def graphql(self, token: str | None, body: bytes) -> Reply:
        """Answer POST /graphql."""
        try:
            self.refresh()
        except SandboxError as error:
            return refusal(error.http_status, str(error))
        with self.store.transaction() as tx:
            viewer = tx.first(User, token=token) if token else None
            if viewer is None:
                return refusal(401, "Bad credentials")
            try:
                request = _read(body)
            except ValueError:
                return refusal(400, "Problems parsing JSON")
            return self._answer(tx, viewer, request)

    def _answer(self, tx: Transaction, viewer: User, request: _Request) -> Reply:
        prepared = graph.prepare(request.query)
        cost = graph.cost(prepared, request.variables)
        lacking = {known.name for known in tx.find(LackingField)}
        refused = graph.lacking(prepared, frozenset(lacking)) if lacking else []
        if refused:
            return json_reply({"errors": refused})
        names = {request.operation} if request.operation else set(prepared.operation_names)
        fault = _take_fault(tx, names)
        window = _charge(tx, viewer, cost.points, "graphql")
        call = Call(
            tx=tx,
            viewer=viewer,
            url=self.url,
            cost=cost,
            used=window.used,
            reset_at=window.reset_at,
            partial=fault is not None and fault.kind is FaultKind.PARTIAL,
            stale=fault is not None and fault.kind is FaultKind.STALE,
            torn=fault is not None and fault.kind is FaultKind.TORN_PAGE,
            shifted=fault is not None and fault.kind is FaultKind.SHIFTED,
            half=fault is not None and fault.kind is FaultKind.HALF,
        )
        headers = _rate_headers(tx, window)
        if window.used > LIMIT:
            return _rate_limited(headers)
        spoiled = _spoil(fault, headers, now=tx.now) if fault else None
        if spoiled is not None and fault is not None and not fault.applied:
            return spoiled
        data = graph.execute(prepared, call, variables=request.variables, operation=request.operation)
        return spoiled or _bent(json_reply(data, headers=headers), fault)

    # REST

    def rest_api(self, token: str | None, asked: rest.Request) -> Reply:
        """Answer a request of the REST API: a 304 costs nothing."""
        try:
            self.refresh()
        except SandboxError as error:
            return refusal(error.http_status, str(error))
        with self.store.transaction() as tx:
            viewer = tx.first(User, token=token) if token else None
            if viewer is None:
                return refusal(401, "Bad credentials")
            fault = _take_fault(tx, {"rest"})
            window = _charge(tx, viewer, 1, "core")
            headers = _rate_headers(tx, window)
            if window.used > LIMIT:
                return _refused_for_limit(headers)
            spoiled = _spoil_rest(fault, headers, now=tx.now) if fault else None
            if spoiled is not None and fault is not None and not fault.applied:
                return spoiled
            found = self._rest(tx, viewer, asked, stale=fault is not None and fault.kind is FaultKind.STALE)
            if spoiled is not None:
                return spoiled
            # GitHub's ETags differ for each token.
            tag = f'W/"{hashlib.sha256(found.body + viewer.token.encode()).hexdigest()}"'
            headers |= found.headers
            if asked.method == "GET" and found.status == HTTPStatus.OK:
                headers |= {"etag": tag, "cache-control": "private, max-age=60, s-maxage=60"}
                if asked.if_none_match == tag:
                    window = _charge(tx, viewer, -1, "core")
                    return Reply(status=304, body=b"", headers={**headers, **_rate_headers(tx, window)})
            return _bent(attrs.evolve(found, headers=headers), fault)

    def _rest(self, tx: Transaction, viewer: User, asked: rest.Request, *, stale: bool) -> Reply:
        try:
            found = rest.answer(tx, viewer, asked, url=self.url, stale=stale)
        except SandboxError as error:
            return refusal(error.http_status, str(error))
        except ValueError:
            return refusal(400, "Problems parsing JSON")
        return json_reply(found.data, status=found.status, headers=found.headers)

    # Control

    def control(self, name: str, body: bytes, *, key: str | None) -> Reply:
        """Answer POST /control/NAME; a repeated idempotency key repeats the first answer."""
        if name not in ACTIONS:
            return refusal(404, f"no command {name!r}; there are {sorted(ACTIONS)}")
        kind, action = ACTIONS[name]
        digest = hashlib.sha256(body).hexdigest()
        try:
            self.refresh()
            with self.store.transaction() as tx:
                if key is not None and (known := tx.first(Answer, key=key)) is not None:
                    if (known.command, known.digest) != (name, digest):
                        raise Unprocessable(f"idempotency key {key!r} belongs to another {known.command}")
                    return Reply(status=200, body=known.body.encode())
                order: object = serialize.decode(kind, json.loads(body or b"{}"))
                answer = json.dumps(serialize.encode(action(Desk(tx=tx, url=self.url), order)))
                if key is not None:
                    tx.add(Answer(id=tx.next_id(), key=key, command=name, digest=digest, body=answer))
                return Reply(status=200, body=answer.encode())
        except SandboxError as error:
            return refusal(error.http_status, str(error))
        except ValueError as error:
            return refusal(400, str(error))

    def state(self) -> Reply:
        """Answer GET /control/state."""
        self.refresh()
        with self.store.transaction() as tx:
            return json_reply(serialize.encode(views.world(tx, url=self.url, instance=self.store.instance)))

    def health(self) -> Reply:
        """Answer GET /control/health."""
        health = commands.Health(instance=self.store.instance, pid=os.getpid())
        return json_reply(serialize.encode(health))


def _read(body: bytes) -> _Request:
    data = json.loads(body)
    if not isinstance(data, dict) or not isinstance(data.get("query"), str):
        raise ValueError("query: must be a string")  # noqa: TRY004 (the body's shape, not a Python type)
    variables, operation = data.get("variables") or {}, data.get("operationName")
    if not isinstance(variables, dict) or not isinstance(operation, str | None):
        raise ValueError("variables: must be an object")  # noqa: TRY004 (as above)
    return _Request(query=data["query"], variables=variables, operation=operation)


def _take_fault(tx: Transaction, names: set[str]) -> Fault | None:
    for fault in tx.find(Fault):
        if fault.operation is None or fault.operation in names:
            if fault.remaining > 1:
                tx.replace(fault, remaining=fault.remaining - 1)
            else:
                tx.remove(fault)
            return fault
    return None


def _charge(tx: Transaction, viewer: User, points: int, resource: str) -> RateWindow:
    window = tx.first(RateWindow, user=viewer.id, resource=resource)
    if window is None:
        fresh = RateWindow(
            id=tx.next_id(), user=viewer.id, resource=resource, used=0, reset_at=tx.now + _HOUR
        )
        window = tx.add(fresh)
    if window.reset_at <= tx.now:
        window = attrs.evolve(window, used=0, reset_at=tx.now + _HOUR)
    return tx.replace(window, used=window.used + points)


def _rate_headers(tx: Transaction, window: RateWindow) -> dict[str, str]:
    return {
        "date": formatdate(tx.now, usegmt=True),
        "x-ratelimit-limit": str(LIMIT),
        "x-ratelimit-remaining": str(max(0, LIMIT - window.used)),
        "x-ratelimit-used": str(window.used),
        "x-ratelimit-reset": str(int(window.reset_at)),
        "x-ratelimit-resource": window.resource,
    }


def _refused_for_limit(headers: Mapping[str, str]) -> Reply:
    return attrs.evolve(refusal(403, "API rate limit exceeded for user."), headers=headers)


def _spoil_rest(fault: Fault, headers: dict[str, str], *, now: float) -> Reply | None:
    """The same for REST, where a spent budget is a 403."""
    if fault.kind is FaultKind.RATE_LIMITED:
        reset = str(int(now + fault.seconds))
        return _refused_for_limit({**headers, "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})
    return (
        None if fault.kind in (FaultKind.CUT_SHORT, FaultKind.WENT_WRONG) else _spoil(fault, headers, now=now)
    )


def _bent(reply: Reply, fault: Fault | None) -> Reply:
    """The right answer, cut in the middle or late."""
    if fault is not None and fault.kind is FaultKind.NONSENSE:
        return attrs.evolve(reply, body=reply.body[: len(reply.body) // 2])
    return attrs.evolve(reply, delay=fault.seconds) if fault else reply


def _rate_limited(headers: Mapping[str, str]) -> Reply:
    error: dict[str, Json] = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user."}
    return json_reply({"errors": [error]}, headers=headers)


def _spoil(fault: Fault, headers: dict[str, str], *, now: float) -> Reply | None:
    """Return the answer that a fault puts in place of the right one, if it does."""
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            exhausted = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(now + fault.seconds))}
            return _rate_limited({**headers, **exhausted})
        case FaultKind.SECONDARY:
            reply = refusal(403, "You have exceeded a secondary rate limit. Please wait a few minutes.")
            return attrs.evolve(reply, headers={**headers, "retry-after": str(int(fault.seconds))})
        case FaultKind.HTTP_500:
            return refusal(500, "Server Error")
        case FaultKind.HTML:
            return Reply(status=502, body=_UNICORN, media_type="text/html; charset=utf-8")
        case FaultKind.CUT_SHORT:
            error: dict[str, Json] = {
                "type": "RESOURCE_LIMITS_EXCEEDED",
                "message": "Resource limits for this query exceeded.",
            }
            return json_reply({"data": None, "errors": [error]}, headers=headers)
        case FaultKind.WENT_WRONG:
            message = (
                "Something went wrong while executing your query. This may be the result of a timeout, or it"
                " could be a GitHub bug. Please include `0BAD:CAFE` when reporting this issue."
            )
            return json_reply({"data": None, "errors": [{"message": message}]}, headers=headers)
        case _:
            return None
