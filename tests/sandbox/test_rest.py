"""The part of REST that is served: shapes, pages, ETags, redirects, limits, faults."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from headway_sandbox.engine import Reply
from headway_sandbox.rest import Request


@pytest.fixture
def opened(hand: Any, clone: Any) -> Any:
    """The usual world with a pull request."""
    clone.push("fix", {"new.py": ""})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix")
    return hand


def ask(hand: Any, path: str, *, user: str = "alice", **more: Any) -> Reply:
    """Send a request below octo/demo."""
    path = path if path.startswith("/") else f"/repos/octo/demo/{path}"
    reply = hand.engine.rest_api(hand.world.tokens.get(user), Request(method="GET", path=path, **more))
    assert isinstance(reply, Reply)
    return reply


def test_a_read_of_a_pull_request_starts_the_trial_merge(make_hand: Callable[..., Any], clone: Any) -> None:
    """Where GraphQL alone does not: unknown until somebody asks by REST, and a while after."""
    opened = make_hand(mergeable_by_rest=True, mergeable_delay=2.0)
    clone.push("fix", {"new.py": ""})
    opened.do("OpenPullRequest", user="alice", head="fix", title="Fix")
    for _ in range(2):
        assert opened.pull("mergeable") == {"mergeable": "UNKNOWN"}
        opened.later()
    assert json.loads(ask(opened, "pulls/1").body)["mergeable"] is None
    opened.later()
    assert opened.pull("mergeable") == {"mergeable": "MERGEABLE"}
    assert json.loads(ask(opened, "pulls/1").body)["mergeable"] is True


def test_checks_in_lower_case_and_pages(opened: Any) -> None:
    """Check runs, statuses and workflow runs of a commit, with totals."""
    head = opened.pull("headRefOid")["headRefOid"]
    opened.do("ReportCheck", commit=head, name="lint", status="COMPLETED", conclusion="SUCCESS")
    opened.do("SetStatus", user="bob", commit=head, context="deploy", state="FAILURE")
    runs = json.loads(ask(opened, f"commits/{head}/check-runs", query={"per_page": "1", "page": "2"}).body)
    assert (runs["total_count"], [run["name"] for run in runs["check_runs"]]) == (2, ["lint"])
    assert runs["check_runs"][0]["conclusion"] == "success"
    status = json.loads(ask(opened, f"commits/{head}/status").body)
    assert (status["state"], status["total_count"], status["statuses"][0]["context"]) == (
        "failure",
        1,
        "deploy",
    )
    workflows = json.loads(ask(opened, "actions/runs", query={"head_sha": head}).body)["workflow_runs"]
    assert [(run["event"], run["status"]) for run in workflows] == [("pull_request", "in_progress")]
    assert json.loads(ask(opened, f"commits/{'0' * 40}/status").body)["state"] == "pending"


def test_a_token_that_graphql_refuses_checks(opened: Any) -> None:
    """A fine-grained one reads them by REST."""
    opened.do("CreateUser", user={"login": "fine", "token": "t", "fine_grained": True})
    opened.world.tokens["fine"] = "t"
    query = '{ repository(owner: "octo", name: "demo") { pullRequest(number: 1) { %s } } }'
    (error,) = opened.errors(query % "statusCheckRollup { id }", user="fine")
    assert error["type"] == "FORBIDDEN"
    head = opened.pull("headRefOid")["headRefOid"]
    assert ask(opened, f"commits/{head}/check-runs", user="fine").status == 200


def test_an_unchanged_answer_is_304_and_free(opened: Any) -> None:
    """By its ETag, which is another one for each token."""
    first = ask(opened, "pulls/1")
    again = ask(opened, "pulls/1", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["x-ratelimit-used"] == first.headers["x-ratelimit-used"]
    assert again.headers["x-ratelimit-resource"] == "core"
    assert ask(opened, "pulls/1", user="bob", if_none_match=first.headers["etag"]).status == 200
    opened.do("EditPullRequest", number=1, title="Other")
    assert ask(opened, "pulls/1", if_none_match=first.headers["etag"]).status == 200


def test_a_former_name_redirects(opened: Any) -> None:
    """To the repository's id, with the query."""
    opened.do("RenameRepository", name="renamed")
    moved = ask(opened, "pulls/1", query={"per_page": "1"})
    assert moved.status == 301
    target = moved.headers["location"].removeprefix(opened.world.url)
    assert target.startswith("/repositories/")
    assert target.endswith("/pulls/1?per_page=1")
    assert ask(opened, target.partition("?")[0]).status == 200


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [
        ("rate_limited", 403, ("x-ratelimit-remaining", "0")),
        ("secondary", 403, ("retry-after", "7")),
        ("http_500", 500, None),
        ("html", 502, None),
    ],
)
def test_faults_of_rest(opened: Any, kind: str, status: int, header: tuple[str, str] | None) -> None:
    """Those for `rest` leave GraphQL alone."""
    opened.do("AddFault", kind=kind, seconds=7.0, operation="rest")
    assert opened.pull("number") == {"number": 1}
    spoiled = ask(opened, "pulls/1")
    assert spoiled.status == status
    if header is not None:
        assert spoiled.headers[header[0]] == header[1]
    assert ask(opened, "pulls/1").status == 200


def test_who_asks_wrongly_is_refused(opened: Any) -> None:
    """No token, no right to know, nothing there."""
    assert ask(opened, "pulls/1", user="nobody").status == 401
    for path in ("pulls/7", "issues/7", "nothing", "/repos/octo", "/repos/octo/none/pulls/1"):
        assert ask(opened, path).status == 404
    assert ask(opened, "pulls/1", user="mallory").status == 404


def test_comments_and_review_requests(opened: Any) -> None:
    """Written as the token's user; strangers and authors are refused."""

    def post(path: str, **order: Any) -> Reply:
        asked = Request(method="POST", path=f"/repos/octo/demo/{path}", body=json.dumps(order).encode())
        reply = opened.engine.rest_api(opened.world.tokens["alice"], asked)
        assert isinstance(reply, Reply)
        return reply

    assert post("issues/1/comments", body="hi").status == 201
    (comment,) = json.loads(ask(opened, "issues/1/comments").body)
    assert (comment["body"], comment["user"]["login"]) == ("hi", "alice")
    assert post("issues/1/comments", body=5).status == 422
    assert post("pulls/1/requested_reviewers", reviewers=["bob"]).status == 201
    asked = json.loads(ask(opened, "pulls/1/requested_reviewers").body)
    assert [user["login"] for user in asked["users"]] == ["bob"]
    for wrong in (["alice"], ["nobody"], []):
        assert post("pulls/1/requested_reviewers", reviewers=wrong).status == 422


def test_a_reply_is_to_the_first_comment_of_a_thread(opened: Any) -> None:
    """Of this pull request; a reply, a comment of the conversation and nothing are no such comment."""

    def post(path: str, **order: Any) -> Reply:
        asked = Request(method="POST", path=f"/repos/octo/demo/{path}", body=json.dumps(order).encode())
        reply = opened.engine.rest_api(opened.world.tokens["alice"], asked)
        assert isinstance(reply, Reply)
        return reply

    remark = {"path": "sample.py", "line": 1, "body": "hm"}
    opened.do("SubmitReview", user="bob", number=1, state="CHANGES_REQUESTED", threads=[remark])
    comments = "comments(first: 9) { nodes { id body fullDatabaseId } }"
    found = opened.pull(f"reviewThreads(last: 1) {{ nodes {{ {comments} }} }}")
    (first,) = found["reviewThreads"]["nodes"][0]["comments"]["nodes"]
    written = post(f"pulls/1/comments/{first['fullDatabaseId']}/replies", body="done")
    assert written.status == 201
    found = opened.pull(f"reviewThreads(last: 1) {{ nodes {{ {comments} }} }}")
    _, second = found["reviewThreads"]["nodes"][0]["comments"]["nodes"]
    assert (second["id"], second["body"]) == (json.loads(written.body)["node_id"], "done")
    said = json.loads(post("issues/1/comments", body="hi").body)
    assert post(f"pulls/1/comments/{second['fullDatabaseId']}/replies", body="x").status == 422
    assert post(f"pulls/1/comments/{first['fullDatabaseId']}/replies", body=5).status == 422
    for wrong in (said["id"], 999_999):
        assert post(f"pulls/1/comments/{wrong}/replies", body="x").status == 404
