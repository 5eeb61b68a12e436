"""One contract of all transports of GraphQL: httpx, and the real gh (to a server on a Unix socket)."""

import json
import logging
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest

from headway_core.kernel.errors import InvalidInput
from headway_core.projects.model import Project
from headway_core.pull_requests.model import CheckOutcome, FailureKind, Mergeability, MergeQueueEntry
from headway_core.pull_requests.ports import FetchFailed, Observation, RateLimit
from headway_github.answers import AnswerError, GraphQL, GraphQLAnswer, SendFailed
from headway_github.budgets import Budgets
from headway_github.connection import HttpConnection
from headway_github.documents import document
from headway_github.gh import GhGraphQL
from headway_github.graphql_transport import HttpGraphQL
from headway_github.limits import Limits
from headway_github.tokens import GivenToken

from .conftest import (
    GH_HOST,
    HEAD,
    Canned,
    a_comment,
    a_pull_request,
    a_reader,
    a_run,
    a_thread,
    canned,
    connection,
    detail,
    gh_environment,
    posted,
    response,
)

pytestmark = [pytest.mark.anyio, pytest.mark.one_backend]

TOKEN = "ghp_verysecret0123456789"
QUERY = document("resolve")
MUTATION = document("resolve_thread")
LIMITS = Limits(connect_s=5, answer_s=20, answer_bytes=100_000, connect_pauses_s=())
GOOD = {"data": {"repository": None}}
NO_RULES = {"repository": {"ref": {"branchProtectionRule": None, "rules": None}}}
DATE = "Thu, 01 Jan 2026 12:00:00 GMT"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = str(int(NOON.timestamp()) + 900)


@attrs.frozen
class Asked:
    """A transport, the server that it asks, and where it notes budgets."""

    graphql: GraphQL
    server: Canned
    budgets: Budgets

    async def failure(self) -> SendFailed:
        failed = await self.graphql.send(QUERY, {})
        assert isinstance(failed, SendFailed)
        return failed


class GraphQLContract:
    """What holds for every transport."""

    @abstractmethod
    def transport(
        self, folder: Path, *answers: bytes, limits: Limits = LIMITS
    ) -> AbstractAsyncContextManager[Asked]:
        """A transport whose server gives these answers."""

    async def test_a_document_is_posted_with_its_variables_and_the_token(self, tmp_path: Path) -> None:
        """One POST; the answer's data come back; the token is in the one header for it."""
        async with self.transport(tmp_path, response(200, GOOD)) as asked:
            answer = await asked.graphql.send(QUERY, {"owner": "octo", "number": 7})
        assert answer == GraphQLAnswer(data={"repository": None}, errors=())
        (request,) = asked.server.requests
        assert request.startswith(b"POST /graphql HTTP/1.1")
        (sent,) = [line for line in request.splitlines() if line.lower().startswith(b"authorization:")]
        assert sent.endswith(TOKEN.encode())
        assert posted(request) == {"query": QUERY.text, "variables": {"owner": "octo", "number": 7}}

    async def test_partial_data_come_with_their_errors(self, tmp_path: Path) -> None:
        """Both halves of the answer; gh says exit code 1 beside it."""
        refused = {"type": "FORBIDDEN", "message": "no", "path": ["nodes", 0, "checks"]}
        data = {"nodes": [{"id": "PR_1", "checks": None}]}
        whole = {"data": data, "errors": [refused]}
        async with self.transport(tmp_path, response(200, whole)) as asked:
            answer = await asked.graphql.send(QUERY, {})
        assert answer == GraphQLAnswer(
            data=data,
            errors=(AnswerError(type="FORBIDDEN", message="no", path=("nodes", 0, "checks")),),
        )

    @pytest.mark.lesson("S5", "S14")
    @pytest.mark.parametrize(
        ("answer", "kinds"),
        [
            (b"", {FailureKind.UNAVAILABLE}),
            (response(500, b"oops"), {FailureKind.UNAVAILABLE}),
            (response(502, b"<html>unicorn</html>", content_type="text/html"), {FailureKind.UNAVAILABLE}),
            (response(200, b"<html>unicorn</html>", content_type="text/html"), {FailureKind.NONSENSE}),
            (response(200, b'{"data": {"nodes": [{"id"'), {FailureKind.NONSENSE}),
            (response(200, b"[]"), {FailureKind.NONSENSE}),
            (response(200, b""), {FailureKind.NONSENSE}),
            (response(404, {"message": "Not Found"}), {FailureKind.NONSENSE}),
            (response(401, {"message": "Bad credentials"}), {FailureKind.FORBIDDEN}),
            (response(403, {"message": "Resource not accessible"}), {FailureKind.FORBIDDEN}),
            (response(200, {"errors": [{"type": "NOT_FOUND", "message": "m"}]}), {FailureKind.NOT_FOUND}),
            (response(200, {"data": None, "errors": [{"message": "m"}]}), {FailureKind.NONSENSE}),
            (response(200, b" " * 200_000), {FailureKind.NONSENSE}),
            (
                b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{",
                {FailureKind.UNAVAILABLE, FailureKind.NONSENSE},
            ),
        ],
    )
    async def test_what_is_no_answer_is_a_failure(
        self, tmp_path: Path, answer: bytes, kinds: set[FailureKind]
    ) -> None:
        """Cut, HTML, nothing, too large, refused, errors without data: a value, never an exception."""
        async with self.transport(tmp_path, answer) as asked:
            failed = await asked.failure()
        assert failed.kind in kinds
        assert not failed.secondary

    @pytest.mark.lesson("S11")
    @pytest.mark.parametrize(
        ("answer", "secondary", "wait"),
        [
            (
                response(
                    200,
                    {"errors": [{"type": "RATE_LIMITED", "message": "m"}]},
                    date=DATE,
                    x_ratelimit_remaining="0",
                    x_ratelimit_reset=LATER,
                ),
                False,
                900,
            ),
            (
                response(
                    403, {"message": "m"}, date=DATE, x_ratelimit_remaining="0", x_ratelimit_reset=LATER
                ),
                False,
                900,
            ),
            (
                response(
                    403, {"message": "secondary rate limit"}, retry_after="7", x_ratelimit_remaining="9"
                ),
                True,
                7,
            ),
            (response(403, {"message": "You have exceeded a secondary rate limit"}), True, 60),
            (response(429, b"", retry_after="3"), True, 3),
            (
                response(
                    200, {"data": None, "errors": [{"message": "You have exceeded a secondary rate limit"}]}
                ),
                True,
                60,
            ),
        ],
    )
    async def test_limits_are_told_apart_and_say_how_long(
        self,
        tmp_path: Path,
        answer: bytes,
        secondary: bool,
        wait: float,
    ) -> None:
        """Primary until its reset by GitHub's clock, not ours; secondary by `retry-after`, else a minute."""
        async with self.transport(tmp_path, answer) as asked:
            failed = await asked.failure()
        assert failed.kind is FailureKind.RATE_LIMITED
        assert (failed.secondary, failed.retry_after_s) == (secondary, wait)

    async def test_the_budget_is_noted_from_every_answer(self, tmp_path: Path) -> None:
        """From the data, with the cost; from the headers of an answer without."""
        told = {"cost": 11, "limit": 5000, "remaining": 4000, "used": 1000, "resetAt": "2026-01-01T13:00:00Z"}
        headers = {
            "x_ratelimit_limit": "5000",
            "x_ratelimit_remaining": "0",
            "x_ratelimit_reset": LATER,
            "x_ratelimit_resource": "graphql",
            "date": DATE,
        }
        first = response(200, {"data": {"rateLimit": told}}, date=DATE)
        async with self.transport(tmp_path, first, response(403, {"message": "m"}, **headers)) as asked:
            await asked.graphql.send(QUERY, {})
            (noted,) = asked.budgets.told()
            assert noted == RateLimit(
                resource="graphql",
                limit=5000,
                remaining=4000,
                resets_at=datetime(2026, 1, 1, 13, tzinfo=UTC),
                cost=11,
                told_at=NOON,
            )
            await asked.failure()
        (noted,) = asked.budgets.told()
        assert (noted.remaining, noted.cost, noted.resets_at.timestamp()) == (0, None, float(LATER))

    @pytest.mark.lesson("S13")
    async def test_a_comment_of_ten_megabytes_arrives(self, tmp_path: Path) -> None:
        """Whole; it is cut where it is mapped."""
        body = "x" * 10_000_000
        answer = response(200, {"data": {"node": {"body": body}}})
        limits = attrs.evolve(LIMITS, answer_bytes=32 * 1024 * 1024)
        async with self.transport(tmp_path, answer, limits=limits) as asked:
            got = await asked.graphql.send(QUERY, {})
        assert isinstance(got, GraphQLAnswer)
        assert got.data["node"] == {"body": body}

    async def test_an_answer_that_does_not_come_has_a_deadline(self, tmp_path: Path) -> None:
        """A smaller question may be answered in time; a mutation is not asked again."""
        async with self.transport(
            tmp_path, response(200, GOOD), limits=attrs.evolve(LIMITS, answer_s=0.5)
        ) as asked:
            asked.server.hold = anyio.sleep_forever
            failed = await asked.failure()
            assert (failed.kind, failed.too_big) == (FailureKind.UNAVAILABLE, True)
            failed = await asked.graphql.send(MUTATION, {"input": {}})  # type: ignore[assignment]  # told apart below
            assert (failed.kind, failed.too_big) == (FailureKind.UNAVAILABLE, False)

    async def test_a_mutation_is_sent_once(self, tmp_path: Path) -> None:
        """An answer that is cut leaves it to its caller what to make of it."""
        cut = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"
        async with self.transport(tmp_path, cut) as asked:
            assert isinstance(await asked.graphql.send(MUTATION, {"input": {}}), SendFailed)
            assert len(asked.server.requests) == 1

    @pytest.mark.lesson("S11")
    async def test_after_a_limit_no_mutation_is_sent(self, tmp_path: Path) -> None:
        """Until it is over; questions are paced by those who ask them."""
        async with self.transport(
            tmp_path, response(429, b"", retry_after="60"), response(200, GOOD)
        ) as asked:
            for _ in range(3):
                failed = await asked.graphql.send(MUTATION, {"input": {}})
                assert isinstance(failed, SendFailed)
                assert failed.kind is FailureKind.RATE_LIMITED
                assert 50 < (failed.retry_after_s or 0) <= 60
            assert len(asked.server.requests) == 1
            assert isinstance(await asked.graphql.send(QUERY, {}), GraphQLAnswer)

    @pytest.mark.lesson("S12")
    async def test_one_request_at_a_time(self, tmp_path: Path) -> None:
        """Callers wait for each other; none of their mutations is merged with another."""
        in_flight = most = 0

        async def count() -> None:
            nonlocal in_flight, most
            in_flight += 1
            most = max(most, in_flight)
            await anyio.sleep(0.01)
            in_flight -= 1

        async with self.transport(tmp_path, response(200, GOOD)) as asked:
            asked.server.hold = count
            async with anyio.create_task_group() as group:
                for _ in range(3):
                    group.start_soon(asked.graphql.send, MUTATION, {})
        assert (most, len(asked.server.requests)) == (1, 3)

    async def test_a_cancelled_caller_leaves_the_next_one_alone(self, tmp_path: Path) -> None:
        """The turn is given back; nothing that ran for it is left."""
        async with self.transport(tmp_path, response(200, GOOD)) as asked:
            asked.server.hold = anyio.sleep_forever
            with anyio.move_on_after(0.3) as scope:
                await asked.graphql.send(QUERY, {})
            assert scope.cancelled_caught
            asked.server.hold = None
            assert isinstance(await asked.graphql.send(QUERY, {}), GraphQLAnswer)

    async def test_the_token_is_in_no_log_and_no_repr(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not in what is logged of a failure, nor in any value (I11)."""
        with caplog.at_level(logging.DEBUG):
            async with self.transport(tmp_path, response(401, {"message": TOKEN})) as asked:
                shown = repr([await asked.failure(), asked.graphql])
        assert TOKEN not in caplog.text
        assert TOKEN not in shown

    @pytest.mark.parametrize("location", ["/elsewhere/graphql", "http://evil.example/graphql"])
    async def test_a_redirect_is_followed_to_the_same_host_or_is_a_failure(
        self, tmp_path: Path, location: str
    ) -> None:
        """The token goes to no other. GraphQL needs none after a rename; gh follows none with a body."""
        moved = response(307, b"", location=location)
        async with self.transport(tmp_path, moved, response(200, GOOD)) as asked:
            answer = await asked.graphql.send(QUERY, {"owner": "octo"})
        followed = asked.server.requests[1:]
        if isinstance(answer, SendFailed):
            assert (answer.kind, followed) == (FailureKind.NONSENSE, [])
        else:
            assert location.startswith("/")
            assert followed[0].startswith(b"POST /elsewhere/graphql")
            assert posted(followed[0])["variables"] == {"owner": "octo"}

    @pytest.mark.parametrize(
        ("wrong", "kind"),
        [
            ({"state": "HALF_OPEN"}, FailureKind.NONSENSE),
            ({"number": "7"}, FailureKind.NONSENSE),
            ({"updatedAt": None}, FailureKind.NONSENSE),
            ({"checks": {"id": "SCR", "commit": {"oid": HEAD}, "contexts": None}}, "checks"),
            ({"checks": {"id": "SCR", "commit": {"oid": HEAD}, "contexts": [5]}}, "checks"),
            ({"reviewThreads": connection([a_thread("T", a_comment("C", body=None))])}, "conversation"),
            ({"mergeable": 1}, "mergeability"),
        ],
    )
    async def test_wrong_types_and_nulls_hurt_what_they_are_in(
        self, tmp_path: Path, project: Project, wrong: dict[str, Any], kind: FailureKind | str
    ) -> None:
        """The state takes the fetch with it, a part itself alone."""
        answer = response(200, {"data": detail(a_pull_request(**wrong))})
        async with self.transport(tmp_path, answer, response(200, {"data": NO_RULES})) as asked:
            seen = (await a_reader(asked.graphql).observe(project, ["PR_1"]))["PR_1"]
        if isinstance(kind, FailureKind):
            assert isinstance(seen, FetchFailed)
            assert seen.kind is kind
        else:
            assert isinstance(seen, Observation)
            assert getattr(seen, kind) is None

    @pytest.mark.lesson("S1", "R29")
    async def test_unknown_words_are_unknown(self, tmp_path: Path, project: Project) -> None:
        """Of mergeability, of a place in the queue and of a check; the rest says what it says."""
        entry = {"state": "FLYING", "position": 1, "headCommit": None}
        contexts = connection([a_run(1, conclusion="EXPLODED"), a_run(2, name="lint")])
        node = a_pull_request(
            mergeable="DIRTY",
            isInMergeQueue=True,
            mergeQueueEntry=entry,
            checks={"id": "SCR_1", "commit": {"oid": HEAD}, "contexts": contexts},
        )
        answer = response(200, {"data": detail(node)})
        async with self.transport(tmp_path, answer, response(200, {"data": NO_RULES})) as asked:
            seen = (await a_reader(asked.graphql).observe(project, ["PR_1"]))["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.problems == ()
        assert seen.mergeability is Mergeability.UNKNOWN
        assert seen.state.merge_queue == MergeQueueEntry(state="UNKNOWN", position=1)
        assert seen.checks is not None
        outcomes = {check.name: check.outcome for check in seen.checks.checks}
        assert outcomes == {"test": CheckOutcome.UNKNOWN, "lint": CheckOutcome.PASSED}

    @pytest.mark.lesson("S5")
    async def test_a_refused_place_in_the_queue_is_untold(self, tmp_path: Path, project: Project) -> None:
        """Partial data: gh says exit code 1 beside it; nothing is taken for gone."""
        refused = {"type": "FORBIDDEN", "message": "no", "path": ["nodes", 0, "mergeQueueEntry"]}
        answer = response(200, {"data": detail(a_pull_request(isInMergeQueue=True)), "errors": [refused]})
        async with self.transport(tmp_path, answer, response(200, {"data": NO_RULES})) as asked:
            seen = (await a_reader(asked.graphql).observe(project, ["PR_1"]))["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.state.untold == {"merge_queue"}
        assert seen.problems == ("merge_queue: forbidden",)

    @pytest.mark.lesson("S13", "R27")
    async def test_three_hundred_checks_that_grow_and_five_hundred_threads(
        self, tmp_path: Path, project: Project
    ) -> None:
        """All of them, over their pages; a check that arrives meanwhile begins the list anew."""
        runs = [a_run(n, name=f"job {n}") for n in range(300)]
        grown = [a_run(999, name="new"), *runs]
        threads = [a_thread(f"T{n}", a_comment(f"C{n}")) for n in range(500)]
        rollup = {"id": "SCR_1", "commit": {"oid": HEAD}}

        def page(rows: list[dict[str, Any]], start: int, size: int) -> dict[str, Any]:
            after = str(start + size) if start + size < len(rows) else None
            return connection(rows[start : start + size], total=len(rows), after=after)

        def more(field: str, *args: Any) -> bytes:
            of = rollup if field == "contexts" else {"headRefOid": HEAD}
            return response(200, {"data": {"node": {**of, field: page(*args)}}})

        node = a_pull_request(
            checks={**rollup, "contexts": page(runs, 0, 100)}, reviewThreads=page(threads, 0, 50)
        )
        answers = [response(200, {"data": detail(node)})]
        answers += [more("contexts", runs, 100, 100), more("contexts", grown, 200, 100)]
        answers += [more("contexts", grown, start, 100) for start in (0, 100, 200, 300)]
        answers += [response(200, {"data": NO_RULES})]
        answers += [more("reviewThreads", threads, start, 50) for start in range(50, 500, 50)]
        limits = attrs.evolve(LIMITS, answer_bytes=32 * 1024 * 1024)
        async with self.transport(tmp_path, *answers, limits=limits) as asked:
            seen = (await a_reader(asked.graphql).observe(project, ["PR_1"]))["PR_1"]
            assert len(asked.server.requests) == len(answers)
        assert isinstance(seen, Observation)
        assert seen.problems == ()
        assert seen.checks is not None
        assert seen.conversation is not None
        assert (len(seen.checks.checks), len(seen.conversation.threads)) == (301, 500)

    @pytest.mark.lesson("S13")
    async def test_a_comment_of_ten_megabytes_is_cut(self, tmp_path: Path, project: Project) -> None:
        """8 KiB of it are kept; the rest of the pull request is read."""
        long = a_thread("T1", a_comment("C1", body="x" * 10_000_000))
        answer = response(200, {"data": detail(a_pull_request(reviewThreads=connection([long])))})
        limits = attrs.evolve(LIMITS, answer_bytes=32 * 1024 * 1024)
        rules = response(200, {"data": NO_RULES})
        async with self.transport(tmp_path, answer, rules, limits=limits) as asked:
            seen = (await a_reader(asked.graphql).observe(project, ["PR_1"]))["PR_1"]
        assert isinstance(seen, Observation)
        assert seen.problems == ()
        assert seen.conversation is not None
        (thread,) = seen.conversation.threads
        assert len(thread.comments[0].body.encode()) == 8 * 1024


class TestHttp(GraphQLContract):
    @asynccontextmanager
    async def transport(self, folder: Path, *answers: bytes, limits: Limits = LIMITS) -> AsyncIterator[Asked]:
        budgets = Budgets()
        async with canned(*answers) as server:
            connection = HttpConnection(server.url, GivenToken(TOKEN), limits)
            yield Asked(HttpGraphQL(connection, budgets), server, budgets)


@pytest.mark.usefixtures("gh")
class TestGh(GraphQLContract):
    @asynccontextmanager
    async def transport(self, folder: Path, *answers: bytes, limits: Limits = LIMITS) -> AsyncIterator[Asked]:
        budgets, socket = Budgets(), folder / "socket"
        async with canned(*answers, socket=socket) as server:
            environment = gh_environment(folder / "gh", socket)
            graphql = GhGraphQL(GH_HOST, budgets, token=TOKEN, limits=limits, environment=environment)
            yield Asked(graphql, server, budgets)

    async def test_nobody_logged_in_says_what_to_do(self, tmp_path: Path) -> None:
        """Gh without a token of its own or of ours: nothing is sent."""
        async with canned(response(200, GOOD), socket=tmp_path / "socket") as server:
            environment = gh_environment(tmp_path / "gh", tmp_path / "socket")
            failed = await GhGraphQL(GH_HOST, Budgets(), environment=environment).send(QUERY, {})
        assert failed == SendFailed(
            kind=FailureKind.FORBIDDEN, problem="gh has no login here: run gh auth login"
        )
        assert server.requests == []

    async def test_its_own_login_is_used(self, tmp_path: Path) -> None:
        """What `gh auth login` has written; no token of ours is needed."""
        async with canned(response(200, GOOD), socket=tmp_path / "socket") as server:
            environment = gh_environment(tmp_path / "gh", tmp_path / "socket")
            login = f"{GH_HOST}:\n  user: alice\n  oauth_token: gho_own\n"
            (tmp_path / "gh" / "hosts.yml").write_text(login)
            answer = await GhGraphQL(GH_HOST, Budgets(), environment=environment).send(QUERY, {})
        assert isinstance(answer, GraphQLAnswer)
        assert b"gho_own" in server.requests[0]

    async def test_an_enterprise_server_has_its_own_variable_and_path(self, tmp_path: Path) -> None:
        """The token for another host than github.com goes to that host alone."""
        async with canned(response(200, GOOD), socket=tmp_path / "socket") as server:
            environment = gh_environment(tmp_path / "gh", tmp_path / "socket")
            graphql = GhGraphQL("ghes.example", Budgets(), token=TOKEN, environment=environment)
            assert isinstance(await graphql.send(QUERY, {}), GraphQLAnswer)
        assert server.requests[0].startswith(b"POST /api/graphql")

    async def test_a_server_that_is_not_there_is_unavailable(self, tmp_path: Path) -> None:
        """Gh gets no answer: later it may."""
        environment = gh_environment(tmp_path / "gh", tmp_path / "nothing")
        graphql = GhGraphQL(GH_HOST, Budgets(), token=TOKEN, environment=environment)
        failed = await graphql.send(QUERY, {})
        assert isinstance(failed, SendFailed)
        assert failed.kind is FailureKind.UNAVAILABLE


SPY = """#!{python}
import json, os, sys
with open({seen!r}, "w") as seen:
    json.dump([sys.argv[1:], dict(os.environ), sys.stdin.read()], seen)
print({printed!r}, end="")
sys.exit({code})
"""


def a_spy(folder: Path, printed: str = "", code: int = 0) -> str:
    """A program that is called like gh, writes down how, and prints what it is told."""
    program = folder / "spy"
    program.write_text(
        SPY.format(python=sys.executable, seen=str(folder / "seen"), printed=printed, code=code)
    )
    program.chmod(0o700)
    return str(program)


async def test_the_token_is_never_on_a_command_line(tmp_path: Path) -> None:
    """Nor is the document: both are where other users of the machine can't see them."""
    printed = 'HTTP/2.0 200 OK\r\nDate: x\r\n\r\n{"data": {}}'
    base = {"PATH": "/usr/bin", "GH_DEBUG": "api", "GH_HOST": "evil.example", "HTTPS_PROXY": "http://p"}
    graphql = GhGraphQL(
        "github.com", Budgets(), token=TOKEN, program=a_spy(tmp_path, printed), environment=base
    )
    assert isinstance(await graphql.send(QUERY, {"owner": "octo"}), GraphQLAnswer)
    arguments, environment, sent = json.loads((tmp_path / "seen").read_text())
    assert arguments == ["api", "graphql", "--hostname", "github.com", "--include", "--input", "-"]
    assert (environment["GH_TOKEN"], environment["HTTPS_PROXY"]) == (TOKEN, "http://p")
    assert not {"GH_DEBUG", "GH_HOST"} & set(environment)
    assert json.loads(sent)["variables"] == {"owner": "octo"}
    assert TOKEN not in repr(graphql)


@pytest.mark.lesson("S14")
@pytest.mark.parametrize(
    ("printed", "code", "kind"),
    [
        ("", 0, FailureKind.NONSENSE),
        ("", 1, FailureKind.UNAVAILABLE),
        ("", 4, FailureKind.FORBIDDEN),
        ("gh: command not understood", 2, FailureKind.UNAVAILABLE),
        ("HTTP/2.0 banana\r\n\r\n{}", 1, FailureKind.UNAVAILABLE),
        ('HTTP/1.1 200 OK\n\n{"data": {}}', 1, None),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n{}", 1, FailureKind.FORBIDDEN),
    ],
)
async def test_what_gh_printed_counts_whatever_its_exit_code(
    tmp_path: Path, printed: str, code: int, kind: FailureKind | None
) -> None:
    """A response is read also beside exit code 1; without one the code tells why."""
    graphql = GhGraphQL("github.com", Budgets(), program=a_spy(tmp_path, printed, code))
    answer = await graphql.send(QUERY, {})
    assert (answer.kind if isinstance(answer, SendFailed) else None) is kind


async def test_gh_that_ends_without_reading(tmp_path: Path) -> None:
    """A document larger than the pipe meets a program that is gone: its exit code tells why."""
    program = tmp_path / "hasty"
    program.write_text("#!/bin/sh\nexec <&-\nexit 4\n")
    program.chmod(0o700)
    failed = await GhGraphQL("github.com", Budgets(), program=str(program)).send(QUERY, {"x": "y" * 500_000})
    assert isinstance(failed, SendFailed)
    assert failed.kind is FailureKind.FORBIDDEN


async def test_no_gh_at_all(tmp_path: Path) -> None:
    """A program that is not installed is a failure that a person can mend."""
    failed = await GhGraphQL("github.com", Budgets(), program=str(tmp_path / "nothing")).send(QUERY, {})
    assert failed == SendFailed(kind=FailureKind.FORBIDDEN, problem="the program gh is not installed")


@pytest.mark.parametrize("host", ["", "-x", "a b", "github.com/x", "--hostname"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    """It would be an argument of gh."""
    with pytest.raises(InvalidInput):
        GhGraphQL(host, Budgets())
