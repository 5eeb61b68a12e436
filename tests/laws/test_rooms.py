"""Rooms alike: what takes `tx` is a step, and what callers may do is asynchronous and takes none."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import headway_core
from headway_core.kernel.tables import OwnedTable
from headway_core.kernel.transactions import ReadTransaction, Transaction

PACKAGES = Path(__file__).parents[2] / "packages"
MOST_LINES = 450


def modules(package: ModuleType = headway_core) -> Iterator[ModuleType]:
    """Every module of core."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes(of: Callable[[type[Any]], bool]) -> list[type[Any]]:
    """The classes of core that are so, by their names."""
    found = {
        member
        for module in modules()
        for member in vars(module).values()
        if inspect.isclass(member) and member.__module__ == module.__name__ and of(member)
    }
    return sorted(found, key=lambda each: (each.__module__, each.__qualname__))


def operations(kind: type[Any]) -> dict[str, Any]:
    """The public functions of a class, its own and those that it inherits, by name."""
    return {
        name: member
        for name, member in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


def takes_tx(function: Any) -> bool:
    """Whether a transaction is among its parameters."""
    return any(
        name == "tx" or parameter.annotation in (Transaction, ReadTransaction)
        for name, parameter in inspect.signature(function).parameters.items()
    )


def no_operations(kind: type[Any]) -> list[str]:
    """What of a service is none: not asynchronous, or with a transaction."""
    return [
        name
        for name, function in operations(kind).items()
        if takes_tx(function) or not inspect.iscoroutinefunction(function)
    ]


def no_steps(kind: type[Any]) -> list[str]:
    """What of steps is none: asynchronous, or its first parameter is no transaction."""
    return [
        name
        for name, function in operations(kind).items()
        if inspect.iscoroutinefunction(function)
        or list(inspect.signature(function).parameters)[1:2] != ["tx"]
    ]


def holds_a_writer(kind: type[Any]) -> bool:
    """Whether its constructor takes the write port of a table."""
    parameters = inspect.signature(kind).parameters.values()
    return any(OwnedTable.__name__ in str(parameter.annotation) for parameter in parameters)


SERVICES = classes(lambda kind: kind.__name__.endswith("Service"))
STEPS = classes(lambda kind: kind.__name__.endswith("Steps"))


def test_the_rooms_have_both() -> None:
    """The walks below find services and steps in most rooms."""
    assert {kind.__name__ for kind in SERVICES} >= {"HostService", "SessionService", "ArchiveService"}
    assert {kind.__name__ for kind in STEPS} >= {"HostSteps", "SessionSteps", "RatchetSteps", "BranchSteps"}


@pytest.mark.parametrize("kind", SERVICES, ids=lambda kind: kind.__name__)
def test_a_service_has_asynchronous_operations_alone(kind: type[Any]) -> None:
    """Nothing that callers get takes a transaction, or holds the write port of a table."""
    assert no_operations(kind) == []
    assert not holds_a_writer(kind)


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.__name__)
def test_every_step_takes_a_transaction_first(kind: type[Any]) -> None:
    """Steps are composed in somebody's unit of work, and open none."""
    assert no_steps(kind) == []


class Mixed:
    """An operation that is none, and steps that are none."""

    def __init__(self, table: OwnedTable[Any]) -> None:
        self.table = table

    async def operation(self, key: str) -> str:
        return key

    async def waits(self, tx: Transaction) -> Transaction:
        return tx

    def step(self, tx: Transaction) -> Transaction:
        return tx

    def looks(self, transaction: ReadTransaction) -> ReadTransaction:
        return transaction


def test_what_is_mixed_is_found() -> None:
    """A planted class that is half service and half steps is neither."""
    assert no_operations(Mixed) == ["looks", "step", "waits"]
    assert no_steps(Mixed) == ["looks", "operation", "waits"]
    assert holds_a_writer(Mixed)


def long_modules(packages: Path) -> dict[str, int]:
    """The lines of each module of the packages in a folder that has too many."""
    lines = {
        str(path.relative_to(packages)): len(path.read_text("utf-8").splitlines())
        for path in sources(packages)
    }
    return {path: count for path, count in lines.items() if count > MOST_LINES}


def sources(packages: Path) -> list[Path]:
    """The modules of the packages in a folder, however deep they lie."""
    return sorted(packages.glob("*/src/**/*.py"))


def test_no_module_is_long() -> None:
    """One noun a module: at most 450 lines, in every package."""
    packages = {path.relative_to(PACKAGES).parts[0] for path in sources(PACKAGES)}
    assert packages == {path.parent.name for path in PACKAGES.glob("*/pyproject.toml")}
    assert long_modules(PACKAGES) == {}


def test_a_long_module_is_found(tmp_path: Path) -> None:
    """A planted module of one line more is found, however deep it lies; one of 450 lines is not."""
    room = tmp_path / "any" / "src" / "planted" / "room"
    room.mkdir(parents=True)
    (room / "whole.py").write_text("pass\n" * MOST_LINES)
    (room / "long.py").write_text("pass\n" * (MOST_LINES + 1))
    assert long_modules(tmp_path) == {"any/src/planted/room/long.py": MOST_LINES + 1}
