"""The demo killed at random moments, chained over runs on one database."""

import os
import random
import time
from pathlib import Path

import pytest
from rehearsal import Rehearsal, expect_the_end

KILLS = 20
CHAIN = 5
"""Kills on one database; a new chain begins when they are done, or when a run comes to its end."""


@pytest.mark.kills
@pytest.mark.timeout(1500)
@pytest.mark.lesson("F13", "L4", "L5", "R33")
def test_twenty_kills_at_random_moments(tmp_path: Path) -> None:
    """SIGKILL to headway, to the sandbox, to both: no second dispatch for a cause, nothing orphaned."""
    seed = int(os.environ.get("HEADWAY_KILL_SEED") or random.randrange(1_000_000))
    dice = random.Random(seed)
    began = time.monotonic()
    kills = runs = chains = dispatches = attempts = 0
    while kills < KILLS:
        chains += 1
        rehearsal = Rehearsal(folder=tmp_path / f"chain{chains}")
        rehearsal.folder.mkdir()
        for _ in range(CHAIN):
            headway, sandbox = dice.choice([(True, False), (False, True), (True, True)])
            if not rehearsal.killed_after(dice.uniform(0.3, 5.0), headway=headway, sandbox=sandbox):
                break
            kills += 1
            if kills == KILLS or not headway:
                break
        document = rehearsal.to_the_end()
        expect_the_end(rehearsal, document)
        listed = document["dispatches"]
        assert isinstance(listed, list)
        runs += rehearsal.runs
        dispatches += len(listed)
        attempts += sum(d["attempts"] for d in listed)
    print(  # noqa: T201  the figures are to be seen
        f"\n{kills} kills (seed {seed}) in {chains} chains, {runs} runs, {time.monotonic() - began:.0f} s:"
        f" {3 * chains} causes, {dispatches} dispatches, {attempts} starts of fixers"
    )
    assert dispatches == 3 * chains
