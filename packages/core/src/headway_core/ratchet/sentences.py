"""Sentences for decisions: why it is so, what changes it, and what a person can do."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

import attrs

from headway_core.ratchet.decision import (
    AwaitingPerson,
    AwaitingReview,
    Decision,
    Disabled,
    Dispatch,
    Done,
    FixerActive,
    Held,
    PersonReason,
    QuietTime,
    Ready,
    Stalled,
    StallReason,
    Wait,
    WaitReason,
)
from headway_core.ratchet.model import HoldKind


@attrs.frozen
class Reasoning:
    """A decision in three sentences."""

    why: str
    """Why it was decided so."""
    changes_when: str
    """What will change it."""
    next_step: str
    """What a person can do, or that nothing has to be done."""


_NOTHING = "Nothing has to be done."

_WAITS: Mapping[WaitReason, Reasoning] = MappingProxyType(
    {
        WaitReason.WORKSPACE: Reasoning(
            "The workspace is not ready, or its host is lost.",
            "It goes on when the workspace is ready on a host that is there.",
            "Look at the workspace's own status: a set-up that failed can be retried, and a host that is lost"
            " comes back with its runner.",
        ),
        WaitReason.NO_PR: Reasoning(
            "No pull request is attached.",
            "It goes on when one is opened from the workspace's branch, which is found by itself.",
            "Push the branch and open a pull request, or attach one by its number.",
        ),
        WaitReason.CLOSED: Reasoning(
            "The pull request was closed without a merge.",
            "It goes on when the pull request is opened again.",
            "Open it again, or archive the workspace.",
        ),
        WaitReason.REFRESH: Reasoning(
            "What is known of the pull request is older than what has happened since.",
            "It goes on when the pull request was read again.",
            "Nothing has to be done while a runner runs: it reads the pull request by itself.",
        ),
        WaitReason.MERGE_QUEUE: Reasoning(
            "The pull request is in the merge queue.",
            "It goes on when the pull request leaves the queue.",
            _NOTHING,
        ),
        WaitReason.CI: Reasoning(
            "Checks are still running.",
            "It goes on when every check that counts has ended.",
            "Nothing has to be done; with the setting act_on_first_failure the first failure is acted on.",
        ),
        WaitReason.UNKNOWN: Reasoning(
            "GitHub has not told a part of the pull request yet: its checks, its mergeability or its"
            " conversation.",
            "It goes on when GitHub tells.",
            "Nothing has to be done while a runner runs: it asks again by itself.",
        ),
        WaitReason.SESSION: Reasoning(
            "Another session is at work in the workspace, or waits for a person.",
            "It goes on when that session's turn ends.",
            "Answer the session when it waits for you, or stop it.",
        ),
        WaitReason.SESSION_LIMIT: Reasoning(
            "The workspace has as many live sessions as it may have.",
            "It goes on when one of them ends.",
            "Stop a session, or raise the setting session_limit.",
        ),
        WaitReason.FAST_FORWARD: Reasoning(
            "The worktree stands on another commit than the pull request's head, and is brought forward to it"
            " before a fixer starts.",
            "It goes on when the worktree stands on the head.",
            "Nothing has to be done while a runner runs on the workspace's host.",
        ),
        WaitReason.BACKOFF: Reasoning(
            "The last fixer died, and the next one is started after a pause, which grows with every death.",
            "It goes on when the pause is over: 1, 5 and then 30 times the setting death_pause_s.",
            "Look at what the fixer printed; nothing has to be done when the agent's service was away.",
        ),
        WaitReason.CAPACITY: Reasoning(
            "As many fixers run as are allowed, and others have waited longer.",
            "It goes on when a fixer ends and this workspace is the next in line.",
            "Nothing has to be done; the settings capacity_project and capacity_all allow more fixers.",
        ),
    }
)

_STALLS: Mapping[StallReason, Reasoning] = MappingProxyType(
    {
        StallReason.BRANCH_MISMATCH: Reasoning(
            "The worktree is on another branch than the pull request's head.",
            "It goes on when the head's branch is checked out in the worktree.",
            "Check out the head's branch in the worktree, or attach the pull request of its branch.",
        ),
        StallReason.UNPUSHED: Reasoning(
            "The worktree has commits that were not pushed, and no session is at work on them.",
            "It goes on when they are pushed.",
            "Push the commits of the worktree, or drop them.",
        ),
        StallReason.UNREACHABLE: Reasoning(
            "The pull request could not be read for longer than the setting view_limit_s allows.",
            "It goes on when the pull request was read.",
            "Look at what the last fetch said: the network, the token or the pull request itself.",
        ),
        StallReason.NO_HEAD: Reasoning(
            "The branch of the pull request is gone from its repository.",
            "It goes on when the branch is there again.",
            "Push the branch again, or close the pull request.",
        ),
        StallReason.CI_STUCK: Reasoning(
            "Checks are pending for longer than the setting ci_limit_s allows.",
            "It goes on when they end.",
            "Look at the checks that are pending: run them again, or cancel them.",
        ),
        StallReason.CI_CANCELLED: Reasoning(
            "Checks were cancelled and nothing else failed, which no commit mends.",
            "It goes on when they have run again.",
            "Run the cancelled checks again at GitHub, or push a commit that starts them.",
        ),
        StallReason.CHECKS_MISSING: Reasoning(
            "A check that the base requires, or that the head before had, has not reported for longer than"
            " the setting ci_limit_s allows.",
            "It goes on when the check reports, or with another head.",
            "Look at what should have started it, such as a workflow file that is broken; where it is no"
            " longer wanted, no longer require it, or merge by hand.",
        ),
        StallReason.CI_UNKNOWN: Reasoning(
            "GitHub has not told a part of the pull request for longer than the setting part_limit_s allows:"
            " its checks, its mergeability or its conversation.",
            "It goes on when GitHub tells.",
            "Look at the pull request, part by part, and at the rights of the token.",
        ),
        StallReason.RETRIES: Reasoning(
            "The fixers for what is left to fix died too often.",
            "It goes on when there is something new to fix: a new run that fails, or a reviewer's word.",
            "Look at what the fixers printed; then fix it by hand, or switch the ratchet off and on to try"
            " again.",
        ),
        StallReason.UNCHANGED: Reasoning(
            "A fixer has had everything that is left to fix, and it is still there.",
            "It goes on when there is something new to fix: a new run that fails, or a reviewer's word.",
            "Fix it by hand, or switch the ratchet off and on to try again.",
        ),
        StallReason.SESSION: Reasoning(
            "There is something to fix, and another session has been at work here, or has waited for"
            " a person, for longer than the setting turn_limit_s allows: no fixer is started beside it.",
            "It goes on when that session's turn ends.",
            "Look at the session: answer it, or stop it.",
        ),
        StallReason.STOPPED: Reasoning(
            "The workspace is stopped: what was found of an agent in it can't all be true, so nobody can know"
            " what an agent did there, or whether one runs on.",
            "It goes on when a person has looked and releases the workspace.",
            "Look at the worktree, at what runs in it, and at what the session printed; then release it with"
            " headway workspace release.",
        ),
        StallReason.OTHER_COMMIT: Reasoning(
            "There is something to fix, and the worktree stands on another commit than the head of the pull"
            " request, and can't be brought forward to it.",
            "It goes on when the worktree stands on the head.",
            "Bring them together in the worktree: pull, rebase or reset, or push what it has.",
        ),
        StallReason.SETUP: Reasoning(
            "There is something to fix, and the workspace's set-up ended with a warning: no fixer is started"
            " where the start-up script failed or the worktree is missing.",
            "It goes on when a retry of the set-up ends without a warning.",
            "Look at what the set-up printed, mend its cause, and retry the set-up.",
        ),
        StallReason.BUDGET: Reasoning(
            "The workspace has had as many fixers as the settings budget_between_progress and"
            " budget_per_day allow.",
            "It goes on when the pull request makes progress, or for the day's budget when a day has passed.",
            "Push a commit, which is progress, or raise the budget.",
        ),
    }
)

_PERSONS: Mapping[PersonReason, Reasoning] = MappingProxyType(
    {
        PersonReason.CHECKS: Reasoning(
            "Nothing is left to fix, and a check waits for a person: an approval, an authorization or a"
            " signature.",
            "It goes on when a person has released the check.",
            "Look at the checks of the pull request, and approve or release the one that waits.",
        ),
        PersonReason.MERGE_QUEUE: Reasoning(
            "The merge queue threw the pull request out, and nothing is known that a fixer could mend.",
            "It goes on when the pull request is queued again, or with another head.",
            "Look at the pull request why it was thrown out; then queue it again, or push what is missing.",
        ),
    }
)

_HOLDS: Mapping[str, str] = MappingProxyType(
    {
        HoldKind.PERSON: "A person holds the ratchet.",
        HoldKind.STOPPED_FIXER: "A person stopped the fixer, and that holds the ratchet.",
    }
)


_PLAIN: Mapping[type[Decision], Reasoning] = MappingProxyType(
    {
        Disabled: Reasoning(
            "The ratchet is off.", "It goes on when the ratchet is switched on.", "Switch the ratchet on."
        ),
        Done: Reasoning(
            "The pull request is merged.", "That is final.", "Archive the workspace when you are done."
        ),
        FixerActive: Reasoning("A fixer is at work.", "It goes on when the fixer ends.", _NOTHING),
        AwaitingReview: Reasoning(
            "Nothing is left to fix, and it is the reviewer's turn.",
            "It goes on when a reviewer says something.",
            "Review the pull request, or ask for a review.",
        ),
        Ready: Reasoning(
            "Nothing is left to fix.",
            "It goes on when a check fails, the base conflicts or a reviewer asks for something.",
            "Merge the pull request when you want it.",
        ),
    }
)


def sentence(decision: Decision | None, now: datetime | None = None) -> Reasoning:
    """The decision in words. With `now` they say how old things are; without it they hold at any time."""
    match decision:
        case None:
            return Reasoning(
                "Nothing was decided yet.", "The first look decides.", "Start a runner, if none runs."
            )
        case Wait(reason=WaitReason.CI, quiet_time=QuietTime() as quiet):
            return _resting(quiet, now)
        case Wait(reason=wait):
            return _WAITS[wait]
        case Held():
            return _held(decision)
        case Stalled(reason=stall):
            return _STALLS[stall]
        case AwaitingPerson(reason=person):
            return _PERSONS[person]
        case Dispatch(cause_ids=ids):
            return Reasoning(
                f"There is something to fix: {', '.join(ids)}.",
                "It goes on when the fixer that was started for it ends.",
                _NOTHING,
            )
        case Disabled() | Done() | FixerActive() | AwaitingReview() | Ready():
            return _PLAIN[type(decision)]
        case _:
            assert_never(decision)


def _held(decision: Held) -> Reasoning:
    if decision.by == HoldKind.DIRTY:
        return Reasoning(
            "There is something to fix, and the worktree holds uncommitted changes that no fixer made: none"
            " is sent onto them.",
            "It goes on when the worktree is clean.",
            "Commit and push the changes, or drop them.",
        )
    why = _HOLDS.get(decision.by, "The ratchet is held.")
    ends = "" if decision.until is None else f", or at {moment(decision.until)}"
    return Reasoning(why, f"It goes on when the hold is released{ends}.", "Release the ratchet.")


def _resting(quiet: QuietTime, now: datetime | None) -> Reasoning:
    rests = f"{(quiet.ends_at - quiet.head_seen_at).total_seconds():.0f} s"
    age = "" if now is None else f"{max((now - quiet.head_seen_at).total_seconds(), 0):.0f} s old, "
    return Reasoning(
        f"The head is {age}judged from {rests} on, at {moment(quiet.ends_at)}.",
        f"It goes on at {moment(quiet.ends_at)}; a newer head has a quiet time of its own.",
        "Nothing has to be done; the setting quiet_time_s says how long a head rests.",
    )


def moment(at: datetime) -> str:
    """A time of the day, as people read it."""
    return f"{at:%H:%M:%S} UTC"


def ended(text: str) -> str:
    """A sentence with its full stop, which what is quoted in it may have or lack."""
    return f"{text.rstrip().rstrip('.')}."
