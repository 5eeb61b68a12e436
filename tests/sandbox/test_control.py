"""The control API: idempotency, faults, strictness."""

import json
from typing import Any

import pytest

from headway_sandbox import serialize
from headway_sandbox.commands import CommitFiles, CreateRepository, SubmitReview

QUERY = (
    'query Detail { repository(owner: "octo", name: "demo") { pullRequest(number: 1)'
    " { headRefOid headRef { target { oid } } updatedAt statusCheckRollup { state }"
    " comments(last: 9) { totalCount nodes { id } } } } }"
)
COMMENT = "mutation Say($input: AddCommentInput!) { addComment(input: $input) { subject { id } } }"


@pytest.fixture
def opened(hand: Any, clone: Any) -> Any:
    """The usual world with a pull request."""
    clone.push("fix", {"new.py": ""})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix", key="open")
    return hand


def test_a_repeated_key_does_nothing_again(opened: Any) -> None:
    """A key answers what it answered first, also to another process; another command is refused."""
    first = opened.do("AddComment", user="bob", number=1, body="hello", key="k1")
    again = opened.do("AddComment", user="bob", number=1, body="hello", key="k1")
    assert again == first
    assert len(opened.state()["pulls"][0]["comments"]) == 1
    assert opened.do("OpenPullRequest", user="alice", head="fix", title="Fix", key="open")["number"] == 1
    reply = opened.engine.control("AddComment", b'{"user": "bob", "number": 1, "body": "x"}', key="k1")
    assert reply.status == 422


def test_a_refused_command_keeps_its_key(opened: Any) -> None:
    """A command that was refused changed nothing, so its key may be used again."""
    body = json.dumps({"user": "bob", "number": 2, "body": "hello"}).encode()
    assert opened.engine.control("AddComment", body, key="k").status == 404
    opened.do("CreateIssue", user="bob", title="Two")
    assert opened.engine.control("AddComment", body, key="k").status == 200


def test_commit_files_after_a_crash(opened: Any) -> None:
    """Contents that a branch has already are not committed again: the lost answer costs nothing."""
    order = {"user": "bob", "branch": "main", "files": {"a/b.txt": "x"}, "message": "Add"}
    first = opened.do("CommitFiles", **order)
    assert opened.do("CommitFiles", **order) == first
    removed = opened.do("CommitFiles", **{**order, "files": {"a/b.txt": None}})
    assert removed != first
    fresh = opened.do("CommitFiles", **{**order, "branch": "release/1"})
    assert opened.state()["branches"]["release/1"] == fresh["oid"]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"branch": "../x"}, "is no name for a branch"),
        ({"branch": "-x"}, "is no name for a branch"),
        ({"files": {"../../etc/passwd": "x"}}, "is no path"),
        ({"files": {".git/config": "x"}}, "is no path"),
        ({"files": {"a": 3}}, "files.a: must be str"),
        ({"colour": "red"}, "unknown keys ['colour']"),
        ({"user": "nobody"}, "login of 'nobody'"),
        ({"repository": "octo/none"}, "octo/none"),
    ],
)
def test_hostile_orders_are_refused(opened: Any, order: dict[str, Any], field: str) -> None:
    """A wrong order names its fault and changes nothing."""
    before = opened.state()
    good = {"user": "bob", "branch": "main", "files": {"a": "x"}, "message": "m"}
    _, message = opened.refused("CommitFiles", **{**good, **order})
    assert field in message
    assert opened.state() == before


def test_partial_answers(opened: Any) -> None:
    """PARTIAL refuses the checks with FORBIDDEN at their path, and answers the rest."""
    opened.do("AddFault", kind="partial")
    answer = json.loads(opened.raw(QUERY).body)
    path = ["repository", "pullRequest", "statusCheckRollup"]
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("FORBIDDEN", path)]
    assert answer["data"]["repository"]["pullRequest"]["statusCheckRollup"] is None
    assert opened.ask(QUERY)["repository"]["pullRequest"]["statusCheckRollup"] is not None


def test_stale_answers(opened: Any, clone: Any) -> None:
    """STALE answers with the head before the last push, while the branch shows the new one."""
    old = opened.ask(QUERY)["repository"]["pullRequest"]
    opened.later()
    new = clone.push("fix", {"more.py": ""})
    opened.do("AddFault", kind="stale", operation="Detail")
    stale = opened.ask(QUERY)["repository"]["pullRequest"]
    assert (stale["headRefOid"], stale["updatedAt"]) == (old["headRefOid"], old["updatedAt"])
    assert stale["headRef"]["target"]["oid"] == new
    assert opened.ask(QUERY)["repository"]["pullRequest"]["headRefOid"] == new


def test_torn_pages(opened: Any) -> None:
    """TORN_PAGE loses a row that the total still counts."""
    opened.do("AddComment", user="bob", number=1, body="one")
    opened.do("AddFault", kind="torn_page")
    comments = opened.ask(QUERY)["repository"]["pullRequest"]["comments"]
    assert (comments["totalCount"], comments["nodes"]) == (1, [])


def test_limits_and_broken_answers(opened: Any) -> None:
    """Each kind of bad answer looks as GitHub's does, is given `count` times and then is over."""
    opened.do("AddFault", kind="rate_limited", seconds=60)
    limited = opened.raw(QUERY)
    assert (limited.status, json.loads(limited.body)["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert limited.headers["x-ratelimit-remaining"] == "0"
    assert int(limited.headers["x-ratelimit-reset"]) == int(opened.now[0]) + 60

    opened.do("AddFault", kind="secondary", seconds=7)
    secondary = opened.raw(QUERY)
    assert (secondary.status, secondary.headers["retry-after"]) == (403, "7")

    opened.do("AddFault", kind="http_500", count=2)
    assert [opened.raw(QUERY).status for _ in range(3)] == [500, 500, 200]

    opened.do("AddFault", kind="html")
    page = opened.raw(QUERY)
    assert (page.status, page.body[:9]) == (502, b"<!DOCTYPE")

    opened.do("AddFault", kind="nonsense")
    with pytest.raises(json.JSONDecodeError):
        json.loads(opened.raw(QUERY).body)

    opened.do("AddFault", kind="slow", seconds=3)
    slow = opened.raw(QUERY)
    assert (slow.delay, slow.status) == (3.0, 200)
    assert int(slow.headers["x-ratelimit-remaining"]) + int(slow.headers["x-ratelimit-used"]) == 5000


def test_faults_wait_for_their_operation_and_may_lose_the_answer_only(opened: Any) -> None:
    """A fault for one operation leaves others alone; `applied` loses the answer, not the effect."""
    node = opened.ask('{ repository(owner: "octo", name: "demo") { pullRequest(number: 1) { id } } }')
    order = {"subjectId": node["repository"]["pullRequest"]["id"], "body": "hello"}
    opened.do("AddFault", kind="http_500", operation="Say")
    opened.do("AddFault", kind="html", operation="Say", applied=True)
    assert opened.raw(QUERY).status == 200
    assert opened.raw(COMMENT, input=order).status == 500
    assert opened.state()["pulls"][0]["comments"] == []
    assert opened.raw(COMMENT, input=order).status == 502
    assert len(opened.state()["pulls"][0]["comments"]) == 1
    opened.do("AddFault", kind="html")
    opened.do("ClearFaults")
    assert opened.raw(QUERY).status == 200


def test_a_failed_mutation_leaves_nothing(opened: Any) -> None:
    """An error in a mutation undoes it."""
    node = opened.ask('{ repository(owner: "octo", name: "demo") { pullRequest(number: 1) { id } } }')
    order = {"subjectId": node["repository"]["pullRequest"]["id"], "body": " "}
    assert opened.errors(COMMENT, input=order)[0]["type"] == "UNPROCESSABLE"
    assert opened.state()["pulls"][0]["comments"] == []


def test_setting_up_twice_changes_no_ids(make_world: Any) -> None:
    """`create` with the same names finds what is there: ids, tokens and the port stay."""
    first = make_world()
    again = make_world()
    assert again == first


def test_wire_is_strict_and_reversible() -> None:
    """What is encoded decodes to the same value; wrong shapes name their path."""
    order = CommitFiles(branch="b", files={"x": "y", "z": None}, message="m", user="u")
    assert serialize.decode(CommitFiles, serialize.encode(order)) == order
    repository = CreateRepository(owner="o", name="n", origin="/x", ci_env={"A": "b"}, ci_timeout=3)
    assert serialize.decode(CreateRepository, serialize.encode(repository)) == repository
    with pytest.raises(serialize.SerializationError, match=r"threads\[0\].path: is missing"):
        serialize.decode(
            SubmitReview, {"user": "u", "number": 1, "state": "APPROVED", "threads": [{"body": "x"}]}
        )
    with pytest.raises(serialize.SerializationError, match="number: must be int"):
        serialize.decode(SubmitReview, {"user": "u", "number": True, "state": "APPROVED"})


def test_a_force_push_moves_a_branch_back_and_forth(opened: Any, clone: Any) -> None:
    """Its pull request follows; each move is a push that was seen."""
    first = opened.state()["branches"]["fix"]
    second = clone.push("fix", {"new.py": "x = 1\n"})
    assert opened.do("ForcePush", user="alice", branch="fix", commit=first) == {"oid": first}
    assert opened.pull("headRefOid") == {"headRefOid": first}
    opened.do("ForcePush", user="alice", branch="fix", commit=second)
    assert opened.pull("headRefOid") == {"headRefOid": second}
    _, message = opened.refused("ForcePush", user="alice", branch="fix", commit="0" * 40)
    assert "No commit found" in message


def test_the_merge_queue_has_a_commit_of_its_own(opened: Any) -> None:
    """An entry with its state, place and the merge group's commit; a closed one can't be queued."""
    fields = "isInMergeQueue mergeQueueEntry { state position headCommit { oid } }"
    assert opened.pull(fields) == {"isInMergeQueue": False, "mergeQueueEntry": None}
    main = opened.state()["branches"]["main"]
    opened.do("SetQueueEntry", number=1, state="AWAITING_CHECKS", position=2, commit="main")
    entry = {"state": "AWAITING_CHECKS", "position": 2, "headCommit": {"oid": main}}
    assert opened.pull(fields) == {"isInMergeQueue": True, "mergeQueueEntry": entry}
    opened.do("SetQueueEntry", number=1, state=None)
    opened.do("ClosePullRequest", number=1)
    _, message = opened.refused("SetQueueEntry", number=1, state="QUEUED")
    assert "is not open" in message


def test_shifted_pages(opened: Any) -> None:
    """A row that came since the first page: the total grows, and a row is told twice."""
    for n in range(3):
        opened.do("AddComment", user="bob", number=1, body=f"{n}")
    page = "comments(first: 2%s) { totalCount pageInfo { endCursor } nodes { body } }"
    first = opened.pull(page % "")["comments"]
    opened.do("AddFault", kind="shifted")
    second = opened.pull(page % f', after: "{first["pageInfo"]["endCursor"]}"')["comments"]
    assert (first["totalCount"], second["totalCount"]) == (3, 4)
    assert [node["body"] for node in second["nodes"]] == ["1", "2"]


def test_half_of_a_batch_and_an_answer_that_is_cut_short(opened: Any) -> None:
    """Every second node is refused at its path; a query beyond the resource limits has no data."""
    node = opened.pull("id")["id"]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    opened.do("AddFault", kind="half")
    answer = json.loads(opened.raw(query, ids=[node, node]).body)
    assert answer["data"]["nodes"] == [{"id": node}, None]
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("FORBIDDEN", ["nodes", 1])]
    opened.do("AddFault", kind="cut_short")
    assert [error["type"] for error in opened.errors(query, ids=[node])] == ["RESOURCE_LIMITS_EXCEEDED"]


def test_the_clock_stands_where_it_was_put(opened: Any) -> None:
    """What happens afterwards bears the time that was set, and so does the `date` of every answer."""
    opened.do("SetClock", at=1_900_000_000.0)
    opened.do("AddComment", user="bob", number=1, body="hello")
    assert opened.state()["pulls"][0]["updated_at"] == "2030-03-17T17:46:40Z"
    assert opened.raw("{ viewer { login } }").headers["date"] == "Sun, 17 Mar 2030 17:46:40 GMT"
    opened.do("SetClock", at=None)
    opened.do("AddComment", user="bob", number=1, body="again")
    assert opened.state()["pulls"][0]["updated_at"] != "2030-03-17T17:46:40Z"
