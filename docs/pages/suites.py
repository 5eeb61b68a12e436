"""Every port with its suite, and what an adapter may lack: docs/adapters.md."""

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
    if capabilities := _capabilities(suite):
        kind = type(capabilities[0])
        rows = [[code(each.name), members(kind)[each.name]] for each in capabilities]
        told.append(table([f"{kind.__name__}", "what an adapter may lack"], rows))
    return "\n\n".join(told)


def _capabilities(suite: type[PortContract]) -> list[Capability]:
    found = sorted(suite.capabilities, key=lambda each: each.name)
    return found and list(type(found[0]))
