"""README.md does what it says: each example is executed as it stands there."""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import tomllib
from itertools import product
from pathlib import Path

import pytest
from documents import ROOT, blocks, commands, text
from stage import Stage
from terminal import on_terminal

from headway.cli import app
from headway.demo import agent as scripted
from headway_core.api.board import BOARD_GAP_S

SCRIPTS = sysconfig.get_path("scripts")


@pytest.fixture
def project(stage: Stage) -> Stage:
    """A clone of a repository on GitHub at ~/src/project; git finds it on this disk."""
    github = "https://github.com/acme/greeter.git"
    stage.git("remote", "set-url", "origin", github)
    stage.git("config", f"url.{stage.origin}.insteadOf", github)
    home = Path(stage.environment["HOME"])
    home.joinpath("src").mkdir()
    home.joinpath("src", "project").symlink_to(stage.repository)
    return stage


def test_the_embedding_example_runs(stage: Stage) -> None:
    """At most 15 lines; run twice in a repository it provisions one workspace, and leaves nothing there."""
    (example,) = blocks("README.md", "python")
    assert len([line for line in example.splitlines() if line.strip()]) <= 15
    program = stage.folder / "embed.py"
    program.write_text(example)
    for _ in range(2):
        said = stage.program(program, cwd=stage.repository)
        assert said.splitlines()[-1].startswith("Fix login ")
    assert stage.git("branch", "--list", "headway/fix-login").strip()
    assert stage.git("status", "--porcelain") == ""
    embedded = Path(stage.environment["HOME"], "embedded")
    assert len(list(embedded.glob("headway.db.d/worktrees/greeter/*/greeting.txt"))) == 1


def test_the_lines_of_use_it_run(project: Stage) -> None:
    """Typed one after the other into a shell, they take a prompt to an agent in a worktree."""
    install, init, create, up = commands("README.md", mentioning="pip install ./packages")
    assert up == "headway up"
    project.environment["PATH"] = f"{SCRIPTS}:{os.environ['PATH']}"
    project.install("claude", "cat > prompt.txt\n")
    folder, _, _ = init.partition(" && ")
    typed = f"set -e; {init}; {create}"
    done = subprocess.run(
        ["bash", "-c", typed],
        env=project.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "acme/greeter on github.com" in done.stdout
    runner = subprocess.Popen(["bash", "-c", f"{folder}; exec {up}"], env=project.environment)
    try:
        card = project.until("READY_FOR_NEXT_PROMPT", workspace="Fix login", sessions=["COMPLETED"])
        runner.send_signal(signal.SIGINT)
        assert runner.wait(30) == 0
    finally:
        runner.kill()
        runner.wait()
    prompt = Path(card["worktree_path"], "prompt.txt").read_text()
    assert prompt == "Users are logged out after a minute."
    assert card["ratchet"] is True
    assert install.startswith("pip install ")


def test_the_line_that_installs_names_every_package_that_is_needed() -> None:
    """Each folder is a distribution, and together they need no other one of ours."""
    install, *_ = commands("README.md", mentioning="pip install ./packages")
    expanded = subprocess.run(["bash", "-c", f"echo {install}"], capture_output=True, text=True, check=True)
    folders = [Path(word) for word in expanded.stdout.split() if word.startswith("./")]
    projects = [tomllib.loads(ROOT.joinpath(f, "pyproject.toml").read_text())["project"] for f in folders]
    ours = {re.split(r"[\[<>=]", need)[0] for each in projects for need in each["dependencies"]}
    assert {need for need in ours if need.startswith("headway")} <= {each["name"] for each in projects}


def test_uv_takes_every_package_from_the_workspace() -> None:
    """A member that another one needs is refused by uv when the root does not say that it is the source."""
    uv = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["tool"]["uv"]
    (folders,) = uv["workspace"]["members"]
    members = ROOT.glob(f"{folders}/pyproject.toml")
    names = {tomllib.loads(member.read_text())["project"]["name"] for member in members}
    assert uv["sources"] == {name: {"workspace": True} for name in names}


def test_every_command_that_the_readme_names_exists() -> None:
    """`headway workspace list|show|…` and the others: each alternative is a command."""
    named = re.findall(r"`headway ([a-z|]+(?: [a-z|-]+)?)[^`]*`", text("README.md"))
    assert len(named) >= 5
    for name in named:
        for words in product(*(word.split("|") for word in name.split())):
            command = app
            for word in words:
                command = command[word]  # KeyError: there is no such command
            assert command.default_command is not None


def _rows(board: str) -> list[list[str]]:
    """The cells of a board, without what differs from run to run: which number a pull request got."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in board.strip().splitlines()]
    return [[re.sub(r"^#\d+", "#", cell) for cell in cells] for cells in lines]


def test_the_board_of_the_readme_is_what_a_terminal_shows(stage: Stage) -> None:
    """Every row just so, on a real terminal, with an agent that is slower than the board."""
    (sample,) = [block for block in blocks("README.md", "") if "RESUME_BRANCH" in block]
    thoughtful = f"sh -c 'sleep {2 * BOARD_GAP_S} && exec {sys.executable} {scripted.__file__}'"
    command = [sys.executable, "-m", "headway", "demo", "--agent", thoughtful]
    environment = {**stage.environment, "PATH": os.environ["PATH"]}
    with on_terminal(command, cwd=stage.folder, environment=environment, columns=130) as demo:
        assert demo.process.wait(100) == 0, demo.lines
    shown = _rows("\n".join(demo.lines))
    for row in _rows(sample):
        assert row in shown
    assert any("3 causes, 3 dispatches" in line for line in demo.lines)
    assert any("The agent was your own" in line for line in demo.lines)
