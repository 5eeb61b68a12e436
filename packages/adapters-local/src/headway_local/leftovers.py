"""What a supervisor that was killed may have left behind.

Its agent dies with it. Others that the agent started may live; they are known by the session that the
supervisor founded, and by `HEADWAY_OUT` in the environment that they inherited, which also finds those
that founded a session of their own.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from typing import Self

import attrs
import psutil  # type: ignore[import-untyped]

from headway_local.supervised import identity

TRIES = 100
PAUSE_S = 0.02


@attrs.frozen(kw_only=True)
class Identity:
    """A process, in a way that no other process will ever match."""

    pid: int
    """0: none."""
    start_time: str | None
    """In clock ticks since boot; None where the system does not say (not Linux)."""
    boot_id: str | None

    @classmethod
    def of(cls, facts: Mapping[str, str]) -> Self:
        return cls(
            pid=int(facts.get("pid", "0")),
            start_time=facts.get("start_time"),
            boot_id=facts.get("boot_id"),
        )


def end_leftovers(supervisor: Identity, out: str) -> None:
    """Kill what a dead supervisor's agent left, until nothing is found; bounded at 2 s."""
    for _ in range(TRIES):
        found = list(_leftovers(supervisor, out))
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        time.sleep(PAUSE_S)  # noqa: TID251 - in a worker thread, of processes that end in real time


def _leftovers(supervisor: Identity, out: str) -> Iterator[psutil.Process]:
    session = supervisor.pid if _session_is_its_own(supervisor) else 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            in_session = session != 0 and os.getsid(process.pid) == session
            if in_session or process.environ().get("HEADWAY_OUT") == out:
                yield process


def _session_is_its_own(supervisor: Identity) -> bool:
    """Whether the number of the session still means the one that the supervisor founded.

    A session's number is free again when all its processes have ended, and the system may have booted.
    """
    if supervisor.pid == 0 or psutil.pid_exists(supervisor.pid):
        return False
    boot_id = dict(line.split(" ", 1) for line in identity().splitlines()).get("boot_id")
    return boot_id == supervisor.boot_id
