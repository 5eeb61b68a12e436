"""No two public things of core and the app share a name, so that nobody has to say which of them is meant."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "packages" / "core" / "src"
APP = ROOT / "packages" / "app" / "src"

OF_EVERY_ROOM = {"EVENTS"}
"""What each room has one of, under the same name, and no other module imports without its room."""
OF_EVERY_MODULE = {"logger", "R", "T"}
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


def homes_of_names(core: Path, app: Path) -> dict[str, list[str]]:
    """Every public name of core, and every class of the app, with the modules that define it.

    The app's functions are commands, and what renders and serializes each record: named alike on purpose.
    """
    homes: dict[str, list[str]] = defaultdict(list)
    for root, classes_only in ((core, False), (app, True)):
        for path in sorted(root.rglob("*.py")):
            for name in _defined(ast.parse(path.read_text("utf-8")), classes_only=classes_only):
                if not name.startswith("_") and name not in OF_EVERY_ROOM | OF_EVERY_MODULE:
                    homes[name].append(str(path.relative_to(root)))
    return homes


def test_no_two_public_things_share_a_name() -> None:
    """Each public name of core has one home, and no class of the app takes one of them."""
    shared = {name: homes for name, homes in homes_of_names(CORE, APP).items() if len(homes) > 1}
    assert shared == {}


def test_a_name_that_is_given_twice_is_found(tmp_path: Path) -> None:
    """A class of core that the app has too is found, and so are two functions of core."""
    (tmp_path / "core").mkdir()
    (tmp_path / "app").mkdir()
    allowed = "class _Own: ...\nEVENTS = ()\n"
    (tmp_path / "core" / "a.py").write_text(allowed + "class Card: ...\ndef look(): ...\n")
    (tmp_path / "core" / "b.py").write_text(allowed + "def look(): ...\n")
    (tmp_path / "app" / "c.py").write_text("class Card: ...\n")
    homes = homes_of_names(tmp_path / "core", tmp_path / "app")
    assert {name: where for name, where in homes.items() if len(where) > 1} == {
        "Card": ["a.py", "c.py"],
        "look": ["a.py", "b.py"],
    }
