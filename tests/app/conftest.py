"""A stage for the command: built anew for each test, or once for those that must leave it as it is."""

from pathlib import Path

import pytest
from stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(folder=tmp_path).build()


@pytest.fixture
def registered(stage: Stage) -> Stage:
    """With its repository registered as acme/greeter."""
    stage.here("init", "--github", "acme/greeter").expect()
    return stage


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """With a project and a workspace of it, for commands that are refused."""
    stage = Stage(folder=tmp_path_factory.mktemp("untouched")).build()
    stage.here("init", "--github", "acme/greeter").expect()
    stage.here("workspace", "create", "--name", "Known").expect()
    return stage


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """With a workspace whose worktree is there: its pull request may be looked for."""
    stage = Stage(folder=tmp_path_factory.mktemp("provisioned")).build()
    stage.here("init", "--github", "acme/greeter").expect()
    stage.here("workspace", "create", "--name", "Known").expect()
    with stage.running():
        stage.until("NO_SESSION_STARTED", workspace="Known")
    return stage
