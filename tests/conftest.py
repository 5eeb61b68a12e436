"""What every test shares: both anyio backends and the marks of the lessons."""

import re
from pathlib import Path

import pytest

LESSONS = set(
    re.findall(
        r"^\| ([A-Z]\d+) \|",
        (Path(__file__).parent.parent / "docs" / "lessons.md").read_text(),
        re.MULTILINE,
    )
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Every asynchronous test runs on asyncio and on Trio."""
    return str(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Carry the lessons of each test into its report; refuse a row that the table does not have."""
    for item in items:
        for mark in item.iter_markers("lesson"):
            for row in mark.args:
                if row not in LESSONS:
                    raise pytest.UsageError(f"{item.nodeid}: docs/lessons.md has no row {row}")
                item.user_properties.append(("lesson", row))
