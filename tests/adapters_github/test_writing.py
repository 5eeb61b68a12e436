"""What is written to GitHub, and how its effect is found again; issues; the wiring."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from headway_core.forge_actions.model import Comment, OpenPullRequest, Reply, RequestReview, Resolve
from headway_core.forge_actions.ports import Written
from headway_core.kernel.errors import HeadwayError, InvalidInput, NotFound, PermissionDenied, Unavailable
from headway_core.projects.model import Project
from headway_core.pull_requests.model import FailureKind
from headway_github.answers import GraphQLAnswer, SendFailed
from headway_github.container import GitHubContainer
from headway_github.gh import GhGraphQL
from headway_github.graphql_transport import HttpGraphQL
from headway_github.issues import GitHubIssueReader
from headway_github.reader import GitHubPullRequests
from headway_github.tokens import GhToken, GivenToken
from headway_github.webhooks import GitHubWebhooks
from headway_github.writer import GitHubWriter

from .conftest import FakeConnection, FakeGraphQL, a_writer, connection, error, who

pytestmark = pytest.mark.anyio

MARK = "<!-- headway:a1 -->"
OPEN = OpenPullRequest(head="fix", base="main", title="Fix login", body="Words", draft=True)
REPLY = Reply(thread_id="T1", body="Done")
RESOLVE = Resolve(thread_id="T1")


def opened(*pulls: dict[str, Any], newest: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The answer with these open pull requests, and these of any state."""
    repository = {"id": "R_1", "nameWithOwner": "Octo/Demo", "pullRequests": connection(pulls)}
    return {"repository": {**repository, "newest": {"nodes": list(newest)}}}


def thread(*bodies: str, resolved: bool = False) -> dict[str, Any]:
    comments = [{"id": f"C{n}", "body": body, "viewerDidAuthor": True} for n, body in enumerate(bodies)]
    node = {
        "__typename": "PullRequestReviewThread",
        "id": "T1",
        "isResolved": resolved,
        "pullRequest": {"number": 7},
        "opening": {"nodes": [{"fullDatabaseId": "4493209459501"}]},
    }
    return {"node": {**node, "comments": {"nodes": comments}}}


async def test_a_pull_request_is_opened_with_its_mark(graphql: FakeGraphQL, project: Project) -> None:
    """Head, base, title, body and draft as ordered; the mark is a line of its own."""
    graphql.answers["Opened"] = opened()
    graphql.answers["OpenPullRequest"] = {"createPullRequest": {"pullRequest": {"id": "PR_9"}}}
    assert await a_writer(graphql).write(project, OPEN, MARK) == Written(node_id="PR_9")
    assert graphql.sent[-1] == (
        "OpenPullRequest",
        {
            "input": {
                "repositoryId": "R_1",
                "headRefName": "fix",
                "baseRefName": "main",
                "title": "Fix login",
                "body": f"Words\n\n{MARK}",
                "draft": True,
            }
        },
    )


REPLIES = "POST /repos/octo/demo/pulls/7/comments/4493209459501/replies"


async def test_a_reply_is_written_by_rest(graphql: FakeGraphQL, project: Project) -> None:
    """Below the thread's first comment, whose number needs 64 bits; the mark is a line of its own."""
    graphql.answers["Thread"] = thread("Please")
    rest = FakeConnection()
    rest.answers[REPLIES] = (201, {"node_id": "C9"})
    assert await a_writer(graphql, rest).write(project, REPLY, MARK) == Written(node_id="C9")
    ((_, _, content, _),) = rest.sent
    assert json.loads(content or b"") == {"body": f"Done\n\n{MARK}"}


async def test_a_draft_of_a_review_is_told_as_the_reason(graphql: FakeGraphQL, project: Project) -> None:
    """Who has a review to submit can't reply beside it: by GraphQL the reply would vanish into the draft."""
    draft = "user_id can only have one pending review per pull request"
    refusal = {"message": "Validation Failed", "errors": [{"field": "user_id", "message": draft}, "odd", 5]}
    graphql.answers["Thread"] = thread("Please")
    rest = FakeConnection()
    rest.answers[REPLIES] = (422, refusal)
    with pytest.raises(InvalidInput, match=f"Validation Failed: {draft}: odd$") as caught:
        await a_writer(graphql, rest).write(project, REPLY, MARK)
    assert caught.value.field == "reply"


@pytest.mark.parametrize("number", [None, 7, "", "7/../8", "٣"])
async def test_a_number_that_is_none_is_no_path(graphql: FakeGraphQL, project: Project, number: Any) -> None:
    """Nothing is posted anywhere."""
    broken = thread("Please")
    broken["node"]["opening"]["nodes"] = [{"fullDatabaseId": number}] if number != "" else []
    graphql.answers["Thread"] = broken
    rest = FakeConnection()
    with pytest.raises(Unavailable):
        await a_writer(graphql, rest).write(project, REPLY, MARK)
    assert rest.sent == []


async def test_a_resolution_is_written(graphql: FakeGraphQL, project: Project) -> None:
    """Of the thread that was ordered."""
    graphql.answers["ResolveThread"] = {"resolveReviewThread": {"thread": {"id": "T1", "isResolved": True}}}
    assert await a_writer(graphql).write(project, RESOLVE, MARK) == Written(node_id="T1")
    assert graphql.sent == [("ResolveThread", {"input": {"threadId": "T1"}})]


async def test_the_effect_of_an_order_is_found_again(graphql: FakeGraphQL, project: Project) -> None:
    """An open pull request of the same head and base, one of ours with the mark, whatever became of it, a
    comment with the mark, a resolved thread.
    """
    writer = a_writer(graphql)
    pull = {"id": "PR_9", "headRepository": {"id": "R_1", "nameWithOwner": "octo/renamed"}}
    fork = {"id": "PR_8", "headRepository": {"id": "R_2", "nameWithOwner": "Octo/Demo"}}
    graphql.answers["Opened"] = opened(fork, pull)
    assert await writer.find(project, OPEN, MARK) == Written(node_id="PR_9")
    graphql.answers["Opened"] = opened(fork, {"id": "PR_7", "headRepository": None})
    assert await writer.find(project, OPEN, MARK) is None
    ours = {"id": "PR_5", "body": f"Words\n\n{MARK}", "viewerDidAuthor": True}
    anothers = {"id": "PR_6", "body": MARK, "viewerDidAuthor": False}
    graphql.answers["Opened"] = opened(fork, newest=[anothers, {**ours, "id": "PR_4", "body": "Words"}])
    assert await writer.find(project, OPEN, MARK) is None
    graphql.answers["Opened"] = opened(fork, newest=[anothers, ours])
    assert await writer.find(project, OPEN, MARK) == Written(node_id="PR_5")
    graphql.answers["Thread"] = thread("Please", f"Done\n{MARK}")
    assert await writer.find(project, REPLY, MARK) == Written(node_id="C1")
    assert await writer.find(project, REPLY, "<!-- headway:other -->") is None
    assert await writer.find(project, RESOLVE, MARK) is None
    graphql.answers["Thread"] = thread(resolved=True)
    assert await writer.find(project, RESOLVE, MARK) == Written(node_id="T1")


UNPROCESSABLE = GraphQLAnswer(data={}, errors=(error("UNPROCESSABLE"),))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SendFailed(kind=FailureKind.UNAVAILABLE, problem="p", retry_after_s=7), Unavailable),
        (SendFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=7), Unavailable),
        (SendFailed(kind=FailureKind.NONSENSE, problem="p"), Unavailable),
        (SendFailed(kind=FailureKind.FORBIDDEN, problem="p"), PermissionDenied),
        (SendFailed(kind=FailureKind.NOT_FOUND, problem="p"), NotFound),
        (GraphQLAnswer(data={"node": None}, errors=(error("NOT_FOUND", "node"),)), NotFound),
        (GraphQLAnswer(data={"node": None}, errors=(error("FORBIDDEN", "node"),)), PermissionDenied),
        (UNPROCESSABLE, InvalidInput),
        (GraphQLAnswer(data={}, errors=(error("ODD"),)), Unavailable),
        ({}, HeadwayError),
        ({"node": 5, "repository": 5}, Unavailable),
    ],
)
@pytest.mark.parametrize("order", [OPEN, REPLY])
async def test_every_failure_of_a_write_has_its_error(
    graphql: FakeGraphQL,
    project: Project,
    order: OpenPullRequest | Reply,
    answer: Any,
    expected: type[Exception],
) -> None:
    """Try again, may not, gone, refused: the caller can tell; a wait is passed on."""
    for name in ("Opened", "OpenPullRequest", "Thread"):
        graphql.answers[name] = answer
    for act in (a_writer(graphql).write, a_writer(graphql).find):
        with pytest.raises(expected) as caught:
            await act(project, order, MARK)
        if isinstance(answer, SendFailed) and isinstance(caught.value, Unavailable):
            assert caught.value.retry_after_s == answer.retry_after_s


async def test_githubs_refusal_of_content_is_told_in_its_words(
    graphql: FakeGraphQL, project: Project
) -> None:
    """The one message from outside that is passed on, cut."""
    graphql.answers |= {"Opened": opened(), "OpenPullRequest": UNPROCESSABLE}
    with pytest.raises(InvalidInput, match="words from outside"):
        await a_writer(graphql).write(project, OPEN, MARK)


async def test_a_thread_or_repository_that_is_gone_is_not_found(
    graphql: FakeGraphQL, project: Project
) -> None:
    """Null without an error, or an id of something else."""
    graphql.answers["Thread"] = {"node": {"__typename": "PullRequest"}}
    graphql.answers["Opened"] = {"repository": None}
    for order in (REPLY, OPEN):
        with pytest.raises(NotFound):
            await a_writer(graphql).find(project, order, MARK)


COMMENT = Comment(pull_request="PR_1", number=7, body="Hello")
ASK = RequestReview(pull_request="PR_1", number=7, reviewers=("Bob", "carol"))


def asked(*bodies: str, requested: Sequence[str] = (), reviewed: Sequence[str] = ()) -> dict[str, Any]:
    """The evidence of a comment and of a request for review; a deleted account has reviewed too."""
    pull = {
        "__typename": "PullRequest",
        "id": "PR_1",
        "comments": {
            "nodes": [
                {"id": f"IC{n}", "body": body, "viewerDidAuthor": True} for n, body in enumerate(bodies)
            ]
        },
        "reviewRequests": {
            "nodes": [{"requestedReviewer": who(login)} for login in requested]
            + [{"requestedReviewer": {"__typename": "Team"}}, {"requestedReviewer": None}]
        },
        "reviews": {"nodes": [{"author": who(login)} for login in reviewed] + [{"author": None}]},
    }
    return {"node": pull}


async def test_a_comment_is_written_by_rest_and_found_by_its_mark(
    graphql: FakeGraphQL, project: Project
) -> None:
    """The mark is a line of its own; a comment without it is somebody else's."""
    rest = FakeConnection()
    rest.answers["POST /repos/octo/demo/issues/7/comments"] = (201, {"node_id": "IC_9"})
    writer = a_writer(graphql, rest)
    assert await writer.write(project, COMMENT, MARK) == Written(node_id="IC_9")
    ((_, _, content, _),) = rest.sent
    assert json.loads(content or b"") == {"body": f"Hello\n\n{MARK}"}
    graphql.answers["Asked"] = asked("Hello")
    assert await writer.find(project, COMMENT, MARK) is None
    graphql.answers["Asked"] = asked("Hello", f"Hello\n\n{MARK}")
    assert await writer.find(project, COMMENT, MARK) == Written(node_id="IC1")


async def test_a_mark_that_others_repeat_is_no_evidence(graphql: FakeGraphQL, project: Project) -> None:
    """Whoever can read a mark can write it: only the token's own account has done what it says."""
    copied = thread("Done", MARK)
    copied["node"]["comments"]["nodes"][1]["viewerDidAuthor"] = False
    graphql.answers["Thread"] = copied
    assert await a_writer(graphql).find(project, REPLY, MARK) is None


@pytest.mark.parametrize(
    ("evidence", "there"),
    [
        (asked(), False),
        (asked(requested=["bob"]), False),
        (asked(requested=["BOB", "carol", "dave"]), True),
        (asked(requested=["carol"], reviewed=["bob"]), True),
    ],
)
async def test_a_request_for_review_is_there_when_all_are_asked_or_have_reviewed(
    graphql: FakeGraphQL,
    project: Project,
    evidence: dict[str, Any],
    there: bool,
) -> None:
    """Logins have no case."""
    graphql.answers["Asked"] = evidence
    found = await a_writer(graphql).find(project, ASK, MARK)
    assert found == (Written(node_id="PR_1") if there else None)


async def test_reviewers_are_asked_by_login(graphql: FakeGraphQL, project: Project) -> None:
    """In one request, sent once."""
    rest = FakeConnection()
    rest.answers["POST /repos/octo/demo/pulls/7/requested_reviewers"] = (201, {})
    assert await a_writer(graphql, rest).write(project, ASK, MARK) == Written(node_id="PR_1")
    ((_, _, content, _),) = rest.sent
    assert json.loads(content or b"") == {"reviewers": ["Bob", "carol"]}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((422, {"message": "Reviews may only be requested from collaborators"}), InvalidInput),
        ((422, []), InvalidInput),
        ((404, {"message": "Not Found"}), NotFound),
        ((403, {"message": "Resource not accessible"}), PermissionDenied),
        ((500, {}), Unavailable),
        (None, Unavailable),
    ],
)
async def test_an_order_that_rest_refuses_is_an_error(
    graphql: FakeGraphQL, project: Project, answer: Any, expected: type[Exception]
) -> None:
    """Of its content, its subject, its right, or the moment."""
    rest = FakeConnection()
    rest.answers["POST /repos/octo/demo/pulls/7/requested_reviewers"] = answer
    with pytest.raises(expected):
        await a_writer(graphql, rest).write(project, ASK, MARK)
    assert len(rest.sent) == 1


async def test_evidence_of_what_is_no_pull_request(graphql: FakeGraphQL, project: Project) -> None:
    """Gone, or an id of something else."""
    for node in (None, {"__typename": "Issue"}):
        graphql.answers["Asked"] = {"node": node}
        with pytest.raises(NotFound):
            await a_writer(graphql).find(project, COMMENT, MARK)


def an_issue(**changes: Any) -> dict[str, Any]:
    issue = {
        "number": 42,
        "url": "https://github.com/octo/demo/issues/42",
        "title": "Login fails",
        "body": "Steps",
        "author": who("bob"),
        "authorAssociation": "NONE",
        "viewerDidAuthor": False,
        **changes,
    }
    return {"repository": {"issue": issue}}


@pytest.mark.parametrize(
    ("changes", "author", "trusted"),
    [
        ({}, "bob", False),
        ({"authorAssociation": "MEMBER"}, "bob", True),
        ({"authorAssociation": "COLLABORATOR", "author": who("app", "Bot")}, "app", False),
        ({"author": who("alice"), "viewerDidAuthor": True}, "alice", True),
        ({"author": None}, None, False),
    ],
)
async def test_an_issue_is_read_with_its_authors_trust(
    graphql: FakeGraphQL,
    project: Project,
    changes: dict[str, Any],
    author: str | None,
    trusted: bool,
) -> None:
    """Those of the repository and the token's own account may be quoted; strangers and bots not."""
    graphql.answers["Issue"] = an_issue(**changes)
    issue = await GitHubIssueReader(graphql).read(project, 42)
    assert (issue.number, issue.title, issue.body) == (42, "Login fails", "Steps")
    assert (issue.author, issue.trusted) == (author, trusted)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"repository": None}, NotFound),
        ({"repository": {"issue": None}}, NotFound),
        (GraphQLAnswer(data={"repository": None}, errors=(error("NOT_FOUND", "repository"),)), NotFound),
        (
            GraphQLAnswer(data={"repository": None}, errors=(error("FORBIDDEN", "repository"),)),
            PermissionDenied,
        ),
        (an_issue(title=None), Unavailable),
        (SendFailed(kind=FailureKind.FORBIDDEN, problem="no token"), PermissionDenied),
        (SendFailed(kind=FailureKind.UNAVAILABLE, problem="p"), Unavailable),
    ],
)
async def test_an_issue_that_can_not_be_read_is_an_error(
    graphql: FakeGraphQL, project: Project, answer: Any, expected: type[Exception]
) -> None:
    """Not there, may not, not now."""
    graphql.answers["Issue"] = answer
    with pytest.raises(expected):
        await GitHubIssueReader(graphql).read(project, 42)


def test_the_container_constructs_every_provider() -> None:
    """With a token and without; nothing is opened, asked or shown."""
    container = GitHubContainer(api_url="https://api.github.com", token="ghp_secret")
    assert isinstance(container.pull_requests(), GitHubPullRequests)
    assert isinstance(container.issues(), GitHubIssueReader)
    assert isinstance(container.writer(), GitHubWriter)
    assert isinstance(container.webhooks(), GitHubWebhooks)
    assert isinstance(container.graphql(), HttpGraphQL)
    assert container.graphql() is container.graphql()
    by_gh = GitHubContainer(api_url="https://api.github.com", token="ghp_secret", transport="gh")
    assert isinstance(by_gh.graphql(), GhGraphQL)
    assert "ghp_secret" not in repr([by_gh, by_gh.graphql()])
    assert isinstance(container.tokens(), GivenToken)
    assert "ghp_secret" not in repr([container, container.tokens(), container.graphql()])
    assert isinstance(GitHubContainer(api_url="https://api.github.com", token=None).tokens(), GhToken)
