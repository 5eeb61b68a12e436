"""A pytest plugin: which rows of docs/lessons.md a passing test proves, and which none does."""

import re
from pathlib import Path

import pytest

_TABLE = Path(__file__).parent.parent / "docs" / "lessons.md"
_ROW = re.compile(r"^\| ([A-Z]\d+) \|", re.MULTILINE)


class Lessons:
    """Collects the marks of passing tests; under xdist, on the process that reports."""

    def __init__(self) -> None:
        self.known = _ROW.findall(_TABLE.read_text())
        self.proven: set[str] = set()

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the lessons of a test that passed."""
        if report.when == "call" and report.passed:
            self.proven.update(str(row) for key, row in report.user_properties if key == "lesson")

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the coverage."""
        missing = [row for row in self.known if row not in self.proven]
        terminalreporter.section("lessons")
        terminalreporter.write_line(f"{len(self.known) - len(missing)} of {len(self.known)} rows are proven")
        terminalreporter.write_line(f"not yet: {' '.join(missing) or 'none'}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the run, on the process that reports."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Lessons(), "lessons of the run")
