"""What an agent left for GitHub is read strictly, or not at all."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.forge_actions import OpenPullRequest, Reply, Resolve
from headway_core.forge_actions.agent_output import Taken, Target, given_body, pull_request, replies
from headway_core.kernel.errors import InvalidInput

TARGET = Target(
    head="headway/fix", base="main", has_pull_request=False, threads=frozenset({"T_1", "T_2"}), may_reply=True
)


def _raw(value: object) -> bytes:
    return json.dumps(value).encode()


def _taken(value: object, target: Target = TARGET) -> Taken:
    return replies(_raw(value), target)


def test_replies_become_orders_in_their_order() -> None:
    """Text is a reply, the flag resolves; a reply goes before its resolving."""
    taken = _taken(
        [{"thread": "T_1", "text": "Done", "resolve": True}, {"thread": "T_2", "text": " ", "resolve": True}]
    )
    assert taken.orders == (
        Reply(thread_id="T_1", body="Done"),
        Resolve(thread_id="T_1"),
        Resolve(thread_id="T_2"),
    )
    assert taken.problem is None


def test_replies_may_be_switched_off() -> None:
    """Without the permission nothing is said; resolving stays, and nothing is refused."""
    silent = attrs.evolve(TARGET, may_reply=False)
    entries = [{"thread": "T_1", "text": "Done", "resolve": True}, {"thread": "T_2", "text": "Done"}]
    assert _taken(entries, silent) == Taken(orders=(Resolve(thread_id="T_1"),))


@pytest.mark.parametrize("value", [{}, "text", None, 7], ids=str)
def test_what_is_no_list_is_refused_whole(value: object) -> None:
    """There is no entry to take."""
    with pytest.raises(InvalidInput):
        _taken(value)


NO_ENTRIES = {
    "no object": (1, "", "is not the JSON that is wanted"),
    "a list": ([], "", "is not the JSON that is wanted"),
    "no thread": ({}, ".thread", "required field missing"),
    "a thread that is no text": ({"thread": 1}, ".thread", "invalid value for type, expected str"),
    "a text that is none": ({"thread": "T_2", "text": 5}, ".text", "invalid value for type, expected str"),
    "a flag that is none": (
        {"thread": "T_2", "resolve": 1},
        ".resolve",
        "invalid value for type, expected bool",
    ),
    "too long": ({"thread": "T_2", "text": "a" * 60_001}, ".text", "must have at most 60000 characters"),
    "half of a pair": (
        {"thread": "T_2", "text": "a\ud800"},
        ".text",
        "has half of a surrogate pair, which is no Unicode",
    ),
    "NUL": ({"thread": "T_2", "text": "\0"}, ".text", "has a NUL character"),
    "blank": ({"thread": "T_2", "text": " \n"}, ".text", "is blank, and the thread is not to be resolved"),
    "another's thread": ({"thread": "T_9"}, ".thread", "is no unresolved thread of this pull request"),
    "a thread with half of a pair": (
        {"thread": "\ud800"},
        ".thread",
        "is no unresolved thread of this pull request",
    ),
    "a second one": ({"thread": "T_1", "resolve": True}, ".thread", "is answered by an entry before it"),
}


@pytest.mark.parametrize(("entry", "field", "problem"), NO_ENTRIES.values(), ids=NO_ENTRIES)
def test_each_entry_stands_alone(entry: object, field: str, problem: str) -> None:
    """One that can't be used is refused by its field; those around it are carried out."""
    taken = _taken([{"thread": "T_1", "text": "fine"}, entry, {"thread": "T_2", "text": "too"}])
    assert taken.orders == (Reply(thread_id="T_1", body="fine"), Reply(thread_id="T_2", body="too"))
    assert taken.refused == (f"replies.json[1]{field}: {problem}",)


def test_at_most_fifty_are_taken_of_a_turn() -> None:
    """The first that can be used; the rest is refused, and told in a few words, however many there are."""
    many = attrs.evolve(TARGET, threads=frozenset(f"T_{n}" for n in range(32_000)))
    entries = [
        {"thread": "T_x", "text": "lost"},
        *({"thread": f"T_{n}", "text": "Hi"} for n in range(32_000)),
    ]
    taken = replies(_raw(entries), many)
    assert taken.orders == tuple(Reply(thread_id=f"T_{n}", body="Hi") for n in range(50))
    assert len(taken.refused) == 31_951
    assert taken.problem is not None
    assert taken.problem.startswith(
        "replies.json[0].thread: is no unresolved thread of this pull request; "
        "replies.json[51]: is one more than the 50 that are taken of a turn; "
    )
    assert taken.problem.endswith("; and 31946 more")
    assert len(taken.problem) < 500


def test_one_thread_gets_one_answer() -> None:
    """However often it is named, and in whichever way."""
    taken = _taken([{"thread": "T_1", "text": f"{n}", "resolve": n % 2 == 0} for n in range(1_000)])
    assert taken.orders == (Reply(thread_id="T_1", body="0"), Resolve(thread_id="T_1"))
    assert len(taken.refused) == 999


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
        {"title": "a\u2028b"},
        {"title": "a\x85b"},
        {"title": "a\x0bb"},
        {"title": "a\x1b[2Jb"},
        {"title": "a\u202eb"},
        {"title": "a\u2066b"},
        {"title": "\ud800"},
        {"title": "a\0"},
        {"title": 7},
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_title_is_refused(value: object) -> None:
    """A title is one line that begins with a word, and reads as it stands."""
    with pytest.raises(InvalidInput) as caught:
        pull_request(_raw(value), TARGET)
    assert caught.value.field == (
        "pull-request.json.title" if isinstance(value, dict) else "pull-request.json"
    )


@pytest.mark.parametrize("title", ["Fix login", "直す", "Größe: 100 % 🎉", "👩\u200d💻 at work", "שלום"])
def test_a_title_may_be_of_any_script(title: str) -> None:
    """Letters, marks, symbols, and what joins them."""
    (order,) = pull_request(_raw({"title": title}), TARGET)
    assert isinstance(order, OpenPullRequest)
    assert order.title == title


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"title": "x", "body": "\\ud800"}', "has half of a surrogate pair, which is no Unicode"),
        (b'{"title": "x", "body": "\\udc00 \\ud800"}', "has half of a surrogate pair, which is no Unicode"),
        (b'{"title": "x", "body": "\xed\xa0\x80"}', "has half of a surrogate pair, which is no Unicode"),
        (b'{"title": "x", "body": "a\\u0000"}', "has a NUL character"),
        (_raw({"title": "x", "body": "a" * 60_001}), "must have at most 60000 characters"),
        (_raw({"title": "x", "body": 7}), "invalid value for type, expected str"),
    ],
    ids=["half of a pair", "halves in the wrong order", "in bytes", "NUL", "too long", "no text"],
)
def test_a_bad_body_is_refused_with_its_field(raw: bytes, problem: str) -> None:
    """What no database and no forge takes is told at once, not at its posting."""
    with pytest.raises(InvalidInput) as caught:
        pull_request(raw, TARGET)
    assert (caught.value.field, caught.value.problem) == ("pull-request.json.body", problem)


def test_a_whole_pair_is_fine() -> None:
    """As JSON writes what is beyond the first 65,536 characters."""
    (order,) = pull_request(b'{"title": "\\ud83c\\udf89", "body": "\\ud83c\\udf89"}', TARGET)
    assert isinstance(order, OpenPullRequest)
    assert (order.title, order.body) == ("🎉", "🎉")


@given(raw=st.one_of(st.binary(max_size=80), st.just(b"[" * 100_000), st.just(b"NaN")))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """Nothing else comes out of hostile bytes than orders or a refusal."""
    for read in (replies, pull_request):
        try:
            assert isinstance(read(raw, TARGET), Taken | tuple)
        except InvalidInput as error:
            assert len(error.problem) <= 300  # noqa: PT017  either way is fine


@pytest.mark.parametrize("body", ["", " ", "a" * 60_001, "a\ud800", "a\0"], ids=ascii)
def test_what_a_person_says_is_text(body: str) -> None:
    """The same rule as for agents, before anything is stored."""
    with pytest.raises(InvalidInput, match=r"^body: "):
        given_body(body)
