"""Continuous integration for real: checks out a commit and runs the repository's tests on it."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

import anyio
import attrs

from headway_sandbox import checks, guard
from headway_sandbox.git import environment
from headway_sandbox.records import CheckRun, CheckSuite, Conclusion, Repository
from headway_sandbox.store import Store

_AT_ONCE = 2
_TAIL = 4000  # characters of output in the summary
_T = TypeVar("_T")
_TITLES = {
    Conclusion.SUCCESS: "Tests passed",
    Conclusion.FAILURE: "Tests failed with exit code {code}",
    Conclusion.TIMED_OUT: "Tests exceeded the time limit",
    Conclusion.STARTUP_FAILURE: "The commit could not be checked out",
}


class Access(Protocol):
    """Runs a function on the thread that owns the state file."""

    def __call__(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """Run `work` there and return what it returns."""


@attrs.frozen(kw_only=True)
class _Job:
    run: CheckRun
    suite: CheckSuite
    repository: Repository


@attrs.frozen(kw_only=True)
class _Outcome:
    conclusion: Conclusion
    code: int
    output: str


@attrs.define(kw_only=True)
class Runner:
    """Executes queued check runs, oldest first, a few at a time."""

    store: Store
    on_state: Access
    _wake: anyio.Event = attrs.field(factory=anyio.Event, init=False)

    @property
    def folder(self) -> Path:
        """Where checkouts live, beside the state file."""
        return self.store.path.with_name(self.store.path.name + ".ci")

    def wake(self) -> None:
        """Look for queued runs soon."""
        self._wake.set()

    async def serve(self) -> None:
        """Run jobs until cancelled. What an earlier server left unfinished runs again."""
        await anyio.to_thread.run_sync(_clear, self.folder)
        await self.on_state(self._requeue)
        slots = anyio.Semaphore(_AT_ONCE)
        async with anyio.create_task_group() as tasks:
            while True:
                await slots.acquire()
                job = await self._next()
                tasks.start_soon(self._execute, job, slots)

    def _requeue(self) -> None:
        with self.store.transaction() as tx:
            checks.requeue_interrupted(tx)

    async def _next(self) -> _Job:
        while True:
            self._wake = anyio.Event()
            if (job := await self.on_state(self._claim)) is not None:
                return job
            await self._wake.wait()

    def _claim(self) -> _Job | None:
        with self.store.transaction() as tx:
            run = checks.next_queued(tx)
            if run is None:
                return None
            suite = tx.get(CheckSuite, run.suite)
            repository = tx.get(Repository, suite.repository)
            return _Job(run=checks.begin(tx, run), suite=suite, repository=repository)

    async def _execute(self, job: _Job, slots: anyio.Semaphore) -> None:
        try:
            outcome = await self._outcome(job)
        except OSError as error:  # no git, no space: a fact about this run, not the server's end
            outcome = _Outcome(conclusion=Conclusion.STARTUP_FAILURE, code=0, output=str(error))
        output = outcome.output[-_TAIL:]

        def finish() -> None:
            with self.store.transaction() as tx:
                checks.finish(
                    tx,
                    job.run.id,
                    conclusion=outcome.conclusion,
                    title=_TITLES[outcome.conclusion].format(code=outcome.code),
                    summary=f"```\n{output}\n```" if output.strip() else "",
                )

        await self.on_state(finish)
        slots.release()

    async def _outcome(self, job: _Job) -> _Outcome:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"run-{job.run.id}-", dir=self.folder))
        try:
            checkout = folder / "checkout"
            problem = await _check_out(Path(job.repository.origin), job.suite.commit_oid, checkout)
            if problem is not None:
                return _Outcome(conclusion=Conclusion.STARTUP_FAILURE, code=0, output=problem)
            code = await _guarded(
                job.repository.test_command,
                checkout=checkout,
                output=folder / "output",
                env=_scrubbed(folder, job.repository.ci_env),
                seconds=job.repository.ci_timeout,
            )
            output = (folder / "output").read_text(errors="replace") if (folder / "output").exists() else ""
            return _Outcome(conclusion=_conclusion(code), code=code, output=output)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_clear, folder)


def _conclusion(code: int) -> Conclusion:
    if code == guard.TIMED_OUT:
        return Conclusion.TIMED_OUT
    return Conclusion.FAILURE if code else Conclusion.SUCCESS


def _scrubbed(folder: Path, extra: Mapping[str, str]) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **extra,
    }


async def _check_out(origin: Path, oid: str, checkout: Path) -> str | None:
    quiet = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
    steps = (
        ["git", *quiet, "clone", "--quiet", "--shared", "--no-checkout", "--", str(origin), str(checkout)],
        ["git", "-C", str(checkout), *quiet, "checkout", "--quiet", "--detach", oid],
    )
    for step in steps:
        done = await anyio.run_process(
            step, env=environment(), check=False, stdout=subprocess.DEVNULL, start_new_session=True
        )
        if done.returncode:
            return done.stderr.decode(errors="replace")
    return None


async def _guarded(
    command: tuple[str, ...], *, checkout: Path, output: Path, env: Mapping[str, str], seconds: float
) -> int:
    """Run the command under its guard; on cancellation everything it started ends first."""
    process = await anyio.open_process(
        [sys.executable, "-I", "-S", str(Path(guard.__file__)), str(seconds), str(output), *command],
        cwd=checkout,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            assert process.stdin is not None
            await process.stdin.aclose()  # the guard reads the end of file and ends its command
            await process.wait()


def _clear(folder: Path) -> None:
    for _ in range(50):
        # A guard that is just ending its command may race the removal.
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        if not folder.exists():
            return
    shutil.rmtree(folder, ignore_errors=True)
