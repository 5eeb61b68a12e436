"""What every test shares: both anyio backends, a PostgreSQL server and the marks of the lessons."""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from headway_sql.testing import LocalServer, NoServer, Server, local_server, running_server

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


S = TypeVar("S", bound=Server)


@contextmanager
def server_or_reason(opening: AbstractContextManager[S]) -> Iterator[S]:
    """A PostgreSQL server. Where CI says that one must be there, its absence fails; elsewhere it skips."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(opening)
        except NoServer as reason:
            if os.environ.get("CI") == "true":
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server, one a test process."""
    with server_or_reason(running_server()) as server:
        yield server


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[LocalServer]:
    """A PostgreSQL server that the module may stop, start and change."""
    with server_or_reason(local_server()) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql_url(postgresql: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the module's own."""
    name = f"{request.module.__name__.rpartition('.')[2]}_{os.getpid()}"
    yield postgresql.create_database(name)
    postgresql.drop_database(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Carry the lessons of each test into its report; refuse a row that the table does not have."""
    for item in items:
        for mark in item.iter_markers("lesson"):
            for row in mark.args:
                if row not in LESSONS:
                    raise pytest.UsageError(f"{item.nodeid}: docs/lessons.md has no row {row}")
                item.user_properties.append(("lesson", row))
