"""What every test shares: both anyio backends, a PostgreSQL server and the marks of the lessons."""

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from headway_testing.postgresql import LocalServer, NoServer, Server, local_server, running_server

END_TO_END = Path(__file__).parent / "e2e"
LESSONS = set(
    re.findall(
        r"^\| ([A-Z]\d+) \|",
        (Path(__file__).parent.parent / "docs" / "lessons.md").read_text(),
        re.MULTILINE,
    )
)

CONTRACT_LESSONS = {
    "ClaimsContract.test_dead_holder": ("S19",),
    "ClaimsContract.test_one_of_many": ("S17",),
    "ClaimsContract.test_no_late_outcome_after_a_newer_claim": ("S18",),
    "ConcurrencyContract.test_lock_order": ("L19",),
    "ConcurrencyContract.test_index_decides": ("L2",),
    "RowsContract.test_one_of_many_wins": ("L1", "S17"),
    "RowsContract.test_no_lost_update": ("L19",),
    "RowsContract.test_get_or_create": ("B8",),
    "SupervisorContract.test_the_exit_is_told": ("R32", "X6"),
    "SupervisorContract.test_started_twice_is_executed_once": ("F7",),
    "SupervisorContract.test_attempts_are_apart": ("F8",),
    "WorktreesContract.test_nothing_outside_the_base_is_touched": ("L8",),
    "WorktreesContract.test_uncommitted_work_is_never_removed": ("L7",),
}
"""What the published suites prove: they carry no mark of ours, which a stranger's pytest would refuse."""


BACKENDS = ("asyncio", "trio")


@pytest.fixture(params=BACKENDS)
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


WHOLE_COMMANDS = {"stage", "registered", "untouched", "provisioned", "rehearsal"}
"""The fixtures that run `headway` as people do."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--kills`: whatever `-m` says of the others, random kills are for a run of their own."""
    parser.addoption("--kills", action="store_true", help="run the random kills, and nothing else")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose between random kills and all others, and one backend where one is enough; mark whole commands.

    The lessons of each test go into its report; a row that the table does not have is refused.
    """
    kills = config.getoption("--kills")
    others = {item for item in items if (item.get_closest_marker("kills") is not None) != kills}
    others |= {item for item in items if _is_the_other_backend(item)}
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    for item in items:
        if rows := _lessons_of_contract(item):
            item.add_marker(pytest.mark.lesson(*rows))
        if END_TO_END in item.path.parents or WHOLE_COMMANDS & set(getattr(item, "fixturenames", ())):
            item.add_marker("e2e")
        for mark in item.iter_markers("lesson"):
            for row in mark.args:
                if row not in LESSONS:
                    raise pytest.UsageError(f"{item.nodeid}: docs/lessons.md has no row {row}")
                item.user_properties.append(("lesson", row))
    long = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: item.path not in long)  # what takes long begins first


def _is_the_other_backend(item: pytest.Item) -> bool:
    """Whether a test marked `one_backend` is told to run on the other one.

    Its name decides, so that a module's tests are spread over both, and are the same ones each time.
    """
    if item.get_closest_marker("one_backend") is None or not isinstance(item, pytest.Function):
        return False
    if any(base.__module__.startswith("headway_testing.") for base in getattr(item.cls, "__mro__", ())):
        return False  # a published suite says of both
    if any("anyio_backend" in mark.args[0] for mark in item.iter_markers("parametrize")):
        return False  # the test itself says on which
    told = item.callspec.params.get("anyio_backend")
    case = item.nodeid.replace("asyncio", "").replace("trio", "")
    return told in BACKENDS and told != BACKENDS[zlib.crc32(case.encode()) % len(BACKENDS)]


def _lessons_of_contract(item: pytest.Item) -> tuple[str, ...]:
    """The rows of an inherited test, by the suite that it is inherited from."""
    if not isinstance(item, pytest.Function) or item.cls is None:
        return ()
    suite = next(each for each in item.cls.__mro__ if item.originalname in vars(each))
    return CONTRACT_LESSONS.get(f"{suite.__name__}.{item.originalname}", ())
