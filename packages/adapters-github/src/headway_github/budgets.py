"""What GitHub last told of the token's budgets: facts for people to see, and for whoever paces the work."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from headway_core.pull_requests.ports import RateLimit
from headway_github.reading import MalformedError, Node

_FAR_FUTURE = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


class Budgets:
    """Remembers what was told last of each budget of one token at one host."""

    def __init__(self) -> None:
        self._told: dict[str, RateLimit] = {}

    def told(self) -> tuple[RateLimit, ...]:
        """By resource, sorted."""
        return tuple(self._told[name] for name in sorted(self._told))

    def note(self, headers: Mapping[str, str], data: object, at: datetime, *, resource: str) -> None:
        """Read what an answer says of its budget: `rateLimit` of GraphQL's data, else the headers.

        `resource` is what was asked, for answers whose headers do not name it. What can't be read says
        nothing.
        """
        named = headers.get("x-ratelimit-resource") or resource
        limit = _of_data(data, at) or _of_headers(named, headers, at)
        if limit is not None:
            self._told[limit.resource] = limit


def host_of(api_url: str) -> str:
    """The host that people name, of the address of its API: github.com of https://api.github.com."""
    host = urlsplit(api_url).hostname or ""
    known = host == "api.github.com" or host.endswith((".ghe.com", ".localhost"))
    return host.removeprefix("api.") if known else host


def _of_data(data: object, at: datetime) -> RateLimit | None:
    try:
        told = Node(data).maybe_node("rateLimit")
        return (
            None
            if told is None
            else RateLimit(
                resource="graphql",
                limit=told.integer("limit"),
                remaining=told.integer("remaining"),
                resets_at=told.time("resetAt"),
                cost=told.maybe_integer("cost"),
                told_at=at,
            )
        )
    except MalformedError:
        return None


def _of_headers(resource: str, headers: Mapping[str, str], at: datetime) -> RateLimit | None:
    numbers = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if not all(text.isascii() and text.isdigit() for text in numbers):
        return None
    limit, remaining, reset = (int(text) for text in numbers)
    if reset > _FAR_FUTURE:
        return None
    return RateLimit(
        resource=resource[:40],
        limit=limit,
        remaining=remaining,
        resets_at=datetime.fromtimestamp(reset, UTC),
        cost=None,
        told_at=at,
    )
