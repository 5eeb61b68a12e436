"""The one place that runs git.

Argument lists only; no hooks, no `ext` protocol, no pager, no questions, a scrubbed environment, nothing of
what the repository's own configuration would have executed or asked elsewhere (`overrides.py`), and a
time limit. What changes a repository runs on a leash, so that it ends soon after this process. It gets a
moment to end by itself: git creates its lock files before it arranges to take them away on TERM, and one
that is left blocks the person's repository for ever.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

import anyio
import attrs
from anyio.abc import ByteReceiveStream, Process

from headway_core.kernel.errors import Unavailable
from headway_local.configuration import Configuration, Steering
from headway_local.environment import git_environment
from headway_local.leashes import grouped, leashed
from headway_local.supervised import CANNOT_EXECUTE

T = TypeVar("T")
OPTIONS = (
    *("--no-pager", "--no-optional-locks"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "core.fsmonitor=false"),  # a program of the repository's choice, and a daemon that stays
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),  # daemons as well
    *("-c", "log.showSignature=false"),
    *("-c", "submodule.recurse=false", "-c", "fetch.recurseSubmodules=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "advice.detachedHead=false"),
)
SHOWS_CHANGES = frozenset({"diff", "diff-files", "diff-index", "diff-tree", "log", "show"})
PLAINLY = ("--no-ext-diff", "--no-textconv")
"""Programs that show changes are for people, whoever configured them."""
ASK_LIMIT_S = 60.0
CHANGE_LIMIT_S = 600.0
PATIENCE_S = 2.0
OUTPUT_LIMIT = 64 * 1024 * 1024
MESSAGE_LIMIT = 1_000
KEY_LIMIT = 200
KEYS_LIMIT = 50
RACE_TRIES = 6
RACE_PAUSE_S = 0.05
"""Doubles from try to try: 1.5 s in all."""

_RACES = re.compile(
    r"Unable to create '[^']*\.lock'"
    r"|could not lock config file"
    r"|\.lock: File exists"
    r"|cannot lock ref '[^']*': (is at|Unable)"
    r"|fatal: could not create directory of"
    r"|failed to read \S*worktrees/\S*"  # one that another process is making or removing
)
_KEPT_IN = re.compile(r"transport '[^']*' not allowed")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/]*@")
_TOKENS = re.compile(r"\b(?:gh[a-z]_|github_pat_|glpat-)[0-9A-Za-z_-]{8,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\x1b\[[0-9;]*[A-Za-z]")
_WEB_USER = re.compile(r"(?<=://)[^/]*@")
_SSH_PASSWORD = re.compile(r"(?<=://)([^/:@]*):[^/]*@")


def without_credentials(url: str) -> str:
    """A remote's URL that may be stored and shown: no user in a web address, no password in any."""
    if url.lower().startswith(("http://", "https://")):
        return _WEB_USER.sub("", url, count=1)
    return _SSH_PASSWORD.sub(r"\1@", url, count=1)


def presentable(message: str) -> str:
    """What git, or a remote through it, said, without secrets and control characters, and cut."""
    message = _TOKENS.sub("***", _CREDENTIALS.sub("***@", message))
    plain = _CONTROL.sub(" ", message).strip()[:MESSAGE_LIMIT]
    return plain.encode("utf-8", "backslashreplace").decode()  # paths may hold bytes that are no text


def storable(name: str) -> str:
    r"""A name that git told, as a text that every database takes: bytes that are no UTF-8 are written `\xff`,
    which no branch's name holds by itself.
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@attrs.frozen(kw_only=True)
class GitResult:
    """How a git command ended."""

    code: int
    """The exit code; negative: the signal that ended it."""
    out: str
    """Standard output: bytes that are no UTF-8 are kept as surrogates, as in paths."""
    error: str
    """Standard error, as git wrote it: show it only through `presentable`."""

    @property
    def line(self) -> str:
        return self.out.removesuffix("\n")


class GitRefused(Unavailable):
    """Git ended with an error that is no race; `answer` tells which."""

    def __init__(self, command: str, answer: GitResult) -> None:
        said = presentable(answer.error) or f"ended with {answer.code}"
        super().__init__("git", f"{command}: {said}")
        self.answer = answer


class Git:
    """Runs git; it remembers what the configuration of repositories says.

    `lfs_repositories` are the folders of the repositories (main worktrees, or bare ones) whose large files
    git LFS has.
    """

    def __init__(self, *, lfs_repositories: Iterable[str] = ()) -> None:
        self._configuration = Configuration(self._configured, lfs_repositories)

    async def ask(
        self, cwd: str, *words: str, codes: frozenset[int] = frozenset({0}), limit_s: float = ASK_LIMIT_S
    ) -> GitResult:
        """Run a command that changes nothing; `GitRefused` when its exit code is not in `codes`."""

        async def once(steering: Steering) -> GitResult:
            return await _asked(cwd, words, {**git_environment(), **steering.environment})

        return await self._run(cwd, words, codes, once, limit_s)

    async def change(
        self,
        cwd: str,
        *words: str,
        codes: frozenset[int] = frozenset({0}),
        environment: Mapping[str, str] | None = None,
        held: str = "",
    ) -> GitResult:
        """Run a command that changes the repository; repeated a few times when it lost a race for a lock.

        `held` is a file that is locked while git lives, even when this process does not any more.
        """

        async def once(steering: Steering) -> GitResult:
            extended = {**git_environment(), **steering.environment, **(environment or {})}
            return await _leashed(words, cwd, extended, held)

        return await self._run(cwd, words, codes, once, CHANGE_LIMIT_S)

    async def overruled(self, cwd: str) -> tuple[str, ...]:
        """The keys by which the repository of a folder would execute programs or lead elsewhere, and which
        are not obeyed; at most `KEYS_LIMIT`, to be shown.
        """
        steering = await _in_time("config", partial(self._steering, cwd), ASK_LIMIT_S)
        return _shown(steering.overrides.overruled)

    async def _steering(self, cwd: str) -> Steering:
        return await self._configuration.steering(cwd, git_environment())

    async def _configured(self, cwd: str, words: tuple[str, ...]) -> str:
        """What a command prints that obeys nothing of the configuration."""
        answer = await _asked(cwd, words, git_environment())
        if answer.code != 0:
            raise GitRefused(_name(words), answer)
        return answer.out

    async def _run(
        self,
        cwd: str,
        words: tuple[str, ...],
        codes: frozenset[int],
        once: Callable[[Steering], Awaitable[GitResult]],
        limit_s: float,
    ) -> GitResult:
        async def steered() -> GitResult:
            try:
                steering = await self._steering(cwd)
            except GitRefused as error:
                return error.answer  # what git says of the configuration, it says to every command
            answer = await once(steering)
            return _with_reason(answer, steering.overrides.closed)

        pause_s = RACE_PAUSE_S
        for left in reversed(range(RACE_TRIES)):
            answer = await _in_time(_name(words), steered, limit_s)
            if answer.code in codes:
                return answer
            if not left or not _RACES.search(answer.error):
                raise GitRefused(_name(words), answer)
            await anyio.sleep(pause_s)
            pause_s *= 2
        raise AssertionError


def _name(words: tuple[str, ...]) -> str:
    """The command among the words: what stands after the options of git itself."""
    rest = iter(words)
    for word in rest:
        if word == "-c":
            next(rest)
        elif not word.startswith("-"):
            return word
    return "git"


def _command(words: tuple[str, ...]) -> list[str]:
    name = _name(words)
    if name not in SHOWS_CHANGES:
        return ["git", *OPTIONS, *words]
    at = words.index(name) + 1
    return ["git", *OPTIONS, *words[:at], *PLAINLY, *words[at:]]


def _with_reason(answer: GitResult, closed: tuple[str, ...]) -> GitResult:
    """The answer; where git was kept from asking another repository, it says for what."""
    if answer.code == 0 or not closed or not _KEPT_IN.search(answer.error):
        return answer
    why = (
        f"the repository's git configuration leads elsewhere, and is not obeyed: {', '.join(_shown(closed))}"
    )
    return attrs.evolve(answer, error=f"{why}\n{answer.error}")


def _shown(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys that may be stored and shown: their middle part may be anything, and there may be any number."""
    texts = [presentable(key.encode("utf-8", "replace").decode())[:KEY_LIMIT] for key in keys[:KEYS_LIMIT]]
    return tuple(texts)


async def _asked(cwd: str, words: tuple[str, ...], environment: Mapping[str, str]) -> GitResult:
    async with grouped(_command(words), cwd=cwd, environment=environment) as process:
        return await _answer(process)


async def _in_time(name: str, once: Callable[[], Awaitable[T]], limit_s: float) -> T:
    try:
        with anyio.fail_after(limit_s):
            return await once()
    except TimeoutError:
        raise Unavailable("git", f"{name} did not end within {limit_s:g} s") from None
    except OSError as error:  # no git, or no folder to run it in
        raise Unavailable("git", f"cannot run {name}: {error.strerror} ({error.filename})") from error


async def _leashed(words: tuple[str, ...], cwd: str, environment: Mapping[str, str], held: str) -> GitResult:
    async with leashed(
        _command(words), cwd=cwd, environment=environment, patience_s=PATIENCE_S, held=held
    ) as process:
        answer = await _answer(process)
    if answer.code == CANNOT_EXECUTE and answer.error.startswith("cannot "):
        raise Unavailable("git", presentable(answer.error))
    return answer


async def _answer(process: Process) -> GitResult:
    assert process.stdout is not None
    assert process.stderr is not None
    out, error = bytearray(), bytearray()
    async with anyio.create_task_group() as group:
        group.start_soon(_collect, process.stderr, error)
        await _collect(process.stdout, out)
    code = await process.wait()
    if max(len(out), len(error)) > OUTPUT_LIMIT:
        raise Unavailable("git", f"printed more than {OUTPUT_LIMIT} bytes")
    return GitResult(
        code=code,
        out=out.decode("utf-8", "surrogateescape"),
        error=error.decode("utf-8", "replace"),
    )


async def _collect(stream: ByteReceiveStream, into: bytearray) -> None:
    """Read to the end; what is beyond the limit is counted, not kept (S13)."""
    async for part in stream:
        if len(into) <= OUTPUT_LIMIT:
            into += part
