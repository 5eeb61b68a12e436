"""The simulator itself: it repeats exactly, it makes failing runs small, and it has teeth."""

import hashlib
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import simulator
from defects import DEFECTS, SURPRISE
from simulator import (
    INVARIANTS,
    SCENARIOS,
    Plan,
    Run,
    every_crash,
    every_state,
    live_through,
    play,
    shrink,
)

SOURCES = Path(simulator.__file__).parent
SEEDS = range(1, 11)
"""The fixed set: `nox -s simulate` lives through thousands."""
QUICK = (
    "intent after effect",
    "posting without an intent",
    "outcome lost",
    "event outside the transaction",
    "lock not taken",
    "handled at dispatch",
    "partial answer clears",
    "handled is forgotten",
)
"""Planted defects that few runs find; the others are hunted by `nox -s simulate -- --teeth 400`."""
MOST = 10

PRINT_A_TRACE = """
import hashlib
from simulator import Plan, live_through
trace = live_through(Plan(seed=4, storm_s=60.0), traced=True).trace
print(hashlib.sha256("\\n".join(trace).encode()).hexdigest())
"""


def digest(run: Run) -> str:
    return hashlib.sha256("\n".join(run.trace).encode()).hexdigest()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.lesson("R4", "R5", "R6", "R14", "R15", "R17", "R21", "R22", "R23", "R31", "R33")
@pytest.mark.lesson("F3", "F5", "F13", "S17", "S18", "S19", "L1", "L4", "L5", "L6", "L7", "L15", "L19", "B4")
def test_no_invariant_breaks_in_a_storm_and_everything_comes_to_its_end(seed: int) -> None:
    """Crashes, faults, lags, people and callers, then calm: one seeded run of the whole of core."""
    run = live_through(Plan(seed=seed, hosts=1 + seed % 2, workspaces=1 + seed % 3, storm_s=60.0))
    assert run.violation is None
    assert run.commits > 100


@pytest.mark.parametrize("seed", [1, 2])
def test_no_invariant_breaks_on_trio(seed: int) -> None:
    """The same worlds, on the other event loop."""
    assert live_through(Plan(seed=seed, storm_s=40.0), backend="trio").violation is None


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_same_plan_is_the_same_run_line_by_line(backend: str) -> None:
    """Another seed is another run."""
    first, again, other = (
        live_through(Plan(seed=seed, storm_s=30.0), traced=True, backend=backend) for seed in (4, 4, 5)
    )
    assert first.trace == again.trace
    assert first.trace != other.trace


def test_a_run_does_not_depend_on_the_hash_seed() -> None:
    """Two interpreters with other hash seeds, the same trace as here."""
    expected = digest(live_through(Plan(seed=4, storm_s=60.0), traced=True))
    for hash_seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", PRINT_A_TRACE],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(SOURCES.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == expected


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_defect_is_found(name: str) -> None:
    """Within a few runs; without it the same runs pass (above)."""
    with DEFECTS[name]():
        found = next(
            (s for s in range(1, MOST + 1) if live_through(Plan(seed=s, storm_s=60.0)).violation), None
        )
    assert found is not None
    print(f"{name}: found by run {found}")


@pytest.mark.parametrize("name", DEFECTS)
def test_each_planted_defect_fits_the_product(name: str) -> None:
    """The product goes on with it, so that what finds it is an invariant; without it, it is whole again."""
    with DEFECTS[name]():
        violation = live_through(Plan(seed=1, storm_s=30.0)).violation
    assert violation is None or violation.invariant != SURPRISE
    assert live_through(Plan(seed=1, workspaces=1, storm_s=10.0)).violation is None


def test_strangers_who_open_and_close_pull_requests_get_no_fixers_for_it() -> None:
    """A workspace has its fixers of a day and no more; who refills a budget for each new one is found."""
    beset = [Plan(seed=seed, workspaces=1, storm_s=300.0, outsiders=True) for seed in range(21, 31)]
    assert live_through(beset[0]).violation is None
    with DEFECTS["a new pull request refills the budget"]():
        violations = (live_through(plan).violation for plan in beset)
        assert next(v for v in violations if v).invariant == "I4 budget of a day"


@pytest.mark.parametrize(
    "name",
    ["thanks are feedback", "ticks are news", "rounds without end", "every post is a build"],
)
def test_a_bot_that_is_never_content_feeds_no_loop(name: str) -> None:
    """It thanks, ticks off, says the same again and posts anew; each way to run in circles is found."""
    calm = partial(Plan, workspaces=1, storm_s=300.0, bots=True, keep=frozenset())  # nothing else goes wrong
    talkative = [calm(seed=seed) for seed in range(1, MOST + 1)]
    assert live_through(talkative[0]).violation is None
    with DEFECTS[name]():
        violations = (live_through(plan).violation for plan in talkative)
        assert next(v for v in violations if v).invariant == "I6 handled causes stay handled"


def test_a_failing_run_is_made_small() -> None:
    """What is left of the interventions still breaks the same invariant, and most are gone."""
    with DEFECTS["event outside the transaction"]():
        runs = (live_through(Plan(seed=seed, workspaces=1, storm_s=60.0)) for seed in range(1, 30))
        found = next(run for run in runs if run.violation and len(run.interventions) > 3)
        small = shrink(found, most=25)
        assert small.violation is not None
        assert found.violation is not None
        assert small.violation.invariant == found.violation.invariant
        assert len(small.interventions) < len(found.interventions) / 2
        assert live_through(small.plan).violation == small.violation


@pytest.mark.parametrize("name", ["create from words", "provision", "dispatch a fixer", "archive"])
@pytest.mark.lesson("L3", "L4", "L5", "L9", "L10", "L11", "F2", "F13", "R33")
def test_a_process_may_die_at_every_point(name: str) -> None:
    """Exhaustive over the points before and after each effect and each transaction."""
    scenario = next(each for each in SCENARIOS if each.name == name)
    played = list(every_crash(scenario))
    assert [each.violation for each in played if each.violation] == []
    assert [each.died for each in played] == [(True,)] * (len(played) - 1) + [(False,)]
    print(f"{name}: {len(played) - 1} crash points")


@pytest.mark.parametrize("name", ["create from a branch", pytest.param("archive", marks=pytest.mark.kills)])
@pytest.mark.lesson("L4", "L5")
def test_processes_may_die_one_after_the_other(name: str) -> None:
    """In every state that two crashes in a row can leave, and each state is tried once."""
    scenario = next(each for each in SCENARIOS if each.name == name)
    played = list(every_state(scenario, crashes=2))
    assert [each.violation for each in played if each.violation] == []
    assert all(each.died == (True,) * len(each.crash_at) for each in played)
    assert len({each.crash_at for each in played}) == len(played) > 20
    print(f"{name}: {len(played)} states")


@pytest.mark.recovers("posting")
def test_a_pull_request_that_is_closed_at_once_is_known_by_its_mark() -> None:
    """Wherever its process dies it is opened once; who looks at open ones alone opens it again."""
    scenario = next(each for each in SCENARIOS if each.name.endswith("is closed at once"))
    assert [each.violation for each in every_state(scenario, crashes=1) if each.violation] == []
    with DEFECTS["only open ones are evidence"]():
        found = [each.violation for each in every_state(scenario, crashes=1) if each.violation]
    assert {violation.invariant for violation in found} == {"posted once"}


def test_what_comes_before_a_crash_does_not_depend_on_it() -> None:
    """The states of a run are those in which the next process can be killed."""
    first = play(SCENARIOS[3], 5, traced=True)
    point = list(first.states)[4]
    second = play(SCENARIOS[3], 5, point, traced=True)
    dead = [number for number, line in enumerate(second.trace) if line.endswith("IS DEAD")]
    assert second.trace[: dead[1]] == first.trace[: dead[1]]
    assert second.trace != first.trace


def test_the_dead_do_nothing_any_more() -> None:
    """After its death no line of the trace is of a process: not of its `finally` blocks either."""
    dead: set[str] = set()
    for line in live_through(Plan(seed=3, storm_s=90.0), traced=True).trace:
        words = line.split()
        assert words[1] not in dead
        if line.endswith("IS DEAD"):
            dead.add(words[1])
    assert len(dead) > 1


def test_every_invariant_is_looked_at_or_listed_as_missing() -> None:
    """I1 to I12 in the docs as in the code, and each checker that bears a number bears one of theirs."""
    docs = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    assert list(INVARIANTS) == [f"I{number}" for number in range(1, 13)]
    assert [line for line in docs.splitlines() if line.startswith("| I")] == [
        f"| {name} | {when} |" for name, when in INVARIANTS.items()
    ]
    numbered = set(re.findall(r'"(I\d+) ', "".join(path.read_text() for path in SOURCES.glob("*.py"))))
    elsewhere = {name for name, when in INVARIANTS.items() if when.startswith(("missing", "tests/"))}
    assert numbered == set(INVARIANTS) - elsewhere


def test_a_scenario_repeats_exactly() -> None:
    """A crash of a scenario is replayed by its numbers."""
    scenario = SCENARIOS[3]
    assert play(scenario, 5, 7, traced=True) == play(scenario, 5, 7, traced=True)
