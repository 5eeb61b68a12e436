"""Law 5 and the order of the rooms: planted violations break the import contracts."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "core" / "src" / "headway_core"

VIOLATIONS = {
    "core imports an adapter": ("core/src/headway_core/sessions/model.py", "import headway_sql"),
    "core opens a database": ("core/src/headway_core/kernel/ledger.py", "import sqlite3"),
    "core uses asyncio": ("core/src/headway_core/kernel/duties.py", "import asyncio"),
    "core starts processes": ("core/src/headway_core/operations/archive.py", "import subprocess"),
    "an adapter imports another": ("adapters-local/src/headway_local/git.py", "import headway_github"),
    "the kernel imports a room": ("core/src/headway_core/kernel/tables.py", "import headway_core.ratchet"),
    "a room imports a lower one": (
        "core/src/headway_core/sessions/model.py",
        "import headway_core.pull_requests",
    ),
    "the sandbox imports core": ("sandbox/src/headway_sandbox/records.py", "import headway_core"),
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run the project's contracts on a tree."""
    sources = [str(path) for path in sorted(tree.glob("packages/*/src"))]
    program = (
        f"import sys; sys.path[:0] = {sources!r}; from importlinter.cli import lint_imports_command as c; c()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, "--config", "pyproject.toml", "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources and the contracts."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for source in ROOT.glob("packages/*/src"):
        shutil.copytree(source, copy / source.relative_to(ROOT), ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_the_contracts_are_kept(tree: Path) -> None:
    """The tree as it is breaks no contract."""
    done = lint(tree)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_planted_import_breaks_a_contract(tree: Path, name: str) -> None:
    """Each forbidden import is found, in the file that has it."""
    file, statement = VIOLATIONS[name]
    path = tree / "packages" / file
    before = path.read_text()
    path.write_text(f"{before}\n{statement}\n")
    try:
        done = lint(tree)
    finally:
        path.write_text(before)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert "BROKEN" in done.stdout


def foreign_writers(room: str, source: str) -> list[str]:
    """The records of other rooms whose write port a module of `room` takes."""
    tree = ast.parse(source)
    homes = {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return [
        node.slice.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "OwnedTable"
        and isinstance(node.slice, ast.Name)
        and node.slice.id in homes
        and not homes[node.slice.id].startswith(f"headway_core.{room}")
    ]


ROOMS = sorted(p.name for p in CORE.iterdir() if p.is_dir() and p.name not in {"testing", "__pycache__"})


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_takes_the_write_port_of_another(room: str) -> None:
    """`OwnedTable[X]` stands only in the room whose record X is (law 1)."""
    for module in CORE.joinpath(room).rglob("*.py"):
        assert foreign_writers(room, module.read_text()) == [], module


def test_a_foreign_write_port_is_found() -> None:
    """A planted annotation of another room's write port is a violation."""
    source = (
        "from headway_core.kernel.tables import OwnedTable\n"
        "from headway_core.sessions.model import Session\n"
        "def meddle(table: OwnedTable[Session]) -> None: ...\n"
    )
    assert foreign_writers("ratchet", source) == ["Session"]
