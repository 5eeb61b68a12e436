"""Law 5 and the order of the rooms: planted violations break the import contracts."""

import ast
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from headway_core.schema import ALL_TABLES

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "core" / "src" / "headway_core"

ROOMS_CONTRACT = "A room imports only rooms above it"
CORE_CONTRACT = "Core knows no adapter and does no I/O"
ADAPTERS_CONTRACT = "Adapters are leaves: none knows another"
CIRCLES_CONTRACT = "No circles"
SANDBOX_CONTRACT = "The sandbox stands alone"
COMMAND_CONTRACT = "The command knows core by its face alone"

VIOLATIONS = {
    "core imports an adapter": (CORE_CONTRACT, "headway_core.sessions.model", "headway_sql"),
    "core opens a database": (CORE_CONTRACT, "headway_core.kernel.ledger", "sqlite3"),
    "core uses asyncio": (CORE_CONTRACT, "headway_core.kernel.duties", "asyncio"),
    "core starts processes": (CORE_CONTRACT, "headway_core.operations.archive", "subprocess"),
    "an adapter imports another": (ADAPTERS_CONTRACT, "headway_local.git", "headway_github"),
    "the kernel imports a room": (ROOMS_CONTRACT, "headway_core.kernel.tables", "headway_core.ratchet"),
    "a room imports a lower one": (
        ROOMS_CONTRACT,
        "headway_core.sessions.model",
        "headway_core.pull_requests",
    ),
    "the kernel runs in a circle": (
        CIRCLES_CONTRACT,
        "headway_core.kernel.tables",
        "headway_core.kernel.store",
    ),
    "the command imports a room": (COMMAND_CONTRACT, "headway.cli.workspaces", "headway_core.operations"),
    "what the command prints imports the kernel": (
        COMMAND_CONTRACT,
        "headway.serialize",
        "headway_core.kernel.conversion",
    ),
    "the sandbox imports core": (SANDBOX_CONTRACT, "headway_sandbox.records", "headway_core"),
}
"""The contract that breaks, the module that breaks it, and what that module imports."""


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
    """Each forbidden import breaks its contract, and the report names the module that has it."""
    contract, module, imported = VIOLATIONS[name]
    (path,) = tree.glob(f"packages/*/src/{module.replace('.', '/')}.py")
    before = path.read_text()
    path.write_text(f"{before}\nimport {imported}\n")
    try:
        done = lint(tree)
    finally:
        path.write_text(before)
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"{contract} BROKEN" in done.stdout
    if contract == CIRCLES_CONTRACT:  # tells of siblings
        module, imported = (f".{name.rpartition('.')[2]}" for name in (module, imported))
    assert f"{module} -> {imported}" in done.stdout


HOMES = {spec.record.__name__: spec.record.__module__.split(".")[1] for spec in ALL_TABLES}
"""The room of each table's record."""

FREE = {"kernel", "testing", "container.py"}
"""Where tables are made, joined and tried, whose they may be."""


def foreign_writers(room: str, source: str) -> list[str]:
    """What a module of `room` takes the write port of though it is no record of that room.

    Annotations may be names, dotted names or text; another name for `OwnedTable` is refused too.
    """
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Subscript() if _last(node.value) == "OwnedTable":
                found.append(_last(node.slice))
            case ast.Constant(value=str(text)):
                found += re.findall(r"OwnedTable\[(?:\w+\.)*(\w+)\]", text)
            case ast.alias(name="OwnedTable", asname=str(other)):
                found.append(other)
    return [name for name in found if name != "R" and HOMES.get(name) != room]


def _last(expression: ast.expr) -> str:
    return re.split(r"\W+", ast.unparse(expression).strip("'\""))[-1]


def modules() -> list[tuple[str, Path]]:
    """Every module that the law holds for, with its room (core) or package. Fakes play owners in tests."""
    rooms = [
        (path.relative_to(CORE).parts[0], path)
        for path in CORE.rglob("*.py")
        if path.relative_to(CORE).parts[0] not in FREE
    ]
    others = [
        (path.relative_to(source).parts[0], path)
        for source in ROOT.glob("packages/*/src")
        for path in source.rglob("*.py")
        if CORE not in path.parents and path.relative_to(source).parts[0] != "headway_testing"
    ]
    return rooms + others


def test_nobody_takes_the_write_port_of_another_room() -> None:
    """`OwnedTable[X]` stands only in the room whose record X is (law 1); adapters say `OwnedTable[R]`."""
    checked = modules()
    assert set(HOMES.values()) - {"kernel"} <= {room for room, _ in checked}
    assert {str(p): w for room, p in checked if (w := foreign_writers(room, p.read_text()))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "def meddle(table: OwnedTable[Session]) -> None: ...",
        "def meddle(table: tables.OwnedTable[model.Session]) -> None: ...",
        "def meddle(table: 'OwnedTable[Session]') -> None: ...",
        "def meddle(table: OwnedTable['Session']) -> None: ...",
        "def meddle(table: OwnedTable[Any]) -> None: ...",
        "from headway_core.kernel.tables import OwnedTable as Port",
    ],
)
def test_a_foreign_write_port_is_found(source: str) -> None:
    """A planted annotation of another room's write port is a violation, however it is written."""
    assert len(foreign_writers("ratchet", source)) == 1


def test_a_write_port_of_the_own_room_is_allowed() -> None:
    """The owner's annotation is no violation."""
    assert foreign_writers("sessions", "def own(table: OwnedTable[Session]) -> None: ...") == []


def test_the_command_is_kept_from_everything_in_core_but_the_face() -> None:
    """Each package and module of core is forbidden to it, a new one too."""
    linter = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = [each for each in linter["contracts"] if each["name"] == COMMAND_CONTRACT]
    parts = {module.name for module in pkgutil.iter_modules([str(CORE)])}
    assert set(contract["forbidden_modules"]) == {f"headway_core.{part}" for part in parts - {"api"}}
