"""The plugin of pytest, as a stranger's strict pytest has it: in a process of its own."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import headway_testing

PACKAGE = Path(__file__).parents[2] / "packages" / "testing"
STRANGERS = """
import pytest
from headway_testing import FakeAgents, FakeLocks, Harness, ManualClock
from headway_testing.contracts.agents import AgentsCapability, AgentsContract
from headway_testing.contracts.locks import HostLocksContract

class TestMyAgents(AgentsContract):
    capabilities = frozenset({AgentsCapability.MODELS})

    @pytest.fixture
    def agents(self):
        return FakeAgents("installed")

class TestMyLocks(HostLocksContract):
    @pytest.fixture
    def locks(self):
        return FakeLocks()

    @pytest.fixture
    def others(self, locks):
        return FakeLocks(held=locks.held)
"""
FIXTURES = """
@pytest.fixture
def anyio_backend(headway_backend):
    return headway_backend

@pytest.mark.anyio
async def test_the_fixtures(headway_harness, manual_clock):
    assert isinstance(headway_harness, Harness)
    assert manual_clock is headway_harness.clock
    await headway_harness.run_duties()
"""


def run(folder: Path, source: str, *plugins: str) -> str:
    """What pytest says of a stranger's file, with these plugins and no others."""
    (folder / "test_mine.py").write_text(source)
    words = [word for plugin in ("anyio", *plugins) for word in ("-p", plugin)]
    strict = ("--strict-markers", "--strict-config", "-W", "error", "-p", "no:cacheprovider", "-q")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *strict, *words, "test_mine.py"],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_an_adapter_lacks_is_printed(tmp_path: Path) -> None:
    """Each capability that an adapter lacks is told at the end, with the tests that were skipped for it."""
    said = run(tmp_path, STRANGERS + FIXTURES, "headway_testing.plugin")
    assert "what adapters lack" in said
    assert "test_mine.py::TestMyAgents: Agents: MISSING_PROGRAMS (2 tests)" in said
    assert "TestMyLocks" not in said


def test_the_suites_need_no_plugin(tmp_path: Path) -> None:
    """Without it they hold as well, and carry no mark that strict pytest refuses."""
    said = run(tmp_path, STRANGERS)
    assert "2 skipped" in said
    assert "lack" not in said


def test_pytest_finds_it_by_itself() -> None:
    """The distribution names it among pytest's plugins."""
    declared = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
    assert declared["project"]["entry-points"]["pytest11"] == {"headway": "headway_testing.plugin"}


def test_the_example_of_the_readme_is_strict_pytests(tmp_path: Path) -> None:
    """What the page of the package shows is a test that passes, and says what its adapter lacks."""
    (example,) = re.findall(
        r"^```python\n(.*?)^```", (PACKAGE / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    said = run(tmp_path, example, "headway_testing.plugin")
    assert "test_mine.py::TestMyAgents: Agents: MODELS (2 tests)" in said


def test_it_waits_for_nothing() -> None:
    """A run that needs nothing of Headway imports nothing of it but the plugin."""
    program = "import sys, headway_testing.plugin; print([m for m in sys.modules if m.startswith('headway')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['headway_testing', 'headway_testing.plugin']"


def test_every_public_name_is_there() -> None:
    """What `headway_testing` lists can be imported from it, and nothing else is public."""
    assert [getattr(headway_testing, name) for name in headway_testing.__all__]
    assert sorted(headway_testing._HOMES) == sorted(headway_testing.__all__)
    with pytest.raises(AttributeError):
        headway_testing.nothing  # noqa: B018
