"""A required check that is pinned to an app, and the runs of workflows that have no check runs."""

from typing import Any

import pytest

from headway_core.projects.model import Project
from headway_core.pull_requests import ci_status
from headway_core.pull_requests.check_records import PinnedCheck
from headway_core.pull_requests.model import CIStatus
from headway_core.pull_requests.ports import ChecksPart, Observation
from headway_github.answers import GraphQLAnswer

from .conftest import HEAD, FakeGraphQL, a_pull_request, a_reader, a_run, connection, detail, error, who

pytestmark = pytest.mark.anyio
OTHER = "d" * 40


async def seen(graphql: FakeGraphQL, project: Project, node: dict[str, Any]) -> Observation:
    graphql.answers["Detail"] = detail(node)
    graphql.answers.setdefault(
        "Required", {"repository": {"ref": {"branchProtectionRule": None, "rules": None}}}
    )
    found = (await a_reader(graphql).observe(project, ["PR_1"]))["PR_1"]
    assert isinstance(found, Observation)
    return found


async def checks(graphql: FakeGraphQL, project: Project, node: dict[str, Any]) -> ChecksPart:
    found = (await seen(graphql, project, node)).checks
    assert found is not None
    return found


def status_of(part: ChecksPart) -> CIStatus:
    return ci_status(part.checks, required=part.required, pinned=part.pinned)


def of_app(slug: str, number: int) -> dict[str, Any]:
    """A passed check run called test, by an app."""
    suite = {"databaseId": 6, "app": {"slug": slug, "databaseId": number}, "workflowRun": None}
    return a_run(checkSuite=suite)


def by(creator: dict[str, Any]) -> dict[str, Any]:
    """A passed status called test, posted by somebody."""
    return {
        "__typename": "StatusContext",
        "id": "SC_1",
        "context": "test",
        "state": "SUCCESS",
        "description": None,
        "targetUrl": None,
        "createdAt": "2026-01-01T11:00:00Z",
        "creator": creator,
    }


def protected(app: dict[str, Any] | None) -> dict[str, Any]:
    check = {"context": "test", "app": app}
    rule = {"requiresStatusChecks": True, "requiredStatusChecks": [check]}
    return {"branchProtectionRule": rule, "rules": None}


def ruled(number: int | None) -> dict[str, Any]:
    parameters = {"requiredStatusChecks": [{"context": "test", "integrationId": number}]}
    rules = connection([{"type": "REQUIRED_STATUS_CHECKS", "parameters": parameters}])
    return {"branchProtectionRule": None, "rules": rules}


PINNED = protected({"slug": "Gatekeeper", "databaseId": 5})


@pytest.mark.parametrize(
    ("ref", "row", "status", "pins"),
    [
        (PINNED, of_app("gatekeeper", 5), CIStatus.SUCCESS, ["gatekeeper"]),
        (PINNED, of_app("impostor", 6), CIStatus.PENDING, ["gatekeeper"]),
        (PINNED, by(who("gatekeeper", "Bot")), CIStatus.SUCCESS, ["gatekeeper"]),
        (PINNED, by(who("gatekeeper")), CIStatus.PENDING, ["gatekeeper"]),
        (protected(None), of_app("impostor", 6), CIStatus.SUCCESS, []),
        (ruled(5), of_app("gatekeeper", 5), CIStatus.SUCCESS, ["gatekeeper"]),
        (ruled(5), of_app("impostor", 6), CIStatus.PENDING, ["app 5"]),
        (ruled(5), by(who("gatekeeper", "Bot")), CIStatus.SUCCESS, ["gatekeeper"]),
        (ruled(5), by(who("alice")), CIStatus.PENDING, ["app 5"]),
        (ruled(None), by(who("alice")), CIStatus.SUCCESS, []),
    ],
)
async def test_a_required_check_is_asked_for_with_its_app(  # noqa: PLR0917  the columns of the table
    graphql: FakeGraphQL,
    project: Project,
    ref: dict[str, Any],
    row: dict[str, Any],
    status: CIStatus,
    pins: list[str],
) -> None:
    """By slug or by id; a person's status of that name is no app's, and another app's check another check."""
    graphql.answers["Required"] = {"repository": {"ref": ref}}
    rollup = {"id": "SCR_1", "commit": {"oid": HEAD}, "contexts": connection([row])}
    part = await checks(graphql, project, a_pull_request(checks=rollup))
    assert part.required == ("test",)
    assert part.pinned == tuple(PinnedCheck(context="test", app=app) for app in pins)
    assert status_of(part) is status
    assert [check.required for check in part.checks] == [status is CIStatus.SUCCESS]


def suite(number: int, conclusion: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"CS_{number}",
        "databaseId": number,
        "status": "QUEUED" if conclusion is None else "COMPLETED",
        "conclusion": conclusion,
        "createdAt": "2026-01-01T11:00:00Z",
        "url": "https://github.com/octo/demo/commit/1/checks",
        "app": {"slug": "github-actions", "databaseId": 1},
        "workflowRun": {"event": "push", "url": "u", "workflow": {"databaseId": 3, "name": "Build"}},
        **changes,
    }


def commits(*suites: dict[str, Any], oid: str = HEAD) -> dict[str, Any]:
    commit = {"id": "C_1", "oid": oid, "checkSuites": connection(suites)}
    return {"nodes": [{"commit": commit}]}


IDLE_APP = suite(7, None, app={"slug": "dependabot", "databaseId": 2}, workflowRun=None)


@pytest.mark.parametrize(
    ("suites", "names"),
    [
        ([suite(7, "STARTUP_FAILURE")], ["Build"]),
        ([suite(7, None)], ["Build"]),
        ([suite(7, "FAILURE", workflowRun=None)], ["github-actions"]),
        ([IDLE_APP], []),
        ([suite(5, "FAILURE")], []),
        ([], []),
    ],
    ids=[
        "broken",
        "waiting",
        "of no workflow that is told",
        "an app's that reports nothing",
        "with runs",
        "none",
    ],
)
async def test_a_suite_without_runs_is_a_check_when_it_is_of_a_workflow(
    graphql: FakeGraphQL, project: Project, suites: list[dict[str, Any]], names: list[str]
) -> None:
    """GitHub makes one for each app that is installed: only a workflow's says something without runs."""
    part = await checks(graphql, project, a_pull_request(commits=commits(*suites)))
    assert sorted(check.name for check in part.checks) == sorted(["test", *names])


async def test_a_head_without_a_rollup_has_its_suites(graphql: FakeGraphQL, project: Project) -> None:
    """Where no check ran the rollup is null."""
    node = a_pull_request(checks=None, commits=commits(suite(7, "FAILURE")))
    assert [check.word for check in (await checks(graphql, project, node)).checks] == ["FAILURE"]


async def test_the_last_commit_by_date_need_not_be_the_head(graphql: FakeGraphQL, project: Project) -> None:
    """Then the head is asked for by its name: the other commit's suites say nothing of it."""
    commit = {"id": "C_2", "oid": HEAD, "checkSuites": connection([suite(8, "ACTION_REQUIRED")])}
    graphql.answers["HeadSuites"] = {"repository": {"object": commit}}
    part = await checks(graphql, project, a_pull_request(commits=commits(suite(7, "FAILURE"), oid=OTHER)))
    assert sorted(check.word for check in part.checks) == ["ACTION_REQUIRED", "SUCCESS"]
    assert graphql.sent[1][1]["oid"] == HEAD


@pytest.mark.parametrize(
    "answer",
    [
        {"repository": {"object": None}},
        {"repository": None},
        {"repository": {"object": {"id": "C_2", "oid": OTHER, "checkSuites": None}}},
    ],
)
async def test_suites_that_can_not_be_read_leave_the_checks_unread(
    graphql: FakeGraphQL, project: Project, answer: dict[str, Any]
) -> None:
    """Unread is not green: what was known of the checks stays."""
    graphql.answers["HeadSuites"] = answer
    found = await seen(graphql, project, a_pull_request(commits=commits(oid=OTHER)))
    assert found.checks is None


async def test_a_token_that_may_not_read_suites_reads_by_rest(graphql: FakeGraphQL, project: Project) -> None:
    """The refusal of the suites is one of the checks; the test's REST is not there, so they are unread."""
    node = a_pull_request(commits=None)
    graphql.answers["Required"] = {"repository": {"ref": None}}
    refused = error("FORBIDDEN", "nodes", 0, "commits", "nodes", 0, "commit", "checkSuites")
    graphql.answers["Detail"] = GraphQLAnswer(data=detail(node), errors=(refused,))
    found = (await a_reader(graphql).observe(project, ["PR_1"]))["PR_1"]
    assert isinstance(found, Observation)
    assert found.checks is None
    assert found.problems[0].startswith("checks: forbidden; unavailable")
