"""The plugin of pytest: fixtures, and what adapters lack at the end of the run.

It is loaded wherever `headway-testing` is installed, so it imports nothing else and changes nothing: it
registers no mark, and leaves `anyio_backend` alone. Who wants every asynchronous test on asyncio and on Trio
says so in a `conftest.py`:

    @pytest.fixture
    def anyio_backend(headway_backend):
        return headway_backend
"""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headway_testing.clock import ManualClock
    from headway_testing.harness import Harness

LACKS = "the adapter lacks"
"""How the reason begins for which a test of a capability is skipped."""
BACKENDS = tuple(name for name in ("asyncio", "trio") if find_spec(name))


@pytest.fixture(params=BACKENDS)
def headway_backend(request: pytest.FixtureRequest) -> str:
    """Each event loop that is installed, for a fixture `anyio_backend` of one's own."""
    return str(request.param)


@pytest.fixture
def headway_harness() -> Harness:
    """The whole of core over fakes, empty."""
    from headway_testing.harness import Harness  # noqa: PLC0415  only tests that use it wait for core

    return Harness()


@pytest.fixture
def manual_clock(headway_harness: Harness) -> ManualClock:
    """The time of `headway_harness`, which stands until it is told to advance."""
    return headway_harness.clock


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tests of contract suites that were skipped, by adapter and by what it lacks."""
    skipped = Counter(
        (report.nodeid.rpartition("::")[0], reason)
        for report in terminalreporter.getreports("skipped")
        if (reason := _lacking(report)) is not None
    )
    if skipped:
        terminalreporter.section("what adapters lack")
    for (suite, lacking), tests in sorted(skipped.items()):
        terminalreporter.write_line(f"{suite}: {lacking} ({tests} {'test' if tests == 1 else 'tests'})")


def _lacking(report: pytest.TestReport) -> str | None:
    """The port and its capabilities for want of which a test was skipped; None: it was for something else."""
    if not isinstance(report.longrepr, tuple):
        return None
    _, marked, lacking = report.longrepr[2].partition(f"{LACKS} ")
    return lacking if marked else None
