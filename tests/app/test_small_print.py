"""What people stumble on: beginnings of ids, one name twice, what to do after an error, who is there."""

import signal
import subprocess

import pytest
from stage import Stage
from terminal import on_terminal


def _made(stage: Stage, name: str = "Fix login") -> str:
    made: str = stage.ask("workspace", "create", "--name", name)["id"]
    return made


def test_two_workspaces_of_one_name_are_told_apart(registered: Stage) -> None:
    """The error names each with its branch, project and status, and the beginning of an id is enough."""
    first, second = _made(registered), _made(registered)
    refused = registered.headway("workspace", "show", "Fix login").expect(2)
    for its, branch in ((first, "headway/fix-login"), (second, "headway/fix-login-2")):
        assert f"{its} ({branch} of greeter, NEW)" in refused.err
    assert registered.ask("workspace", "show", second[:8])["id"] == second


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (("workspace", "show", "nobody"), "headway workspace list tells the live ones"),
        (("session", "stop", "nobody"), "headway workspace show WORKSPACE tells its sessions"),
        (("host", "retire", "nobody"), "headway host list tells them"),
        (("workspace", "create", "--project", "nope", "--name", "x"), "headway init registers"),
    ],
)
def test_an_error_says_what_to_do_next(untouched: Stage, command: tuple[str, ...], advice: str) -> None:
    """Below what is wrong stands where to look, on standard error alone."""
    refused = untouched.headway(*command).expect(1)
    assert advice in refused.err
    assert refused.out == ""


def test_a_refused_retry_says_why_and_what_else_there_is(registered: Stage) -> None:
    """A workspace that was not begun has nothing to repeat; its runner is named instead."""
    refused = registered.headway("workspace", "retry", _made(registered)).expect(1)
    assert "no transition NEW -> PROVISIONING" in refused.err
    assert "its provisioning has not begun; headway up provisions it" in refused.err


def test_archived_workspaces_are_listed(registered: Stage) -> None:
    """They are on no board, and in a list of their own; what went wrong before is not said of success."""
    made = _made(registered)
    assert (
        "no workspace was archived yet" in registered.headway("workspace", "list", "--archived").expect().err
    )
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="Fix login")
    worktree = registered.ask("workspace", "show", made)["worktree_path"]
    with open(f"{worktree}/.gitignore", "w") as ignore, open(f"{worktree}/.env", "w"):  # noqa: PTH123  short
        ignore.write(".env\n")
    registered.headway("workspace", "archive", made).expect(1)
    done = registered.headway("workspace", "archive", made, "--lose-ignored").expect()
    assert "failed" not in done.out
    assert registered.ask("workspace", "list") == []
    (archived,) = registered.ask("workspace", "list", "--archived")
    assert (archived["id"], archived["status"], archived["error"]) == (made, "ARCHIVED", None)


def test_a_setting_is_reset(registered: Stage) -> None:
    """It has its default again; a name that is no setting is refused as in `set`."""
    registered.headway("settings", "set", "quiet_time_s", "5").expect()
    assert registered.ask("settings", "reset", "quiet_time_s")["quiet_time_s"] == 90
    assert "nope: no such setting" in registered.headway("settings", "reset", "nope").expect(2).err


def test_hints_and_the_list_of_hosts_know_whether_a_runner_runs(registered: Stage) -> None:
    """While it runs nobody is told to start one; once it was interrupted the list says stopped at once."""
    alone = registered.headway("workspace", "create", "--name", "Alone").expect()
    assert "none runs here: headway up" in alone.err
    with registered.running() as up:
        registered.until("NO_SESSION_STARTED", workspace="Alone")
        (host,) = registered.ask("host", "list")
        assert host["runs"] is True
        beside = registered.headway("workspace", "create", "--name", "Beside").expect()
        assert "the runner provisions it" in beside.err
        assert "headway up" not in beside.err
        _interrupt(up)
    (host,) = registered.ask("host", "list")
    assert host["runs"] is False
    assert "stopped" in registered.headway("host", "list").expect().out
    assert "its runner was seen" in registered.headway("host", "retire", host["id"][:6]).expect(1).err


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
    done = stage.headway("--install-completion", "--shell", "bash").expect()
    written = [path for path in stage.folder.joinpath("home").rglob("*") if path.is_file()]
    assert any("headway" in path.read_text() for path in written), done.out
