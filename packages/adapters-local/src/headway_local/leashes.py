"""Processes that end with whoever started them: when the block is left, cancelled, or this process dies."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import anyio
from anyio.abc import Process

PROGRAM = str(Path(__file__).with_name("supervised.py"))
PYTHON = (sys.executable, "-I", "-S", PROGRAM)
"""Isolated and without `site`: it starts in a fraction of the time, and no environment steers it."""
LEASH_PATIENCE_S = 10.0


@contextlib.asynccontextmanager
async def leashed(
    command: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    merge_errors: bool = False,
    patience_s: float = 0.0,
    held: str = "",
) -> AsyncIterator[Process]:
    """Run `command` under `supervised.py leash`; the whole family has ended when the block is left.

    The returncode is the program's own (negative: the signal); 127 with the reason on standard error
    when it could not be executed. Its standard input is empty. When the block is left early it has
    `patience_s` to end by itself before it is told to. `held` is a file that stays locked until
    the whole family has ended, whatever becomes of this process.
    """
    with anyio.CancelScope(shield=True):  # it takes milliseconds, and a half-opened process is lost
        process = await anyio.open_process(
            [*PYTHON, "leash", str(patience_s), held, cwd, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge_errors else subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            await _let_go(process)


@contextlib.asynccontextmanager
async def grouped(
    command: Sequence[str], *, cwd: str, environment: Mapping[str, str]
) -> AsyncIterator[Process]:
    """Run `command`, which changes nothing, in a group that is killed when the block is left.

    Cheaper than a leash by a start of Python; should this process be killed, it runs to its end.
    """
    with anyio.CancelScope(shield=True):
        process = await anyio.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            await process.aclose()


async def _let_go(process: Process) -> None:
    assert process.stdin is not None, "it was opened as a pipe"
    await process.stdin.aclose()
    with anyio.move_on_after(LEASH_PATIENCE_S):
        await process.wait()
    await process.aclose()  # kills it when it still runs, and by that its program
