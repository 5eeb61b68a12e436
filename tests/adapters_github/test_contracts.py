"""GitHub's adapters keep the published contracts, over HTTP to a GitHub that holds state."""

import hashlib
import hmac
import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import pytest

from headway_core.projects.model import Project
from headway_core.pull_requests.model import CheckOutcome
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.graphql_transport import HttpGraphQL
from headway_github.issues import GitHubIssueReader
from headway_github.reader import GitHubPullRequests
from headway_github.rest import Rest
from headway_github.tokens import GivenToken
from headway_github.webhooks import GitHubWebhooks
from headway_github.writer import GitHubWriter
from headway_sandbox import (
    CheckStatus,
    Conclusion,
    Permission,
    QueueState,
    Remark,
    ReviewState,
    SandboxControl,
    SandboxProcess,
    UserSpec,
    World,
    create,
    launch,
)
from headway_sandbox.commands import CreateRepository, PullView
from headway_testing.contracts.forge import ForgeReaderContract
from headway_testing.contracts.forge_writer import ForgeWriterContract
from headway_testing.contracts.issues import IssueReaderContract
from headway_testing.contracts.webhooks import DeliveryStage, Posted, WebhookDecoderContract
from headway_testing.records import a_project

OUTCOMES = {
    CheckOutcome.PENDING: (CheckStatus.IN_PROGRESS, None),
    CheckOutcome.PASSED: (CheckStatus.COMPLETED, Conclusion.SUCCESS),
    CheckOutcome.FAILED: (CheckStatus.COMPLETED, Conclusion.FAILURE),
}
MAIN_FILE = "login.py"
STRANGER = UserSpec(login="sam", permission=Permission.READ)


def a_bare_repository(folder: Path) -> Path:
    """One whose main has a file of twenty lines."""
    origin, work = folder / "origin.git", folder / "work"
    identity = ("-c", "user.name=dev", "-c", "user.email=dev@example.org")

    def git(*words: str) -> None:
        subprocess.run(["git", *identity, *words], check=True, capture_output=True)

    git("init", "-q", "--bare", "-b", "main", str(origin))
    git("init", "-q", "-b", "main", str(work))
    (work / MAIN_FILE).write_text("".join(f"line {n}\n" for n in range(20)))
    git("-C", str(work), "add", "-A")
    git("-C", str(work), "commit", "-q", "-m", "Begin")
    git("-C", str(work), "push", "-q", str(origin), "main")
    return origin


@attrs.define
class Hub:
    """A server on loopback; each test makes a repository of its own on it."""

    world: World
    server: SandboxProcess
    numbers: Iterator[int] = attrs.field(factory=itertools.count)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    users = [UserSpec(login=login) for login in ("alice", "bob")]
    origin = a_bare_repository(folder)
    world = create(folder / "sandbox.sqlite", owner="octo", name="demo", origin=origin, users=users)
    server = launch(world.state_file)
    yield Hub(world, server)
    server.stop()


@attrs.frozen
class SandboxStage:
    """People of the sandbox: alice, whose token Headway has, and bob, who reviews. sam is a stranger."""

    github: SandboxControl
    project: Project
    numbers: Iterator[int]
    reviewer: str = "bob"

    @property
    def repository(self) -> str:
        return self.project.repository

    async def _pull(self, node_id: str) -> PullView:
        state = await self.github.state()
        here = next(each for each in state.repositories if each.name == self.repository)
        return next(pull for pull in here.pulls if pull.node_id == node_id)

    async def _commit(self, branch: str, content: str, *, start: str = "") -> str:
        made = await self.github.commit_files(
            "bob", branch, {MAIN_FILE: content}, f"Change {branch}", start=start, repository=self.repository
        )
        return made.oid

    async def push(self, branch: str) -> str:
        return await self._commit(branch, f"change {next(self.numbers)}\n", start="main")

    async def open_pull_request(
        self, branch: str, *, title: str = "Fix login", draft: bool = False
    ) -> tuple[str, int]:
        pull = await self.github.open_pull_request(
            "alice", branch, title, draft=draft, repository=self.repository
        )
        return pull.node_id, pull.number

    async def close(self, node_id: str) -> None:
        await self.github.close((await self._pull(node_id)).number, repository=self.repository)

    async def reopen(self, node_id: str) -> None:
        await self.github.reopen((await self._pull(node_id)).number, repository=self.repository)

    async def merge(self, node_id: str) -> None:
        await self.github.merge("bob", (await self._pull(node_id)).number, repository=self.repository)

    async def report_check(self, commit: str, name: str, outcome: CheckOutcome) -> None:
        status, conclusion = OUTCOMES[outcome]
        await self.github.report_check(commit, name, status, conclusion, repository=self.repository)

    async def review(self, node_id: str, *, approves: bool, body: str) -> None:
        state = ReviewState.APPROVED if approves else ReviewState.CHANGES_REQUESTED
        number = (await self._pull(node_id)).number
        await self.github.review("bob", number, state, body, repository=self.repository)

    async def start_thread(self, node_id: str, body: str) -> str:
        remark = Remark(path=MAIN_FILE, line=1, body=body)
        number = (await self._pull(node_id)).number
        await self.github.review(
            "bob", number, ReviewState.COMMENTED, threads=(remark,), repository=self.repository
        )
        return (await self._pull(node_id)).threads[-1].node_id

    async def resolve_thread(self, thread_id: str) -> None:
        state = await self.github.state()
        threads = [t for each in state.repositories for pull in each.pulls for t in pull.threads]
        await self.github.resolve_thread("bob", next(t.id for t in threads if t.node_id == thread_id))

    async def move_base_into_conflict(self, node_id: str) -> None:
        assert (await self._pull(node_id)).base == "main"
        await self._commit("main", "another way\n")

    async def enqueue(self, node_id: str) -> None:
        number = (await self._pull(node_id)).number
        await self.github.set_queue_entry(number, QueueState.QUEUED, repository=self.repository)

    async def open_issue(self, title: str, body: str, *, trusted: bool) -> int:
        made = await self.github.create_issue(
            "bob" if trusted else "sam", title, body, repository=self.repository
        )
        return made.number


@pytest.fixture
async def stage(hub: Hub, tmp_path: Path, anyio_backend: str) -> AsyncIterator[SandboxStage]:
    name = f"demo-{next(hub.numbers)}"
    users = (*(UserSpec(login=login) for login in ("alice", "bob")), STRANGER)
    async with hub.server.control() as github:
        await github.create_repository(
            CreateRepository(owner="octo", name=name, origin=str(a_bare_repository(tmp_path)), users=users)
        )
        yield SandboxStage(github, a_project(github_repo=name), hub.numbers)


@pytest.fixture
async def connection(hub: Hub, anyio_backend: str) -> AsyncIterator[HttpConnection]:
    async with HttpConnection(hub.world.url, GivenToken(hub.world.tokens["alice"])) as connection:
        yield connection


@pytest.fixture
def budgets() -> Budgets:
    return Budgets()


@pytest.fixture
def graphql(connection: HttpConnection, budgets: Budgets) -> HttpGraphQL:
    return HttpGraphQL(connection, budgets)


@pytest.fixture
def rest(hub: Hub, connection: HttpConnection, budgets: Budgets) -> Rest:
    return Rest(connection, GivenToken(hub.world.tokens["alice"]), budgets)


@pytest.fixture
def forge(graphql: HttpGraphQL, rest: Rest, budgets: Budgets) -> GitHubPullRequests:
    return GitHubPullRequests(graphql, rest, budgets)


class TestGitHubPullRequests(ForgeReaderContract):
    """The contract, on the sandbox."""


class TestGitHubWriter(ForgeWriterContract):
    """The contract, on the sandbox."""

    @pytest.fixture
    def writer(self, graphql: HttpGraphQL, rest: Rest) -> GitHubWriter:
        return GitHubWriter(graphql, rest)


SECRET = "It's a Secret to Everybody"


class SignedDeliveries(DeliveryStage):
    """Deliveries as github.com signs them."""

    def _posted(self, event: str, body: bytes, guid: str) -> Posted:
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": "9",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        return Posted(headers, body)

    def of_pull_request(self, project: Project, number: int, *, guid: str) -> Posted:
        payload = {
            "action": "edited",
            "repository": {"id": 1, "full_name": project.repository},
            "pull_request": {"number": number, "head": {"sha": "a" * 40, "ref": "fix"}},
        }
        return self._posted("pull_request", json.dumps(payload).encode(), guid)

    def of_nothing(self, *, guid: str) -> Posted:
        return self._posted("ping", b"{}", guid)

    def malformed(self) -> Posted:
        return self._posted("pull_request", b"Hello, World!", "1")


class TestGitHubWebhooks(WebhookDecoderContract):
    """The contract, on signed bytes."""

    @pytest.fixture
    def decoder(self) -> GitHubWebhooks:
        return GitHubWebhooks("github.com", ["former", SECRET])

    @pytest.fixture
    def stage(self) -> SignedDeliveries:
        return SignedDeliveries()


class TestGitHubIssueReader(IssueReaderContract):
    """The contract, on the sandbox."""

    @pytest.fixture
    def issues(self, graphql: HttpGraphQL) -> GitHubIssueReader:
        return GitHubIssueReader(graphql)
