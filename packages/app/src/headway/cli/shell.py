"""How every command runs: open Headway, do the work, print; an error becomes a message and an exit code.

Standard error is for people. Standard output is the answer: with `--json` one document, an error's too.
The codes: `docs/command.md`.
"""

import errno
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import anyio
from cyclopts import Parameter

from headway.terminal import tell, terminal
from headway_core.api import HeadwayError, InvalidInput, NotFound, Unavailable

if TYPE_CHECKING:
    from rich.console import Console

    from headway_core.api import Headway

T = TypeVar("T")
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]

ACTOR = "person"
"""Who is behind a command."""

FAILED = 1
"""It could not be done: GitHub, git, the database, another process, or there is no such thing."""
WRONG = 2
"""What was asked or configured can't be."""
INTERRUPTED = 130


def perform(work: "Callable[[Headway], Awaitable[T]]", *, as_json: bool, lasting: bool = False) -> T:
    """Open Headway as configured and do the work; what it raises on purpose ends the command.

    `lasting`: it goes on until it is interrupted, so what it leaves is collected.
    """
    from headway.config import load  # noqa: PLC0415  `--help` needs no adapter
    from headway.opening import open  # noqa: A004, PLC0415  its public name; `--help` needs no adapter

    async def run() -> T:
        async with open(config=load()) as hw:
            if lasting:
                gc.enable()
            return await work(hw)

    return ending(lambda: anyio.run(run), as_json=as_json)


def ending(run: Callable[[], T], *, as_json: bool) -> T:
    """Run; an error that is meant for people becomes a message and an exit code, others stay errors."""
    try:
        return run()
    except BaseException as raised:
        causes = [_ours(cause) for cause in _leaves(raised)]
        if all(isinstance(cause, HeadwayError) for cause in causes):
            fail(causes[0], as_json=as_json)
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            sys.exit(INTERRUPTED)
        if all(isinstance(cause, BrokenPipeError) for cause in causes):
            leave_the_pipe()
        raise


_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)
"""What no code of ours is at fault for: a full disk, a broken one, too much at once."""


def _ours(cause: BaseException) -> BaseException:
    """The error, and for what the machine has not enough of an error for people."""
    if isinstance(cause, OSError) and cause.errno in _OF_THE_MACHINE:
        where = "" if cause.filename is None else f" ({cause.filename})"
        return Unavailable("this machine", f"{cause.strerror}{where}")
    return cause


def _leaves(raised: BaseException) -> list[BaseException]:
    if not isinstance(raised, BaseExceptionGroup):
        return [raised]
    return [leaf for each in raised.exceptions for leaf in _leaves(each)]


def fail(error: BaseException, *, as_json: bool) -> NoReturn:
    """Tell people on standard error, programs on standard output, and end with the code of the error."""
    from headway.cli.advice import advice  # noqa: PLC0415  few commands fail

    tell(f"headway: {error}", style="red")
    if (told := advice(error)) is not None:
        tell(f"headway: {told}")
    if as_json:
        write(_document(error))
    sys.exit(WRONG if isinstance(error, InvalidInput) else FAILED)


def _document(error: BaseException) -> dict[str, object]:
    document: dict[str, object] = {"error": type(error).__name__, "message": str(error), "field": None}
    match error:
        case InvalidInput(field=field):
            document["field"] = field
        case NotFound(kind=kind):
            document["field"] = kind
        case Unavailable(retry_after_s=retry_after_s):
            document["retry_after"] = retry_after_s
        case _:
            pass
    return document


def leave_the_pipe() -> NoReturn:
    """Whoever read the output went away: nothing is left to say, also not when Python flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(FAILED)


def answer(document: object, person: "Callable[[Console], None]", *, as_json: bool) -> None:
    """Print the answer: a JSON document, or what a person reads."""
    if as_json:
        write(document)
    else:
        person(terminal())


def write(document: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, indent=2), flush=True)  # noqa: T201  the program's output


async def promise(hw: "Headway", what: str) -> str:
    """What becomes of something that a runner does: whether one is there, and how to start it."""
    return what if await hw.hosts.runner_runs() else f"{what}, and none runs here: headway up"


def note(text: str) -> None:
    """A remark beside the answer, for people."""
    tell(f"headway: {text}")
