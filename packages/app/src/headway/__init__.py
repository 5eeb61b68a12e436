"""Headway: keeps coding-agent workspaces and their pull requests moving forward.

```python
async with headway.open("sqlite:///headway.db") as hw:
    async with hw.running():
        ...
```
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.config import Config
    from headway.opening import Headway, open  # noqa: A004  `headway.open` is the name
    from headway_core.operations import GitHubIssue, Manual, ResumeBranch

_HOMES = {
    "Config": "headway.config",
    "GitHubIssue": "headway_core.operations",
    "Headway": "headway.opening",
    "Manual": "headway_core.operations",
    "ResumeBranch": "headway_core.operations",
    "open": "headway.opening",
}
"""Imported when they are used first: `headway --help` needs no database and no HTTP."""

__all__ = ["Config", "GitHubIssue", "Headway", "Manual", "ResumeBranch", "open"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
