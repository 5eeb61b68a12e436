"""Headway: keeps coding-agent workspaces and their pull requests moving forward.

```python
async with headway.open("sqlite:///headway.db") as hw:
    async with hw.running():
        ...
```

`open`, its configuration, and all names of `headway_core.api`: what an application that embeds Headway needs.
"""

from importlib import import_module

from headway_core import api

_HOMES = {
    "Adapters": "headway.adapters",
    "AgentProgram": "headway_local.agents",
    "Config": "headway.config",
    "open": "headway.opening",
}
"""Imported when they are used first: `headway --help` needs no database and no HTTP."""

__all__ = sorted([*_HOMES, *api.__all__])  # noqa: PLE0605  the stub has the names one by one


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
