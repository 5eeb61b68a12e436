"""REST: ETags that are always revalidated, lists read whole, renames, and checks for some tokens."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway_core.projects.model import Project
from headway_core.pull_requests.check_rows import CheckRunRow, CheckSuiteRow, StatusRow
from headway_core.pull_requests.checks import newest_checks
from headway_core.pull_requests.model import CheckOutcome, FailureKind
from headway_core.pull_requests.ports import FetchFailed, Observation
from headway_github.active_limit import ActiveLimit
from headway_github.answers import GraphQLAnswer, RawAnswer, SendFailed
from headway_github.budgets import Budgets, host_of
from headway_github.connection import HttpConnection
from headway_github.pages import IncompleteError
from headway_github.reading import MalformedError, Node
from headway_github.rest import KEPT_AT_MOST, Rest
from headway_github.rest_checks import RestChecks
from headway_github.rows import rest_run_row
from headway_github.tokens import GivenToken
from headway_testing.clock import EPOCH

from .conftest import (
    HEAD,
    FakeConnection,
    FakeGraphQL,
    a_pull_request,
    a_reader,
    canned,
    detail,
    error,
    response,
    rest_over,
)

pytestmark = pytest.mark.anyio

PULL = "/repos/octo/demo/pulls/7"
AT = f"/repos/octo/demo/commits/{HEAD}"


def tagged(data: Any, etag: str) -> Callable[[str, Mapping[str, str]], RawAnswer]:
    """Answers as GitHub does: 304 to who has this ETag; the answer claims to be good for a minute."""

    def answer(_: str, headers: Mapping[str, str]) -> RawAnswer:
        if headers.get("if-none-match") == etag:
            return RawAnswer(status=304, headers={}, body=b"", at=EPOCH)
        told = {"etag": etag, "cache-control": "private, max-age=60, s-maxage=60"}
        return RawAnswer(status=200, headers=told, body=json.dumps(data).encode(), at=EPOCH)

    return answer


async def test_an_answer_is_kept_and_asked_for_again_each_time() -> None:
    """Unchanged it costs nothing; changed it is new at once, whatever `max-age` says."""
    connection = FakeConnection()
    rest = rest_over(connection)
    connection.answers[f"GET {PULL}"] = tagged({"n": 1}, '"a"')
    assert [await rest.get(PULL), await rest.get(PULL)] == [{"n": 1}, {"n": 1}]
    assert [headers.get("if-none-match") for *_, headers in connection.sent] == [None, '"a"']
    connection.answers[f"GET {PULL}"] = tagged({"n": 2}, '"b"')
    assert await rest.get(PULL) == {"n": 2}
    assert len(connection.sent) == 3


async def test_an_etag_belongs_to_its_token_and_its_question() -> None:
    """Another token's answer is never served, nor another page's."""

    class Changing(GivenToken):
        now = "one"

        async def token(self) -> str:
            return self.now

    connection, source = FakeConnection(), Changing("one")
    rest = Rest(connection, source, Budgets())
    connection.answers[f"GET {PULL}"] = tagged({"n": 1}, '"a"')
    await rest.get(PULL)
    await rest.get(PULL, page="2")
    source.now = "two"
    await rest.get(PULL)
    assert [headers.get("if-none-match") for *_, headers in connection.sent] == [None, None, None]


async def test_what_is_kept_has_a_bound() -> None:
    """The answers that were asked for longest ago go first."""
    connection = FakeConnection()
    rest = rest_over(connection)
    for n in range(KEPT_AT_MOST + 1):
        connection.answers[f"GET /{n}"] = tagged(n, f'"{n}"')
        await rest.get(f"/{n}")
    await rest.get("/0")
    await rest.get(f"/{KEPT_AT_MOST}")
    assert [headers.get("if-none-match") for *_, headers in connection.sent[-2:]] == [
        None,
        f'"{KEPT_AT_MOST}"',
    ]


async def test_a_kick_is_unconditional(graphql: FakeGraphQL, project: Project) -> None:
    """A 304 would start no trial merge; a failure is of no interest."""
    connection = FakeConnection()
    reader = a_reader(graphql, connection)
    connection.answers[f"GET {PULL}"] = tagged({}, '"a"')
    for _ in range(2):
        await reader.trigger_merge_check(project, 7)
    assert ["if-none-match" in headers for *_, headers in connection.sent] == [False, False]
    connection.answers.clear()
    await reader.trigger_merge_check(project, 7)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (None, FailureKind.UNAVAILABLE),
        ((404, {"message": "Not Found"}), FailureKind.NOT_FOUND),
        ((410, {}), FailureKind.NOT_FOUND),
        ((401, {"message": "Bad credentials"}), FailureKind.FORBIDDEN),
        ((403, {"message": "Resource not accessible"}), FailureKind.FORBIDDEN),
        ((422, {"message": "No commit found"}), FailureKind.NONSENSE),
        ((502, {}), FailureKind.UNAVAILABLE),
        ((418, {}), FailureKind.NONSENSE),
        ((304, {}), FailureKind.NONSENSE),
        (RawAnswer(status=200, headers={}, body=b"<html>", at=EPOCH), FailureKind.NONSENSE),
        (RawAnswer(status=200, headers={}, body=b'{"a": [', at=EPOCH), FailureKind.NONSENSE),
        (RawAnswer(status=429, headers={}, body=b"", at=EPOCH), FailureKind.RATE_LIMITED),
    ],
)
async def test_what_is_no_answer_is_a_failure_and_is_not_kept(answer: Any, kind: FailureKind) -> None:
    """The last good one is not served in its place; nobody asked for a 304 the first time."""
    connection = FakeConnection()
    rest = rest_over(connection)
    if answer != (304, {}):
        connection.answers[f"GET {PULL}"] = tagged({"n": 1}, '"a"')
        assert await rest.get(PULL) == {"n": 1}
    connection.answers[f"GET {PULL}"] = answer
    failed = await rest.get(PULL)
    assert isinstance(failed, SendFailed)
    assert failed.kind is kind


async def test_a_renamed_repository_is_followed_on_the_same_host() -> None:
    """301 to its id, as GitHub answers for former names; the token goes nowhere else."""
    moved = response(301, {"message": "Moved Permanently"}, location="/repositories/1/pulls/7")
    async with canned(moved, response(200, {"number": 7})) as server:
        rest = Rest(HttpConnection(server.url, GivenToken("t")), GivenToken("t"), Budgets())
        assert await rest.get(PULL) == {"number": 7}
        assert server.requests[1].startswith(b"GET /repositories/1/pulls/7 ")
    async with canned(response(301, b"", location="https://evil.example/")) as server:
        rest = Rest(HttpConnection(server.url, GivenToken("t")), GivenToken("t"), Budgets())
        failed = await rest.get(PULL)
    assert isinstance(failed, SendFailed)
    assert failed.kind is FailureKind.NONSENSE
    assert len(server.requests) == 1


def a_rest_run(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"job {number}",
        "status": "completed",
        "conclusion": "success",
        "started_at": "2026-01-01T11:00:00Z",
        "completed_at": "2026-01-01T11:01:00Z",
        "details_url": None,
        "output": {"title": None, "summary": None},
        "check_suite": {"id": 5},
        "app": {"slug": "other"},
        **changes,
    }


def listed(field: str, rows: list[Any], total: int | None = None) -> Callable[..., tuple[int, Any]]:
    """A list that is served in pages of a hundred."""

    def answer(path: str, _: Mapping[str, str]) -> tuple[int, Any]:
        page = int(path.rpartition("&page=")[2])
        count = len(rows) if total is None else total
        return 200, {"total_count": count, field: rows[(page - 1) * 100 : page * 100]}

    return answer


def a_commit(connection: FakeConnection, **lists: list[Any]) -> None:
    """What REST tells of the head: nothing but what is given."""
    connection.answers[f"GET {AT}/check-runs"] = listed("check_runs", lists.get("runs", []))
    connection.answers[f"GET {AT}/status"] = listed("statuses", lists.get("statuses", []))
    connection.answers["GET /repos/octo/demo/actions/runs"] = listed(
        "workflow_runs", lists.get("workflows", [])
    )


async def test_the_checks_of_a_commit(project: Project) -> None:
    """Runs with the workflow and event of their suite, statuses at their commit."""
    connection = FakeConnection()
    checks = RestChecks(rest_over(connection))
    status = {"id": 1, "node_id": "SC_1", "context": "deploy", "state": "pending", "description": "Soon"}
    a_commit(
        connection,
        runs=[a_rest_run(1, app={"slug": "github-actions"}), a_rest_run(2, check_suite={"id": 6})],
        statuses=[status],
        workflows=[{"id": 90, "check_suite_id": 5, "workflow_id": 9, "event": "push"}],
    )
    run, other, told, suite = await checks.of_commit(project, HEAD)
    assert isinstance(run, CheckRunRow)
    assert isinstance(other, CheckRunRow)
    assert (run.workflow, run.event, run.suite, other.workflow) == ("9", "push", 5, None)
    assert isinstance(told, StatusRow)
    assert (told.commit, told.id, told.summary) == (HEAD, "SC_1", "Soon")
    assert isinstance(suite, CheckSuiteRow)
    assert (suite.number, suite.workflow, suite.event) == (5, "9", "push")
    connection.sent.clear()
    a_commit(connection, runs=[a_rest_run(1)])
    await checks.of_commit(project, HEAD)
    assert len(connection.sent) == 3


async def test_three_hundred_checks_over_pages(project: Project) -> None:
    """By number, a hundred a page."""
    connection = FakeConnection()
    a_commit(connection, runs=[a_rest_run(n) for n in range(300)])
    assert len(await RestChecks(rest_over(connection)).of_commit(project, HEAD)) == 300


@pytest.mark.parametrize(
    ("path", "answer", "problem"),
    [
        (f"{AT}/check-runs", (403, {"message": "m"}), "forbidden"),
        (f"{AT}/check-runs", listed("check_runs", [a_rest_run(1)], total=2), "changed while it was read"),
        (f"{AT}/status", (502, {}), "unavailable"),
        ("/repos/octo/demo/actions/runs", (403, {}), "forbidden"),
        ("/repos/octo/demo/actions/runs", listed("workflow_runs", []), "without its workflow"),
    ],
)
async def test_checks_that_can_not_be_read_whole_are_not_read(
    project: Project, path: str, answer: Any, problem: str
) -> None:
    """Also when only their workflows are missing: nobody knows then what supersedes what."""
    connection = FakeConnection()
    a_commit(connection, runs=[a_rest_run(1, app={"slug": "github-actions"})])
    connection.answers[f"GET {path}"] = answer
    with pytest.raises(IncompleteError, match=problem):
        await RestChecks(rest_over(connection)).of_commit(project, HEAD)


async def test_a_list_without_end_is_not_read(project: Project) -> None:
    """Thirty pages are the bound, and one that changes each time is not read for ever."""
    connection = FakeConnection()
    a_commit(connection)
    pages = 0

    def endless(path: str, _: Mapping[str, str]) -> tuple[int, Any]:
        nonlocal pages
        pages += 1
        rows = [a_rest_run(pages * 100 + n) for n in range(100)]
        return 200, {"total_count": 10_000, "check_runs": rows}

    connection.answers[f"GET {AT}/check-runs"] = endless
    with pytest.raises(IncompleteError, match="too long"):
        await RestChecks(rest_over(connection)).of_commit(project, HEAD)
    assert pages == 30
    restless = iter(range(100))
    connection.answers[f"GET {AT}/check-runs"] = lambda *_: (
        200,
        {"total_count": 200 + next(restless), "check_runs": [a_rest_run(n) for n in range(100)]},
    )
    with pytest.raises(IncompleteError, match="changed"):
        await RestChecks(rest_over(connection)).of_commit(project, HEAD)


async def test_without_a_token_nothing_is_asked() -> None:
    """The failure says what to do."""
    connection = FakeConnection()
    failed = await Rest(connection, GivenToken("no token"), Budgets()).get(PULL)
    assert isinstance(failed, SendFailed)
    assert failed.kind is FailureKind.FORBIDDEN
    assert connection.sent == []


async def test_a_list_that_grows_is_read_again(project: Project) -> None:
    """New checks arrive between two pages: the total changes, and the list starts anew."""
    connection, runs = FakeConnection(), [a_rest_run(n) for n in range(150)]

    def growing(path: str, headers: Mapping[str, str]) -> tuple[int, Any]:
        answer = listed("check_runs", runs)(path, headers)
        if len(runs) == 150:
            runs.insert(0, a_rest_run(999))
        return answer

    a_commit(connection)
    connection.answers[f"GET {AT}/check-runs"] = growing
    rows = await RestChecks(rest_over(connection)).of_commit(project, HEAD)
    assert len(rows) == 151


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 260), st.randoms(use_true_random=False))
async def test_order_and_repetition_of_rows_change_nothing(project: Project, count: int, chance: Any) -> None:
    """Over three pages, in any order, some again on a later page: each once, or the list is not read."""
    rows = [a_rest_run(n, conclusion=chance.choice(["success", "failure"])) for n in range(count)]
    told = list(rows)
    chance.shuffle(told)
    for row in [row for row in told if chance.random() < 0.1]:
        told.insert(chance.randint(told.index(row) + 1, len(told)), row)
    connection = FakeConnection()
    a_commit(connection)
    connection.answers[f"GET {AT}/check-runs"] = listed("check_runs", told, total=count)
    seen = await RestChecks(rest_over(connection)).of_commit(project, HEAD)
    expected = [rest_run_row(Node(row)) for row in rows]
    assert newest_checks(seen) == newest_checks(expected)
    lost = listed("check_runs", told[1:], total=count)
    if told and told.count(told[0]) == 1:
        connection.answers[f"GET {AT}/check-runs"] = lost
        with pytest.raises(IncompleteError, match="changed"):
            await RestChecks(rest_over(connection)).of_commit(project, HEAD)


@pytest.mark.parametrize(
    "wrong", [{"id": None}, {"id": "x"}, {"name": None}, {"app": 5}, {"started_at": "yesterday"}]
)
async def test_a_malformed_row_is_no_list(project: Project, wrong: dict[str, Any]) -> None:
    """The place is named."""
    connection = FakeConnection()
    a_commit(connection, runs=[{**a_rest_run(1), **wrong}])
    with pytest.raises(MalformedError):
        await RestChecks(rest_over(connection)).of_commit(project, HEAD)


async def observed(graphql: FakeGraphQL, project: Project, connection: FakeConnection) -> Observation:
    """What is seen of a pull request whose checks GraphQL refuses."""
    refused = error("FORBIDDEN", "nodes", 0, "checks")
    graphql.answers["Detail"] = GraphQLAnswer(data=detail(a_pull_request(checks=None)), errors=(refused,))
    seen = (await a_reader(graphql, connection).observe(project, ["PR_1"]))["PR_1"]
    assert isinstance(seen, Observation)
    return seen


async def test_checks_that_graphql_refuses_are_read_by_rest(graphql: FakeGraphQL, project: Project) -> None:
    """A fine-grained token sees the same part as any other."""
    connection = FakeConnection()
    a_commit(connection, runs=[a_rest_run(1, conclusion="failure")])
    seen = await observed(graphql, project, connection)
    assert seen.problems == ()
    assert seen.checks is not None
    assert (seen.checks.commit, [c.outcome for c in seen.checks.checks]) == (HEAD, [CheckOutcome.FAILED])


async def test_checks_that_nobody_tells_are_missing_with_both_reasons(
    graphql: FakeGraphQL, project: Project
) -> None:
    """Never "no checks"."""
    seen = await observed(graphql, project, FakeConnection())
    assert seen.checks is None
    (problem,) = seen.problems
    assert problem.startswith("checks: forbidden; unavailable: ")


async def test_the_budget_of_rest_is_one_of_its_own(project: Project) -> None:
    """REST and GraphQL count apart; nonsense in a header says nothing."""
    budgets = Budgets()
    headers = {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "4990",
        "x-ratelimit-reset": "1800000000",
        "x-ratelimit-resource": "core",
    }
    budgets.note(headers, None, EPOCH, resource="core")
    told = {"cost": 1, "limit": 5000, "remaining": 1, "resetAt": "2026-01-01T13:00:00Z"}
    budgets.note({}, {"rateLimit": told}, EPOCH, resource="graphql")
    before = budgets.told()
    assert [(each.resource, each.remaining, each.cost) for each in before] == [
        ("core", 4990, None),
        ("graphql", 1, 1),
    ]
    for wrong in (
        {"x-ratelimit-limit": "٣"},
        {"x-ratelimit-reset": "9" * 20},
        {"x-ratelimit-remaining": "-1"},
    ):
        budgets.note({**headers, **wrong}, {"rateLimit": {"limit": "x"}}, EPOCH, resource="core")
    assert budgets.told() == before


@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://api.octocorp.ghe.com", "octocorp.ghe.com"),
        ("https://ghes.example/api/v3", "ghes.example"),
        ("https://api.example", "api.example"),
        ("http://127.0.0.1:20000", "127.0.0.1"),
    ],
)
def test_the_host_that_people_name(api: str, host: str) -> None:
    """Of the address of its API."""
    assert host_of(api) == host


async def test_an_enterprise_server_has_graphql_beside_its_rest() -> None:
    """`/api/v3` is REST's; GraphQL is at `/api/graphql`."""
    async with canned(response(200, {"data": {}}), response(200, {})) as server:
        connection = HttpConnection(f"{server.url}/api/v3/", GivenToken("t"))
        await connection.request("POST", "/graphql", content=b"{}")
        await connection.request("GET", "/repos/octo/demo")
    assert [request.split(b" ")[1] for request in server.requests] == [
        b"/api/graphql",
        b"/api/v3/repos/octo/demo",
    ]


SPENT = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(EPOCH.timestamp()) + 900)}
PRIMARY = RawAnswer(status=403, headers=SPENT, body=b"{}", at=EPOCH)
SECONDARY = RawAnswer(status=429, headers={"retry-after": "7"}, body=b"", at=EPOCH)


@pytest.mark.lesson("S11")
@pytest.mark.parametrize("limit", [PRIMARY, SECONDARY], ids=["primary", "secondary"])
async def test_after_a_limit_the_rest_of_the_list_is_not_asked(
    graphql: FakeGraphQL, project: Project, limit: RawAnswer
) -> None:
    """One refused question by REST, and none of the other pull requests' lists; their checks are unread."""
    ids = ["PR_1", "PR_2", "PR_3"]
    refused = tuple(error("FORBIDDEN", "nodes", n, "checks") for n in range(3))
    nodes = [a_pull_request(each, checks=None) for each in ids]
    graphql.answers["Detail"] = GraphQLAnswer(data=detail(*nodes), errors=refused)
    rest = FakeConnection()
    rest.answers[f"GET {AT}/check-runs"] = limit
    reader = a_reader(graphql, rest)
    seen = await reader.observe(project, ids)
    assert len(rest.sent) == 1
    for each in seen.values():
        assert isinstance(each, Observation)
        assert each.checks is None
        assert each.problems[0].startswith("checks: forbidden; rate_limited: ")
    await reader.trigger_merge_check(project, 7)
    again = (await reader.observe(project, ids))["PR_1"]
    assert len(rest.sent) == 1
    if limit is SECONDARY:  # too much at once: GraphQL is not asked either, and the sweep is told
        assert isinstance(again, FetchFailed)
        assert (again.kind, again.secondary) == (FailureKind.RATE_LIMITED, True)
        assert 0 < (again.retry_after_s or 0) <= 7
        assert graphql.names().count("Detail") == 1
    else:
        assert isinstance(again, Observation)
        assert graphql.names().count("Detail") == 2


@pytest.mark.lesson("S11")
async def test_after_a_limit_of_graphql_rest_is_not_asked(graphql: FakeGraphQL, project: Project) -> None:
    """A further page met it; the checks of the next pull request wait like all else."""
    refused = error("FORBIDDEN", "nodes", 1, "checks")
    long = {"totalCount": 2, "pageInfo": {"hasNextPage": True, "endCursor": "1"}, "nodes": []}
    nodes = [a_pull_request("PR_1", reviews=long), a_pull_request("PR_2", checks=None)]
    graphql.answers["Detail"] = GraphQLAnswer(data=detail(*nodes), errors=(refused,))
    graphql.answers["MoreReviews"] = SendFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=60)
    rest = FakeConnection()
    seen = (await a_reader(graphql, rest).observe(project, ["PR_1", "PR_2"]))["PR_2"]
    assert isinstance(seen, Observation)
    assert seen.problems == ("checks: forbidden; rate_limited: p",)
    assert rest.sent == []


async def test_a_limit_of_writing_leaves_reading_alone() -> None:
    """GitHub blocks who creates too much from creating more: nothing is posted until that is over."""
    connection = FakeConnection()
    connection.answers["POST /x"] = SECONDARY
    connection.answers["GET /x"] = (200, {})
    rest = rest_over(connection)
    for _ in range(3):
        failed = await rest.post("/x", {})
        assert isinstance(failed, SendFailed)
        assert failed.kind is FailureKind.RATE_LIMITED
    assert await rest.get("/x") == {}
    assert [method for method, *_ in connection.sent] == ["POST", "GET"]


def test_a_limit_ends_on_time() -> None:
    """After what GitHub said, or a minute; its wait grows shorter; what is no limit is not remembered."""
    now = 0.0
    active = ActiveLimit(now=lambda: now)
    active.note(SendFailed(kind=FailureKind.UNAVAILABLE, problem="p", retry_after_s=9))
    assert active.left() is None
    refusal = SendFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=7)
    active.note(refusal)
    now = 5.0
    assert active.left() == attrs.evolve(refusal, retry_after_s=2)
    now = 7.0
    assert active.left() is None
    active.note(attrs.evolve(refusal, retry_after_s=None))
    now = 66.0
    assert active.left() == attrs.evolve(refusal, retry_after_s=1)
