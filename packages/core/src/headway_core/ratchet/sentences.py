"""Words for decisions: why it is so, and what will change it."""

from typing import assert_never

from headway_core.ratchet.decision import (
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)

_WAITS = {
    WaitReason.WORKSPACE: ("the workspace is not ready", "it becomes ready"),
    WaitReason.NO_PR: ("no pull request is attached", "one is opened from its branch"),
    WaitReason.CLOSED: ("the pull request is closed", "it is opened again"),
    WaitReason.REFRESH: ("what is known of the pull request is older than what happened", "it is read again"),
    WaitReason.MERGE_QUEUE: ("it is in the merge queue", "it leaves the queue"),
    WaitReason.CI: ("checks are still running, or the head is too young to be judged", "they end"),
    WaitReason.UNKNOWN: ("a part of the pull request is not known yet", "GitHub tells"),
    WaitReason.SESSION: ("another session is at work in the workspace", "its turn ends"),
    WaitReason.SESSION_LIMIT: ("the workspace has as many sessions as it may", "one of them ends"),
    WaitReason.CAPACITY: ("as many fixers run as are allowed", "one of them ends"),
}

_STALLS = {
    StallReason.BRANCH_MISMATCH: (
        "the worktree is on another branch than the pull request's head",
        "somebody checks out the head's branch",
    ),
    StallReason.UNPUSHED: ("the worktree has commits that were not pushed", "they are pushed"),
    StallReason.UNREACHABLE: ("GitHub could not be read for too long", "it can be read again"),
    StallReason.NO_HEAD: ("the branch of the pull request is gone", "it is restored"),
    StallReason.CI_STUCK: (
        "checks are pending for longer than the limit",
        "they end, or somebody re-runs them",
    ),
    StallReason.CI_UNKNOWN: ("a part of the pull request stays unknown", "GitHub tells"),
    StallReason.RETRIES: (
        "fixers for a cause died too often",
        "the cause changes, or the ratchet is switched on anew",
    ),
    StallReason.UNCHANGED: (
        "a fixer had every cause already, and they are still there",
        "a new run fails, somebody writes, or the ratchet is switched on anew",
    ),
    StallReason.BUDGET: ("the budget of fixers is used", "the pull request makes progress, or a day passes"),
}


def sentence(decision: Decision | None) -> tuple[str, str]:
    """Why it is so, and what will change it."""
    match decision:
        case None:
            return "nothing was decided yet", "the first look"
        case Disabled():
            return "the ratchet is off", "somebody switches it on"
        case Wait(reason=wait):
            return _WAITS[wait]
        case Done():
            return "the pull request is merged", "nothing"
        case FixerActive():
            return "a fixer is at work", "it ends"
        case Held(by=by):
            return f"it is held ({by})", "the hold ends or is released"
        case Stalled(reason=stall):
            return _STALLS[stall]
        case AwaitingReview():
            return "it is the reviewer's turn", "a review"
        case Ready():
            return "nothing is left to fix", "something fails, conflicts or is asked for"
        case Dispatch(cause_ids=ids):
            return f"there is something to fix: {', '.join(ids)}", "the fixer ends"
        case _:
            assert_never(decision)
