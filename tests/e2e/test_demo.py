"""The main job, rehearsed in a process of its own."""

import pytest
from rehearsal import Rehearsal, expect_the_end


@pytest.mark.lesson("R1", "R5", "R7", "R10", "R33", "S6", "S14", "L15")
def test_three_causes_three_fixers(rehearsal: Rehearsal) -> None:
    """Each story has one cause, each cause one dispatch, and every workspace ends ready to merge."""
    expect_the_end(rehearsal, rehearsal.to_the_end())


def test_a_finished_rehearsal_stays_finished(rehearsal: Rehearsal) -> None:
    """Another run on the same database dispatches nothing."""
    first = rehearsal.to_the_end()
    again = rehearsal.to_the_end()
    expect_the_end(rehearsal, again)
    assert again["dispatches"] == first["dispatches"]


@pytest.mark.lesson("F13", "L5")
@pytest.mark.parametrize(
    ("seconds", "killed"),
    [(1.6, {"headway"}), (2.8, {"sandbox"}), (3.6, {"headway", "sandbox"})],
    ids=["headway", "the sandbox", "both"],
)
def test_a_kill_changes_nothing(rehearsal: Rehearsal, seconds: float, killed: set[str]) -> None:
    """Killed at a moment and started again, the rehearsal ends in the same state."""
    ended = not rehearsal.killed_after(seconds, headway="headway" in killed, sandbox="sandbox" in killed)
    assert not ended, "it ended before the kill"
    expect_the_end(rehearsal, rehearsal.to_the_end())
