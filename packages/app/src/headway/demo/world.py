"""The demo's world: a small Python repository, its origin, and a sandbox in GitHub's place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import anyio.to_thread
import attrs

from headway_sandbox import Permission, SandboxControl, SandboxProcess, UserSpec, World, create, launch

OWNER, REPOSITORY = "acme", "greeter"
AUTHOR, REVIEWER = "ada", "grace"
"""The account of the token, which opens the pull requests, and a reviewer with push right."""
RESUMED = "more-greetings"
"""The branch that the third story resumes."""

_FILES = {
    "greeter.py": """def greet(name):
    return "Hello, " + name + "!"
""",
    "test_greeter.py": """import unittest

from greeter import greet


class GreeterTest(unittest.TestCase):
    def test_greet(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")
""",
    "greetings.txt": "Hello\n",
}
RESUMED_GREETINGS = "Hello\nGood morning\n"
MOVED_GREETINGS = "Hello\nGood evening\n"


@attrs.frozen(kw_only=True)
class DemoWorld:
    """Where everything of one demo is. Building it again finds it built."""

    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "greeter"

    @property
    def origin(self) -> Path:
        return self.folder / "origin" / OWNER / f"{REPOSITORY}.git"

    @property
    def state_file(self) -> Path:
        return self.folder / "sandbox.sqlite"


def build(folder: Path) -> DemoWorld:
    """Make the repository and its origin, all or nothing: an interrupted build is begun anew."""
    world = DemoWorld(folder=folder)
    if not folder.exists():
        draft = folder.with_name(folder.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        _make(DemoWorld(folder=draft), final=world)
        draft.rename(folder)
    return world


class Sandbox:
    """The sandbox of a world: started, found running, or started again."""

    def __init__(self, world: DemoWorld) -> None:
        self.world = world
        self.url = ""
        self.token = ""
        """Of the author's account."""
        self._process: SandboxProcess | None = None

    async def revive(self) -> None:
        """Have it serve; port, ids and tokens are those of its first start."""
        served = await anyio.to_thread.run_sync(_create, self.world)
        self.url, self.token = served.url, served.tokens[AUTHOR]
        self._process = await anyio.to_thread.run_sync(launch, self.world.state_file)

    def control(self) -> SandboxControl:
        """A client of its control API."""
        assert self._process is not None
        return self._process.control()

    async def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            await anyio.to_thread.run_sync(self._process.stop)


def _create(world: DemoWorld) -> World:
    return create(
        world.state_file,
        owner=OWNER,
        name=REPOSITORY,
        origin=world.origin,
        users=(
            UserSpec(login=AUTHOR, permission=Permission.WRITE),
            UserSpec(login=REVIEWER, permission=Permission.WRITE),
        ),
        test_command=(sys.executable, "-m", "unittest", "--quiet"),
    )


def _make(draft: DemoWorld, *, final: DemoWorld) -> None:
    draft.origin.mkdir(parents=True)
    draft.repository.mkdir(parents=True)
    _git(draft.origin, "init", "--bare", "--quiet", "--initial-branch=main")
    _git(draft.repository, "init", "--quiet", "--initial-branch=main")
    for name, text in _FILES.items():
        draft.repository.joinpath(name).write_text(text)
    _commit(draft.repository, "Greet people")
    _git(draft.repository, "push", "--quiet", str(draft.origin), "main")
    _git(draft.repository, "checkout", "--quiet", "-b", RESUMED)
    draft.repository.joinpath("greetings.txt").write_text(RESUMED_GREETINGS)
    _commit(draft.repository, "Greet in the morning")
    _git(draft.repository, "push", "--quiet", str(draft.origin), RESUMED)
    _git(draft.repository, "checkout", "--quiet", "main")
    _git(draft.repository, "branch", "--quiet", "-D", RESUMED)
    _git(draft.repository, "remote", "add", "origin", str(final.origin))


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "--all")
    _git(
        repository,
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@localhost",
        "commit",
        "--quiet",
        "-m",
        message,
    )


def _git(folder: Path, *arguments: str) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(  # noqa: S603  a list, and words that are ours
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],  # noqa: S607  the git on the path is meant
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
