"""What an agent leaves for GitHub is read strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.forge_actions.model import OpenPullRequest, Reply, Resolve
from headway_core.forge_actions.words import Target, pull_request, replies
from headway_core.kernel.errors import InvalidInput

TARGET = Target(
    head="headway/fix", base="main", has_pull_request=False, threads=frozenset({"T1"}), may_reply=True
)


def test_a_reply_and_a_resolution() -> None:
    """Both are orders about the thread, in this order."""
    raw = json.dumps([{"thread": "T1", "text": "Done.", "resolve": True}]).encode()
    assert replies(raw, TARGET) == (Reply(thread_id="T1", body="Done."), Resolve(thread_id="T1"))


def test_an_opened_pull_request_is_of_the_workspace() -> None:
    """Head and base are the workspace's; an agent chooses words only."""
    raw = json.dumps({"title": "Fix it", "head": "main", "base": "release"}).encode()
    (order,) = pull_request(raw, TARGET)
    assert order == OpenPullRequest(head="headway/fix", base="main", title="Fix it", body="", draft=False)


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b"nonsense", "replies.json"),
        (b"[" * 100_000, "replies.json"),
        (b'{"thread": "T1"}', "replies.json"),
        (b'[{"thread": 7}]', "thread"),
        (b'[{"thread": "T1", "resolve": "yes"}]', "resolve"),
        (b'[{"thread": "T2", "text": "Hi"}]', "replies.json[0].thread"),
    ],
)
def test_bad_words_name_what_is_wrong(raw: bytes, named: str) -> None:
    """Nothing is taken from a file with a bad entry."""
    with pytest.raises(InvalidInput) as caught:
        replies(raw, TARGET)
    assert named in str(caught.value)


@pytest.mark.parametrize("title", ["", "   ", "two\nlines", "x" * 251])
def test_a_title_is_one_line(title: str) -> None:
    """GitHub's titles are lines."""
    with pytest.raises(InvalidInput):
        pull_request(json.dumps({"title": title}).encode(), TARGET)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No other exception, whatever an agent wrote."""
    for read in (replies, pull_request):
        try:
            read(raw, TARGET)
        except InvalidInput:
            continue
