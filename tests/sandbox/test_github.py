"""What the sandbox answers is what GitHub would answer."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headway_sandbox import checks
from headway_sandbox.records import CheckRun, Conclusion

DOCUMENTS = Path(__file__).parents[1] / "data" / "github_documents"
GOOD = "def answer():\n    return 42\n\n\ndef other():\n    return 1\n"


def document(name: str) -> str:
    """Return one of the documents that Headway was designed with."""
    return (DOCUMENTS / f"{name}.graphql").read_text(encoding="utf-8")


@pytest.fixture
def opened(hand: Any, clone: Any) -> Any:
    """The usual world with a pull request by alice from `fix`, line 6 of sample.py changed."""
    clone.push("fix", {"sample.py": GOOD.replace("return 1", "return 2")})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix it", body="Please")
    hand.later()
    return hand


def test_detail_query_is_quick_and_complete(opened: Any) -> None:
    """One document answers everything about one pull request, in less than 50 ms."""
    opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="CHANGES_REQUESTED",
        threads=[{"path": "sample.py", "line": 6, "body": "why?"}],
    )
    text = document("16_detail_one_by_number")
    times, pull = [], None
    for _ in range(4):  # the first prepares the document; the machine may be busy
        began = time.perf_counter()
        pull = opened.ask(text, owner="octo", name="demo", number=1)["repository"]["pullRequest"]
        times.append(time.perf_counter() - began)
    assert min(times) < 0.05
    assert pull is not None
    assert (pull["state"], pull["mergeable"], pull["mergeStateStatus"]) == ("OPEN", "MERGEABLE", "UNSTABLE")
    assert pull["headRefOid"] == pull["headRef"]["target"]["oid"] == pull["rollup"]["commit"]["oid"]
    assert pull["rollup"]["state"] == "PENDING"
    (review,) = pull["latestOpinionatedReviews"]["nodes"]
    assert (review["author"]["login"], review["authorCanPushToRepository"]) == ("bob", True)
    assert pull["reviewDecision"] is None  # reviews are not required
    (thread,) = pull["reviewThreads"]["nodes"]
    assert (thread["path"], thread["line"], thread["isResolved"]) == ("sample.py", 6, False)
    (run,) = pull["checks"]["contexts"]["nodes"]
    assert run["databaseId"] > 2**31
    assert run["checkSuite"]["workflowRun"] == {
        "databaseId": run["checkSuite"]["workflowRun"]["databaseId"],
        "event": "pull_request",
        "workflow": {"name": "CI"},
    }


@pytest.mark.parametrize(
    "name",
    [
        "01_sweep_nodes",
        "02_sweep_nodes_lite",
        "05_detail_nodes",
        "14_cost_dry_run",
        "18_detail_checks_nodes",
        "19_detail_conversation_nodes",
    ],
)
def test_documents_by_node_id_execute(opened: Any, name: str) -> None:
    """Documents that address pull requests by node ids execute without an error."""
    node = opened.pull("id")["id"]
    assert opened.ask(document(name), ids=[node])["nodes"][0]["number"] == 1


def test_continuations_execute(opened: Any) -> None:
    """Pages are continued by the rollup's id, the pull request's and the thread's."""
    opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="COMMENTED",
        threads=[{"path": "sample.py", "line": n, "body": f"{n}"} for n in (1, 2, 6)],
    )
    opened.do("SetStatus", user="bob", commit="fix", context="lint", state="SUCCESS")
    facts = opened.pull(
        "id statusCheckRollup { id contexts(first: 1) { pageInfo { endCursor hasNextPage } } }"
        "reviewThreads(last: 1) { nodes { id path } pageInfo { startCursor } }"
    )
    rollup = facts["statusCheckRollup"]
    page = opened.ask(
        document("07_page_contexts"),
        rollupId=rollup["id"],
        after=rollup["contexts"]["pageInfo"]["endCursor"],
    )
    assert [node["__typename"] for node in page["node"]["contexts"]["nodes"]] == ["StatusContext"]
    threads = opened.ask(
        document("08_page_threads"),
        prId=facts["id"],
        before=facts["reviewThreads"]["pageInfo"]["startCursor"],
    )
    assert [node["line"] for node in threads["node"]["reviewThreads"]["nodes"]] == [1, 2]
    before = {"prId": facts["id"], "before": "OTk="}
    assert opened.ask(document("09_page_comments"), **before)["node"]["comments"]["nodes"] == []
    assert len(opened.ask(document("10_page_reviews"), **before)["node"]["reviews"]["nodes"]) == 1
    thread = facts["reviewThreads"]["nodes"][0]["id"]
    comments = opened.ask(document("11_page_thread_comments"), threadId=thread, before="OTk=")
    assert comments["node"]["comments"]["nodes"][0]["body"] == "6"


@pytest.mark.parametrize("ruleset", [False, True])
def test_required_checks_of_the_base(make_hand: Callable[..., Any], *, ruleset: bool) -> None:
    """Required checks show as a protection rule (to admins) or as a ruleset, never as both."""
    hand = make_hand(required_checks=("tests",), required_approvals=1, ruleset=ruleset)
    query, base = document("15_required_checks_of_base"), {"owner": "octo", "name": "demo"}
    shown = hand.ask(query, **base, ref="refs/heads/main")["repository"]["ref"]
    assert shown["branchProtectionRule"] is None
    rule = "refUpdateRule { requiredStatusCheckContexts }"
    others = f'{{ repository(owner: "octo", name: "demo") {{ ref(qualifiedName: "main") {{ {rule} }} }} }}'
    seen = hand.ask(others)["repository"]["ref"]["refUpdateRule"]
    assert seen == (None if ruleset else {"requiredStatusCheckContexts": ["tests"]})
    hand.do("CreateUser", user={"login": "alice", "permission": "ADMIN"})
    ref = hand.ask(query, **base, ref="refs/heads/main")["repository"]["ref"]
    rules = {node["type"]: node["parameters"] for node in ref["rules"]["nodes"]}
    if ruleset:
        assert ref["branchProtectionRule"] is None
        assert rules["REQUIRED_STATUS_CHECKS"]["requiredStatusChecks"][0]["context"] == "tests"
        assert rules["PULL_REQUEST"]["requiredApprovingReviewCount"] == 1
    else:
        assert ref["branchProtectionRule"]["requiredStatusChecks"] == [{"context": "tests", "app": None}]
        assert rules == {}


def test_required_checks_and_reviews_block(make_hand: Callable[..., Any], clone: Any) -> None:
    """A pull request is BLOCKED until the required checks are green and an approval is there."""
    hand = make_hand(required_checks=("lint",), required_approvals=1, test_command=())
    clone.push("fix", {"new.py": ""})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix")
    facts = "mergeStateStatus reviewDecision"
    assert hand.pull(facts) == {"mergeStateStatus": "BLOCKED", "reviewDecision": "REVIEW_REQUIRED"}
    hand.do("SetStatus", user="bob", commit="fix", context="lint", state="SUCCESS")
    hand.do("SubmitReview", user="carol", number=1, state="APPROVED")
    assert hand.pull(facts) == {"mergeStateStatus": "BLOCKED", "reviewDecision": "REVIEW_REQUIRED"}
    hand.do("SubmitReview", user="bob", number=1, state="APPROVED")
    assert hand.pull(facts) == {"mergeStateStatus": "CLEAN", "reviewDecision": "APPROVED"}
    node = hand.pull("id")["id"]
    one = hand.ask(document("06_detail_one_required"), prId=node)["node"]
    assert one["checks"]["contexts"]["nodes"][0]["isRequired"] is True


def test_discovery_by_head_branch(opened: Any) -> None:
    """Open pull requests are found by their head branch, newest update first."""
    query = (
        'query($head: String!) { repository(owner: "octo", name: "demo") { id'
        " pullRequests(headRefName: $head, states: [OPEN], first: 5,"
        " orderBy: {field: UPDATED_AT, direction: DESC}) {"
        " totalCount nodes { number headRepository { nameWithOwner } isCrossRepository } } } }"
    )
    found = opened.ask(query, head="fix")["repository"]["pullRequests"]["nodes"]
    assert found == [
        {"number": 1, "headRepository": {"nameWithOwner": "octo/demo"}, "isCrossRepository": False}
    ]
    assert opened.ask(query, head="fi")["repository"]["pullRequests"]["totalCount"] == 0


def test_issue(hand: Any) -> None:
    """An issue answers its texts, its author and how the author stands to the repository."""
    hand.do("CreateIssue", user="carol", title="It breaks", body="badly")
    query = (
        '{ viewer { login } repository(owner: "octo", name: "demo") { issue(number: 1)'
        " { title body url number state author { login __typename } authorAssociation } } }"
    )
    answer = hand.ask(query)
    assert answer["viewer"] == {"login": "alice"}
    assert answer["repository"]["issue"] == {
        "title": "It breaks",
        "body": "badly",
        "url": f"{hand.world.url}/octo/demo/issues/1",
        "number": 1,
        "state": "OPEN",
        "author": {"login": "carol", "__typename": "User"},
        "authorAssociation": "NONE",
    }
    (error,) = hand.errors('{ repository(owner: "octo", name: "demo") { issue(number: 9) { id } } }')
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository", "issue"])


def test_push_moves_the_head_and_conflicts_are_real(opened: Any, clone: Any) -> None:
    """A push moves head and updatedAt; a base that changed the same line makes it CONFLICTING."""
    before = opened.pull("updatedAt headRefOid baseRefOid mergeable")
    opened.later()
    oid = clone.push("fix", {"sample.py": GOOD.replace("return 1", "return 3")})
    pushed = opened.pull("updatedAt headRefOid")
    assert pushed["headRefOid"] == oid
    assert pushed["updatedAt"] > before["updatedAt"]
    opened.later()
    files = {"sample.py": GOOD.replace("return 1", "return 9")}
    base = opened.do("CommitFiles", user="bob", branch="main", files=files, message="Clash")["oid"]
    after = opened.pull("updatedAt baseRefOid mergeable mergeStateStatus")
    assert after == {
        "updatedAt": pushed["updatedAt"],  # a push to the base moves nothing
        "baseRefOid": base,
        "mergeable": "CONFLICTING",
        "mergeStateStatus": "DIRTY",
    }
    clone.push("fix", {"sample.py": GOOD.replace("return 1", "return 4")})
    assert opened.pull("statusCheckRollup { state }") == {"statusCheckRollup": None}  # no CI on conflicts


def test_mergeable_is_unknown_for_a_while(make_hand: Callable[..., Any], clone: Any) -> None:
    """The first read after a change starts the trial merge; until it is done it is UNKNOWN."""
    hand = make_hand(mergeable_delay=2.0)
    clone.push("fix", {"new.py": ""})
    hand.do("OpenPullRequest", user="alice", head="fix", title="Fix")
    facts = "mergeable mergeStateStatus"
    unknown = {"mergeable": "UNKNOWN", "mergeStateStatus": "UNKNOWN"}
    assert hand.pull(facts) == unknown
    hand.later(2.5)
    assert hand.pull(facts)["mergeable"] == "MERGEABLE"
    clone.push("fix", {"more.py": ""})
    assert hand.pull(facts) == unknown


def test_what_moves_updated_at(opened: Any) -> None:
    """Comments and reviews move updatedAt; resolving a thread and checks do not (github.md 1.4)."""
    review = opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="COMMENTED",
        threads=[{"path": "sample.py", "line": 1, "body": "hm"}],
    )
    thread = review["threads"][0]
    quiet: list[tuple[str, dict[str, Any]]] = [
        ("ResolveThread", {"user": "bob", "thread": thread}),
        ("SetStatus", {"user": "bob", "commit": "fix", "context": "lint", "state": "FAILURE"}),
    ]
    loud: list[tuple[str, dict[str, Any]]] = [
        ("AddComment", {"user": "bob", "number": 1, "body": "hello"}),
        ("ReplyToThread", {"user": "alice", "thread": thread, "body": "done"}),
        ("SubmitReview", {"user": "bob", "number": 1, "state": "APPROVED"}),
        ("EditPullRequest", {"number": 1, "title": "Better"}),
    ]
    for commands, moves in ((quiet, False), (loud, True)):
        for command, order in commands:
            before = opened.pull("updatedAt")
            opened.later()
            opened.do(command, **order)
            assert (opened.pull("updatedAt") != before) == moves, command


def test_threads_become_outdated(opened: Any, clone: Any) -> None:
    """A thread follows its line over a push, and is outdated once the line itself changed."""
    opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="COMMENTED",
        threads=[{"path": "sample.py", "line": n, "body": "hm"} for n in (2, 6)],
    )
    clone.push("fix", {"sample.py": "# top\n" + GOOD.replace("return 1", "return 7")})
    threads = opened.pull("reviewThreads(last: 9) { nodes { line isOutdated isCollapsed } }")
    assert threads["reviewThreads"]["nodes"] == [
        {"line": 3, "isOutdated": False, "isCollapsed": False},
        {"line": None, "isOutdated": True, "isCollapsed": True},
    ]


def test_latest_opinion_of_each_reviewer(opened: Any) -> None:
    """A comment does not take back an opinion; a dismissal and a later approval do."""
    first = opened.do("SubmitReview", user="bob", number=1, state="CHANGES_REQUESTED", body="no")
    opened.do("SubmitReview", user="bob", number=1, state="COMMENTED", body="hm")
    opinions = "latestOpinionatedReviews(first: 9) { nodes { state author { login } } }"

    def states() -> list[str]:
        nodes = opened.pull(opinions)["latestOpinionatedReviews"]["nodes"]
        return [node["state"] for node in nodes]

    assert states() == ["CHANGES_REQUESTED"]
    opened.do("DismissReview", review=first["id"])
    assert states() == ["DISMISSED"]
    opened.do("SubmitReview", user="bob", number=1, state="APPROVED")
    assert states() == ["APPROVED"]
    status, message = opened.refused("SubmitReview", user="alice", number=1, state="APPROVED")
    assert (status, message) == (422, "Can not approve your own pull request")


def test_superseded_runs_stay_in_the_contexts(opened: Any, clone: Any) -> None:
    """A state asked for beside the contexts counts superseded runs; alone it does not."""
    oid = clone.git("rev-parse", "fix")
    run = opened.state()["runs"][0]["id"]
    store = opened.engine.store
    with store.transaction() as tx:
        checks.finish(tx, run, conclusion=Conclusion.FAILURE, title="Failed", summary="")
        again = checks.rerun(tx, tx.get(CheckRun, run), fresh=True)
        checks.finish(tx, again.id, conclusion=Conclusion.SUCCESS, title="Passed", summary="")
    assert again.id != run
    fields = (
        "alone: statusCheckRollup { state commit { oid } }"
        " beside: statusCheckRollup { state contexts(first: 9) { totalCount } }"
    )
    facts = opened.pull(fields)
    assert facts["alone"] == {"state": "SUCCESS", "commit": {"oid": oid}}
    assert facts["beside"] == {"state": "FAILURE", "contexts": {"totalCount": 2}}
    with store.transaction() as tx:
        checks.rerun(tx, tx.get(CheckRun, run), fresh=False)  # in place: the failed row goes
    assert opened.pull(fields)["alone"]["state"] == "PENDING"
    assert opened.pull(fields)["beside"]["contexts"] == {"totalCount": 2}


def test_merge_close_reopen_delete(opened: Any, clone: Any) -> None:
    """A merge is a real commit on the base; merging twice answers the same; a deleted head closes."""
    merged = opened.do("MergePullRequest", user="bob", number=1)
    assert merged["state"] == "MERGED"
    clone.git("fetch", "-q")
    assert clone.git("rev-parse", "origin/main") == merged["merge_commit"]
    assert clone.git("show", "-s", "--format=%P", "origin/main").split()[1] == merged["head_oid"]
    assert opened.do("MergePullRequest", user="alice", number=1)["merge_commit"] == merged["merge_commit"]
    facts = opened.pull("merged mergeable mergedBy { login } mergeCommit { oid }")
    assert facts == {
        "merged": True,
        "mergeable": "UNKNOWN",
        "mergedBy": {"login": "bob"},
        "mergeCommit": {"oid": merged["merge_commit"]},
    }
    clone.push("second", {"second.py": ""}, start="origin/main")
    opened.do("OpenPullRequest", user="alice", head="second", title="Second")
    assert opened.do("ClosePullRequest", number=2)["state"] == "CLOSED"
    assert opened.do("ReopenPullRequest", number=2)["state"] == "OPEN"
    opened.do("DeleteBranch", branch="second")
    assert opened.pull("state headRef { name }", 2) == {"state": "CLOSED", "headRef": None}
    assert opened.refused("ReopenPullRequest", number=2)[0] == 422


def test_merge_by_push_is_noticed(opened: Any, clone: Any) -> None:
    """A base that was pushed with the head in it marks the pull request as merged."""
    clone.git("push", "-q", "origin", "fix:main")
    assert opened.pull("state") == {"state": "MERGED"}


def test_mutations_of_the_product(opened: Any, clone: Any) -> None:
    """Open, comment, reply, resolve and ask for a review, as the viewer."""
    clone.push("other", {"other.py": ""}, start="main")
    repository = opened.ask('{ repository(owner: "octo", name: "demo") { id } }')["repository"]["id"]
    order = {
        "repositoryId": repository,
        "baseRefName": "main",
        "headRefName": "other",
        "title": "Other",
        "draft": True,
    }
    fields = "pullRequest { id number isDraft author { login } }"
    pull = opened.mutate("createPullRequest", fields, **order)["pullRequest"]
    assert (pull["number"], pull["isDraft"], pull["author"]["login"]) == (2, True, "alice")
    (error,) = opened.mutation_errors("createPullRequest", **order)
    assert error["type"] == "UNPROCESSABLE"
    assert error["message"] == "A pull request already exists for octo:other."

    edge = "commentEdge { node { id body url viewerDidAuthor } }"
    said = opened.mutate("addComment", edge, subjectId=pull["id"], body="hi")
    assert said["commentEdge"]["node"]["body"] == "hi"
    assert said["commentEdge"]["node"]["viewerDidAuthor"]

    opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="CHANGES_REQUESTED",
        threads=[{"path": "sample.py", "line": 1, "body": "hm"}],
    )
    thread = opened.pull("reviewThreads(last: 1) { nodes { id } }")["reviewThreads"]["nodes"][0]["id"]
    reply = opened.mutate(
        "addPullRequestReviewThreadReply",
        "comment { id replyTo { id viewerDidAuthor } viewerDidAuthor pullRequestReview { state } }",
        pullRequestReviewThreadId=thread,
        body="done",
    )["comment"]
    assert (reply["replyTo"]["viewerDidAuthor"], reply["viewerDidAuthor"]) == (False, True)
    assert reply["pullRequestReview"] == {"state": "COMMENTED"}  # as GitHub wraps replies
    fields = "thread { isResolved resolvedBy { login } }"
    resolved = opened.mutate("resolveReviewThread", fields, threadId=thread)["thread"]
    assert resolved == {"isResolved": True, "resolvedBy": {"login": "alice"}}
    again = opened.mutate("unresolveReviewThread", fields, threadId=thread)["thread"]
    assert again == {"isResolved": False, "resolvedBy": None}

    bob = opened.ask('{ user(login: "bob") { id } }')["user"]["id"]
    asked = opened.mutate(
        "requestReviews",
        "pullRequest { reviewRequests(first: 1) { nodes { requestedReviewer { ... on User { login } } } } }",
        pullRequestId=pull["id"],
        userIds=[bob],
        union=True,
    )
    (request,) = asked["pullRequest"]["reviewRequests"]["nodes"]
    assert request["requestedReviewer"] == {"login": "bob"}


def test_permissions(opened: Any) -> None:
    """A reader may not resolve; a stranger does not even learn that the repository exists."""
    opened.do(
        "SubmitReview",
        user="bob",
        number=1,
        state="COMMENTED",
        threads=[{"path": "sample.py", "line": 1, "body": "hm"}],
    )
    thread = opened.pull("reviewThreads(last: 1) { nodes { id } }")["reviewThreads"]["nodes"][0]["id"]
    (error,) = opened.mutation_errors("resolveReviewThread", user="carol", threadId=thread)
    assert error["type"] == "FORBIDDEN"
    assert opened.state()["pulls"][0]["threads"][0]["resolved"] is False
    (error,) = opened.errors('{ repository(owner: "octo", name: "demo") { id } }', user="mallory")
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository"])
    (error,) = opened.errors("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", user="mallory", ids=[thread])
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["nodes", 0])
    assert opened.refused("OpenPullRequest", user="carol", head="fix", title="x")[0] == 403
    reply = opened.raw("{ viewer { login } }", user="nobody")
    assert (reply.status, json.loads(reply.body)["message"]) == (401, "Bad credentials")


def test_pages_need_bounds(opened: Any) -> None:
    """Nodes without first or last, and more than 100 of them, are refused as GitHub does."""
    for arguments in ("", "(first: 101)"):
        pulls = f"pullRequests{arguments} {{ nodes {{ id }} }}"
        query = f'{{ repository(owner: "octo", name: "demo") {{ {pulls} }} }}'
        (error,) = opened.errors(query)
        assert error["type"] == "MISSING_PAGINATION_BOUNDARIES"
