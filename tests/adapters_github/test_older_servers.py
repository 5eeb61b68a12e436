"""An Enterprise Server that lacks a field: it is named, and a smaller document is tried."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from headway_core.pull_requests.model import FailureKind
from headway_github.answers import GraphQLAnswer, RawAnswer, SendFailed, read_answer
from headway_github.budgets import Budgets
from headway_github.documents import NAMES, Document, branches, document
from headway_github.graphql_transport import GraphQLTransport
from headway_github.lacking import KEPT_S, Lacking
from headway_testing.clock import EPOCH

pytestmark = pytest.mark.anyio


def undefined(kind: str, field: str) -> dict[str, Any]:
    """As GitHub says it."""
    return {
        "path": ["fragment Facts", field],
        "extensions": {"code": "undefinedField", "typeName": kind, "fieldName": field},
        "locations": [{"line": 1, "column": 1}],
        "message": f"Field '{field}' doesn't exist on type '{kind}'",
    }


class Server(GraphQLTransport):
    """Refuses what asks for one of its lacking words, in GitHub's way; answers the rest."""

    def __init__(self, lacks: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(Budgets())
        self.lacks = dict(lacks)
        self.asked: list[str] = []

    async def _post(self, content: bytes, *, changes: bool) -> RawAnswer | SendFailed:
        text = json.loads(content)["query"]
        self.asked.append(text)
        errors = [error for word, error in self.lacks.items() if word in text]
        body: dict[str, Any] = {"errors": errors} if errors else {"data": {"viewer": {}}}
        return RawAnswer(status=200, headers={}, body=json.dumps(body).encode(), at=EPOCH)


QUEUE = {
    "isInMergeQueue": undefined("PullRequest", "isInMergeQueue"),
    "mergeQueueEntry": undefined("PullRequest", "mergeQueueEntry"),
}


@pytest.mark.parametrize(
    "lacks",
    [
        QUEUE,
        {"isInMergeQueue": QUEUE["isInMergeQueue"]},
        {"checks: statusCheckRollup": undefined("PullRequest", "statusCheckRollup")},
        {"event": undefined("WorkflowRun", "event")},
        {
            "isInMergeQueue": {
                "message": 'Cannot query field "isInMergeQueue" on type "PullRequest".',
                "path": ["query"],
            }
        },
    ],
)
async def test_what_can_be_done_without_is_left_out(
    lacks: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The field is named once in the log, and the document that is asked from then on has it not."""
    server = Server(lacks)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert isinstance(await server.send(document("detail"), {}), GraphQLAnswer)
    assert len(server.asked) == 4
    (said,) = [record.message for record in caplog.records]
    assert "this GitHub has no " in said
    whole, smaller = server.asked[0], server.asked[-1]
    assert len(smaller) < len(whole)
    assert all(word not in smaller for word in lacks)


async def test_what_is_needed_is_named_and_not_asked_twice() -> None:
    """The failure says which field, for people: no smaller document would do."""
    server = Server({"isDraft": undefined("PullRequest", "isDraft")})
    failed = await server.send(document("detail"), {})
    assert isinstance(failed, SendFailed)
    assert (failed.kind, failed.problem) == (FailureKind.NONSENSE, "this GitHub has no PullRequest.isDraft")
    assert len(server.asked) == 1


async def test_a_mutation_is_sent_once_however_it_is_refused() -> None:
    """It has nothing that can be left out."""
    server = Server({"resolveReviewThread": undefined("Mutation", "resolveReviewThread")})
    assert isinstance(await server.send(document("resolve_thread"), {}), SendFailed)
    assert len(server.asked) == 1


async def test_a_rule_of_which_the_type_is_unknown_is_left_out() -> None:
    """A server without rulesets has none, and its protection is asked for still."""
    lacks = {
        "code": "undefinedType",
        "typeName": "RequiredStatusChecksParameters",
    }
    message = "No such type RequiredStatusChecksParameters, so it can't be a fragment condition"
    server = Server({"RequiredStatusChecksParameters": {"message": message, "extensions": lacks}})
    assert isinstance(await server.send(document("required"), {}), GraphQLAnswer)
    assert "branchProtectionRule" in server.asked[-1]
    assert "rules(" not in server.asked[-1]
    assert "fragment Rules" not in server.asked[-1]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_after_a_day_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may be upgraded."""
    lacking, moment = Lacking(), anyio.current_time()
    assert lacking.learns(["PullRequest.isInMergeQueue"], {"PullRequest.isInMergeQueue"})
    assert not lacking.learns(["PullRequest.isInMergeQueue"], {"PullRequest.isInMergeQueue"})
    assert lacking.now() == {"PullRequest.isInMergeQueue"}
    monkeypatch.setattr(anyio, "current_time", lambda: moment + KEPT_S + 1)
    assert lacking.now() == frozenset()


@pytest.mark.parametrize(
    "name",
    ["", "a b", "x" * 200, "evil\u202e", "<script>"],
)
def test_a_name_that_is_none_is_not_told(name: str) -> None:
    """What a server says is outside text: only names of a schema are repeated."""
    error = undefined("PullRequest", name)
    failed = read_answer(200, {}, json.dumps({"errors": [error]}).encode(), EPOCH)
    assert isinstance(failed, SendFailed)
    assert not name or name not in failed.problem
    assert not failed.too_big


ALL: list[Document] = [*(document(name) for name in NAMES), branches(3)]


@pytest.mark.parametrize("found", ALL, ids=lambda found: str(found.name))
def test_every_optional_line_can_be_left_out_alone_and_with_all_others(found: Document) -> None:
    """What is left is a document: braces pair up, and no fragment is spread that is not there, or unused."""
    for lacking in [*({name} for name in found.optional), found.optional]:
        text = found.without(lacking).text
        assert text.count("{") == text.count("}")
        code = "\n".join(line.split("#")[0] for line in text.splitlines())
        spread = {
            word.removeprefix("...") for word in code.split() if word.startswith("...") and word != "..."
        }
        defined = {line.split()[1] for line in code.splitlines() if line.startswith("fragment ")}
        assert spread == defined
