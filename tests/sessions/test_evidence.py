"""Evidence that can't be read, or can't be true: typed ends, and a workspace that waits for a person."""

from typing import TYPE_CHECKING

import pytest

from headway_core.processes import (
    Contradictory,
    Exited,
    NeverStarted,
    Probe,
    Running,
    Unreadable,
    Vanished,
)
from headway_core.sessions import (
    EndReason,
    NotReady,
    NotReadyReason,
    PromptStatus,
    Purpose,
    Session,
    SessionEnded,
    Started,
    run_of,
)
from headway_core.sessions import SessionStatus as S
from headway_core.sessions.exit_status import prompt_after
from headway_core.workspaces.events import WorkspaceReleased, WorkspaceStopped

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

pytestmark = pytest.mark.anyio
FORGED: list[Probe] = [Exited(exit_code=0), NeverStarted(), Vanished(), Unreadable(problem="exit is a pipe")]


@pytest.mark.recovers("contradictory")
@pytest.mark.parametrize("forged", FORGED, ids=lambda found: type(found).__name__)
@pytest.mark.parametrize("purpose", Purpose)
async def test_what_is_forged_while_an_agent_runs_stops_its_workspace(
    harness: "SessionsHarness", purpose: Purpose, forged: Probe
) -> None:
    """Its agent is ended, its session tells why, and nothing starts there before a person has looked."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id, purpose)
    await harness.executor.round()
    harness.processes.forged[run_of(run.id, 1)] = forged
    await harness.settle_down()
    assert harness.processes.running == []
    over = await harness.sessions.get(run.id)
    assert (over.status, over.end_reason) == (S.FAILED, EndReason.CONTRADICTORY)
    assert over.end_detail == "what was found can't all be true: it is recorded as over, and it ran on"
    stopped = await harness.store.ledger.read(lambda tx: harness.workspaces.known(tx, workspace.id))
    assert stopped.stopped == over.end_detail.replace("found", f"found of session {run.id}", 1)
    refused = NotReady(reason=NotReadyReason.STOPPED, status=stopped.status)
    assert await harness.fixers.acquire_and_dispatch(harness.request(workspace.id)) == refused
    waits = await harness.idle(workspace.id)
    await harness.executor.round()
    assert (await harness.sessions.get(waits.id)).status is S.IDLE
    assert len(harness.processes.executed) == 1
    await harness.step(workspace.id, lambda tx: harness.workspaces.release(tx, workspace.id))
    await harness.executor.round()
    assert (await harness.sessions.get(waits.id)).status is S.RUNNING
    assert len(await harness.events(WorkspaceStopped)) == len(await harness.events(WorkspaceReleased)) == 1


async def test_a_stop_does_not_hide_a_contradiction(harness: "SessionsHarness") -> None:
    """Whoever wanted it to end, and a restart that waited for it, the workspace is stopped."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id, Purpose.FIXER)
    await harness.executor.round()
    session = await harness.sessions.get(run.id)
    await harness.step(workspace.id, lambda tx: harness.steps.restart(tx, session, "again"))
    harness.processes.forged[run_of(run.id, 1)] = Exited(exit_code=0)
    await harness.settle_down()
    over = await harness.sessions.get(run.id)
    assert (over.status, over.end_reason, over.attempt) == (S.FAILED, EndReason.CONTRADICTORY, 1)
    assert [p.status for p in await harness.sessions.prompts(run.id)] == [
        PromptStatus.DELIVERED,
        PromptStatus.CANCELLED,
    ]


async def test_a_forged_close_renews_no_attempt(harness: "SessionsHarness") -> None:
    """A STARTING session whose agent runs, and says that it never started, is executed once."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id)
    harness.processes.found[run_of(run.id, 1)] = Running()
    harness.processes.forged[run_of(run.id, 1)] = NeverStarted()
    await harness.again().executor.recover()
    over = await harness.sessions.get(run.id)
    assert (over.status, over.attempt, over.end_reason) == (S.FAILED, 1, EndReason.CONTRADICTORY)
    assert (await harness.prompt_of(run.id)).status is PromptStatus.UNKNOWN


@pytest.mark.recovers("unreadable")
async def test_what_can_not_be_read_is_an_end(harness: "SessionsHarness") -> None:
    """The session fails with what can't be read, its prompt is in doubt, and the workspace goes on."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id, Purpose.FIXER)
    await harness.executor.round()
    harness.processes.found[run_of(run.id, 1)] = Unreadable(problem="exit is no regular file")
    await harness.settle_down()
    (ended,) = await harness.events(SessionEnded)
    assert isinstance(ended, SessionEnded)
    assert (ended.status, ended.end_reason) == (S.FAILED, EndReason.UNREADABLE)
    assert ended.end_detail == "how it ended is unknown: exit is no regular file"
    assert isinstance(
        await harness.fixers.acquire_and_dispatch(harness.request(workspace.id), wait_s=0.0), Started
    )


async def test_a_start_is_told_what_must_not_live_any_more(harness: "SessionsHarness") -> None:
    """Every run of the workspace that is over, of every session, and none that is not."""
    workspace, other = await harness.workspace(), await harness.workspace("other")
    runs = [await harness.starting(workspace.id) for _ in range(2)]
    foreign = await harness.starting(other.id)
    await harness.executor.round()
    for session in (runs[0], foreign):
        harness.processes.end(session.id, Exited(exit_code=0))
    await harness.executor.round()
    last = await harness.starting(workspace.id)
    await harness.executor.round()
    (launch,) = [each for each in harness.processes.executed if each.run.subject == last.id]
    assert launch.after == (run_of(runs[0].id, 1),)


@pytest.mark.recovers("earlier")
async def test_nothing_is_executed_beside_what_can_not_be_ended(harness: "SessionsHarness") -> None:
    """A process of an earlier attempt that lives, and won't end: nothing starts, and a person is asked."""
    workspace = await harness.workspace()
    earlier = await harness.starting(workspace.id)
    await harness.executor.round()
    harness.processes.end(earlier.id, Exited(exit_code=0))
    await harness.executor.round()
    harness.processes.orphans.add(run_of(earlier.id, 1))
    harness.processes.unkillable.add(earlier.id)
    next_one = await harness.sessions.start_chat(workspace.id, "go")
    assert isinstance(next_one, Session)
    await harness.settle_down()
    over = await harness.sessions.get(next_one.id)
    assert (over.end_reason, over.started_at) == (EndReason.CONTRADICTORY, None)
    assert (await harness.prompt_of(next_one.id)).status is PromptStatus.CANCELLED
    assert len(harness.processes.executed) == 1
    stopped = await harness.store.ledger.read(lambda tx: harness.workspaces.known(tx, workspace.id))
    assert stopped.stopped is not None
    assert "a process of an earlier start can't be ended" in stopped.stopped


async def test_a_contradiction_of_an_archived_workspace_stops_nothing(harness: "SessionsHarness") -> None:
    """It ends with its archive, which nothing keeps."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id)
    await harness.executor.round()
    harness.processes.forged[run_of(run.id, 1)] = Exited(exit_code=0)
    await harness.archiving(workspace.id)
    await harness.executor.settle_all(workspace.id)
    over = await harness.sessions.get(run.id)
    assert (over.status, over.end_reason) == (S.FAILED, EndReason.CONTRADICTORY)
    archived = await harness.step(workspace.id, lambda tx: harness.workspaces.archived(tx, workspace.id))
    assert not archived.is_live


@pytest.mark.parametrize(("began", "status"), [(True, PromptStatus.UNKNOWN), (False, PromptStatus.CANCELLED)])
def test_a_contradiction_says_what_became_of_its_prompt(began: bool, status: PromptStatus) -> None:
    """Its agent may have read it, unless nothing was executed."""
    assert prompt_after(Contradictory(problem="p", began=began)) is status
