"""A home of our own for git, and the proof that no test leaves a process behind."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

Run = Callable[..., str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a git configuration; none of the host's reaches a test."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        '[credential]\n\thelper = "!echo password=stolen"\n[init]\n\tdefaultBranch = main\n'
    )
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


def processes_of(folder: Path) -> list[psutil.Process]:
    """The living processes that were started with, or live in, a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = [process.cwd(), *process.cmdline(), process.environ().get("HEADWAY_OUT", "")]
            if any(str(folder) in word for word in words):
                found.append(process)
    return found


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait for something that other processes do."""

    def wait(condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + 10.0
        while not condition():
            assert time.monotonic() < limit, "it did not happen"
            time.sleep(0.005)  # noqa: TID251 - other processes live in real time

    return wait


@pytest.fixture
def living(tmp_path: Path) -> Callable[[], list[int]]:
    """The pids of the processes that this test has started and that live."""
    return lambda: [process.pid for process in processes_of(tmp_path)]


@pytest.fixture(autouse=True)
def no_orphans(tmp_path: Path) -> Iterator[None]:
    """Every test ends what it began."""
    yield
    limit = time.monotonic() + 3.0
    while (left := processes_of(tmp_path)) and time.monotonic() < limit:
        time.sleep(0.02)  # noqa: TID251 - what was killed may take a moment
    described = [(process.pid, process.name()) for process in left]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    assert described == []


@pytest.fixture
def git() -> Run:
    """Run the real git as a person would: `git(folder, "commit", …)`, and return what it printed."""

    def run(folder: Path | str, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=folder, check=True, capture_output=True, text=True, errors="surrogateescape"
        )
        return done.stdout.removesuffix("\n")

    return run
