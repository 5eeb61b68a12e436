"""Tests of the to-do list: the whole of Headway over fakes, without a process, a network or a clock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import headway
from headway_testing import Harness
from todo import TodoList, ask, follow

pytestmark = pytest.mark.anyio


@pytest.fixture
def harness(headway_harness: Harness) -> Harness:
    """A host with a repository. Every port is a fake, every service real; nothing runs by itself."""
    headway_harness.git.add_repository("/src/demo")
    return headway_harness


@pytest.fixture
def todo() -> Iterator[TodoList]:
    with closing(sqlite3.connect(":memory:")) as database:
        yield TodoList(database)


async def test_an_item_is_asked_for_once(harness: Harness, todo: TodoList) -> None:
    """However often the application asks, an item has one workspace."""
    hw = harness.core.api()
    project = await hw.projects.register("/src/demo")
    await ask(hw, todo, project, ["Sweep"])
    await ask(hw, todo, project, ["Sweep"])
    assert len(await hw.workspaces.list()) == 1


async def test_an_item_ends_as_its_agent_does(harness: Harness, todo: TodoList) -> None:
    """An agent that exits with another code than 0 has not done the item."""
    harness.processes.outcomes.append(headway.Exited(exit_code=1))
    hw = harness.core.api()
    await ask(hw, todo, await hw.projects.register("/src/demo"), ["Sweep"])
    await harness.run_duties()
    await follow(hw, todo)
    assert todo.outcomes() == [("Sweep", "FAILED")]
