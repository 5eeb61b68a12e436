"""docs/tutorial.md: every command of it, typed into a shell, on a stand-in for GitHub."""

import os
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from documents import blocks
from stage import Stage

from headway.demo import agent as scripted
from headway_sandbox import Permission, Remark, ReviewState, SandboxProcess, UserSpec, create, launch

PAGE = "docs/tutorial.md"
NAME = "Say farewell"
TYPED = [line.removeprefix("$ ") for block in blocks(PAGE, "console") for line in block.splitlines()]
QUICK = {"quiet_time_s": "2", "cadence_hot_s": "1", "cadence_settled_s": "1", "discovery_s": "1"}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A repository at ~/src/project whose remote is on GitHub; `claude` is a scripted agent."""
    stage = Stage(folder=tmp_path).build()
    home = Path(stage.environment["HOME"])
    home.joinpath("src").mkdir()
    home.joinpath("src", "project").symlink_to(stage.repository)
    github = "https://github.com/acme/greeter.git"
    stage.git("remote", "set-url", "origin", github)
    stage.git("config", f"url.{stage.origin}.insteadOf", github)
    stage.environment["PATH"] = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
    stage.install("claude", f"exec {sys.executable} {scripted.__file__}\n")
    return stage


@pytest.fixture
def github(stage: Stage) -> Iterator[SandboxProcess]:
    """A stand-in for GitHub: Ada's token, a reviewer who may push, and checks that are the tests."""
    world = create(
        stage.folder / "sandbox.sqlite",
        owner="acme",
        name="greeter",
        origin=stage.origin,
        users=(
            UserSpec(login="ada", permission=Permission.WRITE),
            UserSpec(login="grace", permission=Permission.WRITE),
        ),
        test_command=(sys.executable, "-m", "unittest", "discover", "--quiet"),
    )
    stage.environment["HEADWAY_GITHUB_API_URL"] = world.url
    stage.environment["GITHUB_TOKEN"] = world.tokens["ada"]
    process = launch(world.state_file)
    yield process
    process.stop()


class Terminal:
    """Types the page's commands one after the other, in their order."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._left = list(TYPED)

    def peek(self) -> str:
        return self._left[0]

    def skip(self) -> str:
        """The next command, which the test carries out in its own way."""
        return self._left.pop(0)

    def type(self) -> str:
        """Run the next command to its end; what it prints."""
        line = self._left.pop(0)
        if line.startswith("headway "):  # within this process: imports take most of a command's time
            return self._stage.here(*shlex.split(line)[1:]).expect().out
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._stage.repository,
            env=self._stage.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    @property
    def is_done(self) -> bool:
        return not self._left


async def _request_changes(github: SandboxProcess) -> None:
    """The reviewer asks for something in a thread."""
    async with github.control() as control:
        (pull,) = (await control.state()).repositories[0].pulls
        remark = Remark(path="farewell.py", line=1, body="Say it louder, please.")
        await control.review("grace", pull.number, ReviewState.CHANGES_REQUESTED, threads=(remark,))


async def _approve_and_merge(github: SandboxProcess) -> None:
    async with github.control() as control:
        (pull,) = (await control.state()).repositories[0].pulls
        await control.approve("grace", pull.number)
        await control.merge("ada", pull.number)


def _until(is_so: Callable[[Any], bool], stage: Stage, *question: str) -> None:
    """Ask again and again until the answer is so."""
    deadline = time.monotonic() + 60
    while not is_so(told := stage.ask(*question, NAME)):
        assert time.monotonic() < deadline, told
        time.sleep(0.2)  # noqa: TID251  another process works on the real clock


def _until_dispatched(stage: Stage, *kinds: str) -> None:
    """Wait until fixers for causes of these kinds, in this order, have come to their ends."""

    def is_so(told: Any) -> bool:
        dispatches = [(each["status"], each["causes"][0]["kind"]) for each in told["dispatches"]]
        return dispatches == [("COMPLETED", kind) for kind in kinds]

    _until(is_so, stage, "explain")


def _until_green(stage: Stage) -> None:
    """Wait until there are checks and all have passed: a head that has rested without any is ready too."""
    _until(lambda told: {each["outcome"] for each in told["checks"]} == {"passed"}, stage, "pr", "checks")


def _until_ended(stage: Stage) -> None:
    """Wait until every session has come to its end."""
    _until(
        lambda told: {each["status"] for each in told["sessions"]} == {"COMPLETED"},
        stage,
        *("workspace", "show"),
    )


def test_the_tutorial_leads_from_a_clone_to_a_merged_pull_request(
    stage: Stage, github: SandboxProcess
) -> None:
    """Each command succeeds where it stands, and the story between them is as it is told."""
    terminal = Terminal(stage)
    assert terminal.skip().startswith("pip install ")
    assert "is acme/greeter on github.com" in terminal.type()
    for name, value in QUICK.items():
        stage.here("settings", "set", name, value).expect()
    assert "NEW headway/say-farewell" in terminal.type()
    assert terminal.skip() == "headway up"
    with stage.running():
        _until_dispatched(stage, "CI")
        _until_green(stage)
        card = stage.until("READY_TO_MERGE", workspace=NAME)
        assert "READY_TO_MERGE" in terminal.type()  # workspace list
        assert card["worktree_path"] in terminal.type()  # workspace show
        assert "because: " in terminal.type()  # explain
        terminal.type()  # pr request-review
        anyio.run(_request_changes, github)
        _until_dispatched(stage, "CI", "FEEDBACK")
        terminal.type()  # pr threads
        assert "hold" in terminal.peek()
        terminal.type()
        stage.until("HELD", workspace=NAME)
        terminal.type()  # ratchet release
        terminal.type()  # session start
        _until_ended(stage)  # its work would come too late for what is merged, and be another pull request
        anyio.run(_approve_and_merge, github)
        stage.until("MERGED", workspace=NAME)
        assert "ARCHIVED" in terminal.type()
    assert terminal.is_done
    assert stage.git("ls-remote", "origin", "headway/say-farewell")
