"""What other applications import is there, under the names that the documentation gives."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping

import pytest

import headway
import headway_core
import headway_github
import headway_local
import headway_sandbox
import headway_sql
from headway_core.workspaces import LIFECYCLE_TRANSITIONS, WorkspaceStatus

NAMES = (
    "headway:open",
    "headway_core.board:column",
    "headway_core.board:status_reason",
    "headway_core.container:CoreContainer",
    "headway_core.operations:WorkspaceCreationService",
    "headway_core.pull_requests:PRSnapshotService",
    "headway_core.pull_requests:ci_status",
    "headway_core.pull_requests:pr_state",
    "headway_core.ratchet:decide",
    "headway_core.ratchet:ratchet_state",
    "headway_core.sessions:FixerSessionService",
    "headway_core.workspaces:WorkspaceLifecycleService",
    "headway_github:checks_from_rollup",
)
ROOMS = sorted(
    f"{package.__name__}.{module.name}"
    for package in (headway_core,)
    for module in pkgutil.iter_modules(package.__path__)
    if module.ispkg
)
PACKAGES = [headway, headway_github, headway_local, headway_sandbox, headway_sql]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    """It can be imported, and has a docstring."""
    module, _, attribute = name.partition(":")
    assert inspect.getdoc(getattr(importlib.import_module(module), attribute))


def test_the_lifecycle_is_a_table_that_nobody_changes() -> None:
    """Every status has its row; neither the table nor a row can be written to."""
    assert isinstance(LIFECYCLE_TRANSITIONS, Mapping)
    assert not hasattr(LIFECYCLE_TRANSITIONS, "__setitem__")
    assert set(LIFECYCLE_TRANSITIONS) == set(WorkspaceStatus)
    assert all(isinstance(targets, frozenset) for targets in LIFECYCLE_TRANSITIONS.values())


@pytest.mark.parametrize("name", [*ROOMS, *(package.__name__ for package in PACKAGES)])
def test_what_a_package_exports_is_there_once_and_in_order(name: str) -> None:
    """`__all__` names each thing once, and each can be had."""
    package = importlib.import_module(name)
    exported = getattr(package, "__all__", [])
    assert len(set(exported)) == len(exported)
    for each in exported:
        assert getattr(package, each) is not None


def test_what_is_imported_late_is_what_is_exported() -> None:
    """`headway` gives its names when they are asked for, and no others."""
    exported = importlib.import_module("headway").__all__
    assert sorted(exported) == exported == dir(headway)
    assert all(hasattr(headway, name) for name in exported)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(headway, "nothing")  # noqa: B009  type checkers know that it is not there
