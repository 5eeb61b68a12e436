"""The state that people see: derived from the view, never stored (R19)."""

import enum

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability, ReviewDecision


class RatchetState(enum.StrEnum):
    """The words that users know."""

    IDLE = "IDLE"
    MERGED = "MERGED"
    CI_FAILED = "CI_FAILED"
    MERGE_CONFLICT = "MERGE_CONFLICT"
    CI_RUNNING = "CI_RUNNING"
    REVIEW_PENDING = "REVIEW_PENDING"
    READY = "READY"


def ratchet_state(
    *,
    enabled: bool,
    state: GitHubState | None,
    ci: CIStatus,
    mergeability: Mergeability,
    feedback: bool,
    review_decision: ReviewDecision | None,
) -> RatchetState:
    """First match. `feedback`: a feedback cause is present; `review_decision` is the raw one."""
    for holds, result in (
        (not enabled, RatchetState.IDLE),
        (state is GitHubState.MERGED, RatchetState.MERGED),
        (state is not GitHubState.OPEN, RatchetState.IDLE),
        (ci is CIStatus.FAILURE, RatchetState.CI_FAILED),
        (mergeability is Mergeability.CONFLICT, RatchetState.MERGE_CONFLICT),
        (ci is not CIStatus.SUCCESS or mergeability is Mergeability.UNKNOWN, RatchetState.CI_RUNNING),
        (
            feedback or review_decision is ReviewDecision.CHANGES_REQUESTED,
            RatchetState.REVIEW_PENDING,
        ),
    ):
        if holds:
            return result
    return RatchetState.READY
