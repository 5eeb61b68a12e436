"""What the `headway` command costs before it does anything: CPU time of its processes, as ratios.

`python benchmarks/bench_command.py [ROUNDS]`. Every start is a process of its own, all in turn, so that a
noisy machine meets them alike; the figure is the least of them, since other work only ever adds. Judged:

- `headway --help` against `import cyclopts`, what any command on it costs;
- `headway workspace list --json`, on a database that is there and empty, against
  `import sqlalchemy, dependency_injector`, with 50 ms for the work itself.

Exits 1 past a goal. The other figures are for comparison.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

import attrs


@attrs.frozen
class Goal:
    """At most `times` what `against` costs, and `extra_ms` beside."""

    case: str
    against: str
    times: float
    extra_ms: float = 0.0


HELP, LIST = "headway --help", "workspace list --json"
CASES: Mapping[str, Sequence[str]] = {
    "bare start": ("-c", "pass"),
    "import cyclopts": ("-c", "import cyclopts"),
    "import sqlalchemy, DI": ("-c", "import sqlalchemy, dependency_injector"),
    HELP: ("-m", "headway", "--help"),
    LIST: ("-m", "headway", "workspace", "list", "--json"),
    "workspace list": ("-m", "headway", "workspace", "list"),
    "settings show": ("-m", "headway", "settings", "show"),
}
GOALS = (
    Goal(HELP, "import cyclopts", 3.0),
    Goal(LIST, "import sqlalchemy, DI", 2.0, extra_ms=50.0),
)


def cost_ms(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """Milliseconds of CPU time, the system's included, of a Python that runs this to its end."""
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    return (used.ru_utime + used.ru_stime) * 1000


def main(rounds: int) -> int:
    costs: dict[str, list[float]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": f"{folder}/compiled", "HEADWAY_DATA": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment.pop("HEADWAY_DATABASE", None)
        for arguments in CASES.values():
            cost_ms(arguments, environment)  # compiles, and makes the database
        for _ in range(rounds):
            for case, arguments in CASES.items():
                costs[case].append(cost_ms(arguments, environment))
    least = {case: min(taken) for case, taken in costs.items()}
    for case, taken_ms in least.items():
        print(f"{case:24} {taken_ms:6.0f} ms")
    failed = False
    for goal in GOALS:
        ratio = (least[goal.case] - goal.extra_ms) / least[goal.against]
        slow = ratio > goal.times
        failed = failed or slow
        beside = f", {goal.extra_ms:.0f} ms aside" if goal.extra_ms else ""
        print(
            f"{goal.case} is {ratio:.2f} times {goal.against}{beside} (at most {goal.times:g})"
            f"{'  TOO SLOW' if slow else ''}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 9))
