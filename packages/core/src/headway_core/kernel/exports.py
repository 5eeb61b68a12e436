"""The names of a room, each imported when it is asked for first.

A room's `__init__` names what others use of it. Were all of it imported there, then whoever wants a record of
one room would import the services of all: a fifth of a second, for a command that reads one table.
"""

import sys
from collections.abc import Callable
from importlib import import_module


def lazy_exports(package: str, *modules: str) -> Callable[[str], object]:
    """Give the `__getattr__` of a package whose names live in these modules of it.

    A name is looked for in those that are imported already, then in the others in this order, each of which
    is imported on the way: those that import the fewest come first.

        if TYPE_CHECKING:
            from headway_core.hosts.model import Host
            from headway_core.hosts.service import HostService
        else:
            __getattr__ = lazy_exports(__name__, "model", "service")

        __all__ = ["Host", "HostService"]
    """
    homes = tuple(f"{package}.{module}" for module in modules)

    def find(name: str) -> object:
        if not name.startswith("_"):
            for home in sorted(homes, key=lambda home: home not in sys.modules):
                module = import_module(home)
                if hasattr(module, name):
                    found: object = getattr(module, name)
                    setattr(sys.modules[package], name, found)
                    return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
