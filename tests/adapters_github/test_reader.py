"""What of an answer becomes an observation, and what of it does not."""

import logging
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway_core.forge_actions.model import own_mark
from headway_core.projects.model import Project
from headway_core.pull_requests.model import (
    CheckOutcome,
    FailureKind,
    GitHubState,
    Mergeability,
    MergeQueueEntry,
    ReviewDecision,
)
from headway_core.pull_requests.ports import Candidate, FetchFailed, Observation
from headway_github.answers import GraphQLAnswer, SendFailed
from headway_github.batches import GOOD_TO_GROW, BatchSize
from headway_github.detail import DETAILS_A_CALL
from headway_github.rules import STALE_S, RequiredCheck, RequiredContexts

from .conftest import (
    BASE,
    HEAD,
    FakeConnection,
    FakeGraphQL,
    a_comment,
    a_pull_request,
    a_reader,
    a_remark,
    a_review,
    a_run,
    a_thread,
    connection,
    detail,
    error,
    who,
)

pytestmark = pytest.mark.anyio

OTHER = "c" * 40
TOO_BIG = SendFailed(kind=FailureKind.UNAVAILABLE, problem="502", too_big=True)


async def observe(graphql: FakeGraphQL, project: Project, *nodes: Any, **more: Any) -> Any:
    """The observation of the first node, or why there is none."""
    answer = GraphQLAnswer(data=detail(*nodes), errors=tuple(more.get("errors", ())))
    graphql.answers["Detail"] = answer
    ids = [
        node["id"] if isinstance(node, dict) and "id" in node else f"PR_{n}" for n, node in enumerate(nodes)
    ]
    return (await a_reader(graphql).observe(project, ids))[ids[0]]


async def test_a_whole_answer_is_a_whole_observation(graphql: FakeGraphQL, project: Project) -> None:
    """Every part is read, by one query and one for the rules of the base."""
    seen = await observe(graphql, project, a_pull_request(reviewDecision="REVIEW_REQUIRED", isDraft=True))
    assert isinstance(seen, Observation)
    assert seen.problems == ()
    state = seen.state
    assert (state.node_id, state.number, state.state, state.draft) == ("PR_1", 7, GitHubState.OPEN, True)
    assert state.review_decision is ReviewDecision.REVIEW_REQUIRED
    assert (state.head.commit, state.head.tip, state.head.repository) == (HEAD, HEAD, "octo/demo")
    assert (state.base.ref, state.base.commit) == ("main", BASE)
    assert state.author.is_viewer
    assert seen.mergeability is Mergeability.CLEAN
    assert seen.checks is not None
    assert (seen.checks.commit, seen.checks.required) == (HEAD, ())
    assert [(c.name, c.outcome, c.required) for c in seen.checks.checks] == [
        ("test", CheckOutcome.PASSED, False)
    ]
    assert graphql.names() == ["Detail", "Required"]


@pytest.mark.lesson("S4")
async def test_a_null_rollup_is_a_read_part_without_checks(graphql: FakeGraphQL, project: Project) -> None:
    """Null without an error at its path: the head has none."""
    seen = await observe(graphql, project, a_pull_request(checks=None))
    assert seen.checks.checks == ()


@pytest.mark.parametrize(
    ("path", "missing"),
    [
        (("checks",), {"checks"}),
        (("checks", "contexts", "nodes", 0, "checkSuite", "workflowRun"), {"checks"}),
        (("reviews",), {"conversation"}),
        (("reviewThreads", "nodes", 0), {"conversation"}),
        (("mergeable",), {"mergeability"}),
        (("headRepository",), set()),
        (("author",), set()),
    ],
)
async def test_an_error_hurts_the_part_at_its_path_alone(
    graphql: FakeGraphQL, project: Project, path: tuple[str | int, ...], missing: set[str]
) -> None:
    """A token without the right to checks still tells the rest: unknown is not none."""
    node = a_pull_request()
    node[str(path[0])] = None if path[0] != "mergeable" else "UNKNOWN"
    seen = await observe(graphql, project, node, errors=[error("FORBIDDEN", "nodes", 0, *path)])
    assert isinstance(seen, Observation)
    parts = {"checks": seen.checks, "conversation": seen.conversation, "mergeability": seen.mergeability}
    assert {name for name, part in parts.items() if part is None} == missing
    assert all("forbidden" in problem for problem in seen.problems)
    named = [problem.partition(":")[0] for problem in seen.problems]
    assert set(named) == (missing or seen.state.untold)


@pytest.mark.parametrize(
    ("kind", "path", "failure"),
    [
        ("FORBIDDEN", ("headRef",), FailureKind.FORBIDDEN),
        ("FORBIDDEN", (), FailureKind.FORBIDDEN),
        ("NOT_FOUND", (), FailureKind.NOT_FOUND),
        ("", ("state",), FailureKind.UNAVAILABLE),
    ],
)
async def test_an_error_at_the_state_hurts_its_pull_request_alone(
    graphql: FakeGraphQL, project: Project, kind: str, path: tuple[str, ...], failure: FailureKind
) -> None:
    """The other of the batch is whole."""
    nodes = [None if not path else a_pull_request("PR_0"), a_pull_request("PR_1")]
    graphql.answers["Detail"] = GraphQLAnswer(data=detail(*nodes), errors=(error(kind, "nodes", 0, *path),))
    seen = await a_reader(graphql).observe(project, ["PR_0", "PR_1"])
    assert isinstance(seen["PR_0"], FetchFailed)
    assert seen["PR_0"].kind is failure
    assert isinstance(seen["PR_1"], Observation)


async def test_an_error_without_a_place_hurts_all(graphql: FakeGraphQL, project: Project) -> None:
    """Who can say what it means is nobody: nothing is believed."""
    seen = await observe(graphql, project, a_pull_request(), errors=[error("ODD")])
    assert isinstance(seen, FetchFailed)


@pytest.mark.parametrize("node", [None, {"__typename": "Issue", "id": "PR_1"}])
async def test_what_is_no_pull_request_is_not_found(
    graphql: FakeGraphQL, project: Project, node: Any
) -> None:
    """Null without an error, or an id of something else."""
    seen = await observe(graphql, project, node)
    assert isinstance(seen, FetchFailed)
    assert seen.kind is FailureKind.NOT_FOUND


@pytest.mark.lesson("S5")
@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "HALF_OPEN"},
        {"state": None},
        {"number": "7"},
        {"number": True},
        {"isDraft": 1},
        {"headRefOid": "main"},
        {"updatedAt": "yesterday"},
        {"updatedAt": None},
        {"title": None},
        {"baseRefOid": None},
        {"headRef": {"target": {"oid": "x"}}},
        {"mergeQueueEntry": []},
        {"reviewDecision": 5},
        {"mergeQueueEntry": {"state": "QUEUED", "position": -1}},
        {"mergeQueueEntry": {"state": None, "position": 1}},
        {"id": "PR_other"},
    ],
)
async def test_a_malformed_state_is_a_failed_fetch(
    graphql: FakeGraphQL, project: Project, wrong: Mapping[str, Any]
) -> None:
    """A wrong type, a null where a value is promised, a word that is none: the old facts stay."""
    graphql.answers["Detail"] = detail(a_pull_request(**wrong))
    seen = (await a_reader(graphql).observe(project, ["PR_1"]))["PR_1"]
    assert isinstance(seen, FetchFailed)
    assert seen.kind is FailureKind.NONSENSE


@pytest.mark.lesson("S5")
@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"checks": {"id": "SCR", "commit": {"oid": HEAD}, "contexts": None}}, "checks"),
        ({"checks": {"id": "SCR", "commit": {"oid": HEAD}, "contexts": connection([None])}}, "checks"),
        (
            {"checks": {"id": "SCR", "commit": {"oid": HEAD}, "contexts": connection([a_run(name=5)])}},
            "checks",
        ),
        ({"checks": {"id": "SCR", "commit": {"oid": OTHER}, "contexts": connection([a_run()])}}, "checks"),
        ({"checks": "SUCCESS"}, "checks"),
        ({"reviews": None}, "conversation"),
        ({"reviews": connection([a_review("R", state=None)])}, "conversation"),  # type: ignore[arg-type]  # wrong on purpose
        ({"reviewThreads": connection([a_thread("T", a_comment("C", body=None))])}, "conversation"),
        ({"reviewThreads": connection([a_thread("T", path=None)])}, "conversation"),
        ({"mergeable": None}, "mergeability"),
        ({"mergeable": 1}, "mergeability"),
        ({"reviews": connection([a_review("R", viewerDidAuthor=None)])}, "conversation"),
    ],
)
async def test_a_malformed_part_is_missing_alone(
    graphql: FakeGraphQL, project: Project, wrong: Mapping[str, Any], part: str
) -> None:
    """Also checks that were read at another commit than the head."""
    seen = await observe(graphql, project, a_pull_request(**wrong))
    assert isinstance(seen, Observation)
    assert getattr(seen, part) is None
    (problem,) = seen.problems
    assert problem.startswith(f"{part}: ")


@pytest.mark.lesson("S1", "R29")
async def test_words_of_closed_sets_are_checked(
    graphql: FakeGraphQL, project: Project, caplog: pytest.LogCaptureFixture, anyio_backend: str
) -> None:
    """`DIRTY` is another field's word: it is no conflict, and it is reported; nothing is derived from one."""
    dirty, maybe = f"DIRTY_{anyio_backend}", f"MAYBE_{anyio_backend}"
    with caplog.at_level(logging.WARNING):
        seen = await observe(graphql, project, a_pull_request(mergeable=dirty, reviewDecision=maybe))
    assert seen.mergeability is Mergeability.UNKNOWN
    assert seen.state.review_decision is ReviewDecision.REVIEW_REQUIRED
    assert dirty in caplog.text
    assert maybe in caplog.text


@pytest.mark.lesson("R29")
@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("MERGEABLE", Mergeability.CLEAN),
        ("CONFLICTING", Mergeability.CONFLICT),
        ("UNKNOWN", Mergeability.UNKNOWN),
    ],
)
async def test_mergeability(graphql: FakeGraphQL, project: Project, word: str, meaning: Mergeability) -> None:
    """GitHub's three words; the base is the pull request's own."""
    seen = await observe(graphql, project, a_pull_request(mergeable=word, baseRefName="next"))
    assert (seen.mergeability, seen.state.base.ref) == (meaning, "next")


async def test_a_branch_that_is_gone_and_one_that_is_ahead(graphql: FakeGraphQL, project: Project) -> None:
    """The tip stands beside the head, which may lag behind it."""
    gone = await observe(graphql, project, a_pull_request(headRef=None, headRepository=None))
    assert (gone.state.head.tip, gone.state.head.repository) == (None, None)
    ahead = await observe(graphql, project, a_pull_request(headRef={"target": {"oid": OTHER}}))
    assert (ahead.state.head.commit, ahead.state.head.tip) == (HEAD, OTHER)


async def test_a_deleted_account_and_a_bot(graphql: FakeGraphQL, project: Project) -> None:
    """Nobody is `ghost`; a bot is known as one."""
    ghost = await observe(graphql, project, a_pull_request(author=None))
    assert (ghost.state.author.login, ghost.state.author.is_viewer) == ("ghost", False)
    renovate = a_pull_request(author=who("renovate", "Bot"), viewerDidAuthor=False)
    bot = await observe(graphql, project, renovate)
    assert (bot.state.author.is_bot, bot.state.author.is_viewer) == (True, False)


async def test_github_says_what_the_tokens_own_account_wrote(graphql: FakeGraphQL, project: Project) -> None:
    """Of each pull request, review and comment: names and kinds of accounts play no part."""
    app = who("headway", "Bot")
    mine: dict[str, Any] = {"author": app, "viewerDidAuthor": True}
    node = a_pull_request(
        **mine,
        reviews=connection([a_review("R1", body="Mine", **mine), a_review("R2", "headway", body="Hm")]),
        reviewThreads=connection([a_thread("T1", a_comment("C1", **mine), a_comment("C2", "headway"))]),
    )
    seen = await observe(graphql, project, node)
    assert (seen.state.author.is_bot, seen.state.author.is_viewer) == (True, True)
    assert {r.id: r.author.is_viewer for r in seen.conversation.reviews} == {"R1": True, "R2": False}
    (thread,) = seen.conversation.threads
    assert {c.id: c.author.is_viewer for c in thread.comments} == {"C1": True, "C2": False}


@pytest.mark.lesson("R25")
async def test_reviews_that_are_kept(graphql: FakeGraphQL, project: Project) -> None:
    """The latest opinion of each author and every one with a body, oldest first; drafts are nobody's yet."""
    reviews = [
        a_review("R1", submittedAt="2026-01-01T10:00:00Z"),
        a_review("R2", state="APPROVED", submittedAt="2026-01-01T11:00:00Z"),
        a_review("R3", state="COMMENTED", submittedAt="2026-01-01T12:00:00Z"),
        a_review("R4", "carol", "COMMENTED", body="Why?", submittedAt="2026-01-01T09:00:00Z"),
        a_review("R5", "alice", "PENDING", body="draft", submittedAt=None),
    ]
    seen = await observe(graphql, project, a_pull_request(reviews=connection(reviews)))
    kept = seen.conversation.reviews
    assert [review.id for review in kept] == ["R4", "R2"]
    assert kept[1].author.can_push
    assert (kept[0].body, kept[0].commit) == ("Why?", HEAD)


@pytest.mark.lesson("R26", "R27")
async def test_threads_are_the_unresolved_ones_with_all_their_comments(
    graphql: FakeGraphQL, project: Project
) -> None:
    """Resolved ones are left out, and still count for the review that opened them."""
    late = a_comment("C2", "alice", createdAt="2026-01-01T12:30:00Z", lastEditedAt="2026-01-01T13:00:00Z")
    threads = [
        a_thread("T1", late, a_comment("C1")),
        a_thread("T2", a_comment("C3"), isResolved=True),
    ]
    node = a_pull_request(
        reviewThreads=connection(threads), reviews=connection([a_review("PRR_1", body="See below")])
    )
    seen = await observe(graphql, project, node)
    (thread,) = seen.conversation.threads
    assert (thread.id, thread.path, thread.line, thread.outdated) == ("T1", "src/login.py", 3, False)
    assert [comment.id for comment in thread.comments] == ["C1", "C2"]
    assert thread.comments[1].edited_at is not None
    assert thread.comments[1].author.is_viewer
    assert thread.comments[0].author.can_push
    assert seen.conversation.reviews[0].thread_count == 2


@pytest.mark.lesson("R25")
async def test_a_comment_is_said_when_its_review_is_submitted(graphql: FakeGraphQL, project: Project) -> None:
    """What was drafted before an approval, or before other comments, could be read by nobody then."""
    of_review = {"id": "PRR_2", "authorCanPushToRepository": True, "submittedAt": "2026-01-01T14:00:00Z"}
    drafted = a_comment("C1", createdAt="2026-01-01T09:00:00Z", pullRequestReview=of_review)
    others = [
        a_comment("C2", createdAt="2026-01-01T12:00:00Z"),
        a_comment("C3", createdAt="2026-01-01T13:00:00Z", pullRequestReview=None),
        a_comment("C4", createdAt="2026-01-01T15:00:00Z", pullRequestReview={**of_review, "id": "PRR_3"}),
    ]
    node = a_pull_request(reviewThreads=connection([a_thread("T1", drafted, *others)]))
    (thread,) = (await observe(graphql, project, node)).conversation.threads
    assert [(each.id, each.created_at.hour) for each in thread.comments] == [
        ("C2", 12),
        ("C3", 13),
        ("C1", 14),
        ("C4", 15),
    ]


def _said(node_ids: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A pull request with these comments in its conversation, the newest last."""
    remarks = [a_remark(each, body) for each, body in node_ids.items()]
    return a_pull_request(comments={"nodes": remarks}, **more)


async def test_comments_that_ask_for_something_are_kept(graphql: FakeGraphQL, project: Project) -> None:
    """Those that begin with the command or address our account, which is asked for once in a while."""
    graphql.answers["Viewer"] = {"viewer": {"login": "headway[bot]"}}
    node = _said({"IC_1": "LGTM", "IC_2": "/fix it", "IC_3": "@headway go", "IC_4": "@bob go"})
    seen = await observe(graphql, project, node)
    assert [each.id for each in seen.conversation.comments] == ["IC_2", "IC_3"]
    (asked, addressed) = seen.conversation.comments
    assert (asked.body, asked.author.login, asked.author.association) == ("/fix it", "bob", "MEMBER")
    assert (asked.author.can_push, addressed.review_id) == (None, None)
    assert seen.problems == ()


async def test_who_we_are_is_asked_only_when_somebody_is_addressed(
    graphql: FakeGraphQL, project: Project
) -> None:
    """One point in five minutes, and none where nobody is."""
    reader = a_reader(graphql)
    graphql.answers["Viewer"] = {"viewer": {"login": "headway"}}
    for body, asked in (("/fix it", 0), ("@headway go", 1), ("@headway go", 1)):
        graphql.answers["Detail"] = detail(_said({"IC_1": body}))
        found = await reader.observe(project, ["PR_1"])
        seen = found["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.conversation is not None
        assert [each.id for each in seen.conversation.comments or ()] == ["IC_1"]
        assert graphql.names().count("Viewer") == asked


@pytest.mark.parametrize(
    "answer",
    [
        SendFailed(kind=FailureKind.UNAVAILABLE, problem="away"),
        GraphQLAnswer(data={"viewer": None}, errors=(error("FORBIDDEN", "viewer"),)),
        {"viewer": {}},
    ],
)
async def test_a_token_that_does_not_know_itself_hears_commands(
    graphql: FakeGraphQL, project: Project, answer: object
) -> None:
    """Nothing is lost but being addressed."""
    graphql.answers["Viewer"] = answer
    seen = await observe(graphql, project, _said({"IC_1": "@headway go", "IC_2": "/fix it"}))
    assert [each.id for each in seen.conversation.comments] == ["IC_2"]
    assert seen.problems == ()


async def test_whether_the_author_of_a_comment_can_push_his_review_tells(
    graphql: FakeGraphQL, project: Project
) -> None:
    """A member of the organisation who may not push is known by what he reviewed."""
    reviews = connection([a_review("R1", body="Hm", authorCanPushToRepository=False)])
    threads = connection([a_thread("T1", a_comment("C1", "carol"))])
    remarks = [a_remark(f"IC_{by}", "/fix it", by) for by in ("bob", "carol", "dave")]
    node = a_pull_request(reviews=reviews, reviewThreads=threads, comments={"nodes": remarks})
    seen = await observe(graphql, project, node)
    rights = {each.author.login: each.author.can_push for each in seen.conversation.comments}
    assert rights == {"bob": False, "carol": True, "dave": None}


async def test_comments_that_may_not_be_read_take_no_review_away(
    graphql: FakeGraphQL, project: Project
) -> None:
    """Refused, malformed or not asked for: reviews are read, and what was known of the comments stands."""
    node = a_pull_request(reviews=connection([a_review("R1", body="Hm")]), comments=None)
    refused = GraphQLAnswer(data=detail(node), errors=(error("FORBIDDEN", "nodes", 0, "comments"),))
    without = {key: value for key, value in node.items() if key != "comments"}
    for answer, problems in (
        (refused, ("comments: forbidden",)),
        (detail(node), ("comments: malformed at comments: is missing",)),
        (detail(without), ()),
    ):
        graphql.answers["Detail"] = answer
        seen = (await a_reader(graphql).observe(project, ["PR_1"]))["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.conversation is not None
        assert [each.id for each in seen.conversation.reviews] == ["R1"]
        assert seen.conversation.comments is None
        assert seen.problems == problems


@pytest.mark.lesson("S13")
async def test_outside_text_is_bounded_and_keeps_our_mark(graphql: FakeGraphQL, project: Project) -> None:
    """A body of a megabyte is cut to 8 KiB; what Headway wrote is still known as Headway's."""
    mark = "<!-- headway:01J-abc -->"
    body = "é" * 500_000 + "\n\n" + mark
    node = a_pull_request(
        title="t" * 1000, reviewThreads=connection([a_thread("T1", a_comment("C1", body=body))])
    )
    seen = await observe(graphql, project, node)
    text = seen.conversation.threads[0].comments[0].body
    assert len(text.encode()) <= 8 * 1024
    assert own_mark(text) == mark
    assert len(seen.state.title) == 300
    for quoting in (
        f"> {mark}\n" + "é" * 500_000,
        "é" * 500_000 + f"\n> {mark}",
        f"é\n{mark}\n" + "é" * 9000,
    ):
        node = a_pull_request(reviewThreads=connection([a_thread("T1", a_comment("C1", body=quoting))]))
        seen = await observe(graphql, project, node)
        assert own_mark(seen.conversation.threads[0].comments[0].body) is None
    long = a_pull_request(reviews=connection([a_review("R1", body="x" * 9000)]))
    seen = await observe(graphql, project, long)
    assert len(seen.conversation.reviews[0].body.encode()) == 8 * 1024


def pages(entries: list[Any], size: int, node: Mapping[str, Any], field: str) -> Any:
    """A handler that serves a connection of a node in pages; the cursor is an offset, as GitHub's is."""

    def page(variables: Mapping[str, Any]) -> Any:
        start = int(variables["after"] or 0)
        after = str(start + size) if start + size < len(entries) else None
        return {
            "node": {
                **node,
                field: connection(entries[start : start + size], total=len(entries), after=after),
            }
        }

    return page


@pytest.mark.lesson("S13")
async def test_three_hundred_checks_over_pages(graphql: FakeGraphQL, project: Project) -> None:
    """All of them count; further pages are of the same rollup."""
    runs = [a_run(n, name=f"job {n}") for n in range(300)]
    rollup = {"id": "SCR_1", "commit": {"oid": HEAD}}
    graphql.answers["MoreContexts"] = pages(runs, 100, rollup, "contexts")
    first = connection(runs[:100], total=300, after="100")
    seen = await observe(graphql, project, a_pull_request(checks={**rollup, "contexts": first}))
    assert len(seen.checks.checks) == 300
    assert [v["after"] for name, v in graphql.sent if name == "MoreContexts"] == ["100", "200"]
    assert {v["id"] for name, v in graphql.sent if name == "MoreContexts"} == {"SCR_1"}


async def test_checks_that_come_while_they_are_read_are_read_again(
    graphql: FakeGraphQL, project: Project
) -> None:
    """A total that changes between two pages starts the list anew, so that no row is lost."""
    runs = [a_run(n, name=f"job {n}") for n in range(150)]
    grown = [a_run(999, name="new"), *runs]
    rollup = {"id": "SCR_1", "commit": {"oid": HEAD}}
    graphql.answers["MoreContexts"] = pages(grown, 100, rollup, "contexts")
    first = connection(runs[:100], total=150, after="100")
    seen = await observe(graphql, project, a_pull_request(checks={**rollup, "contexts": first}))
    assert len(seen.checks.checks) == 151
    assert [v["after"] for name, v in graphql.sent if name == "MoreContexts"] == ["100", None, "100"]


async def test_a_list_that_never_holds_still_is_not_read(graphql: FakeGraphQL, project: Project) -> None:
    """After three readings the part is missing; the rest stands."""
    count = 150

    def restless(variables: Mapping[str, Any]) -> Any:
        nonlocal count
        count += 1
        runs = [a_run(n) for n in range(100)]
        return {"node": {"commit": {"oid": HEAD}, "contexts": connection(runs, total=count, after="100")}}

    graphql.answers["MoreContexts"] = restless
    first = connection([a_run(n) for n in range(100)], total=150, after="100")
    checks = {"id": "SCR_1", "commit": {"oid": HEAD}, "contexts": first}
    seen = await observe(graphql, project, a_pull_request(checks=checks))
    assert seen.checks is None
    assert seen.problems == ("checks: the list changed while it was read",)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (SendFailed(kind=FailureKind.UNAVAILABLE, problem="because"), "unavailable: because"),
        (GraphQLAnswer(data={"node": None}, errors=(error("FORBIDDEN", "node"),)), "GitHub refused a page"),
        ({"node": None}, "malformed"),
        ({"node": {"headRefOid": OTHER, "reviews": connection([])}}, "another commit"),
    ],
)
async def test_a_page_that_is_missing_makes_the_part_missing(
    graphql: FakeGraphQL, project: Project, answer: Any, problem: str
) -> None:
    """A list is whole or not there, also when the head moved between two pages."""
    graphql.answers["MoreReviews"] = answer
    reviews = connection([a_review("R1")], total=2, after="1")
    seen = await observe(graphql, project, a_pull_request(reviews=reviews))
    assert seen.conversation is None
    assert problem in seen.problems[0]


async def test_a_torn_list_is_not_whole(graphql: FakeGraphQL, project: Project) -> None:
    """Fewer rows than GitHub says there are: read again, then missing."""
    graphql.answers["MoreReviews"] = {
        "node": {"headRefOid": HEAD, "reviews": connection([a_review("R1")], total=2)}
    }
    reviews = connection([a_review("R1")], total=2)
    seen = await observe(graphql, project, a_pull_request(reviews=reviews))
    assert seen.conversation is None


async def test_a_cursor_that_stands_still_ends(graphql: FakeGraphQL, project: Project) -> None:
    """A server that repeats itself keeps nobody for ever."""
    graphql.answers["MoreReviews"] = {
        "node": {"headRefOid": HEAD, "reviews": connection([a_review("R1")], total=9, after="1")}
    }
    reviews = connection([a_review("R1")], total=9, after="1")
    seen = await observe(graphql, project, a_pull_request(reviews=reviews))
    assert seen.conversation is None


async def test_a_list_without_end_is_not_read(graphql: FakeGraphQL, project: Project) -> None:
    """Sixty pages are the bound."""
    count = 0

    def endless(variables: Mapping[str, Any]) -> Any:
        nonlocal count
        count += 1
        return {"node": {"headRefOid": HEAD, "reviews": connection([], total=9, after=str(count))}}

    graphql.answers["MoreReviews"] = endless
    seen = await observe(graphql, project, a_pull_request(reviews=connection([], total=9, after="0")))
    assert seen.problems == ("conversation: the list is too long",)


@pytest.mark.lesson("R27", "S13")
async def test_five_hundred_threads_and_a_long_one(graphql: FakeGraphQL, project: Project) -> None:
    """Threads and the comments of each are read to their end."""
    comments = [a_comment(f"C{n}") for n in range(45)]
    long = a_thread("T0", isOutdated=True)
    long["comments"] = connection(comments[:20], total=45, after="20")
    threads = [long, *(a_thread(f"T{n}", a_comment(f"X{n}")) for n in range(1, 500))]
    graphql.answers["MoreThreads"] = pages(threads, 50, {"headRefOid": HEAD}, "reviewThreads")
    graphql.answers["MoreComments"] = pages(comments, 20, {}, "comments")
    first = connection(threads[:50], total=500, after="50")
    seen = await observe(graphql, project, a_pull_request(reviewThreads=first))
    assert len(seen.conversation.threads) == 500
    assert len(seen.conversation.threads[0].comments) == 45


async def test_many_are_read_in_batches(graphql: FakeGraphQL, project: Project) -> None:
    """Twenty a call; each is answered for."""
    graphql.answers["Detail"] = lambda v: detail(*(a_pull_request(node_id) for node_id in v["ids"]))
    ids = [f"PR_{n}" for n in range(45)]
    seen = await a_reader(graphql).observe(project, ids)
    assert set(seen) == set(ids)
    assert all(isinstance(each, Observation) for each in seen.values())
    sizes = [len(v["ids"]) for name, v in graphql.sent if name == "Detail"]
    assert sizes == [DETAILS_A_CALL, DETAILS_A_CALL, 5]


@pytest.mark.parametrize(
    "cut",
    [TOO_BIG, GraphQLAnswer(data=detail(None, None), errors=(error("RESOURCE_LIMITS_EXCEEDED"),))],
)
async def test_too_big_a_question_is_halved(graphql: FakeGraphQL, project: Project, cut: Any) -> None:
    """Down to one: a heavy pull request does not take the others with it."""

    def answer(variables: Mapping[str, Any]) -> Any:
        ids = variables["ids"]
        if "PR_heavy" in ids or len(ids) > 2:
            return cut
        return detail(*(a_pull_request(node_id) for node_id in ids))

    graphql.answers["Detail"] = answer
    seen = await a_reader(graphql).observe(project, ["PR_1", "PR_2", "PR_heavy", "PR_4"])
    assert {key for key, each in seen.items() if isinstance(each, Observation)} == {"PR_1", "PR_2", "PR_4"}
    assert isinstance(seen["PR_heavy"], FetchFailed)
    assert seen["PR_heavy"].kind is FailureKind.UNAVAILABLE


async def test_an_answer_of_another_length_is_nonsense(graphql: FakeGraphQL, project: Project) -> None:
    """Nobody knows which is which."""
    graphql.answers["Detail"] = detail(a_pull_request())
    seen = await a_reader(graphql).observe(project, ["PR_1", "PR_2"])
    assert {each.kind for each in seen.values() if isinstance(each, FetchFailed)} == {FailureKind.NONSENSE}


@pytest.mark.parametrize(
    ("ref", "contexts"),
    [
        ({"branchProtectionRule": None, "rules": None}, ()),
        (
            {
                "branchProtectionRule": {
                    "requiresStatusChecks": True,
                    "requiredStatusChecks": [{"context": "Test"}, {"context": "e2e"}],
                },
                "rules": connection(
                    [
                        {
                            "type": "REQUIRED_STATUS_CHECKS",
                            "parameters": {"requiredStatusChecks": [{"context": "lint"}]},
                        },
                        {"type": "DELETION", "parameters": None},
                        {"type": "PULL_REQUEST", "parameters": {"__typename": "PullRequestParameters"}},
                    ]
                ),
            },
            ("Test", "e2e", "lint"),
        ),
        (
            {
                "branchProtectionRule": {
                    "requiresStatusChecks": False,
                    "requiredStatusChecks": [{"context": "Test"}],
                },
                "rules": connection([]),
            },
            (),
        ),
        (
            {
                "branchProtectionRule": None,
                "refUpdateRule": {"requiredStatusCheckContexts": ["Test", None]},
                "rules": None,
            },
            ("Test",),
        ),
        ({"branchProtectionRule": None, "refUpdateRule": {"requiredStatusCheckContexts": [5]}}, None),
        ({"branchProtectionRule": None, "refUpdateRule": {"requiredStatusCheckContexts": None}}, ()),
        (None, None),
        ({"branchProtectionRule": 5, "rules": None}, None),
        ({"branchProtectionRule": None, "rules": connection([], total=200, after="x")}, None),
    ],
)
async def test_required_contexts(
    graphql: FakeGraphQL, project: Project, ref: Any, contexts: tuple[str, ...] | None
) -> None:
    """Of branch protection and active rules; None when they can't be read, which is not none."""
    graphql.answers["Required"] = {"repository": {"ref": ref}}
    seen = await observe(graphql, project, a_pull_request())
    assert seen.checks.required == contexts
    expected = None if contexts is None else "Test" in contexts
    assert [check.required for check in seen.checks.checks] == [expected]


async def test_rules_are_asked_once_in_a_while(graphql: FakeGraphQL, project: Project) -> None:
    """Once for a base, not once a fetch; not at all for what is finished; a refusal is kept as unread."""
    graphql.answers["Required"] = GraphQLAnswer(
        data={"repository": None}, errors=(error("FORBIDDEN", "repository", "ref"),)
    )
    graphql.answers["Detail"] = lambda v: detail(*(a_pull_request(node_id) for node_id in v["ids"]))
    reader = a_reader(graphql)
    for _ in range(3):
        await reader.observe(project, ["PR_1", "PR_2"])
    seen = await reader.observe(project, ["PR_1"])
    assert graphql.names().count("Required") == 1
    first = seen["PR_1"]
    assert isinstance(first, Observation)
    assert first.checks is not None
    assert first.checks.required is None
    graphql.answers["Detail"] = detail(a_pull_request(state="MERGED", baseRefName="gone"))
    await reader.observe(project, ["PR_1"])
    assert graphql.names().count("Required") == 1


async def test_rules_that_can_not_be_asked_now_are_asked_again(
    graphql: FakeGraphQL, project: Project
) -> None:
    """An outage is not kept."""
    graphql.answers["Detail"] = detail(a_pull_request())
    graphql.answers["Required"] = SendFailed(kind=FailureKind.UNAVAILABLE, problem="because")
    reader = a_reader(graphql)
    await reader.observe(project, ["PR_1"])
    await reader.observe(project, ["PR_1"])
    assert graphql.names().count("Required") == 2


async def test_rules_have_an_age_and_an_end(graphql: FakeGraphQL, project: Project) -> None:
    """While GitHub gives no other answer the last one stands in, older each time, and an hour at most."""
    now = 0.0
    rules = RequiredContexts(now=lambda: now)
    graphql.answers["Required"] = required("test")
    assert await rules.of_base(graphql, project, "main") == (RequiredCheck("test"),)
    now = 200.0
    assert await rules.of_base(graphql, project, "main") == (RequiredCheck("test"),)
    graphql.answers["Required"] = SendFailed(kind=FailureKind.UNAVAILABLE, problem="because")
    now = 1000.0
    assert await rules.of_base(graphql, project, "main") == (RequiredCheck("test"),)
    now = STALE_S
    assert await rules.of_base(graphql, project, "main") is None
    graphql.answers["Required"] = required("lint")
    assert await rules.of_base(graphql, project, "main") == (RequiredCheck("lint"),)


def required(*contexts: str) -> dict[str, Any]:
    checks = {"requiredStatusChecks": [{"context": context} for context in contexts]}
    rules = connection([{"type": "REQUIRED_STATUS_CHECKS", "parameters": checks}])
    return {"repository": {"ref": {"branchProtectionRule": None, "rules": rules}}}


async def test_a_place_in_the_merge_queue(graphql: FakeGraphQL, project: Project) -> None:
    """With the merge group's commit, on which its checks run: the head's say nothing of them."""
    entry: dict[str, Any] = {"state": "AWAITING_CHECKS", "position": 2, "headCommit": {"oid": OTHER}}
    seen = await observe(graphql, project, a_pull_request(mergeQueueEntry=entry))
    assert seen.state.merge_queue == MergeQueueEntry(state="AWAITING_CHECKS", position=2, head_commit=OTHER)
    entry = {"state": "QUEUED", "position": 1, "headCommit": None}
    seen = await observe(graphql, project, a_pull_request(mergeQueueEntry=entry))
    assert seen.state.merge_queue.head_commit is None


QUEUED: dict[str, Any] = {"state": "QUEUED", "position": 1, "headCommit": None}
NOT_TOLD = MergeQueueEntry(state="UNKNOWN", position=None)


@pytest.mark.lesson("S5")
@pytest.mark.parametrize(
    ("changes", "path", "untold", "entry"),
    [
        ({"isInMergeQueue": True}, ("mergeQueueEntry",), {"merge_queue"}, NOT_TOLD),
        ({"isInMergeQueue": True}, None, {"merge_queue"}, NOT_TOLD),  # a replica between two states
        ({"isInMergeQueue": False}, ("mergeQueueEntry",), set(), None),
        (
            {"isInMergeQueue": True, "mergeQueueEntry": QUEUED},
            ("mergeQueueEntry", "headCommit"),
            {"merge_queue"},
            MergeQueueEntry(state="QUEUED", position=1),
        ),
        (
            {"isInMergeQueue": True, "mergeQueueEntry": {**QUEUED, "state": "odd"}},
            None,
            set(),
            attrs.evolve(NOT_TOLD, position=1),
        ),
        ({"author": None}, ("author",), {"author"}, None),
        ({"headRepository": None}, ("headRepository",), {"head_repository"}, None),
        ({"author": None, "headRepository": None}, None, set(), None),
    ],
)
async def test_what_is_refused_of_the_state_is_untold_and_not_gone(  # noqa: PLR0917  the columns of the table
    graphql: FakeGraphQL,
    project: Project,
    changes: Mapping[str, Any],
    path: tuple[str, ...] | None,
    untold: set[str],
    entry: MergeQueueEntry | None,
) -> None:
    """An error at or below the field; null without one is a fact, and so is that it is in no queue."""
    errors = [] if path is None else [error("FORBIDDEN", "nodes", 0, *path)]
    seen = await observe(graphql, project, a_pull_request(**changes), errors=errors)
    assert isinstance(seen, Observation)
    assert seen.state.untold == untold
    assert seen.state.merge_queue == entry
    told = [problem.partition(":")[0] for problem in seen.problems]
    assert set(told) == (set() if path is None else untold)


async def test_words_that_are_not_submitted_are_nobodys_yet(graphql: FakeGraphQL, project: Project) -> None:
    """The token's own account sees its drafts: they are no feedback, nor is a thread of drafts alone."""
    draft = a_comment("C2", "alice", state="PENDING")
    threads = [a_thread("T1", a_comment("C1"), draft), a_thread("T2", draft)]
    seen = await observe(graphql, project, a_pull_request(reviewThreads=connection(threads)))
    assert [(t.id, [c.id for c in t.comments]) for t in seen.conversation.threads] == [("T1", ["C1"])]


@pytest.mark.lesson("S11")
async def test_after_a_limit_nothing_more_is_asked(graphql: FakeGraphQL, project: Project) -> None:
    """Neither the other batches nor further pages: one refused question, and each is answered for."""
    limit = SendFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=60, secondary=True)
    graphql.answers["Detail"] = limit
    reader = a_reader(graphql)
    seen = await reader.observe(project, [f"PR_{n}" for n in range(45)])
    assert graphql.names() == ["Detail"]
    assert {each for each in seen.values() if isinstance(each, FetchFailed)} == {
        FetchFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=60, secondary=True)
    }
    assert len(seen) == 45
    long = connection([a_review("R1")], total=2, after="1")
    graphql.answers["Detail"] = lambda v: detail(*(a_pull_request(i, reviews=long) for i in v["ids"]))
    graphql.answers["MoreReviews"] = limit
    graphql.sent.clear()
    await reader.observe(project, ["PR_1", "PR_2", "PR_3"])
    assert graphql.names().count("MoreReviews") == 1
    graphql.answers["MoreReviews"] = pages([a_review("R1")], 100, {"headRefOid": HEAD}, "reviews")
    seen = await reader.observe(project, ["PR_1"])
    assert isinstance(seen["PR_1"], Observation)


async def test_an_outage_is_not_taken_for_a_large_question(graphql: FakeGraphQL, project: Project) -> None:
    """Nothing answered, down to single ones: after two of them the rest is not asked for."""
    graphql.answers["Detail"] = TOO_BIG
    reader = a_reader(graphql)
    ids = [f"PR_{n}" for n in range(20)]
    seen = await reader.observe(project, ids)
    assert set(seen) == set(ids)
    assert [len(v["ids"]) for _, v in graphql.sent] == [20, 10, 5, 2, 1, 1]
    await reader.observe(project, ids)
    assert [len(v["ids"]) for _, v in graphql.sent[6:]] == [1, 1]


def test_a_batch_shrinks_at_once_and_grows_slowly() -> None:
    """Halved by what was not answered, doubled by ten answers, never more than the most nor less than one."""
    size = BatchSize(20)
    size.too_big(20)
    size.too_big(3)
    assert size.now == 1
    size.too_big(1)
    for expected in (2, 4, 8, 16, 20, 20):
        for _ in range(GOOD_TO_GROW):
            size.answered()
        assert size.now == expected
    for _ in range(GOOD_TO_GROW - 1):
        size.answered()
    size.too_big(20)
    size.answered()
    assert size.now == 10


def a_found(node_id: str, branch: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": node_id,
        "number": 7,
        "baseRefName": "main",
        "createdAt": "2026-01-01T12:00:00Z",
        "headRefName": branch,
        "headRefOid": HEAD,
        "headRepository": {"id": "R_1", "nameWithOwner": "octo/demo"},
        **changes,
    }


@pytest.mark.lesson("S15")
async def test_branches_are_looked_for_in_one_query(graphql: FakeGraphQL, project: Project) -> None:
    """Each with its own answer; names are variables, however hostile."""
    hostile = 'x") { id } }'
    gone = a_found("PR_2", "a", headRepository=None)
    graphql.answers["Branches"] = {
        "repository": {
            "id": "R_1",
            "of0": connection([a_found("PR_1", "a"), gone, a_found("PR_3", "A")]),
            "of1": connection([]),
        }
    }
    seen = await a_reader(graphql).of_branches(project, ["a", hostile])
    found = seen["a"]
    assert isinstance(found, tuple)
    assert all(isinstance(each, Candidate) for each in found)
    assert [(each.node_id, each.head_repository) for each in found] == [("PR_1", "octo/demo"), ("PR_2", None)]
    assert [(each.in_repository, each.head_commit) for each in found] == [(True, HEAD), (False, HEAD)]
    assert seen[hostile] == ()
    assert graphql.sent == [("Branches", {"owner": "octo", "name": "demo", "b0": "a", "b1": hostile})]


@pytest.mark.parametrize(
    ("head", "own"),
    [
        ({"id": "R_1", "nameWithOwner": "octo/renamed"}, True),
        ({"id": "R_2", "nameWithOwner": "octo/demo"}, False),
        ({"id": "R_2", "nameWithOwner": "eve/demo"}, False),
        ({"nameWithOwner": "octo/demo"}, None),
        (None, False),
    ],
)
async def test_whose_a_branch_is_the_ids_tell(
    graphql: FakeGraphQL, project: Project, head: Any, own: bool | None
) -> None:
    """A rename keeps the id of a repository, and its old name may be another's by now."""
    listed = connection([a_found("PR_1", "a", headRepository=head)])
    graphql.answers["Branches"] = {"repository": {"id": "R_1", "of0": listed}}
    found = (await a_reader(graphql).of_branches(project, ["a"]))["a"]
    assert isinstance(found, tuple)
    assert [each.in_repository for each in found] == [own]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (SendFailed(kind=FailureKind.RATE_LIMITED, problem="p", retry_after_s=5), FailureKind.RATE_LIMITED),
        ({"repository": None}, FailureKind.NOT_FOUND),
        ({"repository": 5}, FailureKind.NONSENSE),
        ({"repository": {"of0": None}}, FailureKind.NONSENSE),
        (
            {"repository": {"of0": connection([a_found("PR_1", "a")], total=101, after="x")}},
            FailureKind.NONSENSE,
        ),
        ({"repository": {"of0": connection([{"id": "PR_1"}])}}, FailureKind.NONSENSE),
        (
            GraphQLAnswer(data={"repository": None}, errors=(error("FORBIDDEN", "repository"),)),
            FailureKind.FORBIDDEN,
        ),
        (
            GraphQLAnswer(
                data={"repository": {"of0": None}}, errors=(error("FORBIDDEN", "repository", "of0"),)
            ),
            FailureKind.FORBIDDEN,
        ),
    ],
)
async def test_a_branch_that_can_not_be_looked_for_is_a_failure(
    graphql: FakeGraphQL, project: Project, answer: Any, kind: FailureKind
) -> None:
    """It is never "there is none"."""
    graphql.answers["Branches"] = answer
    seen = (await a_reader(graphql).of_branches(project, ["a"]))["a"]
    assert isinstance(seen, FetchFailed)
    assert seen.kind is kind


async def test_many_branches_are_looked_for_in_batches(graphql: FakeGraphQL, project: Project) -> None:
    """Fifty a query."""

    def none(variables: Mapping[str, Any]) -> Any:
        return {"repository": {f"of{n}": connection([]) for n in range(len(variables) - 2)}}

    graphql.answers["Branches"] = none
    names = [f"b{n}" for n in range(120)]
    assert set(await a_reader(graphql).of_branches(project, names)) == set(names)
    assert len(graphql.sent) == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"repository": {"pullRequest": {"id": "PR_1"}}}, "PR_1"),
        ({"repository": {"pullRequest": None}}, FailureKind.NOT_FOUND),
        ({"repository": None}, FailureKind.NOT_FOUND),
        ({"repository": {"pullRequest": {"id": 5}}}, FailureKind.NONSENSE),
        (SendFailed(kind=FailureKind.UNAVAILABLE, problem="p"), FailureKind.UNAVAILABLE),
        (
            GraphQLAnswer(data={"repository": None}, errors=(error("FORBIDDEN", "repository"),)),
            FailureKind.FORBIDDEN,
        ),
    ],
)
async def test_a_number_is_resolved_once_for_all(
    graphql: FakeGraphQL, project: Project, answer: Any, expected: Any
) -> None:
    """To the node id, or to why not."""
    graphql.answers["Resolve"] = answer
    found = await a_reader(graphql).resolve(project, 7)
    assert (found.kind if isinstance(found, FetchFailed) else found) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.just("2026-01-01T12:00:00Z"),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "nodes", "totalCount", "pageInfo", "oid", "commit"]), inner)
    ),
    max_leaves=8,
)


@pytest.mark.lesson("S5")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(sorted(a_pull_request())), _JSON, min_size=1, max_size=3))
async def test_no_answer_raises(project: Project, wrong: dict[str, Any]) -> None:
    """Any JSON in place of any field is a failure or an observation, never an exception."""
    graphql = FakeGraphQL()
    for name in ("Required", "MoreContexts", "MoreReviews", "MoreThreads", "MoreComments"):
        graphql.answers[name] = {}
    graphql.answers["Detail"] = detail({**a_pull_request(), **wrong})
    seen = await a_reader(graphql).observe(project, ["PR_1"])
    assert isinstance(seen["PR_1"], Observation | FetchFailed)


def _no_node(_: Mapping[str, Any]) -> GraphQLAnswer:
    return GraphQLAnswer(data={"node": None}, errors=(error("NOT_FOUND", "node"),))


async def test_names_that_nobody_has_are_told(graphql: FakeGraphQL) -> None:
    """A login, an app with and without its suffix, and a node id are known; of what else GitHub says so."""
    connection = FakeConnection()
    missing = (404, {"message": "Not Found"})
    for login, answer in {
        "ada": (200, {"login": "ada"}),
        "tidy": missing,
        "tidy%5Bbot%5D": (200, {"login": "tidy[bot]"}),
        "U_1": missing,
        "U_1%5Bbot%5D": missing,
        "adda": missing,
        "adda%5Bbot%5D": missing,
        "ada%5Bbot%5D": missing,
    }.items():
        connection.answers[f"GET /users/{login}"] = answer
    graphql.answers["Account"] = lambda asked: (
        {"node": {"__typename": "User"}} if asked["id"] == "U_1" else _no_node(asked)
    )
    names = ["ada", "tidy", "tidy[bot]", "U_1", "adda", "ada[bot]"]
    assert await a_reader(graphql, connection).unknown_accounts(names) == ("adda", "ada[bot]")


@pytest.mark.parametrize("answer", [None, (403, {}), (500, {}), (200, []), (429, {})])
async def test_of_what_github_does_not_tell_nobody_is_unknown(graphql: FakeGraphQL, answer: object) -> None:
    """An outage, a limit or a token without the right says nothing of a name."""
    connection = FakeConnection()
    connection.answers["GET /users/ada"] = answer
    graphql.answers["Account"] = _no_node
    assert await a_reader(graphql, connection).unknown_accounts(["ada"]) == ()
    connection.answers["GET /users/ada"] = connection.answers["GET /users/ada%5Bbot%5D"] = (404, {})
    for unsure in (
        SendFailed(kind=FailureKind.UNAVAILABLE, problem="away"),
        GraphQLAnswer(data={"node": None}, errors=(error("FORBIDDEN", "node"),)),
    ):
        graphql.answers["Account"] = unsure
        assert await a_reader(graphql, connection).unknown_accounts(["ada"]) == ()
    graphql.answers["Account"] = _no_node
    assert await a_reader(graphql, connection).unknown_accounts(["ada"]) == ("ada",)
