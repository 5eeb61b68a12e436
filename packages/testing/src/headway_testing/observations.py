"""What one fetch sees: observations, checks and candidates, green and clean until told otherwise."""

from datetime import timedelta
from typing import Any

from headway_core.pull_requests.model import (
    Author,
    Base,
    Check,
    CheckOutcome,
    GitHubState,
    Head,
    Mergeability,
)
from headway_core.pull_requests.ports import Candidate, ChecksPart, ConversationPart, Observation, StatePart
from headway_testing.clock import EPOCH

COMMIT = "a" * 40


def an_observation(node_id: str = "PR_1", /, *, commit: str = COMMIT, **changes: object) -> Observation:
    """A green, clean, open pull request, read whole; `changes` are fields of its state or its parts.

    `commit` sets head, tip and the commit of the checks; `checks` may be the checks themselves.
    """
    parts: dict[str, Any] = {
        "checks": (a_check(),),
        "conversation": ConversationPart(reviews=(), threads=()),
        "mergeability": Mergeability.CLEAN,
        "problems": (),
    }
    parts.update({name: changes.pop(name) for name in list(changes) if name in parts})
    if isinstance(parts["checks"], tuple):
        parts["checks"] = ChecksPart(commit=commit, checks=parts["checks"], required=())
    state: dict[str, Any] = {
        "node_id": node_id,
        "number": 7,
        "url": "https://github.com/octo/demo/pull/7",
        "title": "Fix login",
        "author": Author(login="alice", node_id="U_alice", association="OWNER", can_push=True),
        "state": GitHubState.OPEN,
        "draft": False,
        "review_decision": None,
        "head": Head(ref="headway/fix-login", commit=commit, repository="octo/demo", tip=commit),
        "base": Base(ref="main", commit="b" * 40),
        "updated_at": EPOCH,
        "merge_queue": None,
    }
    state.update(changes)
    return Observation(state=StatePart(**state), **parts)


def a_check(name: str = "test", outcome: CheckOutcome = CheckOutcome.PASSED, **changes: object) -> Check:
    """A check run of an Actions workflow."""
    words = {
        CheckOutcome.PASSED: "SUCCESS",
        CheckOutcome.FAILED: "FAILURE",
        CheckOutcome.PENDING: "IN_PROGRESS",
        CheckOutcome.WAITS_FOR_PERSON: "ACTION_REQUIRED",
        CheckOutcome.UNKNOWN: "STALE",
    }
    fields: dict[str, Any] = {
        "identity": f"run:github-actions/1/push/{name.casefold()}",
        "name": name,
        "run_id": "1",
        "outcome": outcome,
        "word": words[outcome],
        "started_at": EPOCH - timedelta(minutes=1),
    }
    fields.update(changes)
    return Check(**fields)


def a_candidate(number: int = 7, **changes: object) -> Candidate:
    """An open pull request of the repository's own branch into main, made when the tests begin."""
    fields: dict[str, Any] = {
        "node_id": f"PR_{number}",
        "number": number,
        "base_ref": "main",
        "created_at": EPOCH,
        "head_repository": "octo/demo",
    }
    fields.update(changes)
    return Candidate(**fields)
