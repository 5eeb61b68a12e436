"""What a supervisor that was killed may have left behind.

Its agent dies with it. Others that the agent started may live; they are known by the session that the
supervisor founded, and by `HEADWAY_OUT` in the environment that they inherited, which also finds those
that founded a session of their own.
"""

import contextlib
import os
import time
from collections.abc import Iterator

import psutil

from headway_local.supervised import ON_LINUX, boot_id, identity

TRIES = 100
PAUSE_S = 0.02


def end_leftovers(started: str, out: str) -> None:
    """Kill what a dead supervisor's agent left, until nothing is found; bounded at 2 s and a few scans.

    `started` is what the supervisor wrote of itself, `out` its agent's `HEADWAY_OUT`.
    """
    for _ in range(TRIES):
        found = list(_leftovers(started, out))
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()  # refuses when the pid is another process's by now
        time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread, of processes that end in real time


def _leftovers(started: str, out: str) -> Iterator[psutil.Process]:
    session = _session(started)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            in_session = session is not None and os.getsid(process.pid) == session
            if in_session or process.environ().get("HEADWAY_OUT") == out:
                yield process


def _session(started: str) -> int | None:
    """The session that the supervisor founded; None when the number may be another's by now.

    It is free again when all the session's processes have ended, and after a boot.
    """
    facts = dict(line.split(" ", 1) for line in started.splitlines() if " " in line)
    if not facts.get("pid", "").isdecimal() or (ON_LINUX and facts.get("boot_id") != boot_id()):
        return None
    pid = int(facts["pid"])
    with contextlib.suppress(OSError):
        if psutil.pid_exists(pid) and identity(pid) != started:
            return None  # not the dead supervisor, which its parent may not have collected yet
    return pid
