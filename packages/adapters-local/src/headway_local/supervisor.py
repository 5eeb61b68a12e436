"""Runs of processes, each under a small program that outlives this one.

`<root>/<kind>/<subject>/<attempt>/` (for an agent `sessions/<session id>/<attempt>/`) holds `lock` (held by
the program for life), `started` (who it is, or that the run is closed), `exit`, `prompt` (the process's
standard input), `output` (and more of it, `outputs`), `out` (its `HEADWAY_OUT`), and its own `gh` and
`gitconfig`. The files are the truth: any process of this user can look. Processes outlive their runner and
its version, so the layout is a format.

Looking takes a shared lock for microseconds, so that lookers never take each other for a supervisor.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
from headway_core.processes import (
    Exited,
    Launch,
    NeverStarted,
    OutputPart,
    Probe,
    RunId,
    Running,
    Supervisor,
    Vanished,
)
from headway_local.environment import allowed_environment
from headway_local.git import Git
from headway_local.leashes import PYTHON
from headway_local.outputs import read_part, tail

_KIND = re.compile(r"[a-z][a-z_]{0,39}")
_ID = re.compile(r"[0-9a-zA-Z-]{1,40}")
_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._-]{0,99}")
START_LIMIT_S = 10.0
STOP_MARGIN_S = 5.0
"""How long after its grace a stopped attempt may take before its supervisor is killed as well."""
RECHECK_S = 0.01
LOOK_AGAIN_AT_MOST_S = 0.2
CLOSED = "closed yes\n"
OUTPUT_LIMIT = 64 * 1024 * 1024
"""Bytes that are kept of what an attempt prints: its beginning and its end."""
LONGEST_CHARACTER = 4
"""Bytes of UTF-8: a part of the output is read in whole characters."""
_GIT_SETTINGS = r"^(user\.(name|email)|safe\.directory|init\.defaultbranch)$"


class LocalSupervisor(Supervisor):
    """Supervised processes of this host."""

    def __init__(self, root: Path, *, output_limit: int = OUTPUT_LIMIT) -> None:
        self._root = root
        self._output_limit = output_limit
        self._git = Git()

    def folder(self, run: RunId) -> Path:
        """Where a run keeps its files; `InvalidInput` names the part of its id that is none."""
        if run.attempt < 0:
            raise InvalidInput("attempt", f"{run.attempt} is no attempt")
        return self._folder_of(run.kind, run.subject) / str(run.attempt)

    def _folder_of(self, kind: str, subject: str) -> Path:
        if not _KIND.fullmatch(kind):
            raise InvalidInput("kind", f"{kind!r} is no kind of runs")
        if not _ID.fullmatch(subject):
            raise InvalidInput("subject", f"{subject!r} is no id")
        return self._root.absolute() / kind / subject

    async def start(self, launch: Launch) -> Probe:
        folder = self.folder(launch.run)
        if not launch.argv or any("\0" in word for word in (*launch.argv, launch.cwd)):
            raise InvalidInput("argv", "it is empty or holds a NUL")
        known = await anyio.to_thread.run_sync(_look, folder)
        if known is not None:
            return known
        settings = await self._git_settings(launch.cwd)
        await anyio.to_thread.run_sync(_prepare, folder, launch.standard_input, settings)
        with anyio.CancelScope(shield=True):  # the program decides by itself; nothing would be stopped
            await self._execute(folder, launch)
        return await self._known_or_closed(folder)

    async def _execute(self, folder: Path, launch: Launch) -> None:
        """Start the program and wait until it has started the agent, or could not."""
        with anyio.move_on_after(START_LIMIT_S):
            try:
                await anyio.run_process(
                    [*PYTHON, "attempt", str(self._output_limit), str(folder), launch.cwd, *launch.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env=_environment(folder, launch),
                    start_new_session=True,
                )
            except OSError as error:
                raise Unavailable("supervisor", error.strerror or "cannot be executed") from error

    async def _git_settings(self, cwd: str) -> str:
        """The person's name and the like, for a configuration without their credential helpers."""
        try:
            answer = await self._git.ask(
                "/", "config", "--global", "--null", "--get-regexp", _GIT_SETTINGS, codes=frozenset({0, 1})
            )
        except Unavailable:
            return ""  # no git: the agent may do without
        return "".join(_setting(*item.partition("\n")[::2]) for item in answer.out.split("\0") if item)

    async def probe(self, run: RunId) -> Probe | None:
        return await anyio.to_thread.run_sync(_look, self.folder(run))

    async def settle(self, run: RunId) -> Probe:
        return await self._known_or_closed(self.folder(run))

    async def _known_or_closed(self, folder: Path) -> Probe:
        return await anyio.to_thread.run_sync(_look_or_close, folder)

    async def stop(self, run: RunId, *, grace_s: float = 10.0) -> Probe:
        folder = self.folder(run)
        known = await self._known_or_closed(folder)
        if not isinstance(known, Running):
            return known
        await anyio.to_thread.run_sync(_order_stop, folder, grace_s)
        pause_s = RECHECK_S
        with anyio.move_on_after(grace_s + STOP_MARGIN_S):
            told = False
            while isinstance(known, Running):
                # `started` may not be there yet: the program has its lock, and is about to write it.
                told = told or await anyio.to_thread.run_sync(_signal, folder, signal.SIGTERM)
                await anyio.sleep(pause_s)
                pause_s = min(pause_s * 2, LOOK_AGAIN_AT_MOST_S)
                known = await self._known_or_closed(folder)
        if isinstance(known, Running):
            # Its agent dies with it.
            await anyio.to_thread.run_sync(_signal, folder, signal.SIGKILL)
            with anyio.move_on_after(STOP_MARGIN_S):
                while isinstance(known, Running):
                    await anyio.sleep(RECHECK_S)
                    known = await self._known_or_closed(folder)
        return known

    async def said(self, run: RunId, name: str, *, limit: int = 1_000_000) -> bytes | None:
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", f"{name!r} is no plain file name")
        return await anyio.to_thread.run_sync(_said, self.folder(run), name, limit)

    async def output(self, run: RunId, *, limit: int = 65_536) -> str:
        return await anyio.to_thread.run_sync(tail, self.folder(run), limit)

    async def read_output(self, run: RunId, offset: int, *, limit: int = 65_536) -> OutputPart | None:
        if offset < 0 or limit < LONGEST_CHARACTER:
            raise InvalidInput("offset" if offset < 0 else "limit", "is too small")
        return await anyio.to_thread.run_sync(read_part, self.folder(run), offset, limit)

    async def kept(self, kind: str) -> tuple[str, ...]:
        return await anyio.to_thread.run_sync(_kept, self._folder_of(kind, "0").parent)

    async def remove(self, kind: str, subject: str) -> None:
        await anyio.to_thread.run_sync(_remove, self._folder_of(kind, subject))


def _environment(folder: Path, launch: Launch) -> dict[str, str]:
    """The agent's whole environment: the host's allow-listed part, what the launch says, and ours."""
    return {
        **allowed_environment(),
        **launch.environment,
        "GH_CONFIG_DIR": str(folder / "gh"),
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "HEADWAY_OUT": str(folder / "out"),
    }


def _setting(name: str, value: str) -> str:
    section, _, key = name.rpartition(".")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'[{section}]\n\t{key} = "{quoted}"\n'


def _prepare(folder: Path, prompt: str, git_settings: str) -> None:
    _make_private(folder)
    for own in (folder / "out", folder / "gh"):
        own.mkdir(mode=0o700, exist_ok=True)
    _write(folder / "prompt", prompt)
    _write(folder / "gitconfig", git_settings)


def _make_private(folder: Path) -> None:
    """Make the folder of an attempt; it and those around it, when they are new, are the owner's alone."""
    for each in (*reversed(folder.parents[:3]), folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(path: Path, text: str) -> None:
    """Write a file of the owner's alone, which is complete before it has its name."""
    with _written_aside(path, text) as part:
        part.replace(path)


@contextlib.contextmanager
def _written_aside(path: Path, text: str) -> Iterator[Path]:
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}")  # noqa: TID251 - a file name
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield part
    finally:
        part.unlink(missing_ok=True)


def _facts(path: Path) -> dict[str, str] | None:
    """The lines of one of the program's files; None when it is not there."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return {key: value for key, _, value in (line.partition(" ") for line in text.splitlines())}


def _exit(folder: Path) -> Exited | None:
    facts = _facts(folder / "exit")
    match facts:
        case None:
            return None
        case {"exit_code": code}:
            return Exited(exit_code=int(code))
        case {"signal": number}:
            return Exited(signal=int(number))
        case _:
            return Exited(failed_to_start=facts.get("failed_to_start", "unknown"))


def _lock_is_held(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        return False
    finally:
        os.close(descriptor)


def _look(folder: Path) -> Probe | None:
    """What the files say. A vanished attempt's leftovers are ended, once."""
    # The order matters: the lock is taken before `started` is made, and goes after `exit` is.
    started = _facts(folder / "started")
    if started is not None and "closed" in started:
        return NeverStarted()
    if _lock_is_held(folder):
        return _exit(folder) or Running()
    ended = _exit(folder)
    if ended is not None or started is None:
        return ended
    if not (folder / "vanished").exists():
        from headway_local.leftovers import end_leftovers  # noqa: PLC0415  psutil is slow, and this seldom

        end_leftovers((folder / "started").read_text(encoding="ascii"), str(folder / "out"))
        _write(folder / "vanished", "")
    return Vanished()


def _look_or_close(folder: Path) -> Probe:
    """`_look`; without any sign of a start, close the attempt by creating `started` in its place."""
    known = _look(folder)
    if known is not None:
        return known
    _make_private(folder)
    with _written_aside(folder / "started", CLOSED) as part, contextlib.suppress(FileExistsError):
        (folder / "started").hardlink_to(part)
    # Either way `started` is there now. It is the program's own when it was quicker.
    known = _look(folder)
    assert known is not None, "started exists"
    return known


def _order_stop(folder: Path, grace_s: float) -> None:
    _write(folder / "stop", f"{max(0.0, grace_s)}\n")


def _signal(folder: Path, what: signal.Signals) -> bool:
    """Signal the supervisor; False when it has not said who it is.

    The lock is held, so its holder lives, and `started` is the holder's: no pid is guessed.
    """
    started = _facts(folder / "started") or {}
    if "pid" not in started:
        return False
    if _lock_is_held(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(started["pid"]), what)
    return True


def _said(folder: Path, name: str, limit: int) -> bytes | None:
    """Read what an agent left, which may be anything: a link, a pipe, a device, a folder."""
    try:
        out = os.open(folder / "out", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=out)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidInput("name", f"{name!r} cannot be read: {error.strerror}") from error
    finally:
        os.close(out)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput("name", f"{name!r} is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise InvalidInput("name", f"{name!r} is larger than {limit} bytes")
    return content


def _kept(kind: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(entry.name for entry in kind.iterdir() if _ID.fullmatch(entry.name)))
    except FileNotFoundError:
        return ()


def _remove(subject: Path) -> None:
    if not subject.is_dir():
        return
    if any(isinstance(_look(attempt), Running) for attempt in subject.iterdir() if attempt.is_dir()):
        raise Conflict(subject.parent.name, subject.name, "it runs")
    try:
        shutil.rmtree(subject)
    except OSError as error:
        raise Unavailable("supervisor", f"{subject} can't be removed: {error.strerror}") from error
