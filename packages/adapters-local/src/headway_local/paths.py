"""Real paths of what an agent may have put anything in place of."""

import os
from pathlib import Path


def real_path(path: str | Path) -> Path:
    """The path with every symbolic link resolved, whether it exists or not.

    Links that lead in a circle stay as they are: `Path.resolve` raises `RuntimeError` of them.
    """
    return Path(os.path.realpath(path))
