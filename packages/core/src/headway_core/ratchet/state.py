"""The state that people see: derived from the view, never stored (R19)."""

import enum

from headway_core.pull_requests.model import CIStatus, GitHubState, Mergeability, ReviewDecision


class RatchetState(enum.StrEnum):
    """Where a pull request stands for the ratchet, in one word: derived, the first that holds."""

    IDLE = "IDLE"
    """The ratchet is off, or there is no open pull request."""
    MERGED = "MERGED"
    """The pull request is merged."""
    CI_FAILED = "CI_FAILED"
    """A check failed."""
    MERGE_CONFLICT = "MERGE_CONFLICT"
    """The head conflicts with its base."""
    CI_RUNNING = "CI_RUNNING"
    """The checks, or whether the head merges, are not known yet."""
    REVIEW_PENDING = "REVIEW_PENDING"
    """A reviewer asked for something that is still open."""
    READY = "READY"
    """Nothing is left to fix."""


def ratchet_state(
    *,
    enabled: bool,
    state: GitHubState | None,
    ci: CIStatus,
    mergeability: Mergeability,
    feedback: bool,
    review_decision: ReviewDecision | None,
) -> RatchetState:
    """The first that holds. `feedback`: a feedback cause is present; `review_decision` is the raw one."""
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
