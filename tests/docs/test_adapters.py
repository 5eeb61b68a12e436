"""docs/adapters.md: its adapters keep their contracts, and Headway runs with them."""

from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from examples_of_guides import EXAMPLES, as_a_stranger, loaded
from stage import Stage

import headway


def test_the_supervisor_of_the_page_keeps_its_contract(tmp_path: Path) -> None:
    """The suite passes, and says what it left out: what the adapter lacks."""
    assert "8 skipped" in as_a_stranger("test_low_priority.py", tmp_path)


@pytest.mark.anyio
async def test_headway_runs_with_a_supervisor_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runner of the page reports its host, and runs until it is stopped."""
    monkeypatch.chdir(tmp_path)
    async with (
        anyio.create_task_group() as group,
        headway.open("sqlite:///headway.db") as hw,
        aclosing(hw.events.follow(0)) as events,
    ):
        group.start_soon(loaded("low_priority").main)
        with anyio.fail_after(60):
            assert isinstance((await anext(events)).payload, headway.HostRegistered)
        group.cancel_scope.cancel()


def test_headway_runs_without_a_database(stage: Stage) -> None:
    """A workspace is provisioned, and nothing but its branch is left."""
    said = stage.program(EXAMPLES / "own_ledger.py", str(stage.repository), "acme/greeter")
    assert said.splitlines()[-1] == "NO_SESSION_STARTED"
    assert stage.git("branch", "--list", "headway/look-around").strip()
    assert list(stage.folder.glob("*.db")) == []
