"""Requests to GitHub by HTTP: to one address, with one token, one at a time."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import SplitResult, urlsplit

import anyio

from headway_core.kernel.errors import InvalidInput, PermissionDenied
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import RawAnswer, SendFailed
from headway_github.limits import Limits
from headway_github.tokens import Tokens

if TYPE_CHECKING:
    from headway_github.http_client import HttpClient


class HttpConnection:
    """Requests to one API address with one token, one at a time: GitHub asks for serial requests.

    As an async context manager it keeps connections, from its first request on; without, each request has
    its own. The token is sent to the host of `api_url` and to no other.
    """

    def __init__(self, api_url: str, tokens: Tokens, limits: Limits | None = None) -> None:
        self._url = _checked(api_url.rstrip("/"))
        self._tokens = tokens
        self._limits = limits or Limits()
        self._keeps = False
        self._kept: HttpClient | None = None
        self._turn = anyio.Lock()

    async def __aenter__(self) -> Self:
        self._keeps = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeps = False
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.aclose()

    def _client(self) -> "HttpClient":
        from headway_github.http_client import HttpClient  # noqa: PLC0415  most commands ask GitHub nothing

        return HttpClient(self._limits, encrypted=self._url.scheme == "https")

    async def request(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        changes: bool = False,
    ) -> RawAnswer | SendFailed:
        """The whole response to one request below the API's address, whatever its status.

        `changes`: it has an effect. Nothing that was sent is sent again.
        """
        async with self._turn:
            try:
                token = await self._tokens.token()
            except PermissionDenied as error:
                return SendFailed(kind=FailureKind.FORBIDDEN, problem=error.problem)
            every = {"accept": "application/json", **(headers or {}), "authorization": f"Bearer {token}"}
            if content is not None:
                every["content-type"] = "application/json"
            answer = await self._exchange(method, self._at(path), content, every, changes=changes)
        if isinstance(answer, RawAnswer) and answer.status == HTTPStatus.UNAUTHORIZED:
            self._tokens.refused()
        return answer

    async def _exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], *, changes: bool
    ) -> RawAnswer | SendFailed:
        if self._keeps:
            if self._kept is None:
                self._kept = self._client()
            return await self._kept.exchange(method, url, content, headers, changes=changes)
        async with self._client() as client:
            return await client.exchange(method, url, content, headers, changes=changes)

    def _at(self, path: str) -> str:
        base = self._url
        if path == "/graphql" and base.path.endswith("/api/v3"):  # an Enterprise server
            base = base._replace(path=base.path.removesuffix("/v3"))
        return base.geturl() + path


def _checked(api_url: str) -> SplitResult:
    """`InvalidInput("github_api_url")` for an address that can't be, or that would give the token away."""
    refused = InvalidInput("github_api_url", "is no http address, or carries credentials")
    if not api_url.isprintable() or " " in api_url:
        raise refused
    try:
        url = urlsplit(api_url)
        _ = url.port
    except ValueError:
        raise refused from None
    if url.scheme not in ("https", "http") or not url.hostname or "@" in url.netloc:
        raise refused
    if url.scheme == "http" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise InvalidInput("github_api_url", "would send the token unencrypted to another machine")
    return url
