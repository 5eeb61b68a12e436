"""Law 4: every intent has a row in docs/recovery.md, and every row has its tests."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from headway_core.forge_actions.model import DUE_ACTIONS, ActionStatus
from headway_core.ratchet.model import LIVE_DISPATCH
from headway_core.sessions.model import BUSY, PromptStatus
from headway_core.workspaces.model import IN_MOTION

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "recovery.md"
TESTS = (ROOT / "tests",)
_MARK = "recovers"

OPEN = {
    *(f"workspace {status}" for status in IN_MOTION.among["status"]),
    *(f"session {status}" for status in BUSY),
    *(f"prompt {status}" for status in (PromptStatus.QUEUED, PromptStatus.DELIVERING)),
    *(f"forge action {status}" for status in (ActionStatus.PENDING, ActionStatus.POSTING)),
    *(f"dispatch {status}" for status in LIVE_DISPATCH),
}
"""What is stored before an effect, and waits for its outcome."""


@attrs.frozen
class Row:
    name: str
    intent: str
    evidence: str
    closure: str


def rows(text: str) -> list[Row]:
    cells = (re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| "))
    return [Row(*(cell.strip() for cell in line)) for line in cells if line[0].strip() != "row"]


def marks(source: str) -> Iterator[tuple[str, str]]:
    """The rows that a module's tests carry, each with the name of the test."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            for decorator in node.decorator_list:
                match decorator:
                    case ast.Call(func=ast.Attribute(attr="recovers"), args=args):
                        yield from ((ast.literal_eval(arg), node.name) for arg in args)


def found_by_row() -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for folder in TESTS:
        for path in folder.rglob("*.py"):
            source = path.read_text()
            if _MARK in source:
                for row, test in marks(source):
                    found[row].append(test)
    return found


def untested(table: list[Row], tested: set[str]) -> set[str]:
    return {row.name for row in table} ^ tested


def without_a_row(table: list[Row]) -> set[str]:
    return {status for status in OPEN if not any(row.intent == status for row in table)}


def test_every_row_has_its_test() -> None:
    """No row without a test that carries its name, and no test that carries another."""
    table = rows(TABLE.read_text())
    assert len({row.name for row in table}) == len(table)
    assert all(attrs.astuple(row) for row in table)
    assert untested(table, set(found_by_row())) == set()


def test_every_open_status_has_a_row() -> None:
    """Whatever is stored as an intent can be recovered."""
    assert without_a_row(rows(TABLE.read_text())) == set()
    assert DUE_ACTIONS.up_to == "due_at"  # an action is open for as long as it is due


def test_a_missing_test_and_a_missing_row_are_found() -> None:
    """The two checks see what they look for."""
    table = rows(TABLE.read_text())
    tested = set(found_by_row())
    assert untested(table, tested - {"starting"}) == {"starting"}
    assert untested(table, tested | {"no such row"}) == {"no such row"}
    assert without_a_row([row for row in table if row.name != "archiving"]) == {"workspace ARCHIVING"}


def test_marks_are_read() -> None:
    """In decorators of tests, several in one, of asynchronous tests too."""
    source = (
        '@pytest.mark.recovers("a", "b")\nasync def test_x(): ...\n'
        '@pytest.mark.lesson("L5")\n@pytest.mark.recovers("c")\ndef test_y(): ...\n'
        '@pytest.mark.recovers("d")\ndef helper(): ...\n'
    )
    assert list(marks(source)) == [("a", "test_x"), ("b", "test_x"), ("c", "test_y")]


@pytest.mark.parametrize("row", rows(TABLE.read_text()), ids=lambda row: row.name)
def test_every_row_says_all(row: Row) -> None:
    """Intent, evidence and closure."""
    assert all((row.intent, row.evidence, row.closure))
