"""How long `import headway_core` and its rooms take, over the bare start of Python.

`python benchmarks/bench_import.py [ROUNDS]`. Each start is a process of its own, all in turn, so that a
noisy machine meets them alike; the figure is the median of the differences. Exits 1 when the package takes
more than 150 ms, or when all of core loads what only an adapter may. The other figures are for comparison:
all of core is its rooms' classes, which attrs makes at import, and the libraries that it stands on.
"""

import os
import subprocess
import sys
import tempfile
import time
from statistics import median

LIMIT_MS = 150
IMPORTS = ("headway_core", "headway_core.container", "headway")
"""The package, which is judged; all of core; the composition root with every adapter."""
JUDGED, ALL_OF_CORE, _ = IMPORTS
ADAPTERS = {"sqlalchemy", "alembic", "httpx", "trio", "pytest"}


def started(code: str, cache: str) -> float:
    """Milliseconds from the start to the end of a process that runs this code, with compiled files."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return (time.perf_counter() - began) * 1000


def strangers() -> set[str]:
    """What of the adapters' libraries an import of core loads."""
    code = f"import {ALL_OF_CORE}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return ADAPTERS & set(done.stdout.split())


def main(rounds: int) -> int:
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as cache:
        for name in IMPORTS:
            started(f"import {name}", cache)  # compiles
        for _ in range(rounds):
            bare.append(started("pass", cache))
            for name in IMPORTS:
                taken[name].append(started(f"import {name}", cache) - bare[-1])
    print(f"{'bare start':24} {median(bare):6.1f} ms")
    failed = False
    for name, times in taken.items():
        judged = f"(at most {LIMIT_MS} ms)" if name == JUDGED else ""
        slow = name == JUDGED and median(times) > LIMIT_MS
        failed = failed or slow
        print(f"{name:24} {median(times):6.1f} ms  {judged}{'  TOO SLOW' if slow else ''}")
    if loaded := strangers():
        print(f"{ALL_OF_CORE} loads {', '.join(sorted(loaded))}")
    return int(failed or bool(loaded))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 7))
