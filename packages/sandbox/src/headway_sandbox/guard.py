"""Runs one command in a session of its own and ends all of it, whatever happens to the server.

Usage: guard.py SECONDS OUTPUT_FILE COMMAND [ARGUMENT ...], in the working directory and environment
of the command. Standard input is a pipe whose other end only the server holds: its end of file means
that the server died or gave up. Exit code: the command's (128 + n for signal n); 124 for the time
limit; 125 when the server went away. A file of its own, run with `-I -S`: it imports next to nothing.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

TIMED_OUT = 124
_ABANDONED = 125
_NOT_FOUND = 127
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _children() -> list[int]:
    if sys.platform != "linux":
        return []
    mine = []
    for name in os.listdir("/proc"):  # noqa: PTH208 (no pathlib: start quickly)
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 (as above)
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            mine.append(int(name))
    return mine


def _end_everything(leader: int) -> None:
    """Kill the session, then whatever left it: a subreaper inherits what it orphans."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    while True:
        for child in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _become(output: str, command: list[str]) -> None:
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        os.execvp(command[0], command)  # noqa: S606 (that is the point)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND)


def _wait(leader: int, deadline: float) -> int:
    while True:
        done, status = os.waitpid(leader, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code
        if time.monotonic() >= deadline:
            return TIMED_OUT
        readable, _, _ = select.select([0], [], [], 0.02)
        if readable and not os.read(0, 1):
            return _ABANDONED


def main() -> int:
    """Run the command under guard."""
    seconds, output, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the server ends it, by closing the pipe
    leader = os.fork()
    if leader == 0:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        _become(output, command)
    code = _wait(leader, time.monotonic() + seconds)
    _end_everything(leader)
    return code


if __name__ == "__main__":
    sys.exit(main())
