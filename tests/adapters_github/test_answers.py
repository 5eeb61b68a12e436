"""How a response is judged."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.pull_requests.model import FailureKind
from headway_github.answers import SECONDARY_WAIT_S, GraphQLAnswer, SendFailed, read_answer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESET = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp()) + 300)}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


def errors(*types: str, **more: Any) -> dict[str, Any]:
    return {"errors": [{"type": kind, "message": "words"} for kind in types], **more}


K = FailureKind


@pytest.mark.lesson("S11")
@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "retry_after_s", "words"),
    [
        # primary: 200 with an error, or 403 without points
        (200, RESET, errors("RATE_LIMITED"), K.RATE_LIMITED, 300, "primary"),
        (200, RESET, errors("RATE_LIMIT", data=None), K.RATE_LIMITED, 300, "primary"),
        (200, {}, errors("RATE_LIMITED"), K.RATE_LIMITED, None, "primary"),
        (403, RESET, {"message": "API rate limit exceeded"}, K.RATE_LIMITED, 300, "primary"),
        # secondary: points left, or nothing said of them
        (
            403,
            {"retry-after": "17", "x-ratelimit-remaining": "4000"},
            SECONDARY,
            K.RATE_LIMITED,
            17,
            "secondary",
        ),
        (403, {"x-ratelimit-remaining": "4000"}, SECONDARY, K.RATE_LIMITED, SECONDARY_WAIT_S, "secondary"),
        (429, {}, {}, K.RATE_LIMITED, SECONDARY_WAIT_S, "secondary"),
        (429, {"retry-after": "3"}, b"<html>", K.RATE_LIMITED, 3, "secondary"),
        (200, {}, {"errors": [SECONDARY]}, K.RATE_LIMITED, SECONDARY_WAIT_S, "secondary"),
        # refusals
        (401, {}, {"message": "Bad credentials"}, K.FORBIDDEN, None, "401"),
        (403, {}, {"message": "Resource not accessible"}, K.FORBIDDEN, None, "403"),
        (200, {}, errors("FORBIDDEN"), K.FORBIDDEN, None, "token"),
        (200, {}, errors("INSUFFICIENT_SCOPES"), K.FORBIDDEN, None, "token"),
        (200, {}, errors("NOT_FOUND", data=None), K.NOT_FOUND, None, "no such"),
        # outages
        (500, {}, b"", K.UNAVAILABLE, None, "500"),
        (502, {}, b"<html>unicorn</html>", K.UNAVAILABLE, None, "502"),
        (503, {"retry-after": "5"}, b"", K.UNAVAILABLE, 5, "503"),
        (200, {}, errors("RESOURCE_LIMITS_EXCEEDED"), K.UNAVAILABLE, None, "short"),
        # nonsense
        (200, {}, b"<html>hello</html>", K.NONSENSE, None, "JSON"),
        (200, {}, b'{"data": {"nodes": [', K.NONSENSE, None, "JSON"),
        (200, {}, b"[1]", K.NONSENSE, None, "JSON"),
        (200, {}, b"\xff\xfe", K.NONSENSE, None, "JSON"),
        (200, {}, b"[" * 100_000, K.NONSENSE, None, "JSON"),
        (200, {}, {}, K.NONSENSE, None, "neither"),
        (200, {}, {"data": None}, K.NONSENSE, None, "neither"),
        (200, {}, {"data": [1], "errors": "no list"}, K.NONSENSE, None, "neither"),
        (200, {}, errors("SOMETHING"), K.NONSENSE, None, "errors"),
        (404, {}, b"<html>", K.NONSENSE, None, "404"),
    ],
)
def test_each_failure_is_told_apart(  # noqa: PLR0917  the columns of the table
    status: int,
    headers: dict[str, str],
    body: Any,
    kind: FailureKind,
    retry_after_s: float | None,
    words: str,
) -> None:
    """By status, headers and body: its kind, how long to wait, and a sentence without outside words."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    failed = read_answer(status, headers, content, NOW)
    assert isinstance(failed, SendFailed)
    assert (failed.kind, failed.retry_after_s) == (kind, retry_after_s)
    assert words in failed.problem
    assert "words" not in failed.problem


@pytest.mark.parametrize(
    "body",
    [
        {"data": None, "errors": [{"message": "Something went wrong while executing your query."}]},
        {"errors": [{"message": "Something went wrong while executing your query on 2026-01-01."}]},
        {"data": None, "errors": [{"message": "timedout"}]},
        {"data": None, "errors": [{"type": "SERVICE_UNAVAILABLE", "message": "words"}]},
        {"data": None, "errors": [{}]},
        {"data": None},
    ],
    ids=str,
)
def test_an_answer_without_data_asks_for_a_smaller_question(body: dict[str, Any]) -> None:
    """GitHub says with status 200 and null data that something went wrong: a time-out, as a 502 is."""
    failed = read_answer(200, {}, json.dumps(body).encode(), NOW)
    assert isinstance(failed, SendFailed)
    assert failed.too_big
    assert "went wrong" not in failed.problem


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_overload_asks_for_a_smaller_question(status: int) -> None:
    """Time-outs of GitHub cost extra points: shrink, do not just retry."""
    failed = read_answer(status, {}, b"", NOW)
    assert isinstance(failed, SendFailed)
    assert failed.too_big


@pytest.mark.parametrize("wrong", ["soon", "-5", "1e9", "", "9" * 40, "٣"])
def test_a_wait_that_is_no_number_is_none(wrong: str) -> None:
    """Nonsense in a header makes nobody wait for ever, and crashes nothing."""
    failed = read_answer(503, {"retry-after": wrong, **RESET, "x-ratelimit-reset": wrong}, b"", NOW)
    assert isinstance(failed, SendFailed)
    assert failed.retry_after_s is None


def test_partial_data_is_an_answer_with_its_errors() -> None:
    """200 with data and errors: what is there is kept, what is wrong has its path."""
    body = {
        "data": {"a": 1},
        "errors": [{"type": "forbidden", "message": "m", "path": ["nodes", 0, "checks"]}, 5],
    }
    answer = read_answer(200, {}, json.dumps(body).encode(), NOW)
    assert isinstance(answer, GraphQLAnswer)
    assert answer.data == {"a": 1}
    assert [(e.type, e.path) for e in answer.errors] == [("FORBIDDEN", ("nodes", 0, "checks")), ("", ())]
    assert "message" not in repr(answer.errors[0])


def test_words_of_a_limit_within_data_are_no_limit() -> None:
    """A comment that quotes GitHub's message limits nobody."""
    body = json.dumps({"data": {"body": "a secondary rate limit"}}).encode()
    assert isinstance(read_answer(200, {}, body, NOW), GraphQLAnswer)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "errors", "type", "path"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.lesson("S5")
@given(st.sampled_from([200, 201, 302, 400, 403, 404, 429, 500, 502]), st.one_of(st.binary(), _JSON))
def test_no_answer_raises(status: int, body: Any) -> None:
    """Any bytes, any JSON, any status: an answer or a failure."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert isinstance(read_answer(status, {}, content, NOW), GraphQLAnswer | SendFailed)
