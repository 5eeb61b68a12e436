"""The whole way, over HTTP to a GitHub that holds state: facts come, faults pass, writes stand."""

import subprocess
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_core.forge_actions.model import Comment, OpenPullRequest, Reply, RequestReview, Resolve
from headway_core.kernel.clock import Clock
from headway_core.kernel.errors import InvalidInput, NotFound
from headway_core.kernel.events import EventCatalog
from headway_core.kernel.memory import MemoryStore
from headway_core.projects.model import PROJECTS, Project
from headway_core.pull_requests import (
    EVENTS,
    SNAPSHOTS,
    NoPullRequest,
    PRSnapshotService,
    Refreshed,
    RefreshFailed,
    Superseded,
    ci_of,
    state_of,
)
from headway_core.pull_requests.model import (
    CIStatus,
    DecisionSource,
    FailureKind,
    GitHubState,
    Mergeability,
    PRState,
    PullRequestFacts,
)
from headway_core.pull_requests.ports import Delivery, Observation
from headway_core.pull_requests.reconciliation import RefusalReason
from headway_core.pull_requests.staleness import READ_LAG
from headway_core.settings.model import CIScope
from headway_core.workspaces.model import (
    WORKSPACES,
)
from headway_github.answers import GraphQL
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.gh import GhGraphQL
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
    FaultKind,
    QueueState,
    Remark,
    ReviewState,
    SandboxControl,
    SandboxProcess,
    StatusState,
    UserSpec,
    World,
    create,
    launch,
)
from headway_sandbox.commands import ChangeRepository
from headway_testing.clock import SequentialIds
from headway_testing.pull_requests import pull_request_steps_on, pull_requests_on
from headway_testing.records import a_workspace

from .conftest import GH_HOST, doorway, gh_environment

pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]

MARK = "<!-- headway:e2e -->"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=dev", "-c", "user.email=dev@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@attrs.frozen
class Hub:
    """The sandbox of this module: octo/demo without CI; alice's token is ours, bob reviews."""

    world: World
    server: SandboxProcess
    origin: Path


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server on loopback with a bare origin whose main has one file."""
    folder = tmp_path_factory.mktemp("hub")
    origin, work = folder / "origin.git", folder / "work"
    git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    git(folder, "init", "-q", "-b", "main", str(work))
    (work / "login.py").write_text("".join(f"line {n}\n" for n in range(20)))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "Begin")
    git(work, "push", "-q", str(origin), "main")
    users = [UserSpec(login="alice"), UserSpec(login="bob")]
    world = create(folder / "sandbox.sqlite", owner="octo", name="demo", origin=origin, users=users)
    server = launch(world.state_file)
    yield Hub(world, server, origin)
    server.stop()


class _Clock(Clock):
    """The real time, and what a test has added to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead  # noqa: TID251  this is the clock


@attrs.define
class Desk:
    """Headway's side: the service with the real adapter, one READY workspace on a branch of its own."""

    graphql: GraphQL
    forge: GitHubPullRequests
    writer: GitHubWriter
    budgets: Budgets
    clock: _Clock
    store: MemoryStore
    service: PRSnapshotService
    project: Project
    branch: str

    async def refresh(self) -> Any:
        """Read it, further from the last read than a replica lags."""
        self.clock.ahead += READ_LAG
        return await self.service.refresh_workspace("w1")

    async def snapshot(self) -> Any:
        return await self.store.ledger.read(lambda tx: self.store.reader(SNAPSHOTS).get(tx, "w1"))

    async def facts(self) -> PullRequestFacts:
        facts = (await self.snapshot()).facts
        assert isinstance(facts, PullRequestFacts)
        return facts

    async def ci(self) -> CIStatus:
        return ci_of(await self.snapshot(), CIScope.ALL)


@pytest.fixture
def branch(request: pytest.FixtureRequest, anyio_backend: str) -> str:
    """A branch for each test and backend."""
    return f"fix/{request.node.originalname}-{anyio_backend}-{zlib.crc32(request.node.name.encode())}"


@pytest.fixture(params=["http", "gh"])
def transport(request: pytest.FixtureRequest) -> str:
    """What transports GraphQL: httpx, or the real gh."""
    if request.param == "gh":
        request.getfixturevalue("gh")
    return str(request.param)


@pytest.fixture
async def desk(hub: Hub, project: Project, branch: str, transport: str, tmp_path: Path) -> Any:
    """The service on a ledger in memory, over HTTP or gh."""
    token, budgets, socket = hub.world.tokens["alice"], Budgets(), tmp_path / "socket"
    async with (
        HttpConnection(hub.world.url, GivenToken(token)) as connection,
        doorway(socket, int(hub.world.url.rpartition(":")[2])),
    ):
        graphql: GraphQL = HttpGraphQL(connection, budgets)
        if transport == "gh":
            environment = gh_environment(tmp_path / "gh", socket)
            graphql = GhGraphQL(GH_HOST, budgets, token=token, environment=environment)
        async for desk in _desk(graphql, connection, budgets, project, branch):
            yield desk


async def _desk(
    graphql: GraphQL, connection: HttpConnection, budgets: Budgets, project: Project, branch: str
) -> AsyncIterator[Desk]:
    rest = Rest(connection, connection._tokens, budgets)
    forge = GitHubPullRequests(graphql, rest, budgets)
    clock = _Clock()
    store = MemoryStore(clock=clock, ids=SequentialIds(), catalog=EventCatalog(EVENTS), run_twice=True)
    service = pull_requests_on(store, forge)
    now = clock.now()
    workspace = a_workspace(branch=branch, created_at=now, status_changed_at=now)
    projects, workspaces = store.writer(PROJECTS), store.writer(WORKSPACES)

    def work(tx: Any) -> None:
        projects.add(tx, project)
        workspaces.add(tx, workspace)
        pull_request_steps_on(store).open_record(tx, workspace)

    await store.ledger.transact(work)
    yield Desk(graphql, forge, GitHubWriter(graphql, rest), budgets, clock, store, service, project, branch)


async def push(github: SandboxControl, branch: str, files: dict[str, str | None], start: str = "") -> str:
    # The branch in the message: equal commits of two tests would share their checks.
    commit = await github.commit_files("alice", branch, files, f"Change {branch}", start=start)
    return commit.oid


async def test_the_facts_of_a_pull_request_follow_its_life(hub: Hub, desk: Desk) -> None:
    """Found by its branch once it is there; its checks become facts as they come."""
    async with hub.server.control() as github:
        head = await push(github, desk.branch, {"new.py": "x = 1\n"}, "main")
        assert await desk.refresh() == NoPullRequest()
        pull = await github.open_pull_request("alice", desk.branch, "Fix login")
        assert isinstance(await desk.refresh(), Refreshed)
        facts = await desk.facts()
        assert (facts.number, facts.url, facts.title) == (pull.number, pull.url, "Fix login")
        assert (facts.head.commit, facts.head.tip, facts.base.ref) == (head, head, "main")
        assert facts.mergeability is Mergeability.CLEAN
        assert await desk.ci() is CIStatus.UNKNOWN  # no checks, and the quiet time is not over

        await github.report_check(head, "test", CheckStatus.IN_PROGRESS)
        await desk.refresh()
        assert await desk.ci() is CIStatus.PENDING
        await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.FAILURE, summary="no login")
        assert await desk.refresh() == Refreshed(changed=("checks",))
        assert await desk.ci() is CIStatus.FAILURE
        (check,) = (await desk.facts()).checks
        assert check.summary == "no login"
        await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.SUCCESS)
        await desk.refresh()
        assert await desk.ci() is CIStatus.SUCCESS


async def test_a_review_is_answered_and_approved(hub: Hub, desk: Desk) -> None:
    """Changes requested by one who can push; a reply and a resolution of ours; an approval."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"new.py": "x = 1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix login")
        remark = Remark(path="new.py", line=1, body="Why?")
        await github.review("bob", pull.number, ReviewState.CHANGES_REQUESTED, "Please", threads=(remark,))
        await desk.refresh()
        facts = await desk.facts()
        assert state_of(await desk.snapshot()) is PRState.CHANGES_REQUESTED
        assert facts.decision_source is DecisionSource.DERIVED
        (thread,) = facts.threads
        assert (thread.path, thread.comments[0].body, thread.comments[0].author.can_push) == (
            "new.py",
            "Why?",
            True,
        )
        assert facts.reviews[0].thread_count == 1

        writer = desk.writer
        reply, resolve = Reply(thread_id=thread.id, body="Because"), Resolve(thread_id=thread.id)
        assert await writer.find(desk.project, reply, MARK) is None
        assert await writer.find(desk.project, resolve, MARK) is None
        written = await writer.write(desk.project, reply, MARK)
        assert await writer.find(desk.project, reply, MARK) == written
        await desk.refresh()
        answered = (await desk.facts()).threads[0].comments[-1]
        assert answered.author.is_viewer
        assert MARK in answered.body
        done = await writer.write(desk.project, resolve, MARK)
        assert await writer.find(desk.project, resolve, MARK) == done

        await github.approve("bob", pull.number)
        await desk.refresh()
        assert (await desk.facts()).threads == ()
        assert state_of(await desk.snapshot()) is PRState.APPROVED


async def test_what_is_asked_in_the_conversation_is_read(hub: Hub, desk: Desk) -> None:
    """A command, and a comment that addresses the token's account; who edits one is read again."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"asked.py": "x = 1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix login")
        await github.comment("bob", pull.number, "Nice")
        command = await github.comment("bob", pull.number, "/fix the name")
        await github.comment("bob", pull.number, "@alice could you?")
        await desk.refresh()
        said = (await desk.facts()).comments
        assert [(each.author.login, each.body) for each in said] == [
            ("bob", "/fix the name"),
            ("bob", "@alice could you?"),
        ]
        assert said[0].author.is_associated
        await github.edit_comment(command.id, body="Never mind")
        await desk.refresh()
        assert [each.body for each in (await desk.facts()).comments] == ["@alice could you?"]


async def test_closed_reopened_and_merged(hub: Hub, desk: Desk) -> None:
    """Each end of a pull request is a fact, and the last one final."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"merged.py": "x = 1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix login")
        await desk.refresh()
        await github.close(pull.number)
        assert isinstance(await desk.refresh(), Refreshed)
        assert (await desk.facts()).state is GitHubState.CLOSED
        await github.reopen(pull.number)
        await desk.refresh()
        assert (await desk.facts()).state is GitHubState.OPEN
        await github.merge("bob", pull.number)
        await desk.refresh()
        assert state_of(await desk.snapshot()) is PRState.MERGED


async def test_a_conflict_comes_with_the_base_and_goes_with_a_push(hub: Hub, desk: Desk) -> None:
    """The base moves; what the head and the base make together is what GitHub says of that pair."""
    name = desk.branch.replace("/", "-")
    async with hub.server.control() as github:
        await push(github, "main", {name: "one\n"})
        await push(github, desk.branch, {name: "two\n"}, "main")
        await github.open_pull_request("alice", desk.branch, "Fix")
        await desk.refresh()
        assert (await desk.facts()).mergeability is Mergeability.CLEAN
        await push(github, "main", {name: "three\n"})
        await desk.refresh()
        assert (await desk.facts()).mergeability is Mergeability.CONFLICT
        await push(github, desk.branch, {name: "one\n"})
        await desk.refresh()
        assert (await desk.facts()).mergeability is Mergeability.CLEAN


async def test_a_force_push_back_is_believed_at_the_second_read(hub: Hub, desk: Desk) -> None:
    """A former head may be a late answer: seen twice as the tip, it is the head."""
    async with hub.server.control() as github:
        first = await push(github, desk.branch, {"a.py": "1\n"}, "main")
        await github.open_pull_request("alice", desk.branch, "Fix")
        await desk.refresh()
        second = await push(github, desk.branch, {"a.py": "2\n"})
        await desk.refresh()
        assert (await desk.facts()).head.commit == second
        git(hub.origin, "update-ref", f"refs/heads/{desk.branch}", first)
        assert await desk.refresh() == Superseded(reason=RefusalReason.UNCONFIRMED)
        assert (await desk.facts()).head.commit == second
        assert isinstance(await desk.refresh(), Refreshed)
        assert (await desk.facts()).head.commit == first


@pytest.mark.lesson("S5", "S11")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (FaultKind.RATE_LIMITED, FailureKind.RATE_LIMITED),
        (FaultKind.SECONDARY, FailureKind.RATE_LIMITED),
        (FaultKind.HTTP_500, FailureKind.UNAVAILABLE),
        (FaultKind.HTML, FailureKind.UNAVAILABLE),
        (FaultKind.NONSENSE, FailureKind.NONSENSE),
        (FaultKind.PARTIAL, None),
        (FaultKind.TORN_PAGE, None),
        (FaultKind.STALE, None),
    ],
)
async def test_no_fault_clears_or_ages_a_fact_and_all_is_right_when_it_ends(
    hub: Hub, desk: Desk, fault: FaultKind, kind: FailureKind | None
) -> None:
    """Something changed while GitHub was ill: what was known stays, and the change comes after."""
    async with hub.server.control() as github:
        head = await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.FAILURE)
        remark = Remark(path="a.py", line=1, body="Why?")
        await github.review("bob", pull.number, ReviewState.CHANGES_REQUESTED, "Please", threads=(remark,))
        await desk.refresh()
        before = await desk.facts()
        head = await push(github, desk.branch, {"a.py": "2\n"})
        await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.SUCCESS)
        seconds = 30 if kind is FailureKind.RATE_LIMITED else 0
        await github.add_fault(fault, seconds=seconds, operation="Detail")
        outcome = await desk.refresh()
        during = await desk.facts()
        if kind is not None:
            assert isinstance(outcome, RefreshFailed)
            assert outcome.kind is kind
            assert during == before
        if kind is FailureKind.RATE_LIMITED:
            assert isinstance(outcome, RefreshFailed)
            assert 20 < (outcome.retry_after_s or 0) <= 31
        assert [thread.id for thread in during.threads] == [thread.id for thread in before.threads]
        assert during.review_decision == before.review_decision
        assert during.checks
        assert during.updated_at >= before.updated_at
        await desk.refresh()
        after = await desk.facts()
        assert (after.head.commit, after.checks_complete) == (head, True)
        assert await desk.ci() is CIStatus.SUCCESS


async def test_a_pull_request_is_opened_once(hub: Hub, desk: Desk) -> None:
    """Opened by the writer, found by its evidence, attached by its id; GitHub refuses a second. Closed,
    it is found by its mark, and by no other.
    """
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
    writer = desk.writer
    order = OpenPullRequest(head=desk.branch, base="main", title="Fix", body="Words", draft=True)
    assert await writer.find(desk.project, order, MARK) is None
    written = await writer.write(desk.project, order, MARK)
    assert await writer.find(desk.project, order, MARK) == written
    with pytest.raises(InvalidInput):
        await writer.write(desk.project, order, MARK)
    await desk.store.ledger.transact(
        lambda tx: pull_request_steps_on(desk.store).attach(tx, "w1", written.node_id)
    )
    outcomes = await desk.service.refresh_due()
    assert isinstance(outcomes["w1"], Refreshed)
    assert state_of(await desk.snapshot()) is PRState.DRAFT
    async with hub.server.control() as github:
        await github.close((await desk.facts()).number)
    assert await writer.find(desk.project, order, MARK) == written
    assert await writer.find(desk.project, order, "<!-- headway:another -->") is None


async def test_a_number_is_attached(hub: Hub, desk: Desk) -> None:
    """By hand, over HTTP; a number that is none is named."""
    async with hub.server.control() as github:
        await push(github, f"{desk.branch}-other", {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("bob", f"{desk.branch}-other", "Other")
    assert isinstance(await desk.service.attach_number("w1", pull.number), Refreshed)
    assert (await desk.facts()).number == pull.number
    with pytest.raises(InvalidInput) as caught:
        await desk.service.attach_number("w1", 99_999)
    assert caught.value.field == "number"


async def test_a_comment_and_a_request_for_review(hub: Hub, desk: Desk) -> None:
    """Each is written once, and found again by its evidence; a stranger can't be asked."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        comment = Comment(pull_request=pull.node_id, number=pull.number, body="Hello")
        ask = RequestReview(pull_request=pull.node_id, number=pull.number, reviewers=("bob",))
        for order in (comment, ask):
            assert await desk.writer.find(desk.project, order, MARK) is None
            written = await desk.writer.write(desk.project, order, MARK)
            assert await desk.writer.find(desk.project, order, MARK) == written
        await github.approve("bob", pull.number)
        assert await desk.writer.find(desk.project, ask, MARK) is not None
        with pytest.raises(InvalidInput):
            await desk.writer.write(desk.project, attrs.evolve(ask, reviewers=("nobody",)), MARK)


async def test_a_place_in_the_merge_queue_is_a_fact(hub: Hub, desk: Desk) -> None:
    """With the commit that is tested there; out of the queue it is gone."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        queued = await github.set_queue_entry(pull.number, QueueState.AWAITING_CHECKS, commit="main")
        await desk.refresh()
        entry = (await desk.facts()).merge_queue
        assert entry is not None
        assert (entry.state, entry.position, entry.head_commit) == ("AWAITING_CHECKS", 1, queued.base_oid)
        await github.set_queue_entry(pull.number, None)
        await desk.refresh()
        assert (await desk.facts()).merge_queue is None


@pytest.mark.lesson("S22")
async def test_a_token_that_graphql_refuses_checks_sees_the_same(hub: Hub, desk: Desk) -> None:
    """By REST every check has the identity, run and outcome that it has by GraphQL (I8)."""
    async with hub.server.control() as github:
        head = await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        await github.report_check(head, "lint", CheckStatus.COMPLETED, Conclusion.FAILURE, summary="bad")
        await github.report_check(head, "slow", CheckStatus.IN_PROGRESS)
        await github.set_status("bob", head, "deploy", StatusState.SUCCESS, description="done")
        ids = [pull.node_id]
        whole = (await desk.forge.observe(desk.project, ids))[pull.node_id]
        await github.add_fault(FaultKind.PARTIAL, operation="Detail")
        refused = (await desk.forge.observe(desk.project, ids))[pull.node_id]
    assert isinstance(whole, Observation)
    assert isinstance(refused, Observation)
    assert whole.checks is not None
    assert refused.checks is not None
    assert len(whole.checks.checks) == 3
    assert [attrs.evolve(c, url=None) for c in whole.checks.checks] == [
        attrs.evolve(c, url=None) for c in refused.checks.checks
    ]


async def test_a_kick_makes_the_forge_tell(hub: Hub, desk: Desk) -> None:
    """Where only a read by REST starts the trial merge: unknown, asked for, known."""
    async with hub.server.control() as github:
        await github.change_repository(ChangeRepository(mergeable_by_rest=True))
        try:
            await push(github, desk.branch, {"a.py": "1\n"}, "main")
            pull = await github.open_pull_request("alice", desk.branch, "Fix")

            async def told() -> Mergeability | None:
                seen = (await desk.forge.observe(desk.project, [pull.node_id]))[pull.node_id]
                assert isinstance(seen, Observation)
                return seen.mergeability

            assert [await told(), await told()] == [Mergeability.UNKNOWN] * 2
            await desk.forge.trigger_merge_check(desk.project, pull.number)
            assert await told() is Mergeability.CLEAN
        finally:
            await github.change_repository(ChangeRepository(mergeable_by_rest=False))


async def test_an_unknown_mergeability_has_its_merge_check_triggered_by_who_reads_it(
    hub: Hub, desk: Desk
) -> None:
    """The whole way: a refresh that sees it unknown makes the forge work it out, and the next one knows."""
    async with hub.server.control() as github:
        await github.change_repository(ChangeRepository(mergeable_by_rest=True))
        try:
            await push(github, desk.branch, {"a.py": "1\n"}, "main")
            await github.open_pull_request("alice", desk.branch, "Fix")
            await desk.refresh()
            assert (await desk.facts()).mergeability is Mergeability.UNKNOWN
            await desk.refresh()
            assert (await desk.facts()).mergeability is Mergeability.CLEAN
        finally:
            await github.change_repository(ChangeRepository(mergeable_by_rest=False))


async def test_unchanged_checks_cost_nothing_by_rest(hub: Hub, desk: Desk) -> None:
    """Each list is asked for again with its ETag: 304, free; a new check is seen at once."""
    async with hub.server.control() as github:
        head = await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        await github.report_check(head, "lint", CheckStatus.COMPLETED, Conclusion.SUCCESS)
        await github.add_fault(FaultKind.PARTIAL, count=3, operation="Detail")

        async def seen() -> tuple[list[str], int]:
            told = (await desk.forge.observe(desk.project, [pull.node_id]))[pull.node_id]
            assert isinstance(told, Observation)
            assert told.checks is not None
            (core,) = [limit for limit in desk.forge.limits() if limit.resource == "core"]
            return [check.name for check in told.checks.checks], core.remaining

        names, left = await seen()
        assert await seen() == (names, left) == (["lint"], left)
        await github.report_check(head, "test", CheckStatus.IN_PROGRESS)
        names, after = await seen()
        assert (sorted(names), after) == (["lint", "test"], left - 1)


@pytest.mark.parametrize("ruleset", [False, True])
async def test_what_the_base_requires(
    hub: Hub,
    desk: Desk,
    ruleset: bool,
) -> None:
    """By a ruleset, or by a protection of which one who is no admin sees the contexts alone."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        await github.report_check(desk.branch, "Tests", CheckStatus.IN_PROGRESS)
        rules = ChangeRepository(required_checks=("tests", "e2e"), ruleset=ruleset)
        await github.change_repository(rules)
        try:
            seen = (await desk.forge.observe(desk.project, [pull.node_id]))[pull.node_id]
        finally:
            await github.change_repository(ChangeRepository(required_checks=(), ruleset=False))
    assert isinstance(seen, Observation)
    assert seen.checks is not None
    assert seen.checks.required == ("e2e", "tests")
    assert [(check.name, check.required) for check in seen.checks.checks] == [("Tests", True)]


async def test_the_budget_is_told(hub: Hub, desk: Desk) -> None:
    """Of GraphQL with its cost, after any call; of REST once it was asked."""
    assert desk.forge.limits() == ()
    await desk.refresh()
    (graphql,) = desk.forge.limits()
    assert (graphql.resource, graphql.limit, graphql.cost) == ("graphql", 5000, 1)
    await desk.forge.trigger_merge_check(desk.project, 1)
    core, again = desk.forge.limits()
    assert (core.resource, core.limit, core.cost, again) == ("core", 5000, None, graphql)
    assert core.resets_at > core.told_at


async def test_a_renamed_repository_is_read_on(hub: Hub, desk: Desk) -> None:
    """By the node id, and by the former name through its redirect."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        await desk.refresh()
        await github.rename_repository(name="renamed")
        try:
            assert await desk.refresh() == Refreshed(changed=("head", "url"))
            assert (await desk.facts()).head.repository == "octo/renamed"
            assert await desk.forge.resolve(desk.project, pull.number) == pull.node_id
            await desk.forge.trigger_merge_check(desk.project, pull.number)
            comment = Comment(pull_request=pull.node_id, number=pull.number, body="Still here")
            written = await desk.writer.write(desk.project, comment, MARK)
            assert await desk.writer.find(desk.project, comment, MARK) == written
        finally:
            await github.rename_repository(name="demo")


async def test_every_change_is_hinted_at(hub: Hub, desk: Desk) -> None:
    """The sandbox's deliveries, decoded, name this pull request by number, head commit or branch."""
    async with hub.server.control() as github:
        webhooks = GitHubWebhooks("github.com", ["secret"])
        await github.create_hook("secret")
        first = max([delivery.id for delivery in await github.deliveries()], default=0)
        head = await push(github, desk.branch, {"a.py": "1\n"}, "main")
        pull = await github.open_pull_request("alice", desk.branch, "Fix")
        remark = Remark(path="a.py", line=1, body="Why?")
        await github.review("bob", pull.number, ReviewState.CHANGES_REQUESTED, "Please", threads=(remark,))
        await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.FAILURE)
        await github.set_status("bob", head, "deploy", StatusState.SUCCESS)
        told = [one for one in await github.deliveries(after=first) if one.event != "ping"]
    assert len(told) >= 6
    for delivery in told:
        decoded = webhooks.decode(delivery.headers, delivery.body.encode())
        assert isinstance(decoded, Delivery)
        (hint,) = decoded.hints
        assert hint.repository == "octo/demo"
        named = (pull.number in hint.numbers, head in hint.commits, desk.branch in hint.branches)
        assert any(named), delivery


async def test_an_issue_is_read(hub: Hub, desk: Desk) -> None:
    """Title, body and author; one that is not there is not found."""
    async with hub.server.control() as github:
        made = await github.create_issue("bob", "Login fails", "Steps")
    issues = GitHubIssueReader(desk.graphql)
    issue = await issues.read(desk.project, made.number)
    assert (issue.title, issue.body, issue.author, issue.trusted) == ("Login fails", "Steps", "bob", True)
    with pytest.raises(NotFound):
        await issues.read(desk.project, 99_999)


async def test_an_expired_token_fails_and_keeps_every_fact(hub: Hub, desk: Desk) -> None:
    """401: a person has to log in; nothing is lost meanwhile."""
    async with hub.server.control() as github:
        await push(github, desk.branch, {"a.py": "1\n"}, "main")
        await github.open_pull_request("alice", desk.branch, "Fix")
    await desk.refresh()
    before = await desk.snapshot()
    _expire(desk.graphql)
    outcome = await desk.refresh()
    assert isinstance(outcome, RefreshFailed)
    assert outcome.kind is FailureKind.FORBIDDEN
    assert await desk.snapshot() == before


def _expire(graphql: GraphQL) -> None:
    """The token that is used from now on is none any more."""
    match graphql:
        case HttpGraphQL():
            graphql._connection._tokens = GivenToken("ghp_expired")
        case GhGraphQL():
            graphql._environment["GH_TOKEN"] = "ghp_expired"


async def _begun(github: SandboxControl, desk: Desk) -> str:
    """An open pull request without checks; its head."""
    head = await push(github, desk.branch, {"new.py": "x = 1\n"}, "main")
    await github.open_pull_request("alice", desk.branch, "Fix login")
    await desk.refresh()
    return head


async def test_a_report_under_another_workflows_suite_outlives_a_newer_one(hub: Hub, desk: Desk) -> None:
    """A job's report lies under the first suite of the commit; a label runs that workflow again."""
    async with hub.server.control() as github:
        head = await _begun(github, desk)

        async def job(name: str, conclusion: Conclusion, *, fresh: bool = False) -> None:
            await github.report_check(
                head, name, CheckStatus.COMPLETED, conclusion, workflow="labels", fresh=fresh
            )

        await job("label", Conclusion.SUCCESS)
        await job("junit", Conclusion.FAILURE)
        await desk.refresh()
        assert await desk.ci() is CIStatus.FAILURE
        await job("label", Conclusion.SUCCESS, fresh=True)
        await desk.refresh()
        assert await desk.ci() is CIStatus.FAILURE
        await job("junit", Conclusion.SUCCESS)
        await desk.refresh()
        assert await desk.ci() is CIStatus.SUCCESS


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        (Conclusion.STARTUP_FAILURE, CIStatus.FAILURE),
        (Conclusion.ACTION_REQUIRED, CIStatus.PENDING),
        (None, CIStatus.PENDING),
    ],
)
@pytest.mark.parametrize("beside", [False, True])
async def test_a_run_of_a_workflow_without_check_runs_is_read(
    hub: Hub, desk: Desk, conclusion: Conclusion | None, status: CIStatus, *, beside: bool
) -> None:
    """Also where the rollup is null, as it is without check runs and statuses."""
    async with hub.server.control() as github:
        head = await _begun(github, desk)
        if beside:
            await github.set_status("bob", head, "license/cla", StatusState.SUCCESS)
        stage = CheckStatus.QUEUED if conclusion is None else CheckStatus.COMPLETED
        await github.report_suite(head, "Build", conclusion, status=stage)
        await desk.refresh()
        assert await desk.ci() is status
        assert {check.name for check in (await desk.facts()).checks} == {"Build"} | (
            {"license/cla"} if beside else set()
        )


async def test_the_twin_that_a_concurrency_group_cancelled_is_no_failure(hub: Hub, desk: Desk) -> None:
    """The push's run gives way to the pull request's, by the ids that GitHub tells."""
    async with hub.server.control() as github:
        head = await _begun(github, desk)
        for event, conclusion in (("push", Conclusion.CANCELLED), ("pull_request", Conclusion.SUCCESS)):
            await github.report_check(
                head, "test", CheckStatus.COMPLETED, conclusion, workflow="CI", event=event
            )
        await desk.refresh()
        assert await desk.ci() is CIStatus.SUCCESS
        (check,) = (await desk.facts()).checks
        assert check.word == "SUCCESS"


async def test_a_required_check_is_of_its_app(hub: Hub, desk: Desk) -> None:
    """Another app's check of the name, and a person's status of it, leave it outstanding."""
    async with hub.server.control() as github:
        changed = ChangeRepository(
            required_checks=("gate",), required_apps={"gate": "gatekeeper"}, ruleset=True
        )
        await github.change_repository(changed)
        try:
            head = await _begun(github, desk)
            passed = (CheckStatus.COMPLETED, Conclusion.SUCCESS)
            await github.report_check(head, "gate", *passed, app="impostor")
            await github.set_status("bob", head, "gate", StatusState.SUCCESS)
            await desk.refresh()
            assert await desk.ci() is CIStatus.PENDING
            assert (await desk.facts()).required == ("gate",)
            await github.report_check(head, "gate", *passed, app="gatekeeper")
            await desk.refresh()
            assert await desk.ci() is CIStatus.SUCCESS
        finally:
            await github.change_repository(
                ChangeRepository(required_checks=(), required_apps={}, ruleset=False)
            )


async def test_an_older_server_is_asked_for_less(hub: Hub, desk: Desk) -> None:
    """What it lacks is left out, and checks that it has no rollup for come by REST."""
    async with hub.server.control() as github:
        await github.lack_fields(
            "PullRequest.isInMergeQueue", "PullRequest.mergeQueueEntry", "PullRequest.statusCheckRollup"
        )
        try:
            head = await _begun(github, desk)
            await github.report_check(head, "test", CheckStatus.COMPLETED, Conclusion.FAILURE)
            await desk.refresh()
            assert await desk.ci() is CIStatus.FAILURE
            assert (await desk.facts()).merge_queue is None
        finally:
            await github.lack_fields()


async def test_an_answer_without_data_is_asked_for_in_halves(hub: Hub, desk: Desk) -> None:
    """As after a 502: of twenty that went wrong each is read, and none is refused."""
    async with hub.server.control() as github:
        await _begun(github, desk)
        node_id = (await desk.facts()).node_id
        await github.add_fault(FaultKind.WENT_WRONG, count=2, operation="Detail")
        found = await desk.forge.observe(desk.project, [node_id, *(f"PR_gone{n}" for n in range(7))])
        assert isinstance(found[node_id], Observation)


async def test_a_pull_request_that_left_the_merge_queue_is_told(hub: Hub, desk: Desk) -> None:
    """By the event in its timeline, with the checks of the merge group that failed."""
    async with hub.server.control() as github:
        head = await _begun(github, desk)
        group = await push(github, f"{desk.branch}-group", {"group.py": "x = 2\n"}, "main")
        number = (await desk.facts()).number
        await github.set_queue_entry(number, QueueState.AWAITING_CHECKS, commit=group)
        await github.report_check(group, "group", CheckStatus.COMPLETED, Conclusion.FAILURE)
        await github.report_check(group, "lint", CheckStatus.COMPLETED, Conclusion.SUCCESS)
        await desk.refresh()
        assert (await desk.facts()).queue_exit is None
        await github.set_queue_entry(number, None, reason="failed_checks")
        await desk.refresh()
        left = (await desk.facts()).queue_exit
        assert left is not None
        assert (left.reason, left.head, [check.name for check in left.failed]) == (
            "FAILED_CHECKS",
            head,
            ["group"],
        )
