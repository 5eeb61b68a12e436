"""Every port with its suite, and what an adapter may lack: docs/adapters.md."""

import inspect
import typing
from collections.abc import Callable, Mapping

from headway_testing.contracts.suite import Capability, PortContract
from headway_testing.contracts.suites import SUITES
from pages.docstrings import members, sentence
from pages.markdown import code, table
from pages.public import CLASSES, name_of


def suites() -> str:
    """The generated part of the page."""
    by_name = sorted(SUITES.items(), key=lambda pair: name_of(pair[0]))
    sections = [_suite(port, suite) for port, suite in by_name]
    return "\n\n".join(["## The ports and their suites", *sections])


def _suite(port: type, suite: type[PortContract]) -> str:
    name = name_of(port)
    shown = f"[{code(name)}](api.md#{name.lower()})" if name in CLASSES else code(name)
    told = [
        f"### {name}",
        f"{shown}: {sentence(port)}",
        f"Suite: {code(f'{suite.__module__}.{suite.__name__}')}.",
    ]
    given = [[code(name), _type(of)] for name, of in fixtures(suite).items()]
    told.append(table(["fixture of the subclass", "what it gives"], given))
    if capabilities := _capabilities(suite):
        kind = type(capabilities[0])
        rows = [[code(each.name), members(kind)[each.name]] for each in capabilities]
        told.append(table([f"{kind.__name__}", "what an adapter may lack"], rows))
    return "\n\n".join(told)


def fixtures(suite: type[PortContract]) -> Mapping[str, type]:
    """The fixtures that the tests of a suite need and that it does not define itself, with their types."""
    wanted: dict[str, type] = {}
    needed = [getattr(suite, name) for name in dir(suite) if name.startswith("test_")]
    while needed:
        function = inspect.unwrap(needed.pop())
        hints = typing.get_type_hints(function)
        for name in inspect.signature(function).parameters.keys() - {"self"} - _parametrized(function):
            if hasattr(suite, name):
                needed.append(getattr(suite, name))
            else:
                wanted[name] = hints[name]
    return {name: wanted[name] for name in sorted(wanted, key=lambda name: (name == "stage", name))}


def _parametrized(test: Callable[..., object]) -> set[str]:
    """The parameters to which `pytest.mark.parametrize` gives the values."""
    names = [mark.args[0] for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return {one.strip() for each in names for one in (each.split(",") if isinstance(each, str) else each)}


def _type(of: type) -> str:
    if name_of(of) in CLASSES:
        return f"[{code(name_of(of))}](api.md#{name_of(of).lower()})"
    return code(f"{of.__module__}.{of.__qualname__}")


def _capabilities(suite: type[PortContract]) -> list[Capability]:
    found = sorted(suite.capabilities, key=lambda each: each.name)
    return found and list(type(found[0]))
