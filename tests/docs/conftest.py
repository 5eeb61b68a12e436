"""A stage for the commands of the guides, with a person who commits and pushes."""

from pathlib import Path

import pytest
from stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A repository registered as acme/greeter; agents commit as Ada."""
    stage = Stage(folder=tmp_path).build()
    person = tmp_path / "home" / ".gitconfig"
    person.write_text("[user]\n\tname = Ada\n\temail = ada@localhost\n")
    stage.environment["GIT_CONFIG_GLOBAL"] = str(person)
    stage.here("init", "--github", "acme/greeter").expect()
    return stage
