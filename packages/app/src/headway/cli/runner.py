"""`headway up`, and `headway demo`, its rehearsal."""

import gc
import signal
import sys
from functools import partial

import anyio

from headway.cli.shell import FAILED, AsJson, ending, fail, perform
from headway.up import run_until_stopped
from headway_core.api import Unavailable


def up(*, as_json: AsJson = False) -> None:
    """Be this host's runner: provision, watch, ratchet; until interrupted.

    A live table on a terminal, a line a change otherwise; with --json a JSON document a change, each in
    one line. Agents that run go on when it ends, and the next one adopts them.
    """
    perform(partial(run_until_stopped, as_json=as_json), as_json=as_json, lasting=True)


def demo(
    *,
    database: str | None = None,
    agent: str | None = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse the main job without network or account: three workspaces, three causes, three fixers.

    Parameters
    ----------
    database
        Keep everything in this database, and beside its file, and go on where the last run stopped:
        a path, sqlite:///path, or postgresql://user:password@host:port/name.
    agent
        A command that reads its prompt on standard input, in the scripted program's place.
    """
    try:
        from headway.demo.run import rehearse  # noqa: PLC0415  an extra, `demo`
    except ModuleNotFoundError:
        problem = "headway-sandbox is not installed: `pip install ./packages/sandbox` in Headway's repository"
        fail(Unavailable("demo", problem), as_json=as_json)
    gc.enable()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the sandbox too
    run = partial(anyio.run, partial(rehearse, database=database, agent=agent, as_json=as_json))
    sys.exit(0 if ending(run, as_json=as_json) else FAILED)
