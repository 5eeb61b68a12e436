"""What a room's `__init__` names."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import headway_core

CORE = Path(headway_core.__file__).parent
ROOMS = sorted(folder.parent.name for folder in CORE.glob("*/__init__.py") if folder.parent.name != "kernel")
PACKAGES = [*(f"headway_core.{room}" for room in ROOMS), "headway_github", "headway_local", "headway.render"]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_name_of_a_package_is_found(name: str) -> None:
    """Each name in `__all__` is there, by itself, and none is hidden by a module of the same name."""
    package = import_module(name)
    assert package.__file__ is not None
    assert package.__all__
    for exported in package.__all__:
        assert getattr(package, exported) is not None
        assert not Path(package.__file__).with_name(f"{exported}.py").exists()
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        package.nothing_of_the_kind  # noqa: B018  the look is the test


def test_a_record_is_had_without_the_services() -> None:
    """Whoever imports a record of a room imports no service, no duty and no container."""
    code = (
        "import sys, headway_core.workspaces, headway_core.pull_requests;"
        " headway_core.workspaces.Workspace, headway_core.pull_requests.PullRequestSnapshot;"
        " print(*(name for name in sys.modules if name.startswith('headway_core.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = [name.split(".") for name in done.stdout.split() if "kernel" not in name]
    assert ["headway_core", "workspaces", "model"] in loaded
    assert {"service", "steps", "duty", "container", "events"}.isdisjoint(name[-1] for name in loaded)
