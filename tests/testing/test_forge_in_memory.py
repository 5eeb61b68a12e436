"""The adapter in the examples is proven by the published suites, as its author would prove it."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "forge_in_memory"
PLUGINS = ("-p", "anyio", "-p", "headway_testing.plugin", "-p", "no:cacheprovider")
OURS = re.compile(r"from (headway\S*) import")


def test_the_published_suites_hold_for_it() -> None:
    """Its own tests pass under its own strict settings, and nothing is skipped but what it says it lacks."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *PLUGINS],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lacking = re.findall(r"TestReader: ForgeReader: (\w+) \((\d+) tests\)", done.stdout)
    assert [name for name, _ in lacking] == ["LIMITS", "MERGEABILITY", "MERGE_QUEUE"]
    assert f"{sum(int(count) for _, count in lacking)} skipped" in done.stdout


def test_a_subclass_takes_ten_lines() -> None:
    """Whoever writes an adapter writes no more than this to have it proven."""
    tree = ast.parse((EXAMPLE / "tests" / "test_forge_in_memory.py").read_text("utf-8"))
    lengths = [(c.end_lineno or 0) - c.lineno + 1 for c in tree.body if isinstance(c, ast.ClassDef)]
    assert len(lengths) == 3
    assert max(lengths) <= 10


def test_it_knows_nothing_but_the_face() -> None:
    """An adapter needs no module of core but its public face."""
    files = list((EXAMPLE / "src").rglob("*.py"))
    found = {name for file in files for name in OURS.findall(file.read_text("utf-8"))}
    assert found == {"headway_core.api"}
