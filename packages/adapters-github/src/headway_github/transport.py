"""HTTP to GitHub: the one module that knows httpx (its fork httpx2 would be a change here alone)."""

import zlib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Self

import anyio
import attrs
import httpx

from headway_core.kernel.errors import InvalidInput, PermissionDenied
from headway_core.pull_requests.ports import FailureKind
from headway_github.answers import RawAnswer, SendFailed, their_time
from headway_github.tokens import Tokens

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 3


@attrs.frozen(kw_only=True)
class Limits:
    """How long and how much; seconds and bytes."""

    connect_s: float = 5.0
    answer_s: float = 30.0
    """From the request to the whole answer. GitHub itself gives up after ten seconds."""
    answer_bytes: int = 32 * 1024 * 1024
    connect_pauses_s: tuple[float, ...] = (0.2, 1.0)
    """Pauses before a connection is tried again; nothing was sent yet, so that is safe for mutations."""


class HttpConnection:
    """Requests to one API address with one token, one at a time: GitHub asks for serial requests.

    As an async context manager it keeps connections; without, each request has its own. The token is
    sent to the host of `api_url` and to no other.
    """

    def __init__(self, api_url: str, tokens: Tokens, limits: Limits | None = None) -> None:
        url = httpx.URL(api_url.rstrip("/"))
        if url.scheme not in ("https", "http") or not url.host or url.userinfo:
            raise InvalidInput("github_api_url", "is no http address, or carries credentials")
        if url.scheme == "http" and url.host not in ("127.0.0.1", "::1", "localhost"):
            raise InvalidInput("github_api_url", "would send the token unencrypted to another machine")
        self._url = url
        self._tokens = tokens
        self._limits = limits or Limits()
        self._shared: httpx.AsyncClient | None = None
        self._turn = anyio.Lock()

    async def __aenter__(self) -> Self:
        self._shared = self._client()
        return self

    async def __aexit__(self, *_: object) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.aclose()

    def _client(self) -> httpx.AsyncClient:
        limits = self._limits
        return httpx.AsyncClient(
            timeout=httpx.Timeout(limits.answer_s, connect=limits.connect_s),
            follow_redirects=False,
            trust_env=self._url.scheme == "https",
            headers={"accept-encoding": "gzip", "user-agent": "headway"},
        )

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

    def _at(self, path: str) -> httpx.URL:
        base = self._url
        if path == "/graphql" and base.path.endswith("/api/v3"):  # an Enterprise server
            return base.copy_with(path=base.path.removesuffix("/v3") + path)
        return httpx.URL(str(base) + path)

    async def _exchange(
        self, method: str, url: httpx.URL, content: bytes | None, headers: Mapping[str, str], *, changes: bool
    ) -> RawAnswer | SendFailed:
        try:
            with anyio.fail_after(self._limits.answer_s):
                async with AsyncExitStack() as stack:
                    client = self._shared
                    if client is None:
                        client = await stack.enter_async_context(self._client())
                    return await self._follow(client, method, url, content, headers)
        except (TimeoutError, httpx.TimeoutException):
            return SendFailed(
                kind=FailureKind.UNAVAILABLE, problem="GitHub did not answer in time", too_big=not changes
            )
        except (httpx.RemoteProtocolError, httpx.ReadError):
            return SendFailed(kind=FailureKind.UNAVAILABLE, problem="the connection ended within the answer")
        except httpx.InvalidURL:
            return SendFailed(kind=FailureKind.NONSENSE, problem="GitHub redirects to what is no address")
        except httpx.HTTPError:
            return SendFailed(kind=FailureKind.UNAVAILABLE, problem="there is no connection to GitHub")

    async def _follow(
        self,
        client: httpx.AsyncClient,
        method: str,
        url: httpx.URL,
        content: bytes | None,
        headers: Mapping[str, str],
    ) -> RawAnswer | SendFailed:
        for _ in range(_REDIRECT_LIMIT + 1):
            request = client.build_request(method, url, content=content, headers=headers)
            response = await self._connected(client, request)
            try:
                if response.status_code not in _REDIRECTS:
                    return await self._read(response)
            finally:
                await response.aclose()
            target = _redirected(url, response.headers.get("location"))
            if target is None:
                return SendFailed(
                    kind=FailureKind.NONSENSE, problem="GitHub redirects to another host; not followed"
                )
            url = target
        return SendFailed(kind=FailureKind.NONSENSE, problem="GitHub redirects without end")

    async def _connected(self, client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        for pause in self._limits.connect_pauses_s:
            try:
                return await client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                await anyio.sleep(pause)
        return await client.send(request, stream=True)

    async def _read(self, response: httpx.Response) -> RawAnswer | SendFailed:
        cap = self._limits.answer_bytes
        too_large = SendFailed(
            kind=FailureKind.NONSENSE, problem=f"the answer is larger than {cap} bytes", too_big=True
        )
        raw = bytearray()
        try:
            async for chunk in response.aiter_raw():
                raw += chunk
                if len(raw) > cap:
                    # Not `break`: httpx leaves generators behind, which Trio tells. Closed, they end.
                    await response.aclose()
        except (httpx.StreamError, httpx.TransportError):
            if len(raw) <= cap:
                raise
        if len(raw) > cap:
            return too_large
        body = _unpacked(bytes(raw), response.headers.get("content-encoding", ""), cap)
        if body is None:
            return SendFailed(kind=FailureKind.UNAVAILABLE, problem="the answer is packed in no known way")
        if len(body) > cap:
            return too_large
        headers = {name.lower(): value for name, value in response.headers.items()}
        return RawAnswer(status=response.status_code, headers=headers, body=body, at=their_time(headers))


def _unpacked(raw: bytes, encoding: str, cap: int) -> bytes | None:
    """The body, at most a byte more than `cap` of it; None when it is garbled."""
    if encoding in ("", "identity"):
        return raw
    if encoding != "gzip":
        return None
    unpacking = zlib.decompressobj(wbits=31)
    try:
        body = unpacking.decompress(raw, cap + 1)
    except zlib.error:
        return None
    return body if unpacking.eof or len(body) > cap else None


def _redirected(url: httpx.URL, location: str | None) -> httpx.URL | None:
    """Where to go on; None when that is another scheme, host or port: the token stays with its own."""
    if not location:
        return None
    target = url.join(location)
    same = (target.scheme, target.host, target.port) == (url.scheme, url.host, url.port)
    return target if same and not target.userinfo else None
