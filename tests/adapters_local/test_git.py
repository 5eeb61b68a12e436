"""The one place that runs git: what it says, what it hides, and how it ends."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from headway_core.kernel.errors import Unavailable
from headway_local import git as git_module
from headway_local.git import Git, GitRefused, presentable, without_credentials

Run = Callable[..., str]
Living = Callable[[], list[int]]


@pytest.fixture
def repo(tmp_path: Path, git: Run) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=first")
    return folder


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `git` that is a script of ours, first on PATH; the configuration is read by the real one."""
    real = shutil.which("git")
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    reading = f'case "$*" in *" --show-scope "*) exec {real} "$@" ;; esac'
    (folder / "git").write_text(f"#!/bin/sh\n{reading}\n{script}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://token@github.com/o/r.git", "https://github.com/o/r.git"),
        ("https://user:p%40ss@github.com/o/r.git", "https://github.com/o/r.git"),
        ("HTTPS://user:p@ss@github.com/o/r", "HTTPS://github.com/o/r"),
        ("http://x:y@localhost:8080/o/r@v1", "http://localhost:8080/o/r@v1"),
        ("ssh://git@github.com/o/r.git", "ssh://git@github.com/o/r.git"),
        ("ssh://git:secret@github.com/o/r.git", "ssh://git@github.com/o/r.git"),
        ("git@github.com:o/r.git", "git@github.com:o/r.git"),
        ("/srv/git/r.git", "/srv/git/r.git"),
    ],
)
def test_urls_are_shown_without_credentials(url: str, shown: str) -> None:
    """A remote keeps its host and path, and loses what would open it."""
    assert without_credentials(url) == shown


@given(
    user=st.text("abc:%@", max_size=8),
    secret=st.text("XYZ0189_-", min_size=12, max_size=20).map("hush".__add__),
    before=st.text(max_size=20),
)
def test_no_secret_is_ever_told(user: str, secret: str, before: str) -> None:
    """Whatever stands around them: passwords in URLs and tokens leave no message (I11)."""
    assume(secret not in before)
    message = f"{before} fatal: could not read from 'https://{user}{secret}@github.com/' ghp_{secret}"
    assert secret not in presentable(message)
    assert len(presentable(message * 100)) <= 1_000
    assert not set(presentable(message)) & set(map(chr, (*range(9), *range(11, 32), *range(127, 160))))


pytest_anyio = pytest.mark.anyio


@pytest_anyio
async def test_an_error_tells_the_command_and_git(repo: Path) -> None:
    """What git refused is told with git's own reason; exit codes that are answers are none."""
    with pytest.raises(GitRefused, match=r"git: rev-parse: fatal: ") as refused:
        await Git().ask(str(repo), "rev-parse", "--verify", "nowhere")
    assert refused.value.answer.code == 128
    answer = await Git().ask(str(repo), "config", "--get", "no.such", codes=frozenset({0, 1}))
    assert (answer.code, answer.line) == (1, "")


@pytest_anyio
async def test_the_environment_of_git_is_ours(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither `GIT_*` of the host nor its secrets reach git, nor may git ask anybody anything."""
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    monkeypatch.setenv("GITHUB_TOKEN", "hush-hush")
    program(tmp_path, monkeypatch, "env")
    for answer in (await Git().ask(str(repo), "x"), await Git().change(str(repo), "x")):
        assert "GIT_DIR" not in answer.out
        assert "hush-hush" not in answer.out
        assert "GIT_TERMINAL_PROMPT=0\n" in answer.out
        assert "LC_ALL=C\n" in answer.out


@pytest_anyio
async def test_programs_named_by_a_remote_do_not_run(repo: Path, tmp_path: Path, git: Run) -> None:
    """The `ext` protocol, by which a URL is a command, is off."""
    marker = tmp_path / "ran"
    git(repo, "config", "protocol.ext.allow", "always")
    git(repo, "remote", "add", "origin", f"ext::touch {marker}")
    with pytest.raises(GitRefused, match="not allowed"):
        await Git().change(str(repo), "fetch", "origin")
    assert not marker.exists()


@pytest_anyio
async def test_a_lost_race_is_run_again(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, git: Run
) -> None:
    """While another git holds a lock, ours waits a little; when the lock stays, the error says which."""
    lock = repo / ".git" / "config.lock"
    lock.touch()

    async def release() -> None:
        await anyio.sleep(0.12)
        lock.unlink()

    async with anyio.create_task_group() as group:
        group.start_soon(release)
        await Git().change(str(repo), "config", "a.b", "c")
    assert git(repo, "config", "a.b") == "c"
    monkeypatch.setattr(git_module, "RACE_PAUSE_S", 0.001)
    lock.touch()
    with pytest.raises(GitRefused, match="could not lock config file"):
        await Git().change(str(repo), "config", "a.b", "d")


@pytest_anyio
async def test_git_that_is_missing_is_told(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No git on PATH, and no folder to run it in, are `Unavailable`."""
    with pytest.raises(Unavailable, match="cannot run status"):
        await Git().ask(str(tmp_path / "gone"), "status")
    with pytest.raises(Unavailable, match="cannot enter"):
        await Git().change(str(tmp_path / "gone"), "status")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="cannot run status"):
        await Git().ask(str(repo), "status")
    with pytest.raises(Unavailable, match="cannot run status"):
        await Git().change(str(repo), "status")
    with pytest.raises(Unavailable, match="cannot execute git"):
        await Git().change(str(tmp_path), "status")


@pytest_anyio
@pytest.mark.lesson("S13")
async def test_output_has_a_bound(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More output than the bound is an error that says so, on either stream; below it nothing is lost."""
    monkeypatch.setattr(git_module, "OUTPUT_LIMIT", 200_000)
    program(
        tmp_path, monkeypatch, "for last; do :; done; head -c $last /dev/zero; head -c $last /dev/zero >&2"
    )
    assert len((await Git().ask(str(repo), "150000")).out) == 150_000
    with pytest.raises(Unavailable, match="more than 200000 bytes"):
        await Git().ask(str(repo), "900000")


async def all_gone(living: Living) -> None:
    """What was killed has a moment to be collected by the system; then nothing may live."""
    with anyio.move_on_after(5):
        while living():  # noqa: ASYNC110  processes of the system set no event
            await anyio.sleep(0.02)
    assert living() == []


@pytest_anyio
@pytest.mark.parametrize("leash", [False, True])
async def test_time_is_limited(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: Living, *, leash: bool
) -> None:
    """A git that hangs ends at the limit, with its children, and the error names the limit."""
    program(tmp_path, monkeypatch, "sleep 61 & sleep 62")
    monkeypatch.setattr(git_module, "CHANGE_LIMIT_S", 0.2)
    monkeypatch.setattr(git_module, "PATIENCE_S", 0.1)
    with pytest.raises(Unavailable, match=r"did not end within 0\.2 s"):
        await (Git().change(str(repo), "x") if leash else Git().ask(str(repo), "x", limit_s=0.2))
    await all_gone(living)


@pytest_anyio
@pytest.mark.parametrize("leash", [False, True])
async def test_cancellation_ends_git(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: Living, *, leash: bool
) -> None:
    """A cancelled call leaves no git behind."""
    program(tmp_path, monkeypatch, "sleep 61 & sleep 62")
    monkeypatch.setattr(git_module, "PATIENCE_S", 0.1)
    with anyio.move_on_after(0.2) as scope:
        await (Git().change(str(repo), "x") if leash else Git().ask(str(repo), "x"))
    assert scope.cancelled_caught
    await all_gone(living)


@pytest_anyio
async def test_a_cancelled_change_leaves_no_lock(repo: Path, git: Run) -> None:
    """Git creates lock files before it can take them away on TERM: so it gets a moment to end by itself."""
    tip = git(repo, "rev-parse", "HEAD")
    for number in range(12):
        with anyio.move_on_after(0.016 + number * 0.003):
            await Git().change(str(repo), "update-ref", "--create-reflog", f"refs/heads/b{number}", tip, "")
    assert list((repo / ".git").rglob("*.lock")) == []
