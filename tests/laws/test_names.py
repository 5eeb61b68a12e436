"""No two public things of the product share a name, so that nobody has to say which of them is meant."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "core" / "src"
LEAVES = tuple(
    ROOT / "packages" / name / "src" for name in ("app", "adapters-github", "adapters-local", "adapters-sql")
)
"""The product's other packages. The sandbox is a forge of its own, and the suites' samples are no product."""

OF_EVERY_ROOM = {"EVENTS"}
"""What each room has one of, under the same name, and no other module imports without its room."""
OF_EVERY_MODULE = {"logger", "E", "R", "T"}
"""A module's own log, and type variables."""


def _defined(module: ast.Module, *, classes_only: bool) -> Iterator[str]:
    for node in module.body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not classes_only:
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) if not classes_only:
                yield name
            case ast.Assign(targets=targets) if not classes_only:
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case _:
                pass


def homes_of_names(core: Path, *leaves: Path) -> dict[str, list[str]]:
    """Every public name of core, and every class of the other packages, with the modules that define it.

    Their functions and constants are named alike on purpose: commands, what renders and serializes each
    record, and the two kinds of database, which have the same tables of codes.
    """
    homes: dict[str, list[str]] = defaultdict(list)
    for root, classes_only in ((core, False), *((leaf, True) for leaf in leaves)):
        for path in sorted(root.rglob("*.py")):
            for name in _defined(ast.parse(path.read_text("utf-8")), classes_only=classes_only):
                if not name.startswith("_") and name not in OF_EVERY_ROOM | OF_EVERY_MODULE:
                    homes[name].append(str(path.relative_to(root)))
    return homes


def test_no_two_public_things_share_a_name() -> None:
    """Each public name of core has one home, and so has each class of the app and the adapters."""
    shared = {name: homes for name, homes in homes_of_names(CORE, *LEAVES).items() if len(homes) > 1}
    assert shared == {}


def test_a_name_that_is_given_twice_is_found(tmp_path: Path) -> None:
    """A class of core that a leaf has too is found, and two functions of core, and a class of two leaves."""
    (tmp_path / "core").mkdir()
    (tmp_path / "app").mkdir()
    allowed = "class _Own: ...\nEVENTS = ()\n"
    (tmp_path / "core" / "a.py").write_text(allowed + "class Card: ...\ndef look(): ...\n")
    (tmp_path / "core" / "b.py").write_text(allowed + "def look(): ...\n")
    (tmp_path / "app" / "c.py").write_text("class Card: ...\nclass Answer: ...\n")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "d.py").write_text("class Answer: ...\ndef refused(): ...\n")
    homes = homes_of_names(tmp_path / "core", tmp_path / "app", tmp_path / "adapter")
    assert {name: where for name, where in homes.items() if len(where) > 1} == {
        "Card": ["a.py", "c.py"],
        "look": ["a.py", "b.py"],
        "Answer": ["c.py", "d.py"],
    }
