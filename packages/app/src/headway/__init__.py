"""Headway: keeps coding-agent workspaces and their pull requests moving forward.

```python
async with headway.open("sqlite:///headway.db") as hw:
    async with hw.running():
        ...
```
"""

from headway.config import Config
from headway.opening import Headway, open  # noqa: A004  `headway.open` is the name
from headway_core.operations import GitHubIssue, Manual, ResumeBranch

__all__ = ["Config", "GitHubIssue", "Headway", "Manual", "ResumeBranch", "open"]
