"""Which addresses are those of a project's issues at GitHub: a pure function over hostile text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway_core.operations.ports import IssueAddress
from headway_github.addresses import issue_address, issue_at
from headway_testing.records import a_project

PROJECT = a_project(github_owner="Octo", github_repo="Demo")
URL = "https://github.com/Octo/Demo/issues/7"


def test_the_plain_address_is_made_of_the_number() -> None:
    """As GitHub writes it."""
    assert issue_address(PROJECT, 7) == URL


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://github.com/octo/demo/issues/7",
        "https://GitHub.com/Octo/Demo/issues/7/",
        f"{URL}#issuecomment-1",
        f"{URL}?a=b",
    ],
)
def test_the_address_of_the_issue_is_known_in_its_forms(url: str) -> None:
    """What is stored is the plain form."""
    assert issue_at(PROJECT, url) == IssueAddress(number=7, url=URL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "7",
        "https://github.com/octo/other/issues/7",
        "https://github.com/octo/demo/issues/8",
        "https://github.com/octo/demo/issues/07",
        "https://github.com/octo/demo/issues/",
        "https://github.com/7",
        "https://github.com/octo/demo/pull/7",
        "https://github.com/octo/demo/issues/7/../8",
        "https://github.com.evil.example/octo/demo/issues/7",
        "https://github.com@evil.example/octo/demo/issues/7",
        "https://ada:secret@github.com/octo/demo/issues/7",
        "https://github.com:444/octo/demo/issues/7",
        "ftp://github.com/octo/demo/issues/7",
        "javascript:alert(1)",
        "https://[github.com/octo/demo/issues/7",
        "https://github.com/octo/demo/issues/7\n",
    ],
)
def test_an_issue_of_another_repository_or_number_is_not_this_one(url: str) -> None:
    """Of another place, with another number, with more in it, or no address at all."""
    found = issue_at(PROJECT, url)
    assert found is None or found.number != 7


@given(st.text())
def test_no_text_but_the_issue_itself_is_its_address(text: str) -> None:
    """Whatever is accepted comes out as the one plain address."""
    found = issue_at(PROJECT, text)
    assert found is None or found.url == issue_address(PROJECT, found.number)
