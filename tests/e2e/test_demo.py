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
    ("seconds", "headway", "sandbox"),
    [(1.6, True, False), (2.8, False, True), (3.6, True, True)],
    ids=["headway", "the sandbox", "both"],
)
def test_a_kill_changes_nothing(
    rehearsal: Rehearsal,
    seconds: float,
    headway: bool,
    sandbox: bool,  # noqa: FBT001
) -> None:
    """Killed at a moment and started again, the rehearsal ends in the same state."""
    assert rehearsal.killed_after(seconds, headway=headway, sandbox=sandbox), "it ended before the kill"
    expect_the_end(rehearsal, rehearsal.to_the_end())
