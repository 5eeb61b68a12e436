"""`headway up` where people see it: a live table on a terminal, plain lines elsewhere."""

import signal
import subprocess
import time

import pytest
from stage import Stage
from terminal import OnTerminal, on_terminal

from headway.terminal import visible


def _until(terminal: OnTerminal, words: str) -> None:
    deadline = time.monotonic() + 30
    while words not in "\n".join(terminal.lines):
        assert time.monotonic() < deadline, terminal.lines
        time.sleep(0.05)  # noqa: TID251  another process works on the real clock


@pytest.mark.parametrize(
    ("columns", "header"),
    [
        (130, "workspace source branch pull request checks ratchet status"),
        (60, "workspace branch pull request status"),
    ],
    ids=["wide", "narrow"],
)
def test_a_terminal_has_a_live_table(registered: Stage, columns: int, header: str) -> None:
    """One table, written over, with what fits; an interrupt ends it with 0 and gives the cursor back."""
    registered.headway("workspace", "create", "--name", "Fix login").expect()
    with on_terminal(
        registered.command("up"),
        cwd=registered.repository,
        environment=registered.environment,
        columns=columns,
    ) as up:
        _until(up, "NO_SESSION_STARTED")
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(30) == 0
    shown = [" ".join(line.split()) for line in up.lines]
    assert header in shown
    assert any(line.startswith("Fix login") and line.endswith("NO_SESSION_STARTED") for line in shown)
    assert all(len(line) <= columns for line in up.lines if "Fix login" in line)
    assert "\x1b[?25l" in up.raw  # the cursor is hidden while it is live
    assert up.raw.rindex("\x1b[?25h") > up.raw.rindex("\x1b[?25l")
    assert "Traceback" not in up.raw


def test_two_interrupts_end_it_like_one(registered: Stage) -> None:
    """People who ask twice get the same clean end."""
    with on_terminal(
        registered.command("up"), cwd=registered.repository, environment=registered.environment, columns=80
    ) as up:
        _until(up, "no workspaces: headway workspace create")
        up.process.send_signal(signal.SIGINT)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(30) == 0
    assert "Traceback" not in up.raw


def test_without_a_terminal_there_is_a_line_a_change(registered: Stage) -> None:
    """Whole words, no sequence that a terminal obeys, nothing cut, nothing twice in a row."""
    name = "Fix the login of everybody who " + "very " * 20 + "often uses it"
    registered.headway("workspace", "create", "--name", name).expect()
    with registered.running() as up:
        registered.until("NO_SESSION_STARTED", workspace=name)
        assert up.stdout is not None
        first = up.stdout.readline()
    assert first.startswith(f"{name}: ")
    assert "\x1b" not in first


def test_without_a_terminal_an_agent_that_is_missing_is_named(registered: Stage) -> None:
    """An agent that was there when the workspace was made, and is not any more: the line tells it, first."""
    registered.data.joinpath("config.toml").write_text('[agents.odd]\ncommand = ["/bin/true"]\n')
    registered.headway("settings", "set", "default_agent", "odd").expect()
    registered.headway("workspace", "create", "--name", "Fix login", "--prompt", "Please.").expect()
    registered.data.joinpath("config.toml").write_text('[agents.odd]\ncommand = ["/nowhere/odd"]\n')
    up = subprocess.Popen(
        registered.command("up"),
        cwd=registered.repository,
        env=registered.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert up.stdout is not None
    told = next(line for line in up.stdout if "SESSION_ERROR" in line)
    up.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=30)
    assert up.returncode == 0, errors
    gravest, *others = told.rstrip("\n").split("; ")
    assert gravest == (
        "Fix login: SESSION_ERROR (ratchet IDLE): odd: its program '/nowhere/odd' is not installed"
    )
    assert all(other.startswith("GitHub was not read: ") for other in others)  # it is asked meanwhile
    card = registered.ask("workspace", "show", "Fix login")
    assert [session["status"] for session in card["sessions"]] == ["FAILED"]


def test_what_a_terminal_obeys_is_not_shown() -> None:
    """Control characters of both sets become spaces; lines and tabs stay."""
    assert visible("a\x1b[2J\x9b1m\x07b\n\tc\x7f") == "a [2J 1m b\n\tc "


@pytest.mark.parametrize(
    "hidden",
    [
        "\u202e",
        "\u2066",
        "\u200f",
        "\u061c",
        "\u200b",
        "\ufeff",
        "\u2028",
        "\u3164",
        "\U000e0041",
        "\ud800",
        "\uffff",
    ],
    ids=lambda character: f"U+{ord(character):04X}",
)
def test_what_hides_or_reorders_others_is_not_shown(hidden: str) -> None:
    """Directions, what has no width, separators and what can't be sent become spaces; scripts stay."""
    assert visible(f"a{hidden}b") == "a b"
    assert visible("שלום, Größe ⚠️ 直す") == "שלום, Größe ⚠️ 直す"


def test_a_moved_repository_and_a_disk_that_refuses_are_told_in_lines(registered: Stage) -> None:
    """Each failure is a sentence in the log, the runner goes on and ends well, and nothing is a traceback."""
    registered.install("quick", "exit 0\n")
    registered.data.joinpath("config.toml").write_text('[agents.quick]\ncommand = ["quick"]\n')
    registered.here("settings", "set", "default_agent", "quick").expect()
    registered.here("workspace", "create", "--name", "One").expect()
    with registered.running():
        registered.until("NO_SESSION_STARTED", workspace="One")
    registered.data.joinpath("sessions").write_text("in the way of the sessions' folders\n")
    registered.here("session", "start", "One", "Go on.").expect()
    moved = registered.repository.rename(registered.folder / "elsewhere")
    up = subprocess.Popen(
        registered.command("up"),
        cwd=moved,
        env=registered.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert up.stderr is not None
    told: list[str] = []
    expected = ("recovery: worktrees of", "duty session files failed")
    try:
        for line in up.stderr:
            told.append(line)
            if all(any(words in each for each in told) for words in expected):
                break
        up.send_signal(signal.SIGINT)
        _, rest = up.communicate(timeout=30)
    finally:
        up.kill()
        up.wait()
        up.stderr.close()
    assert up.returncode == 0, rest
    assert "Traceback" not in "".join(told) + rest
