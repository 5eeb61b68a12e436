"""docs/adapters.md: its adapters keep their contracts, and Headway runs with them."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from examples_of_guides import EXAMPLES, as_a_stranger, loaded
from stage import Stage

import headway


def test_the_supervisor_of_the_page_keeps_its_contract(tmp_path: Path) -> None:
    """The suite passes, and says what it left out: what the adapter lacks."""
    assert "2 skipped" in as_a_stranger("test_low_priority.py", tmp_path)


@pytest.mark.anyio
async def test_headway_runs_with_a_supervisor_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner of the page runs until it is stopped, and its host was seen."""
    monkeypatch.chdir(tmp_path)
    with anyio.move_on_after(2):
        await loaded("low_priority").main()
    async with headway.open("sqlite:///headway.db") as hw:
        assert len(await hw.hosts.list()) == 1


def test_headway_runs_without_a_database(stage: Stage) -> None:
    """A workspace is provisioned, and nothing but its branch is left."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "own_ledger.py"), str(stage.repository), "acme/greeter"],
        cwd=stage.folder,
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "NO_SESSION_STARTED"
    assert stage.git("branch", "--list", "headway/look-around").strip()
    assert list(stage.folder.glob("*.db")) == []
