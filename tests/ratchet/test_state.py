"""The state that people see: its table, and the earlier system's."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability, ReviewDecision
from headway_core.ratchet import RatchetState, ratchet_state

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "ratchet_state.json"
ROWS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())
Row = Mapping[str, Any]

READY: dict[str, Any] = {
    "enabled": True,
    "state": GitHubState.OPEN,
    "ci": CIStatus.SUCCESS,
    "mergeability": Mergeability.CLEAN,
    "feedback": False,
    "review_decision": None,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"enabled": False, "state": GitHubState.MERGED}, RatchetState.IDLE),
        ({"state": GitHubState.MERGED, "ci": CIStatus.FAILURE}, RatchetState.MERGED),
        ({"state": None}, RatchetState.IDLE),
        ({"state": GitHubState.CLOSED, "ci": CIStatus.FAILURE}, RatchetState.IDLE),
        ({"ci": CIStatus.FAILURE, "mergeability": Mergeability.CONFLICT}, RatchetState.CI_FAILED),
        ({"mergeability": Mergeability.CONFLICT, "ci": CIStatus.PENDING}, RatchetState.MERGE_CONFLICT),
        ({"ci": CIStatus.PENDING, "feedback": True}, RatchetState.CI_RUNNING),
        ({"ci": CIStatus.UNKNOWN}, RatchetState.CI_RUNNING),
        ({"mergeability": Mergeability.UNKNOWN}, RatchetState.CI_RUNNING),
        ({"feedback": True}, RatchetState.REVIEW_PENDING),
        ({"review_decision": ReviewDecision.CHANGES_REQUESTED}, RatchetState.REVIEW_PENDING),
        ({"review_decision": ReviewDecision.REVIEW_REQUIRED}, RatchetState.READY),
        ({"review_decision": ReviewDecision.APPROVED}, RatchetState.READY),
        ({}, RatchetState.READY),
    ],
)
def test_each_row_gives_its_word(changes: dict[str, Any], expected: RatchetState) -> None:
    """First match: what is said first goes before all that follows."""
    assert ratchet_state(**READY | changes) is expected


@pytest.mark.lesson("R19")
def test_every_input_has_a_state() -> None:
    """Total over the whole input space: nothing is stored, so nothing can be out of date."""
    space = itertools.product(
        (True, False),
        (None, *GitHubState),
        CIStatus,
        Mergeability,
        (True, False),
        (None, *ReviewDecision),
    )
    found = {ratchet_state(**dict(zip(READY, values, strict=True))) for values in space}
    assert found == set(RatchetState)


def _ours(row: Row) -> RatchetState:
    given = row["input"]
    state = {"NONE": None, "MERGED": GitHubState.MERGED, "CLOSED": GitHubState.CLOSED}
    review = given["prReviewState"]
    return ratchet_state(
        enabled=given["ratchetEnabled"],
        state=state.get(given["prState"], GitHubState.OPEN),
        ci=CIStatus(given["prCiStatus"]),
        mergeability=Mergeability.CONFLICT if given["prHasMergeConflict"] else Mergeability.CLEAN,
        feedback=False,
        review_decision=ReviewDecision(review) if review else None,
    )


@pytest.mark.lesson("R19")
def test_it_agrees_with_the_golden_table() -> None:
    """No difference where the old system could tell the inputs apart."""
    assert ROWS
    assert [(row["name"], _ours(row)) for row in ROWS if _ours(row) != row["expected"]] == []
