"""The `headway` command: tables for people, `--json` for programs.

Each command is imported when it is called. Its exit codes are those of `shell`.
"""

import atexit
import gc
import logging
import os
import sys

from cyclopts import App, CycloptsError

from headway.cli import log, shell
from headway_core.api import InvalidInput

app = App(
    name="headway",
    help="Keeps coding-agent workspaces and their pull requests moving forward.",
    help_epilogue="Begin with: headway init, headway workspace create, headway up.",
)
for name, home, told in (
    ("init", "headway.cli.projects:init", "Register the repository that a folder lies in."),
    ("project", "headway.cli.projects:app", "Registered repositories."),
    ("workspace", "headway.cli.workspaces:app", "Tasks, each on a branch in a worktree."),
    ("session", "headway.cli.sessions:app", "Conversations with agents in a workspace."),
    ("up", "headway.cli.runner:up", "Be this host's runner: provision, watch, ratchet; until interrupted."),
    ("pr", "headway.cli.pulls:app", "What is known of pull requests, and how old it is."),
    ("explain", "headway.cli.ratchet:explain", "Why a workspace moves, or does not."),
    ("ratchet", "headway.cli.ratchet:app", "The automation that moves a pull request forward."),
    ("host", "headway.cli.hosts:app", "The machines of this database."),
    ("settings", "headway.cli.settings:app", "Quiet time, budgets, limits, trust."),
    ("demo", "headway.cli.runner:demo", "Rehearse the main job without network or account."),
):
    app.command(home, name=name, help=told)


app.register_install_completion_command()


def main() -> None:
    """Run the command; what was typed wrong ends it as wrong input does."""
    as_json = "--json" in sys.argv
    # What a command imports is slow to look through, also when Python ends, and what it leaves ends with it.
    gc.disable()
    atexit.register(gc.freeze)
    try:
        log.set_up(_log_level())
        app(exit_on_error=False, print_error=False)
    except InvalidInput as error:
        shell.fail(error, as_json=as_json)
    except CycloptsError as error:
        shell.fail(InvalidInput("command line", str(error)), as_json=as_json)
    except BrokenPipeError:
        shell.leave_the_pipe()
    finally:
        gc.enable()


def _log_level() -> str:
    level = os.environ.get("HEADWAY_LOG") or "WARNING"
    if level.upper() not in logging.getLevelNamesMapping():
        raise InvalidInput("HEADWAY_LOG", f"{level!r} is none of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    return level.upper()
