"""What a command imports: what it needs for its answer, and none of what would make people wait."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = {
    "alembic",
    "httpx",
    "psutil",
    "psycopg",
    "rich",
    "trio",
    "sqlalchemy.dialects.postgresql",
    "headway_core.event_types",
    "headway_core.ratchet.service",
    "headway_core.operations.creation",
    "headway_github.rest",
    "headway_local.worktrees",
}
"""What a board for a program does without."""


def loaded(data: Path, *words: str) -> set[str]:
    """The modules that a command has imported in the end."""
    code = (
        "import sys\nfrom headway.cli import main\n"
        "try: main()\nfinally: print(*sys.modules, sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "HEADWAY_DATA": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines())


def test_a_board_for_a_program_imports_nothing_slow(tmp_path: Path) -> None:
    """On a database that is up to date: no migrations, no HTTP, no tables, and no service but the board's."""
    loaded(tmp_path, "workspace", "list", "--json")
    found = loaded(tmp_path, "workspace", "list", "--json")
    assert "headway_core.board.service" in found
    assert found & SLOW == set()


@pytest.mark.parametrize("words", [("--help",), ("workspace", "--help")], ids=["all", "of one command"])
def test_help_opens_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Help imports no database, no container and no room's services, and leaves no file."""
    found = loaded(tmp_path / "data", *words)
    assert found & (SLOW | {"sqlalchemy", "dependency_injector", "headway.opening"}) <= {"rich"}
    assert not (tmp_path / "data").exists()
