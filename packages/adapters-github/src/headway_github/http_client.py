"""One exchange with GitHub: the one module that knows httpx (its fork httpx2 would be a change here alone).

It is imported with the first request: httpx takes longer to import than most commands take to answer.
"""

import zlib
from collections.abc import Mapping
from typing import Self

import anyio
import httpx

from headway_core.pull_requests.model import FailureKind
from headway_github.answers import RawAnswer, SendFailed, their_time
from headway_github.limits import Limits

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 3


class HttpClient:
    """Connections to one host, closed with the `async with` that it is."""

    def __init__(self, limits: Limits, *, encrypted: bool) -> None:
        """`encrypted`: by https, as also proxies and certificates of the environment are for."""
        self._limits = limits
        self.http = httpx.AsyncClient(
            timeout=httpx.Timeout(limits.answer_s, connect=limits.connect_s),
            follow_redirects=False,
            trust_env=encrypted,
            headers={"accept-encoding": "gzip", "user-agent": "headway"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections that it keeps."""
        await self.http.aclose()

    async def exchange(
        self, method: str, url: str, content: bytes | None, headers: Mapping[str, str], *, changes: bool
    ) -> RawAnswer | SendFailed:
        """The whole response to one request, whatever its status. `changes`: see `HttpConnection`."""
        try:
            with anyio.fail_after(self._limits.answer_s):
                return await self._follow(method, httpx.URL(url), content, headers)
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
        self, method: str, url: httpx.URL, content: bytes | None, headers: Mapping[str, str]
    ) -> RawAnswer | SendFailed:
        for _ in range(_REDIRECT_LIMIT + 1):
            request = self.http.build_request(method, url, content=content, headers=headers)
            response = await self._connected(request)
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

    async def _connected(self, request: httpx.Request) -> httpx.Response:
        for pause_s in self._limits.connect_pauses_s:
            try:
                return await self.http.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                await anyio.sleep(pause_s)
        return await self.http.send(request, stream=True)

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
