"""Headway on a repository that nobody here wrote: the source distribution of a package, with its tests.

The package goes under git with a bare origin and the sandbox as its GitHub. A bug is planted on a
branch with an open pull request; the ordinary `headway` command resumes the branch; CI runs the package's
own tests and is red; one fixer reverts the bug; CI is green and the pull request ready to merge.

Needs `pytest` for the package's tests, and a package index to download from.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from pathlib import Path

import anyio

from headway_sandbox import SandboxProcess, UserSpec, create, launch

PACKAGE = "inflection==0.5.1"
MODULE = "inflection/__init__.py"
RIGHT, WRONG = "in (11, 12, 13)", "in (11, 12)"
"""The planted bug: the package would say 13rd."""

OWNER, NAME, BRANCH = "octo", "inflection", "fewer-exceptions"
TESTS = (sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider")
HEADWAY = str(Path(sysconfig.get_path("scripts"), "headway"))
LIMIT_S = 180.0
"""For everything: the download, the repair and the look at it."""


class Rehearsal:
    """The package, its origin, its GitHub and a Headway of its own, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.deadline = time.monotonic() + LIMIT_S
        self.folder = folder
        self.repository = folder / "inflection"
        self.origin = folder / "origin.git"
        self.environment = {
            **os.environ,
            "HEADWAY_DATA": str(folder / "headway"),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a program that succeeds; what it prints."""
        done = self.attempt(*command, cwd=cwd)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, or to the end of the time."""
        try:
            return subprocess.run(
                command,
                cwd=cwd or self.repository,
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=max(0.1, self.deadline - time.monotonic()),
            )
        except subprocess.TimeoutExpired as late:
            raise SystemExit(f"{' '.join(command)} was not done in time") from late

    def git(self, *arguments: str) -> None:
        """Run git in the repository, as its author."""
        self.run("git", "-c", "user.name=Ada", "-c", "user.email=ada@localhost", *arguments)

    def headway(self, *arguments: str) -> object:
        """Run the `headway` command; the document that it prints."""
        return json.loads(self.run(HEADWAY, *arguments, "--json"))

    def fetch_package(self) -> None:
        """Download the source distribution and unpack it."""
        name = PACKAGE.partition("==")[0]
        where = str(self.folder)
        pip = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name, PACKAGE)
        self.run(*pip, "--dest", where, cwd=self.folder)
        (archive,) = self.folder.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(self.folder, filter="data")
        self.folder.joinpath(archive.name.removesuffix(".tar.gz")).rename(self.repository)

    def put_under_git(self) -> None:
        """A green main, and a branch with a bug."""
        self.run(
            "git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin), cwd=self.folder
        )
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "--all")
        self.expect_tests(succeed=True)
        self.git("commit", "--quiet", "-m", "Import the package")
        self.git("remote", "add", "origin", str(self.origin))
        self.git("checkout", "--quiet", "-b", BRANCH)
        module = self.repository / MODULE
        before = module.read_text()
        if before.count(RIGHT) != 1:
            raise SystemExit(f"{MODULE} is not what this example knows")
        module.write_text(before.replace(RIGHT, WRONG))
        self.expect_tests(succeed=False)
        self.git("commit", "--quiet", "--all", "-m", "Treat 13 like 3")
        self.git("push", "--quiet", "origin", "main", BRANCH)
        self.git("checkout", "--quiet", "main")
        self.git("branch", "--quiet", "-D", BRANCH)

    def expect_tests(self, *, succeed: bool) -> None:
        """The package's own tests tell the bug from its absence."""
        done = self.attempt(sys.executable, "-B", *TESTS[1:])
        print(f"its own tests: {done.stdout.strip().splitlines()[-1:]}")
        if done.returncode != (0 if succeed else 1):  # pytest: 1 is "tests failed", others are accidents
            raise SystemExit(f"they should {'succeed' if succeed else 'fail'}: {done.stdout}{done.stderr}")

    def serve(self) -> SandboxProcess:
        """A GitHub for it, whose CI runs the package's own tests."""
        world = create(
            self.folder / "sandbox.sqlite",
            owner=OWNER,
            name=NAME,
            origin=self.origin,
            users=(UserSpec(login="ada"),),
            test_command=TESTS,
        )
        self.environment["GITHUB_TOKEN"] = world.tokens["ada"]
        self.environment["HEADWAY_GITHUB_API_URL"] = world.url
        return launch(self.folder / "sandbox.sqlite")

    def configure(self) -> str:
        """An ordinary configuration; the id of the workspace that resumes the branch."""
        data = self.folder / "headway"
        data.mkdir(mode=0o700)
        fixer = [sys.executable, str(Path(__file__).with_name("reverting_fixer.py").resolve())]
        data.joinpath("config.toml").write_text(f"[agents.fixer]\ncommand = {json.dumps(fixer)}\n")
        for name, value in (
            ("default_agent", "fixer"),
            ("quiet_time_s", "2"),
            ("cadence_hot_s", "1"),
            ("cadence_settled_s", "1"),
        ):
            self.headway("settings", "set", name, value)
        self.headway("init", "--github", f"{OWNER}/{NAME}")
        made = self.headway("workspace", "create", "--resume", BRANCH, "--ratchet")
        assert isinstance(made, dict)
        return str(made["id"])

    def wait_until_ready(self, workspace: str) -> None:
        """Tell how it goes until it is ready to merge."""
        told = ""
        while time.monotonic() < self.deadline:
            cards = self.headway("workspace", "list")
            assert isinstance(cards, list)
            (card,) = [card for card in cards if card["id"] == workspace]
            line = f"{card['status_reason']} (checks {card['ci_status']}, ratchet {card['ratchet_state']})"
            if line != told:
                print(line, flush=True)
                told = line
            if (card["ratchet_state"], card["status_reason"]) == ("READY", "READY_TO_MERGE"):
                return
            time.sleep(0.5)  # noqa: TID251  another process works on the real clock
        raise SystemExit("it was not ready in time")


def end(up: subprocess.Popen[bytes]) -> None:
    """Interrupt the runner as a person does; kill it only when that does not help."""
    up.send_signal(signal.SIGINT)
    try:
        up.wait(20)
    except subprocess.TimeoutExpired:
        up.kill()
        up.wait()


async def open_pull_request(sandbox: SandboxProcess) -> str:
    """The author opens it."""
    async with sandbox.control() as control:
        return (await control.open_pull_request("ada", BRANCH, "Treat 13 like 3")).url


def main() -> None:
    """The whole story; exit code 0 only with one cause, one fixer, and a green end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up too
    with tempfile.TemporaryDirectory(prefix="headway-example-") as folder:
        rehearsal = Rehearsal(Path(folder).resolve())
        rehearsal.fetch_package()
        print(f"{PACKAGE} is fetched")
        rehearsal.put_under_git()
        sandbox = rehearsal.serve()
        try:
            print(f"a bug is planted: {anyio.run(open_pull_request, sandbox)}")
            workspace = rehearsal.configure()
            up = subprocess.Popen(
                [HEADWAY, "up"],
                env=rehearsal.environment,
                cwd=rehearsal.repository,
                stdout=subprocess.DEVNULL,
            )
            try:
                rehearsal.wait_until_ready(workspace)
            finally:
                end(up)
            why = rehearsal.headway("explain", workspace)
        finally:
            sandbox.stop()
    assert isinstance(why, dict)
    dispatches = [(d["status"], [cause["id"] for cause in d["causes"]]) for d in why["dispatches"]]
    print(f"dispatches: {dispatches}")
    if dispatches != [("COMPLETED", ["CI"])]:
        raise SystemExit("there must be exactly one, for CI")


if __name__ == "__main__":
    main()
