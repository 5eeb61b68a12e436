"""Text from outside as data: what is plain, and what can't end the fence that it stands in."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.kernel.outside_text import inert_json, is_plain, plain, unstorable

HIDDEN = {
    "no-break space": "\u00a0",
    "figure space": "\u2007",
    "narrow no-break space": "\u202f",
    "ideographic space": "\u3000",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "next line": "\x85",
    "right-to-left override": "\u202e",
    "first strong isolate": "\u2068",
    "Arabic letter mark": "\u061c",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "tag letter": "\U000e0041",
    "selector of variants": "\ufe0f",
    "further selector": "\U000e0100",
    "Hangul filler": "\u3164",
    "braille blank": "\u2800",
    "combining grapheme joiner": "\u034f",
    "escape": "\x1b",
    "NUL": "\0",
    "half of a surrogate pair": "\ud800",
    "private use": "\ue000",
    "no character": "\uffff",
    "backtick": "`",
}


@pytest.mark.parametrize("character", HIDDEN.values(), ids=HIDDEN)
def test_what_hides_is_written_by_its_number(character: str) -> None:
    """Spaces that are none, directions, what has no width, separators of lines: each is seen."""
    assert plain(f"x.{character}First", 100) == f"x.[U+{ord(character):04X}]First"


@pytest.mark.parametrize("name", ["fix/login-2", "Größe prüfen", "直す", "नमस्ते", "100 % (ok) <b>", "🎉 done"])
def test_what_people_write_stays(name: str) -> None:
    """Letters of every script with their marks, punctuation and symbols are plain."""
    assert plain(name, 100) == name


@given(text=st.text(max_size=400), cap=st.integers(1, 300))
def test_a_name_is_one_line_of_what_is_seen(text: str, cap: int) -> None:
    """No name breaks a line, opens a fence, hides a character or runs on."""
    line = plain(text, cap)
    assert len(line) <= cap
    assert all(is_plain(character) for character in line)
    assert not any(unicodedata.category(c)[0] in "CZ" for c in line if c != " ")


@given(text=st.text(max_size=100))
def test_what_is_quoted_reads_back_and_ends_nothing(text: str) -> None:
    """JSON in ASCII without the characters that end a fence, open a tag or a model's own words."""
    for indent in (None, 1):
        quoted = inert_json({"a": [text]}, indent=indent)
        assert json.loads(quoted) == {"a": [text]}
        assert quoted.isascii()
        assert not set(quoted) & set("`<>")


@given(text=st.text(max_size=20), where=st.integers(0, 20), bad=st.sampled_from("\0\ud800\udbff\udc00\udfff"))
def test_what_no_database_takes_is_known(text: str, where: int, bad: str) -> None:
    """NUL and halves of surrogate pairs, wherever they stand; every other text is fine."""
    assert (unstorable(text) is None) == (
        "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    )
    assert unstorable(text[:where] + bad + text[where:]) is not None
