"""A tiny Python repository with a bare origin, its sandbox world, and hands to work on both."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_sandbox import CreateRepository, Permission, UserSpec, World, create
from headway_sandbox.engine import Engine, Reply
from headway_sandbox.store import Store

GOOD = "def answer():\n    return 42\n\n\ndef other():\n    return 1\n"
BAD = GOOD.replace("42", "41")
TEST = (
    "import unittest\n\nimport sample\n\n\nclass SampleTest(unittest.TestCase):\n"
    "    def test_answer(self):\n        self.assertEqual(sample.answer(), 42)\n"
)
TEST_COMMAND = (sys.executable, "-m", "unittest", "-q")


@attrs.frozen
class Clone:
    """A developer's working copy of the origin."""

    path: Path

    def git(self, *arguments: str) -> str:
        """Run git here and return what it printed."""
        identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def push(self, branch: str, files: Mapping[str, str], *, start: str = "") -> str:
        """Commit files on a branch (new ones begin at `start` or here), push, return the commit."""
        known = self.git("branch", "--list", branch)
        self.git("checkout", "-q", *([branch] if known else ["-b", branch, *([start] if start else [])]))
        for name, text in files.items():
            (self.path / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", f"Change {sorted(files)}")
        self.git("push", "-q", "origin", branch)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone whose main is green, beside its bare origin at tmp_path/origin.git."""
    origin, work = tmp_path / "origin.git", tmp_path / "work"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(origin)], check=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(work)], check=True)
    made = Clone(work)
    made.git("remote", "add", "origin", str(origin))
    (work / "sample.py").write_text(GOOD)
    (work / "test_sample.py").write_text(TEST)
    made.git("add", "-A")
    made.git("commit", "-q", "-m", "Begin")
    made.git("push", "-q", "origin", "main")
    return made


Settings = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path, clone: Clone) -> Settings:
    """Set up octo/demo with alice and bob (push right), carol (read only) and mallory (nothing)."""

    def make(**settings: Any) -> World:
        origin = tmp_path / "origin.git"
        return create(
            tmp_path / "sandbox.sqlite",
            owner="octo",
            name="demo",
            origin=origin,
            users=[
                UserSpec(login="alice"),
                UserSpec(login="bob"),
                UserSpec(login="carol", permission=Permission.READ),
                UserSpec(login="mallory", permission=Permission.NONE),
            ],
            test_command=settings.pop("test_command", TEST_COMMAND),
            settings=CreateRepository(owner="octo", name="demo", origin=str(origin), **settings),
        )

    return make


def mutation(name: str, fields: str) -> str:
    """Write the document of a mutation."""
    kind = name[0].upper() + name[1:]
    return f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {fields} }} }}"


@attrs.define
class Hand:
    """Speaks to an engine as the control API and as GraphQL clients do, without a server."""

    world: World
    engine: Engine
    now: list[float]

    def raw(self, query: str, *, user: str = "alice", **variables: Any) -> Reply:
        """Send a GraphQL request as a user."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        return self.engine.graphql(self.world.tokens.get(user), body)

    def ask(self, query: str, *, user: str = "alice", **variables: Any) -> Any:
        """Return the data of a request without errors."""
        answer = json.loads(self.raw(query, user=user, **variables).body)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def errors(self, query: str, *, user: str = "alice", **variables: Any) -> Any:
        """Return the errors of a request."""
        return json.loads(self.raw(query, user=user, **variables).body)["errors"]

    def pull(self, fields: str, number: int = 1, *, user: str = "alice") -> Any:
        """Return fields of a pull request of octo/demo."""
        pull = f"pullRequest(number: {number}) {{ {fields} }}"
        query = f'{{ repository(owner: "octo", name: "demo") {{ {pull} }} }}'
        return self.ask(query, user=user)["repository"]["pullRequest"]

    def mutate(self, name: str, fields: str, *, user: str = "alice", **order: Any) -> Any:
        """Do a mutation and return its payload."""
        return self.ask(mutation(name, fields), user=user, input=order)[name]

    def do(self, command: str, *, key: str | None = None, **order: Any) -> Any:
        """Do a control command."""
        reply = self.engine.control(command, json.dumps(order).encode(), key=key)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def refused(self, command: str, **order: Any) -> tuple[int, str]:
        """Return status and message of a refused command."""
        reply = self.engine.control(command, json.dumps(order).encode(), key=None)
        assert reply.status != 200
        return reply.status, json.loads(reply.body)["message"]

    def mutation_errors(self, name: str, *, user: str = "alice", **order: Any) -> Any:
        """Return the errors of a mutation."""
        return self.errors(mutation(name, "clientMutationId"), user=user, input=order)

    def state(self) -> Any:
        """Return the dump of octo/demo."""
        return json.loads(self.engine.state().body)["repositories"][0]

    def later(self, seconds: float = 5.0) -> None:
        """Let time pass."""
        self.now[0] += seconds


@pytest.fixture
def make_hand(make_world: Settings) -> Iterator[Callable[..., Hand]]:
    """Open worlds under a clock of their own."""
    stores: list[Store] = []

    def make(**settings: Any) -> Hand:
        world = make_world(**settings)
        now = [1_800_000_000.0]
        store = Store(world.state_file, clock=lambda: now[0])
        stores.append(store)
        return Hand(world, Engine(store, world.url), now)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def hand(make_hand: Callable[..., Hand]) -> Hand:
    """A world with the usual settings."""
    return make_hand()
