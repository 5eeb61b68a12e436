"""The simulator: the real services in a world of fakes, crashed at every step (docs/simulator.md).

`live_through(Plan(seed=7))` is one run; `every_crash(scenario)` plays a short scenario once for each point at
which its process can die. Deterministic: the same plan gives the same trace, line by line.
"""

from simulator.invariants import INVARIANTS
from simulator.plays import Played, every_crash, every_state, play
from simulator.runs import Run, live_through, shrink
from simulator.scenarios import SCENARIOS, Scenario
from simulator.world import Plan, Violation, World

__all__ = [
    "INVARIANTS",
    "SCENARIOS",
    "Plan",
    "Played",
    "Run",
    "Scenario",
    "Violation",
    "World",
    "every_crash",
    "every_state",
    "live_through",
    "play",
    "shrink",
]
