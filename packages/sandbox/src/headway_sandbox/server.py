"""The HTTP server: three doors (/graphql, REST and /control) to one engine, and the background work."""

import contextlib
import fcntl
import hmac
import json
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import attrs
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headway_sandbox import graph, rest
from headway_sandbox.ci import Runner
from headway_sandbox.engine import Engine, Reply, json_reply, refusal
from headway_sandbox.errors import SandboxError, StateInUse
from headway_sandbox.store import Store

_T = TypeVar("_T")
_HOST = "127.0.0.1"
# What `gh` calls the API of the host github.localhost; names below localhost are loopback (RFC 6761).
_GH_HOST = "api.github.localhost"
_POLL = 0.1  # seconds between two looks at the refs
_PATIENCE = 0.3  # seconds that a starting server waits for the lock
_PAUSE = 0.01
# Below the ports that kernels hand out to clients, so that nobody takes it while the server is down.
_PORTS = range(20_000, 32_000)


@attrs.define(kw_only=True)
class Service:
    """The engine behind its one thread."""

    engine: Engine
    stop: Callable[[], None]
    runner: Runner = attrs.field(init=False)
    _alone: anyio.CapacityLimiter = attrs.field(factory=lambda: anyio.CapacityLimiter(1), init=False)

    @runner.default
    def _make_runner(self) -> Runner:
        return Runner(store=self.engine.store, on_state=self.on_state)

    async def on_state(self, work: Callable[[], _T]) -> _T:
        """Run `work` alone, off the event loop, to its end."""
        return await anyio.to_thread.run_sync(work, limiter=self._alone)

    async def watch(self) -> None:
        """Notice pushes although nobody asks."""
        while True:
            try:
                moved = await self.on_state(self.engine.refresh)
            except SandboxError as error:
                # The origin is unreadable at this moment; whoever asks is told.
                print(f"refs: {error}", file=sys.stderr, flush=True)  # noqa: T201 (the log)
                moved = False
            if moved:
                self.runner.wake()
            await anyio.sleep(_POLL)

    async def graphql(self, request: Request) -> Response:
        """POST /graphql."""
        body = await request.body()
        token = _bearer(request)
        return await self._send(await self.on_state(lambda: self.engine.graphql(token, body)))

    async def rest(self, request: Request) -> Response:
        """GET and POST below /repos and /repositories."""
        asked = rest.Request(
            method=request.method,
            path=request.url.path,
            query=dict(request.query_params),
            body=await request.body(),
            if_none_match=request.headers.get("if-none-match"),
        )
        token = _bearer(request)
        return await self._send(await self.on_state(lambda: self.engine.rest_api(token, asked)))

    async def control(self, request: Request) -> Response:
        """POST /control/{name}."""
        if (refused := self._refuse(request)) is not None:
            return await self._send(refused)
        body = await request.body()
        name, key = str(request.path_params["name"]), request.headers.get("idempotency-key")
        if name == "shutdown":
            self.stop()
            return await self._send(json_reply({}))
        return await self._send(await self.on_state(lambda: self.engine.control(name, body, key=key)))

    async def state(self, request: Request) -> Response:
        """GET /control/state."""
        refused = self._refuse(request)
        return await self._send(await self.on_state(self.engine.state) if refused is None else refused)

    async def health(self, request: Request) -> Response:
        """GET /control/health."""
        refused = self._refuse(request)
        return await self._send(await self.on_state(self.engine.health) if refused is None else refused)

    def _refuse(self, request: Request) -> Reply | None:
        token = (_bearer(request) or "").encode()
        if hmac.compare_digest(token, self.engine.store.control_token.encode()):
            return None
        return refusal(401, "Bad credentials")

    async def _send(self, reply: Reply) -> Response:
        self.runner.wake()
        if reply.delay:
            await anyio.sleep(reply.delay)
        identity = secrets.token_hex(8).upper()
        headers = {"date": formatdate(usegmt=True), "x-github-request-id": identity, **reply.headers}
        return Response(reply.body, reply.status, headers=headers, media_type=reply.media_type)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in {"bearer", "token"} and token.strip() else None


@contextlib.contextmanager
def exclusive(state_file: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock that says a server runs on this file; raises `StateInUse`.

    `patience` (seconds): who only looks whether the lock is free holds it for a moment.
    """
    descriptor = os.open(lock_file(state_file), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise StateInUse(state_file)
            select.select([], [], [], _PAUSE)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_file(state_file: Path) -> Path:
    """Return the lock file of a state file."""
    return state_file.with_name(state_file.name + ".lock")


def token_file(state_file: Path) -> Path:
    """Return the file that holds the control token."""
    return state_file.with_name(state_file.name + ".token")


def write_token(store: Store) -> None:
    """Put the control token beside the state file, mode 0600."""
    path = token_file(store.path)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(store.control_token)
    draft.replace(path)


def choose_port(store: Store) -> int:
    """Return the port of this world; the first call picks a free one and stores it."""
    if store.port is None:
        _listen(store, [secrets.choice(_PORTS) for _ in range(100)]).close()
    assert store.port is not None
    return store.port


def _listen(store: Store, candidates: list[int]) -> socket.socket:
    for candidate in candidates:
        # Named as TCP: asyncio turns off the waiting for acknowledgements (40 ms an answer) only then.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, candidate))
        except OSError:
            listener.close()
            continue
        listener.listen(128)
        store.port = candidate
        return listener
    raise SandboxError(f"port {candidates[0]} on {_HOST} is taken by another program")


def serve(state_file: Path, *, port: int | None = None, announced: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM, SIGINT or the control API says stop.

    Prints one JSON line, `{"url": ..., "port": ...}`, once requests are accepted,
    and calls `announced`. Raises `StateInUse`
    when a server runs on the file, `SandboxError` when its port is taken.
    """
    with exclusive(state_file, patience=_PATIENCE), contextlib.closing(Store(state_file)) as store:
        write_token(store)
        listener = _listen(store, [choose_port(store) if port is None else port])
        graph.schema()
        _run(store, listener, announced)


def _run(store: Store, listener: socket.socket, announced: Callable[[], None]) -> None:
    bound = int(listener.getsockname()[1])
    engine = Engine(store, f"http://{_HOST}:{bound}")

    def stop() -> None:
        server.should_exit = True

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(stop)  # a server whose background work failed must not linger
            tasks = await stack.enter_async_context(anyio.create_task_group())
            tasks.start_soon(service.watch)
            tasks.start_soon(service.runner.serve)
            print(json.dumps({"url": engine.url, "port": bound}), flush=True)  # noqa: T201 (the announcement)
            announced()
            yield
            tasks.cancel_scope.cancel()

    service = Service(engine=engine, stop=stop)
    app = Starlette(
        routes=[
            Route("/graphql", service.graphql, methods=["POST"]),
            Route("/repos/{rest:path}", service.rest, methods=["GET", "POST"]),
            Route("/repositories/{rest:path}", service.rest, methods=["GET", "POST"]),
            Route("/users/{rest:path}", service.rest, methods=["GET"]),
            Route("/control/health", service.health, methods=["GET"]),
            Route("/control/state", service.state, methods=["GET"]),
            Route("/control/{name}", service.control, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost", _GH_HOST])],
        lifespan=lifespan,
    )
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
        server_header=False,
        date_header=False,
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops on these and then raises them again; the state file still has to be closed.
        signal.signal(number, lambda _number, _frame: None)
    server.run(sockets=[listener])
