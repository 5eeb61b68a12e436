"""The original's lifecycle, row by row: agreed with, but where `domain.md` says otherwise.

`lifecycle_transitions.json` was recorded from the system that Headway consolidates. Each kind of difference
is a predicate below with its reason; a row that differs without one fails, and so does a predicate that
no row meets any more.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_core.kernel.errors import IllegalTransition, RetriesUsed
from headway_core.workspaces import LIFECYCLE_TRANSITIONS, RETRY_LIMIT, Workspace, WorkspaceStatus

S = WorkspaceStatus
PATH = "/wt/1"
GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "lifecycle_transitions.json"
ROWS: list[dict[str, Any]] = json.loads(GOLDEN.read_text())


def rows(function: str) -> list[Any]:
    return [pytest.param(row, id=row["name"]) for row in ROWS if row["fn"] == function]


def resumes_a_failed_setup_by_hand(row: dict[str, Any]) -> bool:
    """There, a session could be resumed by hand in a FAILED workspace that has a worktree. Here nothing
    starts in a workspace that is not READY: a retry makes it READY first.
    """
    return bool(
        row["fn"] == "getWorkspaceInitPolicy" and row["expected"]["dispatchPolicy"] == "manual_resume"
    )


def starts_a_failed_one_without_a_retry(row: dict[str, Any]) -> bool:
    """There, provisioning could begin from FAILED and counted as a retry itself, with null for "limit
    reached" (defect L3). Here only `retry` leaves FAILED, and it raises.
    """
    return bool(row["fn"] == "startProvisioning" and row["input"]["status"] == "FAILED")


DIFFERENCES: tuple[Callable[[dict[str, Any]], bool], ...] = (
    resumes_a_failed_setup_by_hand,
    starts_a_failed_one_without_a_retry,
)


def differs(row: dict[str, Any]) -> bool:
    return any(difference(row) for difference in DIFFERENCES)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_every_difference_is_met_by_a_row(difference: Callable[[dict[str, Any]], bool]) -> None:
    """No reason is kept for a difference that is none."""
    assert any(difference(row) for row in ROWS)


def test_every_kind_of_row_is_compared() -> None:
    """No row is passed over here; those of `reconcile` are compared with the recovery, in its own room."""
    compared = {"isValidTransition", "startProvisioning", "resetToNew", "getWorkspaceInitPolicy"}
    assert {row["fn"] for row in ROWS} == compared | {"workspace.retryInit", "reconcile"}


@pytest.mark.parametrize("row", rows("isValidTransition"))
def test_a_transition_is_allowed_where_it_was(row: dict[str, Any]) -> None:
    """The table of statuses is the original's."""
    allowed = S(row["input"]["to"]) in LIFECYCLE_TRANSITIONS[S(row["input"]["from"])]
    assert allowed == row["expected"]["allowed"]


FIELDS = {
    "initStartedAt": "init_started_at",
    "initCompletedAt": "init_completed_at",
    "initErrorMessage": "error",
}
MOVES: dict[tuple[str, str], tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    ("NEW", "PROVISIONING"): ("begin_provisioning", ("host-1",), {}),
    ("PROVISIONING", "READY"): ("provisioned", (PATH, None), {}),
    ("PROVISIONING", "FAILED"): ("provisioning_failed", ("boom",), {}),
    ("READY", "PROVISIONING"): ("retry", (), {"warning": "boom", "worktree_path": PATH}),
    ("READY", "ARCHIVING"): ("begin_archive", (), {}),
    ("FAILED", "NEW"): ("retry", (), {"error": "boom"}),
    ("FAILED", "PROVISIONING"): ("retry", (), {"error": "boom", "worktree_path": PATH}),
    ("FAILED", "ARCHIVING"): ("begin_archive", (), {}),
    ("ARCHIVING", "ARCHIVED"): ("archived", (), {}),
}


@pytest.mark.anyio
@pytest.mark.parametrize("row", [r for r in rows("isValidTransition") if r.values[0]["expected"]["allowed"]])
async def test_a_transition_has_the_effects_that_it_had(room: Any, row: dict[str, Any]) -> None:
    """Times, error and count after it; the script's pid has no counterpart, its liveness is a lock."""
    step, arguments, fields = MOVES[row["input"]["from"], row["input"]["to"]]
    before = await room.put(S(row["input"]["from"]), **fields)
    after: Workspace = await room.do(getattr(room.steps, step), before.id, *arguments)
    assert after.status == row["input"]["to"]
    expected = dict(row["expected"]["effects"])
    expected.pop("initScriptPid", None)
    counted = expected.pop("initRetryCount", None)
    assert after.retries == before.retries + (counted is not None)
    for name, value in expected.items():
        assert getattr(after, FIELDS[name]) == (before.created_at if value == "now" else value)


CALLS = {"startProvisioning": ("begin_provisioning", ("host-1",)), "resetToNew": ("retry", ())}


@pytest.mark.anyio
@pytest.mark.parametrize("row", [*rows("startProvisioning"), *rows("resetToNew")])
async def test_a_start_and_a_reset_answer_as_they_did(room: Any, row: dict[str, Any]) -> None:
    """Allowed, refused by the status, or refused by the count."""
    step, arguments = CALLS[row["fn"]]
    status, expected = S(row["input"]["status"]), row["expected"]
    assert row["input"]["maxRetries"] == RETRY_LIMIT
    before = await room.put(status, retries=row["input"]["initRetryCount"])
    if differs(row):
        with pytest.raises(IllegalTransition):
            await room.do(getattr(room.steps, step), before.id, *arguments)
    elif "error" in expected:
        with pytest.raises(IllegalTransition) as caught:
            await room.do(getattr(room.steps, step), before.id, *arguments)
        assert caught.value.from_status == status
    elif "result" in expected:  # null: the count is used up; here that is an error of its own (L2)
        with pytest.raises(RetriesUsed):
            await room.do(getattr(room.steps, step), before.id, *arguments)
    else:
        after = await room.do(getattr(room.steps, step), before.id, *arguments)
        assert (after.status, after.retries) == (expected["status"], expected["initRetryCount"])


@pytest.mark.anyio
@pytest.mark.parametrize("row", rows("workspace.retryInit"))
async def test_a_retry_is_taken_or_refused_as_it_was(room: Any, row: dict[str, Any]) -> None:
    """By status and warning first, by the count then; and it goes where it went."""
    given, expected = row["input"], row["expected"]
    status = S(given["status"])
    message = "warning" if status is S.READY else "error"
    before = await room.put(
        status,
        worktree_path=given["worktreePath"],
        retries=RETRY_LIMIT if given["retriesExhausted"] else 0,
        **{message: given["initErrorMessage"]},
    )
    match expected:
        case {"error": "BAD_REQUEST"}:
            with pytest.raises(IllegalTransition):
                await room.do(room.steps.retry, before.id)
        case {"error": "TOO_MANY_REQUESTS"}:
            with pytest.raises(RetriesUsed):
                await room.do(room.steps.retry, before.id)
        case {"via": "startProvisioning" | "startProvisioningFromReady"}:
            assert (await room.do(room.steps.retry, before.id)).status is S.PROVISIONING
        case _:
            pytest.fail(f"a kind of answer that nobody compares: {expected}")


@pytest.mark.anyio
@pytest.mark.lesson("L15")
@pytest.mark.parametrize("row", rows("getWorkspaceInitPolicy"))
async def test_prompts_are_let_in_where_they_were(room: Any, row: dict[str, Any]) -> None:
    """READY with a worktree, with a warning or without."""
    given = row["input"]
    workspace = await room.put(S(given["status"]), worktree_path=given["worktreePath"])
    workspace = attrs.evolve(workspace, warning=given["initErrorMessage"])
    allowed = row["expected"]["dispatchPolicy"] == "allowed"
    assert workspace.accepts_sessions == allowed
    assert not (differs(row) and workspace.accepts_sessions)
