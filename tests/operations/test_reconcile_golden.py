"""What the original did with half done workspaces when it started, row by row.

The rows are those of `reconcile` in the recorded table; the others are compared in `tests/workspaces`. Each
kind of difference is a predicate with its reason.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from headway_core.kernel.errors import Unavailable
from headway_core.workspaces import WORKSPACES, WorkspaceStatus
from headway_testing.fakes import FakeWorktree

pytestmark = pytest.mark.anyio
S = WorkspaceStatus
GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "lifecycle_transitions.json"
ROWS: list[dict[str, Any]] = [row for row in json.loads(GOLDEN.read_text()) if row["fn"] == "reconcile"]


def judges_by_age(row: dict[str, Any]) -> bool:
    """There, a provisioning older than ten minutes was declared dead. Here age means nothing: without a
    holder of the lock it goes on where it was (L11).
    """
    return "timed out" in row["expected"]


def fails_what_could_not_be_archived(row: dict[str, Any]) -> bool:
    """There, an archive that failed at start-up ended in FAILED. Here it goes back to where it came from,
    and nothing is lost.
    """
    return bool(row["input"].get("cleanupFails", False))


DIFFERENCES: dict[Callable[[dict[str, Any]], bool], WorkspaceStatus] = {
    judges_by_age: S.READY,
    fails_what_could_not_be_archived: S.READY,
}
"""Each with what the workspace comes to here."""

ENDS = {"initialize": S.READY, "leave": S.PROVISIONING, "ARCHIVED": S.ARCHIVED}
"""What the original's answers mean for a workspace that meets no trouble."""


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_every_difference_is_met_by_a_row(difference: Callable[[dict[str, Any]], bool]) -> None:
    """No reason is kept for a difference that is none."""
    assert any(difference(row) for row in ROWS)


@pytest.mark.lesson("L5", "L11")
@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
async def test_a_start_finds_and_ends_what_it_did(world: Any, host: Any, row: dict[str, Any]) -> None:
    """Alive means the lock is held, there by a script's pid or a map of the process."""
    given = row["input"]
    made = await host.create()
    path = f"/wt/demo/fix-login-{made.id}"
    archiving = given["status"] == S.ARCHIVING

    def plant(tx: Any) -> None:
        tx.lock(made.id)
        world.store.writer(WORKSPACES).replace(
            tx,
            attrs.evolve(
                made,
                status=S(given["status"]),
                host_id="host-1",
                worktree_path=path if archiving else None,
                archiving_from=S.READY if archiving else None,
                init_started_at=made.created_at,
            ),
        )

    await world.store.ledger.transact(plant)
    if archiving:
        world.git.worktrees[path] = FakeWorktree(repo_path="/src/demo", branch=made.branch)
    if given.get("cleanupFails"):
        host.worktrees.refusals["put_away"] = Unavailable("git", "locked")
    world.clock.advance(60.0 * given.get("initStartedAgeMin", given.get("updatedAgeMin", 0)))
    alive = given.get("initScriptPidAlive") or given.get("inProcessInit")
    if alive:
        world.held["host-1"].add(f"workspace {made.id}")
    await host.recovery.recover()
    differing = [status for difference, status in DIFFERENCES.items() if difference(row)]
    expected = differing[0] if differing else ENDS[row["expected"]]
    assert (await host.lifecycle.get(made.id)).status is expected
