"""What an agent left for GitHub is read strictly, or not at all."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.forge_actions import OpenPullRequest, Reply, Resolve
from headway_core.forge_actions.agent_output import Target, pull_request, replies
from headway_core.kernel.errors import InvalidInput

TARGET = Target(
    head="headway/fix", base="main", has_pull_request=False, threads=frozenset({"T_1", "T_2"}), may_reply=True
)


def _raw(value: object) -> bytes:
    return json.dumps(value).encode()


def test_replies_become_orders_in_their_order() -> None:
    """Text is a reply, the flag resolves; a reply goes before its resolving."""
    entries = [
        {"thread": "T_1", "text": "Done", "resolve": True},
        {"thread": "T_2", "resolve": True},
        {"thread": "T_2", "text": " "},
    ]
    assert replies(_raw(entries), TARGET) == (
        Reply(thread_id="T_1", body="Done"),
        Resolve(thread_id="T_1"),
        Resolve(thread_id="T_2"),
    )


def test_replies_may_be_switched_off() -> None:
    """Without the permission nothing is said; resolving stays."""
    silent = attrs.evolve(TARGET, may_reply=False)
    raw = _raw([{"thread": "T_1", "text": "Done", "resolve": True}])
    assert replies(raw, silent) == (Resolve(thread_id="T_1"),)


@pytest.mark.parametrize(
    "value",
    [
        {},
        "text",
        None,
        [1],
        [{}],
        [{"thread": 1}],
        [{"thread": "T_1", "text": 5}],
        [{"thread": "T_1", "text": "a" * 60_001}],
        [{"thread": "T_9", "text": "Hello"}],
        [{"thread": "T_1", "text": "fine"}, {"thread": "T_9", "text": "not"}],
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_bad_entry_refuses_all_replies(value: object) -> None:
    """No half of a file is used, and no thread of another pull request is answered."""
    with pytest.raises(InvalidInput):
        replies(_raw(value), TARGET)


def test_a_pull_request_is_of_the_workspaces_branch() -> None:
    """The agent says title, body and draft; head and base are ours."""
    raw = _raw({"title": "Fix login", "body": "Because", "draft": True})
    order = OpenPullRequest(head="headway/fix", base="main", title="Fix login", body="Because", draft=True)
    assert pull_request(raw, TARGET) == (order,)
    assert pull_request(raw, attrs.evolve(TARGET, has_pull_request=True)) == ()


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"title": ""},
        {"title": " x"},
        {"title": "a\nb"},
        {"title": "a" * 251},
        {"title": "x", "body": "a" * 60_001},
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_pull_request_is_refused(value: object) -> None:
    """A title is one line that begins with a word."""
    with pytest.raises(InvalidInput):
        pull_request(_raw(value), TARGET)


@given(raw=st.one_of(st.binary(max_size=80), st.just(b"[" * 100_000), st.just(b"NaN")))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing else comes out of hostile bytes than orders or a refusal."""
    for read in (replies, pull_request):
        try:
            assert isinstance(read(raw, TARGET), tuple)
        except InvalidInput as error:
            assert len(error.problem) <= 300  # noqa: PT017  either way is fine
