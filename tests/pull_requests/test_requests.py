"""Which comments of a conversation ask Headway for something."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headway_core.pull_requests.requests import is_command, is_request, mentioned


@pytest.mark.parametrize(
    "text",
    [
        "/fix the typo",
        "/fix",
        "  \n\n/fix\nthe typo",
        "/FIX: the typo",
        "/fix, please",
        "> Done.\n> <!-- headway:id-1 -->\n\n/fix not quite",
        "/fix\r\nthe typo",
    ],
)
def test_a_command_begins_the_comment(text: str) -> None:
    """In any case and after blank lines; what an e-mail quotes above it is no beginning."""
    assert is_command(text)
    assert is_request(text, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please /fix it",
        "See\n/fix",
        "/fixture is wrong",
        "/fix-it",
        "/fix/path",
        "/ fix",
        "> /fix the typo",
        "    /fix",
        "```\n/fix\n```",
        "`/fix`",
        "<!-- -->/fix",
        "/f\u0131x",
        "/fix\u00e9",
    ],
)
def test_a_word_elsewhere_or_of_another_kind_is_no_command(text: str) -> None:
    """Quoted, in code, within the text, or the beginning of another word."""
    assert not is_command(text)
    assert not is_request(text, None)


@pytest.mark.parametrize(
    "text",
    [
        "@headway-app please rename",
        "Could you, @Headway-App?",
        "(@headway-app)",
        "cc @olga, @headway-app.",
        "@headway-app[bot] go on",
        "> @olga\n\n@headway-app",
        "`x` and @headway-app and `y`",
        "``a`` @headway-app",
        "```\ncode\n```\n@headway-app",
        "an odd ` and @headway-app",
    ],
)
@pytest.mark.parametrize("account", ["headway-app", "headway-app[bot]", "HEADWAY-APP"])
def test_who_is_mentioned_is_addressed(text: str, account: str) -> None:
    """Wherever in the text; an app with and without its suffix."""
    assert is_request(text, account)
    assert not is_request(text, None)
    assert not is_request(text, "headway")


@pytest.mark.parametrize(
    "text",
    [
        "headway-app",
        "mail@headway-app",
        "@headway-app/team",
        "x/@headway-app",
        "@headway-app.example.com",
        "@headway-apple",
        "@headway-app-two",
        "@@headway-app",
        "> @headway-app said so",
        "  > @headway-app said so",
        "`@headway-app`",
        "``x @headway-app y``",
        "```\n@headway-app\n```",
        "~~~\n```\n@headway-app\n~~~",
        "```\n@headway-app",
    ],
)
def test_what_only_looks_like_a_mention_addresses_nobody(text: str) -> None:
    """Addresses of mail and of teams, longer names, quotes and code."""
    assert not is_request(text, "headway-app")


@pytest.mark.parametrize("separator", "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e")
def test_who_is_quoted_does_not_speak(separator: str) -> None:
    """A stranger's line with a separator that ends no line of Markdown stays within the quote of it."""
    text = f"> Hello{separator}/fix it @headway-app\n\nThanks, no."
    assert not is_request(text, "headway-app")
    assert not is_command(f"> Hello{separator}/fix it")


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="@/fix`>~ \nab-[].", max_size=200))
def test_a_quote_is_never_a_request(text: str) -> None:
    """Whatever is quoted as a whole asks for nothing."""
    quoted = "\n".join(f"> {line}" for line in text.split("\n"))
    assert not is_request(quoted, "ab")
    assert mentioned(quoted) == frozenset()


def test_long_hostile_text_is_judged_at_once() -> None:
    """No pattern takes more than its length."""
    for text in ("`" * 60_000, "@" * 60_000, "@a-" * 20_000, "> " * 30_000, "/fix" * 15_000, "\n" * 60_000):
        assert not is_request(text, "b")
