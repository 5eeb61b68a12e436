"""What may change in how GitHub tells a thing without changing what is known: pages, order, case, source."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway_core.projects.model import Project
from headway_core.pull_requests import derived_decision
from headway_core.pull_requests.check_rows import OUTCOMES, CheckRow
from headway_core.pull_requests.checks import newest_checks
from headway_core.pull_requests.model import CheckOutcome
from headway_core.pull_requests.ports import Observation
from headway_github import mapping
from headway_github.reading import Node
from headway_github.rest_checks import _with_workflow
from headway_github.rows import check_row, rest_run_row, rest_status_row

from .conftest import (
    HEAD,
    FakeGraphQL,
    a_comment,
    a_pull_request,
    a_reader,
    a_review,
    a_run,
    a_thread,
    connection,
    detail,
)

pytestmark = pytest.mark.anyio

_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_TIMES = st.integers(0, 59).map(lambda minute: f"2026-01-01T11:{minute:02}:00Z")
_STATUSES = ("QUEUED", "IN_PROGRESS", "COMPLETED", "WAITING", "PENDING", "REQUESTED", "never seen")
_CONCLUSIONS = (
    None, "SUCCESS", "FAILURE", "NEUTRAL", "CANCELLED", "SKIPPED", "TIMED_OUT", "ACTION_REQUIRED", "STALE",
    "STARTUP_FAILURE", "never seen",
)  # fmt: skip


@attrs.frozen
class Run:
    """A check run that any source may tell."""

    number: int
    name: str
    suite: int
    status: str
    conclusion: str | None
    started: str | None
    completed: str | None
    app: str
    workflow: int | None
    event: str

    def by_graphql(self) -> dict[str, Any]:
        workflow = self.workflow and {
            "databaseId": self.suite,
            "event": self.event,
            "workflow": {"databaseId": self.workflow, "name": f"W{self.workflow}"},
        }
        return a_run(
            self.number,
            name=self.name,
            status=self.status,
            conclusion=self.conclusion,
            startedAt=self.started,
            completedAt=self.completed,
            detailsUrl=None,
            checkSuite={"databaseId": self.suite, "app": {"slug": self.app}, "workflowRun": workflow},
        )

    def by_rest(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "name": self.name,
            "status": self.status.lower(),
            "conclusion": self.conclusion and self.conclusion.lower(),
            "started_at": self.started,
            "completed_at": self.completed,
            "output": {"title": None, "summary": None},
            "check_suite": {"id": self.suite},
            "app": {"slug": self.app},
        }


@st.composite
def runs(draw: Callable[..., Any]) -> list[Run]:
    """Runs with ids of their own; a suite belongs to one app, workflow and event."""
    count = draw(st.integers(0, 8))
    suites = [
        (
            draw(st.sampled_from(["github-actions", "other"])),
            draw(st.sampled_from([8, 9])),
            draw(st.just("push")),
        )
        for _ in range(3)
    ]
    found = []
    for number in range(1, count + 1):
        suite = draw(st.integers(0, 2))
        app, workflow, event = suites[suite]
        found.append(
            Run(
                number=number,
                name=draw(st.sampled_from(["test", "Test", "lint", "e2e / a"])),
                suite=100 + suite,
                status=draw(st.sampled_from(_STATUSES)),
                conclusion=draw(st.sampled_from(_CONCLUSIONS)),
                started=draw(st.none() | _TIMES),
                completed=draw(st.none() | _TIMES),
                app=app,
                workflow=workflow if app == "github-actions" else None,
                event=event,
            )
        )
    return found


@st.composite
def statuses(draw: Callable[..., Any]) -> list[dict[str, Any]]:
    """Commit statuses, the newest of each context, as GitHub tells them."""
    contexts = draw(st.lists(st.sampled_from(["deploy", "ci/x", "cov"]), unique=True, max_size=3))
    return [
        {
            "__typename": "StatusContext",
            "id": f"SC_{context}",
            "context": context,
            "state": draw(st.sampled_from(["SUCCESS", "FAILURE", "ERROR", "PENDING", "EXPECTED", "odd"])),
            "description": None,
            "targetUrl": None,
            "createdAt": draw(_TIMES),
        }
        for context in contexts
    ]


def rest_status(node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": 1,
        "node_id": node["id"],
        "context": node["context"],
        "state": node["state"].lower(),
        "created_at": node["createdAt"],
    }


@pytest.mark.lesson("S2", "S22")
@given(runs(), statuses(), st.randoms(use_true_random=False))
def test_graphql_and_rest_agree_on_every_input(
    found: list[Run], told: list[dict[str, Any]], chance: Any
) -> None:
    """The same checks with the same identities, runs, outcomes and times: in any case and order."""
    by_graphql: list[CheckRow] = [
        check_row(Node(node), commit=HEAD) for node in [*(run.by_graphql() for run in found), *told]
    ]
    workflows = {
        run.suite: Node({"workflow_id": run.workflow, "event": run.event}) for run in found if run.workflow
    }
    by_rest: list[CheckRow] = [_with_workflow(rest_run_row(Node(run.by_rest())), workflows) for run in found]
    by_rest += [attrs.evolve(rest_status_row(Node(rest_status(node))), commit=HEAD) for node in told]
    chance.shuffle(by_rest)
    assert newest_checks(by_graphql) == newest_checks(by_rest)


def pages_of(entries: list[Any], size: int, node: Mapping[str, Any], field: str) -> Callable[..., Any]:
    """A connection in pages of this size, by offset."""

    def page(variables: Mapping[str, Any]) -> Any:
        start = int(variables["after"] or 0)
        return {"node": {**node, field: one_page(entries, start, size)}}

    return page


def one_page(entries: list[Any], start: int, size: int) -> dict[str, Any]:
    """A page; what a list tells twice, it counts once."""
    after = str(start + size) if start + size < len(entries) else None
    total = len({entry["id"] for entry in entries})
    return connection(entries[start : start + size], total=total, after=after)


@attrs.frozen
class Told:
    """Everything that GitHub has to tell of a pull request."""

    checks: list[dict[str, Any]]
    reviews: list[dict[str, Any]]
    threads: list[dict[str, Any]]

    async def seen(self, project: Project, size: int) -> Observation:
        """The observation when lists come in pages of this size."""
        graphql = FakeGraphQL()
        graphql.answers["Required"] = {
            "repository": {"ref": {"branchProtectionRule": None, "rules": connection([])}}
        }
        rollup = {"id": "SCR_1", "commit": {"oid": HEAD}}
        at_head = {"headRefOid": HEAD}
        graphql.answers["MoreContexts"] = pages_of(self.checks, size, rollup, "contexts")
        graphql.answers["MoreReviews"] = pages_of(self.reviews, size, at_head, "reviews")
        graphql.answers["MoreThreads"] = pages_of(self.threads, size, at_head, "reviewThreads")
        graphql.answers["Detail"] = detail(
            a_pull_request(
                checks={**rollup, "contexts": one_page(self.checks, 0, size)},
                reviews=one_page(self.reviews, 0, size),
                reviewThreads=one_page(self.threads, 0, size),
            )
        )
        seen = (await a_reader(graphql).observe(project, ["PR_1"]))["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.problems == ()
        return seen

    def shuffled(self, chance: Any) -> "Told":
        lists = [list(each) for each in (self.checks, self.reviews, self.threads)]
        for each in lists:
            chance.shuffle(each)
        return Told(*lists)

    def stuttered(self, chance: Any) -> "Told":
        """Some rows told again, further on: one came to the front while later pages were read."""
        lists = [list(each) for each in (self.checks, self.reviews, self.threads)]
        for each in lists:
            for row in [row for row in each if chance.random() < 0.5]:
                each.insert(chance.randint(each.index(row) + 1, len(each)), row)
        return Told(*lists)

    def in_case(self, change: Callable[[str], str]) -> "Told":
        """Every word of GitHub's vocabularies in another case."""
        return Told(
            [_cased(each, change) for each in self.checks],
            [_cased(each, change) for each in self.reviews],
            [_thread_cased(each, change) for each in self.threads],
        )


def _thread_cased(thread: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    comments = [_cased(each, change) for each in thread["comments"]["nodes"]]
    return {**thread, "comments": {**thread["comments"], "nodes": comments}}


def _cased(row: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    words = ("status", "conclusion", "state", "authorAssociation")
    return {**row, **{word: change(row[word]) for word in words if row.get(word) is not None}}


@st.composite
def everything(draw: Callable[..., Any]) -> Told:
    found = draw(runs())
    reviews = [
        a_review(
            f"R{n}",
            draw(st.sampled_from(["alice", "bob", "Carol"])),
            draw(st.sampled_from(["APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "odd"])),
            submittedAt=draw(_TIMES),
            body=draw(st.sampled_from(["", "words"])),
        )
        for n in range(draw(st.integers(0, 5)))
    ]
    threads = [
        a_thread(
            f"T{n}",
            *(a_comment(f"C{n}.{m}", createdAt=draw(_TIMES)) for m in range(draw(st.integers(0, 3)))),
            isResolved=draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 4)))
    ]
    return Told([*(run.by_graphql() for run in found), *draw(statuses())], reviews, threads)


@pytest.mark.lesson("R27", "S13")
@_SLOW
@given(everything(), st.integers(1, 5), st.randoms(use_true_random=False))
async def test_pages_and_their_order_change_nothing(
    project: Project, told: Told, size: int, chance: Any
) -> None:
    """However large the pages are, and whatever comes first: the same observation."""
    assert await told.shuffled(chance).seen(project, size) == await told.seen(project, 100)


@_SLOW
@given(everything(), st.integers(0, 20), st.text(max_size=8))
async def test_an_unknown_word_changes_its_own_check_alone(
    project: Project, told: Told, which: int, word: str
) -> None:
    """The others say what they said."""
    if not told.checks or word.strip().upper() in OUTCOMES:
        return
    which %= len(told.checks)
    before = await told.seen(project, 100)
    changed = list(told.checks)
    key = "state" if changed[which]["__typename"] == "StatusContext" else "conclusion"
    ended = {} if key == "state" else {"status": "COMPLETED"}
    changed[which] = {**changed[which], **ended, key: word or "?"}
    after = await attrs.evolve(told, checks=changed).seen(project, 100)
    assert before.checks is not None
    assert after.checks is not None
    name = (changed[which].get("name") or changed[which]["context"]).casefold()
    others = [[c for c in part.checks if c.name.casefold() != name] for part in (before.checks, after.checks)]
    # A run that has ended may be followed by another of its name; of other names nothing changes.
    assert others[0] == others[1]
    odd = [c for c in after.checks.checks if c.word == (word or "?").strip().upper()]
    assert all(c.outcome is CheckOutcome.UNKNOWN for c in odd if c.word)


@pytest.mark.lesson("S2", "R27")
@_SLOW
@given(everything(), st.integers(1, 5), st.randoms(use_true_random=False))
async def test_what_is_told_twice_counts_once(project: Project, told: Told, size: int, chance: Any) -> None:
    """Checks, reviews and threads that come again on a later page: the same observation."""
    assert await told.stuttered(chance).seen(project, size) == await told.seen(project, 100)


@pytest.mark.lesson("S2")
@_SLOW
@given(everything(), st.sampled_from([str.lower, str.title, str.swapcase]))
async def test_the_case_of_words_changes_nothing(
    project: Project, told: Told, change: Callable[[str], str]
) -> None:
    """Of checks, reviews, comments and of what their authors are to the repository."""
    assert await told.in_case(change).seen(project, 100) == await told.seen(project, 100)


_REVIEW_WORDS = frozenset({"APPROVED", "CHANGES_REQUESTED", "COMMENTED", "DISMISSED", "PENDING"})


@_SLOW
@given(everything(), st.integers(0, 20), st.text(max_size=8))
async def test_an_unknown_word_changes_its_own_review_alone(
    project: Project, told: Told, which: int, word: str
) -> None:
    """It is no opinion: the decision is that of the others, who say what they said."""
    if not told.reviews or word.upper() in _REVIEW_WORDS:
        return
    which %= len(told.reviews)
    others = [review for n, review in enumerate(told.reviews) if n != which]
    without = await attrs.evolve(told, reviews=others).seen(project, 100)
    changed = [*others, {**told.reviews[which], "state": word}]
    after = await attrs.evolve(told, reviews=changed).seen(project, 100)
    assert without.conversation is not None
    assert after.conversation is not None
    odd = told.reviews[which]["id"]
    assert [r for r in after.conversation.reviews if r.id != odd] == list(without.conversation.reviews)
    assert after.conversation.threads == without.conversation.threads
    assert derived_decision(after.conversation.reviews) is derived_decision(without.conversation.reviews)


@_SLOW
@given(everything())
async def test_what_is_kept_of_reviews_decides_as_all_of_them_do(project: Project, told: Told) -> None:
    """The reviews that are left out changed nothing; threads and comments are in the order of time."""
    seen = await told.seen(project, 100)
    assert seen.conversation is not None
    every = [mapping.review(Node(each)) for each in told.reviews]
    every.sort(key=lambda review: (review.submitted_at, review.id))
    assert derived_decision(seen.conversation.reviews) is derived_decision(every)
    firsts = [thread.comments[0].created_at for thread in seen.conversation.threads]
    assert firsts == sorted(firsts)
    for thread in seen.conversation.threads:
        times = [comment.created_at for comment in thread.comments]
        assert times == sorted(times)


@given(st.lists(st.sampled_from(["bob", "BOB", "carol"]), max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_reviews_changes_nothing(authors: list[str], chance: Any) -> None:
    """Latest is by the time of submission, the id where times are equal."""
    reviews = [
        mapping.review(
            Node(a_review(f"R{n}", author, "APPROVED", submittedAt=f"2026-01-01T11:0{n // 2}:00Z"))
        )
        for n, author in enumerate(authors)
    ]
    shuffled = list(reviews)
    chance.shuffle(shuffled)
    assert mapping.conversation(reviews, []) == mapping.conversation(shuffled, [])
