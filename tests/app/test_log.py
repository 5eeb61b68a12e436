"""What `headway up` says of failures that are not its own: a line each, with what to do; and it goes on."""

import io
import logging
import signal
import sqlite3
import subprocess

import pytest
from stage import Stage

from headway.cli.log import OneLine
from headway_core.api import OutcomeUnknown, Unavailable
from headway_core.kernel.failures import log_failure
from headway_sql.errors import translated


def _full() -> Exception:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return translated(error)


def _said(error: Exception) -> str:
    """What the command prints when a duty fails so."""
    printed = io.StringIO()
    handler = logging.StreamHandler(printed)
    handler.setFormatter(OneLine())
    logger = logging.Logger("x")  # noqa: LOG001  of this test alone
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    log_failure(logger, "duty x failed; again in 1 s", error)
    return printed.getvalue().rstrip("\n")


@pytest.mark.parametrize(
    ("error", "cause", "to_do"),
    [
        (_full(), "the disk is full", "free some space"),
        (ExceptionGroup("g", [OSError(28, "No space left on device", "/wt")]), "(/wt)", "free some space"),
        (Unavailable("git", "cannot run worktree: No such file (/gone)"), "/gone", "headway init"),
        (Unavailable("database", "no server is there"), "no server", "goes on when that is back"),
        (OutcomeUnknown("database", "failed while it committed"), "committed", "goes on when that is back"),
        (Unavailable("github", "there is no connection to GitHub"), "no connection", "goes on"),
    ],
)
def test_an_outage_is_one_line_that_says_what_to_do(error: Exception, cause: str, to_do: str) -> None:
    """Its cause too, also out of a group, and no traceback."""
    said = _said(error)
    assert said.startswith("ERROR duty x failed; again in 1 s: ")
    assert cause in said
    assert to_do in said
    assert "\n" not in said


def test_an_error_that_nobody_expects_keeps_its_traceback() -> None:
    """Also when it comes with others that are expected."""
    for error in (KeyError("x"), ExceptionGroup("g", [Unavailable("git", "no"), KeyError("x")])):
        assert "KeyError: 'x'" in _said(error).partition("\n")[2]


def test_a_moved_repository_does_not_end_the_runner(registered: Stage) -> None:
    """The runner says in a line where it was and what to do, and goes on."""
    registered.here("workspace", "create", "--name", "x").expect()
    moved = registered.folder / "moved"
    registered.repository.rename(moved)
    up = subprocess.Popen(
        registered.command("up"), cwd=moved, env=registered.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        errors = ""
        assert up.stderr is not None
        for line in up.stderr:
            errors += line
            if "headway init" in line:
                break
        assert "Traceback" not in errors
        assert str(registered.repository) in errors
        shown = registered.headway("workspace", "show", "x", cwd=str(moved)).expect().out
        assert "run headway init at its new path" in " ".join(shown.split())
        registered.headway("init", "--github", "acme/greeter", cwd=str(moved)).expect()
        assert up.poll() is None
    finally:
        up.send_signal(signal.SIGINT)
        _, rest = up.communicate(timeout=30)
    assert up.returncode == 0
    assert "Traceback" not in rest
