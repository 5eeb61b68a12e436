"""The state that people see: first match of a table."""

import pytest

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability, ReviewDecision
from headway_core.ratchet import RatchetState, ratchet_state

BASE: dict[str, object] = {
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
        ({}, RatchetState.READY),
        ({"enabled": False, "state": GitHubState.MERGED}, RatchetState.IDLE),
        ({"state": GitHubState.MERGED}, RatchetState.MERGED),
        ({"state": GitHubState.CLOSED}, RatchetState.IDLE),
        ({"state": None}, RatchetState.IDLE),
        ({"ci": CIStatus.FAILURE, "mergeability": Mergeability.CONFLICT}, RatchetState.CI_FAILED),
        ({"ci": CIStatus.PENDING, "mergeability": Mergeability.CONFLICT}, RatchetState.MERGE_CONFLICT),
        ({"ci": CIStatus.PENDING, "feedback": True}, RatchetState.CI_RUNNING),
        ({"ci": CIStatus.UNKNOWN}, RatchetState.CI_RUNNING),
        ({"mergeability": Mergeability.UNKNOWN}, RatchetState.CI_RUNNING),
        ({"feedback": True}, RatchetState.REVIEW_PENDING),
        ({"review_decision": ReviewDecision.CHANGES_REQUESTED}, RatchetState.REVIEW_PENDING),
        ({"review_decision": ReviewDecision.REVIEW_REQUIRED}, RatchetState.READY),
    ],
)
def test_each_row(changes: dict[str, object], expected: RatchetState) -> None:
    """The facts of a row lead to its state."""
    assert ratchet_state(**{**BASE, **changes}) is expected  # type: ignore[arg-type]  # rows as data
