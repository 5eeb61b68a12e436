"""What people stumble on: beginnings of ids, one name twice, what to do after an error, who is there."""

import signal
import subprocess

import pytest
from stage import Stage
from terminal import on_terminal

from headway.cli.advice import advice
from headway_core.api import Conflict, HeadwayError, PermissionDenied, Unavailable


def _made(stage: Stage, name: str = "Fix login") -> str:
    made: str = stage.ask("workspace", "create", "--name", name)["id"]
    return made


def test_two_workspaces_of_one_name_are_told_apart(registered: Stage) -> None:
    """The error names each with its branch, project and status, and the beginning of an id is enough."""
    first, second = _made(registered), _made(registered)
    refused = registered.here("workspace", "show", "Fix login").expect(2)
    for its, branch in ((first, "headway/fix-login"), (second, "headway/fix-login-2")):
        assert f"{its} ({branch} of greeter, NEW)" in refused.err
    assert registered.ask("workspace", "show", second[:8])["id"] == second


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("workspace", "show", "nobody"), "headway workspace list tells the live ones"),
        (("session", "stop", "nobody"), "headway workspace show WORKSPACE tells its sessions"),
        (("host", "retire", "nobody"), "headway host list tells them"),
        (("workspace", "create", "--project", "nope", "--name", "x"), "headway init registers"),
        (("session", "start", "Known", "p"), "headway settings set default_agent NAME"),
        (("session", "start", "Known", "p"), "[agents.NAME]"),
    ],
)
def test_an_error_says_what_to_do_next(untouched: Stage, command: tuple[str, ...], told: str) -> None:
    """Below what is wrong stands where to look, on standard error alone."""
    refused = untouched.here(*command).expect(1)
    assert told in refused.err
    assert refused.out == ""


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("init", "/"), "git init makes one"),
        (("settings", "set", "nope", "1"), "headway settings show lists them"),
        (("settings", "reset", "nope"), "headway settings show lists them"),
        (("settings", "set", "default_agent", "nope"), "[agents.NAME]"),
        (("project", "set", "greeter", "--default-branch", "nope"), "git branch --all"),
        (("workspace", "create", "--resume", "nope", "--project", "greeter"), "git branch --all"),
    ],
)
def test_what_cannot_be_says_what_can(untouched: Stage, command: tuple[str, ...], told: str) -> None:
    """A value that is refused has its next step below it; none points to a page that wheels have not."""
    refused = untouched.here(*command).expect(2)
    assert told in refused.err.partition("\n")[2]
    assert "docs/" not in refused.err


def test_a_branch_that_is_checked_out_elsewhere_says_what_else(untouched: Stage) -> None:
    """To free it, or to start a new one from it."""
    refused = untouched.here("workspace", "create", "--resume", "main").expect(1)
    assert "git switch" in refused.err
    assert "--base BRANCH" in refused.err


def test_an_origin_elsewhere_names_the_option(stage: Stage) -> None:
    """`init` can be told the place at GitHub."""
    assert "--github owner/name" in stage.here("init").expect(2).err.partition("\n")[2]


@pytest.mark.parametrize(
    ("error", "told", "untold"),
    [
        (PermissionDenied("github", "no token"), "gh auth status", "github_api_url"),
        (Unavailable("github", "there is no connection to GitHub"), "github_api_url", "gh auth"),
        (Conflict("workspace", "w", "it is ARCHIVED"), "headway workspace create --resume BRANCH", "session"),
        (Conflict("workspace", "w", "it is ARCHIVING"), "it is being archived", "session"),
        (Conflict("branch", "b", "is checked out at /elsewhere"), "git switch", "session"),
    ],
)
def test_advice_goes_by_the_kind_of_failure(error: HeadwayError, told: str, untold: str) -> None:
    """A token is no answer to a missing connection, nor a retry to a refused one."""
    said = advice(error)
    assert said is not None
    assert told in said
    assert untold not in said


def test_no_session_starts_in_an_archived_workspace(registered: Stage) -> None:
    """The refusal says how its branch is worked on again."""
    registered.install("claude", "")
    made = _made(registered)
    registered.ask("workspace", "cancel", made)
    registered.here("workspace", "archive", made).expect()
    refused = registered.here("session", "start", made, "p").expect(1)
    assert "it is archived; create another workspace of its branch" in refused.err


def test_a_refused_retry_says_why_and_what_else_there_is(registered: Stage) -> None:
    """A workspace that was not begun has nothing to repeat; its runner is named instead."""
    refused = registered.here("workspace", "retry", _made(registered)).expect(1)
    assert "no transition NEW -> PROVISIONING" in refused.err
    assert "its provisioning has not begun; headway up provisions it" in refused.err


def test_archived_workspaces_are_listed(registered: Stage) -> None:
    """They are on no board, and in a list of their own; what went wrong before is not said of success."""
    made = _made(registered)
    assert "no workspace was archived yet" in registered.here("workspace", "list", "--archived").expect().err
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="Fix login")
    worktree = registered.ask("workspace", "show", made)["worktree_path"]
    with open(f"{worktree}/.gitignore", "w") as ignore, open(f"{worktree}/.env", "w"):  # noqa: PTH123  short
        ignore.write(".env\n")
    registered.here("workspace", "archive", made).expect(1)
    done = registered.here("workspace", "archive", made, "--lose-ignored").expect()
    assert "failed" not in done.out
    assert registered.ask("workspace", "list") == []
    (archived,) = registered.ask("workspace", "list", "--archived")
    assert (archived["id"], archived["status"], archived["error"]) == (made, "ARCHIVED", None)


def test_a_setting_is_reset(registered: Stage) -> None:
    """It has its default again; a name that is no setting is refused as in `set`."""
    registered.here("settings", "set", "quiet_time_s", "5").expect()
    assert registered.ask("settings", "reset", "quiet_time_s")["quiet_time_s"] == 90
    assert "nope: no such setting" in registered.here("settings", "reset", "nope").expect(2).err


def test_hints_and_the_list_of_hosts_know_whether_a_runner_runs(registered: Stage) -> None:
    """While it runs nobody is told to start one; once it was interrupted the list says stopped at once."""
    alone = registered.here("workspace", "create", "--name", "Alone").expect()
    assert "none runs here: headway up" in alone.err
    with registered.running() as up:
        registered.until("NO_SESSION_STARTED", workspace="Alone")
        (host,) = registered.ask("host", "list")
        assert host["runs"] is True
        beside = registered.here("workspace", "create", "--name", "Beside").expect()
        assert "the runner provisions it" in beside.err
        assert "headway up" not in beside.err
        _interrupt(up)
    (host,) = registered.ask("host", "list")
    assert host["runs"] is False
    assert "stopped" in registered.here("host", "list").expect().out
    assert "its runner was seen" in registered.here("host", "retire", host["id"][:6]).expect(1).err


def _interrupt(up: "subprocess.Popen[str]") -> None:
    up.send_signal(signal.SIGINT)
    up.wait(20)


def test_the_board_says_which_columns_it_left_out(registered: Stage) -> None:
    """A narrow terminal does without some, and says so."""
    _made(registered, "A name that takes its width")
    command = registered.command("workspace", "list")
    with on_terminal(
        command, cwd=registered.repository, environment=registered.environment, columns=60
    ) as shown:
        assert shown.process.wait(60) == 0
    assert any("left out for want of width: " in line for line in shown.lines)


def test_completion_can_be_installed(stage: Stage) -> None:
    """The script for a shell is written below the home folder, and names the command."""
    done = stage.here("--install-completion", "--shell", "bash").expect()
    written = [path for path in stage.folder.joinpath("home").rglob("*") if path.is_file()]
    assert any("headway" in path.read_text() for path in written), done.out
