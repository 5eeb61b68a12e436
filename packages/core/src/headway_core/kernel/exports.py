"""The names of a room, each imported when it is asked for first.

A room's `__init__` names what others use of it. Were all of it imported there, then whoever wants a record of
one room would import the services of all: a fifth of a second, for a command that reads one table.
"""

import sys
from collections.abc import Callable
from importlib import import_module


def lazy_exports(package: str, *modules: str) -> Callable[[str], object]:
    """Give the `__getattr__` of a package, the names in whose `__all__` live in these modules of it.

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
        # Python asks here for a module of the package too, before it imports it.
        if not name.startswith("_") and name in sys.modules[package].__all__:
            for home in sorted(homes, key=lambda home: home not in sys.modules):
                module = import_module(home)
                if hasattr(module, name):
                    found: object = getattr(module, name)
                    setattr(sys.modules[package], name, found)
                    return found
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find
