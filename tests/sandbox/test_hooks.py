"""Webhooks: each change leaves a signed delivery, which waits to be fetched, lost or repeated."""

import hashlib
import hmac
import json
from typing import Any

import pytest

SECRET = "It's a Secret to Everybody"


@pytest.fixture
def hooked(hand: Any, clone: Any) -> Any:
    """The usual world with a pull request and a hook."""
    clone.push("fix", {"new.py": ""})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix")
    hand.do("CreateHook", secret=SECRET)
    return hand


def told(hand: Any, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
    """Return event and payload of each delivery."""
    found = hand.do("ListDeliveries", after=after)["deliveries"]
    return [(one["event"], json.loads(one["body"])) for one in found]


def test_each_change_is_told(hooked: Any, clone: Any) -> None:
    """Pushes, pull requests, reviews, threads, comments, checks and statuses, in their order."""
    head = clone.push("fix", {"new.py": "x = 1\n"})
    remarks = [{"path": "new.py", "line": 1, "body": "hm"}]
    review = {"user": "bob", "number": 1, "state": "CHANGES_REQUESTED", "threads": remarks}
    thread = hooked.do("SubmitReview", **review)["threads"][0]
    hooked.do("ResolveThread", user="alice", thread=thread)
    hooked.do("AddComment", user="bob", number=1, body="hello")
    hooked.do("ReportCheck", commit=head, name="lint", status="IN_PROGRESS")
    hooked.do("ReportCheck", commit=head, name="lint", status="COMPLETED", conclusion="FAILURE")
    hooked.do("SetStatus", user="bob", commit=head, context="deploy", state="PENDING")
    hooked.do("EditPullRequest", number=1, title="Other")
    hooked.do("SetQueueEntry", number=1, state="QUEUED")
    hooked.do("ClosePullRequest", number=1)
    events = [(event, payload.get("action")) for event, payload in told(hooked)]
    assert events == [
        ("push", None),
        ("pull_request", "synchronize"),
        ("check_run", "created"),
        ("pull_request_review", "submitted"),
        ("pull_request_review_comment", "created"),
        ("pull_request_review_thread", "resolved"),
        ("issue_comment", "created"),
        ("check_run", "created"),
        ("check_run", "completed"),
        ("status", None),
        ("pull_request", "edited"),
        ("pull_request", "enqueued"),
        ("pull_request", "closed"),
    ]
    assert all(payload["repository"]["full_name"] == "octo/demo" for _, payload in told(hooked))
    (status,) = [payload for event, payload in told(hooked) if event == "status"]
    assert (status["sha"], [branch["name"] for branch in status["branches"]]) == (head, ["fix"])
    (run,) = [payload["check_run"] for event, payload in told(hooked) if payload.get("action") == "completed"]
    assert (run["head_sha"], run["pull_requests"]) == (head, [])


def test_a_delivery_is_signed_and_can_be_fetched_again(hooked: Any) -> None:
    """Over its raw bytes with the hook's secret; nothing is marked when it is fetched."""
    hooked.do("AddComment", user="bob", number=1, body="hellö")
    (first,) = hooked.do("ListDeliveries")["deliveries"]
    expected = hmac.new(SECRET.encode(), first["body"].encode(), hashlib.sha256).hexdigest()
    assert first["headers"]["X-Hub-Signature-256"] == f"sha256={expected}"
    assert first["headers"]["X-GitHub-Event"] == "issue_comment"
    assert hooked.do("ListDeliveries")["deliveries"] == [first]
    assert told(hooked, after=first["id"]) == []


def test_what_changes_nothing_and_what_is_refused_tells_nothing(hooked: Any) -> None:
    """A command that is undone leaves no delivery."""
    hooked.refused("AddComment", user="bob", number=9, body="x")
    hooked.do("ReopenPullRequest", number=1)
    assert told(hooked) == []


def test_a_rename_is_told_under_the_new_name(hooked: Any) -> None:
    """With the former one beside it; the former name still finds the repository."""
    hooked.do("RenameRepository", name="renamed")
    ((event, payload),) = told(hooked)
    assert (event, payload["action"], payload["repository"]["full_name"]) == (
        "repository",
        "renamed",
        "octo/renamed",
    )
    assert payload["changes"] == {"repository": {"name": {"from": "demo"}}}
    query = '{ repository(owner: "octo", name: "demo") { nameWithOwner } }'
    assert hooked.ask(query) == {"repository": {"nameWithOwner": "octo/renamed"}}
    assert hooked.do("RenameRepository", name="renamed", repository="octo/demo")["name"] == "octo/renamed"
    assert len(told(hooked)) == 1
    _, message = hooked.refused("RenameRepository", name="a/b")
    assert "is no GitHub name" in message
