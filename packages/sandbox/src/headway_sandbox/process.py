"""Setting up a world and running its server as a process of its own.

Blocking functions: from async code call them on a worker thread.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import httpx

from headway_sandbox import commands, serialize
from headway_sandbox.client import SandboxControl
from headway_sandbox.commands import CreateRepository, Health, UserSpec
from headway_sandbox.errors import CommandRefused, ServerFailed, StateInUse
from headway_sandbox.records import User
from headway_sandbox.server import choose_port, exclusive, write_token
from headway_sandbox.store import Store
from headway_sandbox.world import Desk
from headway_sandbox.world.repositories import create_repository

_START_LIMIT = 20.0  # seconds until a started server must answer
_STOP_LIMIT = 5.0  # seconds until a stopping server is killed
_PAUSE = 0.02
# What a server needs. Tokens are not in it: its CI runs under the same user and could read them.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


@attrs.frozen(kw_only=True)
class World:
    """A state file that was set up: where it will be served, and with what tokens."""

    state_file: Path
    url: str
    control_token: str = attrs.field(repr=False)
    tokens: Mapping[str, str] = attrs.field(repr=False)  # by login
    repository: commands.RepositoryView


def create(
    state_file: Path,
    *,
    owner: str,
    name: str,
    origin: Path,
    default_branch: str = "main",
    users: Iterable[UserSpec] = (),
    test_command: Iterable[str] = (),
    settings: CreateRepository | None = None,
) -> World:
    """Set up a world, or find it set up: calling again with the same names changes no ids.

    `origin` is an existing bare repository. `settings` may carry the rest of `CreateRepository`; the
    other arguments win over it. Works beside a running server. Raises `Unprocessable` for an origin
    that is none.
    """
    order = settings or CreateRepository(owner=owner, name=name, origin=str(origin))
    order = attrs.evolve(
        order,
        owner=owner,
        name=name,
        origin=str(origin),
        default_branch=default_branch,
        users=tuple(users),
        test_command=tuple(test_command),
    )
    state_file = state_file.resolve()
    with contextlib.closing(Store(state_file)) as store:
        url = f"http://127.0.0.1:{choose_port(store)}"
        with store.transaction() as tx:
            repository = create_repository(Desk(tx=tx, url=url), order)
            tokens = {user.login: user.token for user in tx.find(User)}
        write_token(store)
        return World(
            state_file=state_file,
            url=url,
            control_token=store.control_token,
            tokens=tokens,
            repository=repository,
        )


@attrs.frozen(kw_only=True)
class SandboxProcess:
    """A server that answers. It outlives this value and this process until `stop`."""

    state_file: Path
    url: str
    control_token: str = attrs.field(repr=False)
    pid: int
    adopted: bool  # it ran already

    def control(self) -> SandboxControl:
        """Return a client; enter it with `async with`."""
        return SandboxControl(self.url, self.control_token)

    def stop(self) -> None:
        """End the server, politely first; returns when nobody serves the file. Not ours: no-op."""
        deadline = time.monotonic() + _STOP_LIMIT
        signal_number = signal.SIGTERM
        while not _free(self.state_file):
            health = _health(self.url, self.control_token)
            if health is not None and health.pid != self.pid:
                return  # somebody started another one
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal_number)
            if time.monotonic() >= deadline:
                signal_number = signal.SIGKILL
            _pause()
        # Letting go of the file is almost the last thing it does: wait for its end too.
        while time.monotonic() < deadline and _runs(self.pid):
            _pause()


def launch(state_file: Path) -> SandboxProcess:
    """Start a detached server on the file, or adopt the one that runs; returns when it answers.

    Its log is FILE.log. Raises `ServerFailed` with the log's tail.
    """
    state_file = state_file.resolve()
    with contextlib.closing(Store(state_file)) as store:
        choose_port(store)
        token, instance, port = store.control_token, store.instance, store.port
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _START_LIMIT
    adopted = True
    while time.monotonic() < deadline:
        if _free(state_file):
            adopted = False
            _start(state_file, deadline)
        health = _health(url, token)
        if health is not None and health.instance == instance:
            return SandboxProcess(
                state_file=state_file, url=url, control_token=token, pid=health.pid, adopted=adopted
            )
        _pause()
    raise ServerFailed(f"no sandbox server answers at {url}", log=_log_tail(state_file))


def _start(state_file: Path, deadline: float) -> None:
    """Start a server and wait for its announcement; a rival that was quicker is fine."""
    command = [sys.executable, "-P", "-m", "headway_sandbox", "serve", "--state", str(state_file), "--detach"]
    with subprocess.Popen(  # noqa: S603 (our own module)
        command,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        announcement = process.stdout.readline() if readable else b""
    with contextlib.suppress(ValueError):
        json.loads(announcement)
        return
    if _free(state_file):
        raise ServerFailed("the sandbox server did not start", log=_log_tail(state_file))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # no /proc, or gone this very moment
        return not Path("/proc/self").exists()
    return not state.startswith(" Z")  # dead, and whoever inherited it is slow to notice


def _free(state_file: Path) -> bool:
    try:
        with exclusive(state_file):
            return True
    except StateInUse:
        return False


def _health(url: str, token: str) -> Health | None:
    try:
        response = httpx.get(
            f"{url}/control/health",
            headers={"authorization": f"bearer {token}"},
            timeout=2.0,
            trust_env=False,
        )
        return serialize.decode(Health, response.json()) if response.is_success else None
    except (httpx.HTTPError, ValueError, CommandRefused):
        return None


def _log_tail(state_file: Path) -> str:
    try:
        return Path(f"{state_file}.log").read_text(errors="replace")[-2000:]
    except FileNotFoundError:
        return ""


def _pause() -> None:
    select.select([], [], [], _PAUSE)
