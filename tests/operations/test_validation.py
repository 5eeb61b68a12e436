"""Names and prompts of new workspaces: pure functions over hostile text."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.kernel.errors import InvalidInput
from headway_core.operations.issue_prompt import QUOTE_LENGTH, issue_prompt
from headway_core.operations.ports import Issue
from headway_core.operations.validation import (
    given_name,
    given_prompt,
    name_from_outside,
)

SIZE = 65_536
URL = "https://github.com/Octo/Demo/issues/7"


@given(st.text(max_size=300))
def test_a_name_is_taken_trimmed_or_refused(text: str) -> None:
    """1 to 200 visible characters, whatever comes in."""
    try:
        name = given_name(text)
    except InvalidInput:
        return
    assert name == text.strip()
    assert 1 <= len(name) <= 200
    assert not any(unicodedata.category(character).startswith("C") for character in name)


@given(st.text(max_size=400))
def test_a_title_from_outside_always_makes_a_name(text: str) -> None:
    """One printable line that a person could have given."""
    assert given_name(name_from_outside(text, otherwise="Issue #7"))


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_a_blank_prompt_is_none(text: str | None) -> None:
    """Nothing is sent to an agent then."""
    assert given_prompt(text) is None


@pytest.mark.parametrize("text", ["x" * 100_001, "a\0b", "a\ud800b", "\udcff"])
def test_a_prompt_that_nobody_could_send_is_refused(text: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidInput, match="initial_prompt"):
        given_prompt(text)


def issue(*, trusted: bool, title: str = "T1TLE", body: str = "B0DY") -> Issue:
    return Issue(number=7, url=URL, title=title, body=body, author="ada", trusted=trusted)


@pytest.mark.lesson("R28")
@pytest.mark.parametrize(
    ("found", "confirmed", "quoted"),
    [
        (None, False, set()),
        (None, True, set()),
        (issue(trusted=False), False, set()),
        (issue(trusted=False), True, {"B0DY"}),
        (issue(trusted=True), False, {"T1TLE", "B0DY"}),
        (issue(trusted=True), True, {"T1TLE", "B0DY"}),
    ],
)
def test_only_trusted_or_confirmed_text_reaches_a_prompt(
    found: Issue | None, quoted: set[str], *, confirmed: bool
) -> None:
    """I10: of the others' text it is told that it exists. A confirmation is of the body, not the title."""
    prompt = issue_prompt(7, URL, found, body_confirmed=confirmed, size=SIZE)
    assert {word for word in ("T1TLE", "B0DY") if word in prompt} == quoted
    assert URL in prompt


@pytest.mark.lesson("R28")
@given(st.text(max_size=200), st.text(max_size=200))
def test_a_quote_is_inert_and_says_what_the_issue_says(title: str, body: str) -> None:
    """One line of JSON in a fence that no content ends; read back it is the issue's own text."""
    prompt = issue_prompt(
        7, URL, issue(trusted=True, title=title, body=body), body_confirmed=False, size=SIZE
    )
    before, line, after = prompt.split("\n```json\n")[0], prompt.split("\n")[-2], prompt.split("\n")[-1]
    assert after == "```"
    assert not set(line) & set("`<>")
    assert line.isascii()
    assert json.loads(line) == {"title": title, "body": body}
    assert prompt == f"{before}\n```json\n{line}\n```"


def test_a_long_body_is_cut_and_the_cut_is_told() -> None:
    """The agent knows that there is more."""
    long = issue(trusted=True, body="x" * (QUOTE_LENGTH + 1))
    prompt = issue_prompt(7, URL, long, body_confirmed=False, size=SIZE)
    assert "x" * QUOTE_LENGTH in prompt
    assert "x" * (QUOTE_LENGTH + 1) not in prompt
    assert f"cut after {QUOTE_LENGTH}" in prompt


@pytest.mark.lesson("R28")
@given(
    title=st.text(max_size=100), body=st.text(max_size=100), trusted=st.booleans(), confirmed=st.booleans()
)
def test_no_word_of_an_issue_stands_outside_its_fence(
    title: str, body: str, *, trusted: bool, confirmed: bool
) -> None:
    """What surrounds the quote is the same for every issue, and in ASCII."""
    said, calm = (
        issue_prompt(
            7, URL, issue(trusted=trusted, title=t, body=b), body_confirmed=confirmed, size=SIZE
        ).split("```")
        for t, b in ((title, body), ("x", "x"))
    )
    assert said[::2] == calm[::2]
    assert "".join(said).isascii()
    assert len(said) == (3 if trusted or confirmed else 1)


@given(
    body=st.one_of(st.text(max_size=300), st.text(alphabet="🎉`\n直a", min_size=8_000, max_size=8_000)),
    title=st.text(max_size=300),
    size=st.integers(8_192, SIZE),
)
@settings(max_examples=50, deadline=None)
def test_a_prompt_of_an_issue_has_a_size(body: str, title: str, size: int) -> None:
    """Whatever is written, in whichever script: of a body the beginning is quoted, and the cut is told."""
    prompt = issue_prompt(
        7, URL, issue(trusted=True, title=title, body=body), body_confirmed=False, size=size
    )
    assert len(prompt.encode()) <= size
    quoted = json.loads(prompt.split("\n```json\n")[1].split("\n```")[0])["body"]
    assert body.startswith(quoted)
    assert (f"cut after {len(quoted)}" in prompt) == (quoted != body)
