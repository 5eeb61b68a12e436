"""Runs of processes, each under a small program that outlives this one.

`<root>/<kind>/<subject>/<attempt>/` (for an agent `sessions/<session id>/<attempt>/`) holds the evidence:
`lock` (held by the program for life), `started` (who it is, or that the run is closed), `exit`, `output` (and
more of it, `outputs`), and verdicts. The process is not told of it: its `HEADWAY_OUT`, its standard input and
its own `gh` and `gitconfig` lie in `<root>/agent-files/<kind>/<subject>/<attempt>/`. Any process of this user
can look, and write: what the files say is held against who lives (`verdicts`). Processes outlive their runner
and its version, so the layout is a format; runs of older versions have both in the folder of the evidence.
"""

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from headway_core.kernel.errors import Conflict, InvalidInput, Unavailable
from headway_core.processes import Contradictory, Launch, OutputPart, Probe, RunId, Running, Supervisor
from headway_local import verdicts
from headway_local.environment import allowed_environment
from headway_local.evidence import close_run, conclude, make_private, write
from headway_local.git import Git
from headway_local.leashes import PYTHON
from headway_local.outputs import read_part, tail
from headway_local.verdicts import RunFiles

T = TypeVar("T")

_KIND = re.compile(r"[a-z][a-z_]{0,39}")
_ID = re.compile(r"[0-9a-zA-Z-]{1,40}")
_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z._-]{0,99}")
TOLD = "agent-files"
"""Where the folders lie that processes are told of: no kind of runs can have this name."""
START_LIMIT_S = 10.0
STOP_MARGIN_S = 5.0
"""How long after its grace a stopped attempt may take before its supervisor is killed as well."""
RECHECK_S = 0.01
LOOK_AGAIN_AT_MOST_S = 0.2
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

    def _files(self, run: RunId) -> RunFiles:
        folder = self.folder(run)
        return RunFiles(folder=folder, told=self._told(run.kind, run.subject) / str(run.attempt))

    def _told(self, kind: str, subject: str) -> Path:
        return self._root.absolute() / TOLD / kind / subject

    async def start(self, launch: Launch) -> Probe:
        files = self._files(launch.run)
        if not launch.argv or any("\0" in word for word in (*launch.argv, launch.cwd)):
            raise InvalidInput("argv", "it is empty or holds a NUL")
        if await _looked(verdicts.glance, files) is not None:
            return await _looked(verdicts.settle, files)
        earlier = [self._files(run) for run in launch.after]
        if (problem := await _done(verdicts.end_earlier, earlier)) is not None:
            return await _done(_refuse, files, problem)
        settings = await self._git_settings(launch.cwd)
        await _done(_prepare, files, launch.standard_input, settings)
        with anyio.CancelScope(shield=True):  # the program decides by itself; nothing would be stopped
            await self._execute(files, launch)
        return await _looked(verdicts.settle, files)

    async def _execute(self, files: RunFiles, launch: Launch) -> None:
        """Start the program and wait until it has started the agent, or could not."""
        words = [str(self._output_limit), str(files.folder), str(files.told / "prompt"), launch.cwd]
        with anyio.move_on_after(START_LIMIT_S):
            try:
                await anyio.run_process(
                    [*PYTHON, "attempt", *words, *launch.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    check=False,
                    env=_environment(files, launch),
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
        return await _looked(verdicts.glance, self._files(run))

    async def settle(self, run: RunId) -> Probe:
        return await _looked(verdicts.settle, self._files(run))

    async def stop(self, run: RunId, *, grace_s: float = 10.0) -> Probe:
        files = self._files(run)
        known: Probe | None = await self.settle(run)
        if not isinstance(known, Running):
            assert known is not None, "what was settled is known"
            return known
        await _done(_order_stop, files.folder, grace_s)
        pause_s, told = RECHECK_S, False
        with anyio.move_on_after(grace_s + STOP_MARGIN_S):
            while isinstance(known, Running):
                # `started` may not be there yet: the program has its lock, and is about to write it.
                told = told or await _done(_ask_to_end, files)
                await anyio.sleep(pause_s)
                pause_s = min(pause_s * 2, LOOK_AGAIN_AT_MOST_S)
                known = await _looked(verdicts.glance, files)
        if isinstance(known, Running):
            await _done(verdicts.kill, files)
        return await self.settle(run)

    async def said(self, run: RunId, name: str, *, limit: int = 1_000_000) -> bytes | None:
        if not _NAME.fullmatch(name):
            raise InvalidInput("name", f"{name!r} is no plain file name")
        return await _looked(_said, self._files(run), name, limit)

    async def output(self, run: RunId, *, limit: int = 65_536) -> str:
        return await _looked(tail, self.folder(run), limit)

    async def read_output(self, run: RunId, offset: int, *, limit: int = 65_536) -> OutputPart | None:
        if offset < 0 or limit < LONGEST_CHARACTER:
            raise InvalidInput("offset" if offset < 0 else "limit", "is too small")
        return await _looked(read_part, self.folder(run), offset, limit)

    async def kept(self, kind: str) -> tuple[str, ...]:
        return await _looked(_kept, self._folder_of(kind, "0").parent)

    async def remove(self, kind: str, subject: str) -> None:
        await _done(_remove, self._folder_of(kind, subject), self._told(kind, subject))


async def _looked(look: Callable[..., T], *given: object) -> T:
    """Do in a thread what may be repeated: it is left behind when the caller is cancelled, since a disk may
    hang.
    """
    return await _done(look, *given, abandon=True)


async def _done(act: Callable[..., T], *given: object, abandon: bool = False) -> T:
    """Act in a thread, to the end."""
    try:
        return await anyio.to_thread.run_sync(act, *given, abandon_on_cancel=abandon)
    except OSError as error:
        raise Unavailable("supervisor", error.strerror or "its files can't be used") from error


def _environment(files: RunFiles, launch: Launch) -> dict[str, str]:
    """The agent's whole environment: the host's allow-listed part, what the launch says, and ours."""
    return {
        **allowed_environment(),
        **launch.environment,
        "GH_CONFIG_DIR": str(files.told / "gh"),
        "GIT_CONFIG_GLOBAL": str(files.told / "gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "HEADWAY_OUT": str(files.told / "out"),
    }


def _setting(name: str, value: str) -> str:
    section, _, key = name.rpartition(".")
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'[{section}]\n\t{key} = "{quoted}"\n'


def _prepare(files: RunFiles, prompt: str, git_settings: str) -> None:
    make_private(files.folder)
    make_private(files.told)
    for own in (files.told / "out", files.told / "gh"):
        own.mkdir(mode=0o700, exist_ok=True)
    write(files.told / "prompt", prompt)
    write(files.told / "gitconfig", git_settings)


def _refuse(files: RunFiles, problem: str) -> Contradictory:
    """Close a run that must not begin, for good."""
    make_private(files.folder)
    close_run(files.folder)
    verdict = Contradictory(problem=problem, began=False)
    conclude(files.folder, verdict)
    return verdict


def _order_stop(folder: Path, grace_s: float) -> None:
    with contextlib.suppress(OSError):  # something else may have its name: the program has a grace of its own
        write(folder / "stop", f"{max(0.0, grace_s)}\n")


def _ask_to_end(files: RunFiles) -> bool:
    """Signal the program; False when it has not said who it is."""
    pid = verdicts.supervisor_pid(files)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return pid is not None


def _said(files: RunFiles, name: str, limit: int) -> bytes | None:
    """Read what an agent left, which may be anything: a link, a pipe, a device, a folder."""
    place = files.told if os.path.lexists(files.told) else files.folder
    try:
        out = os.open(place / "out", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
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


def _remove(subject: Path, told: Path) -> None:
    for attempt in subject.iterdir() if subject.is_dir() else ():
        if isinstance(verdicts.glance(RunFiles(folder=attempt, told=told / attempt.name)), Running):
            raise Conflict(subject.parent.name, subject.name, "it runs")
    for folder in (told, subject):
        if folder.is_dir() and not folder.is_symlink():
            try:
                shutil.rmtree(folder)
            except OSError as error:
                raise Unavailable("supervisor", f"{folder} can't be removed: {error.strerror}") from error
