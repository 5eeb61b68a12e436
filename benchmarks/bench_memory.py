"""The memory of a runner over 10,000 idle workspaces, against one over none, on SQLite and on PostgreSQL.

`python benchmarks/bench_memory.py [WORKSPACES]`. Each runner is a process of its own with every duty.
Measured is what it has when it has been idle for a while, and the most that it had when it then read the
whole board once. Exits 1 when a workspace that sleeps costs over 4 KiB, or over 10 while it is read.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
from furnished import databases, furnish, store_of

import headway
from headway.config import Config

IDLE_S = 3.0
LIMITS = {"idle": 4.0, "most": 10.0}
"""KiB a workspace."""


async def run(url: str, folder: str) -> dict[str, int]:
    """As a runner: its KiB while it is idle, and the most."""
    config = Config(data_dir=Path(folder), database=url, github_token="none")  # noqa: S106  nobody is asked
    async with headway.open(config=config) as hw, hw.running():
        await anyio.sleep(IDLE_S)
        idle = resident()
        await hw.board.cards()
        return {"idle": idle, "most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def resident() -> int:
    """KiB of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


async def prepare(url: str, count: int) -> None:
    async with store_of(url) as store:
        await furnish(store, count)


def measured(url: str, folder: Path) -> dict[str, int]:
    """What a runner of this database says of itself."""
    command = [sys.executable, __file__, "--runner", url, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said: dict[str, int] = json.loads(done.stdout)
    return said


def main(count: int) -> int:
    failed = False
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for kind, url in urls.items():
            data = Path(folder, kind)
            none = measured(url, data)
            anyio.run(prepare, url, count)
            many = measured(url, data)
            for what, limit in LIMITS.items():
                each = (many[what] - none[what]) / count
                failed = failed or each > limit
                print(
                    f"{kind:10} {what}: {many[what] / 1024:4.0f} MiB with {count}, without any"
                    f" {none[what] / 1024:4.0f}, ratio {many[what] / none[what]:4.2f},"
                    f" a workspace {each:5.2f} KiB"
                    f"  (at most {limit})  {'TOO MUCH' if each > limit else 'ok'}"
                )
    return int(failed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--runner"]:
        print(json.dumps(anyio.run(run, sys.argv[2], sys.argv[3])))
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 10_000))
