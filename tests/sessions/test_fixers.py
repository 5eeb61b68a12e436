"""Acquiring a fixer, row by row of its table: one fixer for all callers."""

from typing import TYPE_CHECKING

import anyio
import pytest

from headway_core.kernel.errors import InvalidInput, NotFound
from headway_core.processes import Exited
from headway_core.sessions import (
    Activity,
    AlreadyActive,
    EndReason,
    FixerFailed,
    FixerOutcome,
    LimitReached,
    NotReady,
    NotReadyReason,
    PromptStatus,
    Purpose,
    Session,
    SessionDuty,
    SessionState,
    SessionStatus,
    Started,
    WhenLive,
    run_of,
)
from headway_core.workspaces import WorkspaceStatus

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

pytestmark = pytest.mark.anyio
S = SessionStatus


async def acquire(harness: "SessionsHarness", workspace_id: str, **changes: object) -> FixerOutcome:
    return await harness.fixers.acquire_and_dispatch(harness.request(workspace_id, **changes), wait_s=0)


async def quiet_fixer(harness: "SessionsHarness", workspace_id: str) -> Session:
    run = await harness.running(workspace_id, Purpose.FIXER)
    await harness.step(workspace_id, lambda tx: harness.steps.note_activity(tx, run, Activity.QUIET))
    return run


async def test_row_1_a_workspace_that_is_not_ready(harness: "SessionsHarness") -> None:
    """NotReady with the status, and nothing is created."""
    workspace = await harness.new_workspace()
    refused = await acquire(harness, workspace.id)
    assert refused == NotReady(reason=NotReadyReason.STATUS, status=WorkspaceStatus.NEW)
    assert await harness.sessions.list(workspace.id) == []


ACTIVITIES = {
    SessionState.WORKING: Activity.WORKING,
    SessionState.WAITING: Activity.AWAITS_PLAN_APPROVAL,
    SessionState.UNKNOWN: Activity.UNKNOWN,
}


@pytest.mark.lesson("R8")
@pytest.mark.parametrize("label", ["ratchet", "made"])
@pytest.mark.parametrize(
    "which",
    [
        SessionState.STARTING,
        SessionState.STOPPING,
        SessionState.WORKING,
        SessionState.WAITING,
        SessionState.UNKNOWN,
    ],
)
async def test_row_2_a_fixer_that_is_busy_is_left_alone(
    harness: "SessionsHarness", which: SessionState, label: str
) -> None:
    """Whatever its label: AlreadyActive says which, and the new prompt exists nowhere."""
    workspace = await harness.workspace()
    if which is SessionState.STARTING:
        fixer = await harness.starting(workspace.id, Purpose.FIXER)
    else:
        fixer = await harness.running(workspace.id, Purpose.FIXER)
        activity = ACTIVITIES.get(which, Activity.QUIET)
        await harness.step(workspace.id, lambda tx: harness.steps.note_activity(tx, fixer, activity))
    if which is SessionState.STOPPING:
        await harness.sessions.stop(fixer.id)
    before = await harness.events()
    for when_live in WhenLive:
        outcome = await acquire(harness, workspace.id, when_live=when_live, label=label)
        assert outcome == AlreadyActive(session_id=fixer.id, which=which)
    assert await harness.events() == before


@pytest.mark.lesson("R9")
async def test_row_3_a_quiet_fixer_is_left(harness: "SessionsHarness") -> None:
    """`leave` tells that it is quiet, and does nothing."""
    workspace = await harness.workspace()
    fixer = await quiet_fixer(harness, workspace.id)
    outcome = await acquire(harness, workspace.id, when_live=WhenLive.LEAVE)
    assert outcome == AlreadyActive(session_id=fixer.id, which=SessionState.QUIET)


@pytest.mark.lesson("F4")
async def test_row_4_a_command_agent_cannot_be_signalled(harness: "SessionsHarness") -> None:
    """Failed says what was not delivered, and the session is unchanged."""
    workspace = await harness.workspace()
    fixer = await quiet_fixer(harness, workspace.id)
    outcome = await acquire(harness, workspace.id, when_live=WhenLive.SIGNAL)
    assert outcome == FixerFailed(reason="agent claude takes no prompt while it runs")
    assert await harness.sessions.get(fixer.id) == fixer
    assert len(await harness.sessions.prompts(fixer.id)) == 1


@pytest.mark.lesson("F1", "R9")
async def test_row_5_a_quiet_fixer_is_restarted(harness: "SessionsHarness") -> None:
    """Started names the coming attempt; the executor stops the old one and starts the new one."""
    workspace = await harness.workspace()
    fixer = await harness.starting(workspace.id, Purpose.FIXER)
    await harness.executor.round()
    run = await harness.sessions.get(fixer.id)
    await harness.step(workspace.id, lambda tx: harness.steps.note_activity(tx, run, Activity.QUIET))
    outcome = await acquire(harness, workspace.id, when_live=WhenLive.RESTART, causes=("conflict",))
    assert outcome == Started(session_id=fixer.id, attempt=2, model=None, pending=True)
    await harness.executor.round()
    await harness.executor.round()
    now = await harness.sessions.get(fixer.id)
    assert (now.status, now.attempt, now.causes) == (S.RUNNING, 2, ("conflict",))
    assert harness.processes.running == [run_of(fixer.id, 2)]
    assert [launch.standard_input for launch in harness.processes.executed] == ["go", "Fix the tests"]


@pytest.mark.lesson("F13")
async def test_row_6_an_idle_fixer_of_the_agent_is_used(harness: "SessionsHarness") -> None:
    """Also after a restart of the program: the row is reused, never doubled, and counts no place."""
    workspace = await harness.workspace()
    await harness.settings.change(session_limit=1)
    idle = await harness.idle(workspace.id, Purpose.FIXER, prompt=None)
    outcome = await acquire(harness.again(), workspace.id)
    assert outcome == Started(session_id=idle.id, attempt=1, model=None, pending=True)
    assert len(await harness.sessions.list(workspace.id)) == 1


@pytest.mark.parametrize("asked", [{"agent": "codex"}, {"model": "big"}])
async def test_row_6_an_idle_fixer_of_another_agent_or_model_makes_place(
    harness: "SessionsHarness", asked: dict[str, str]
) -> None:
    """It is closed, and the place that it held is enough for the new one."""
    workspace = await harness.workspace()
    await harness.settings.change(session_limit=1)
    idle = await harness.idle(workspace.id, Purpose.FIXER, prompt=None)
    outcome = await acquire(harness, workspace.id, **asked)
    assert isinstance(outcome, Started)
    closed, made = await harness.sessions.list(workspace.id)
    assert (closed.id, closed.status, closed.end_reason) == (idle.id, S.COMPLETED, EndReason.CLOSED)
    assert (made.id, made.agent) == (outcome.session_id, asked.get("agent", "claude"))


async def test_row_7_the_limit(harness: "SessionsHarness") -> None:
    """Chats take the places of a workspace too."""
    workspace = await harness.workspace()
    for _ in range(5):
        await harness.idle(workspace.id)
    assert await acquire(harness, workspace.id) == LimitReached(limit=5)
    assert len(await harness.sessions.list(workspace.id)) == 5


async def test_row_8_a_new_one_with_the_inherited_model(harness: "SessionsHarness") -> None:
    """The result says which model; an ended command agent is never resumed."""
    workspace = await harness.workspace()
    chat = await harness.sessions.start_chat(workspace.id, None, "claude", "big")
    assert isinstance(chat, Session)
    outcome = await acquire(harness, workspace.id)
    assert isinstance(outcome, Started)
    assert (outcome.model, outcome.pending, outcome.attempt) == ("big", True, 1)
    fixer = await harness.sessions.get(outcome.session_id)
    assert (fixer.purpose, fixer.label, fixer.causes) == (Purpose.FIXER, "ratchet", ("ci",))
    assert fixer.status is S.STARTING
    await harness.executor.round()
    harness.processes.end(fixer.id, Exited(exit_code=0))
    await harness.settle_down()
    again = await acquire(harness, workspace.id)
    assert isinstance(again, Started)
    assert again.session_id != fixer.id


@pytest.mark.lesson("F2", "F4")
async def test_row_9_a_start_that_fails_is_an_outcome(harness: "SessionsHarness") -> None:
    """Failed with the cause; the session is FAILED, and its place is free."""
    workspace = await harness.workspace()
    await harness.settings.change(session_limit=1)
    harness.agents.missing.add("claude")
    for _ in range(3):
        outcome = await with_runner(harness, workspace.id)
        assert outcome == FixerFailed(reason="claude: its program is not installed")
    assert {s.status for s in await harness.sessions.list(workspace.id)} == {S.FAILED}
    harness.agents.missing.clear()
    assert isinstance(await with_runner(harness, workspace.id), Started)


async def with_runner(harness: "SessionsHarness", workspace_id: str, **changes: object) -> FixerOutcome:
    """Acquire while the duty runs in this process."""
    duty = SessionDuty(harness.executor)

    async def runner() -> None:
        while True:
            changed = harness.ledger.changed()
            await duty.run()
            await changed.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(runner)
        with anyio.fail_after(10):
            outcome = await harness.fixers.acquire_and_dispatch(harness.request(workspace_id, **changes))
        group.cancel_scope.cancel()
    return outcome


@pytest.mark.lesson("R18", "F11")
async def test_with_a_runner_the_outcome_is_that_of_the_start_and_no_turn_is_awaited(
    harness: "SessionsHarness",
) -> None:
    """Not pending: the agent runs, and goes on running after the call returned."""
    workspace = await harness.workspace()
    outcome = await with_runner(harness, workspace.id)
    assert isinstance(outcome, Started)
    assert not outcome.pending
    assert harness.processes.running == [run_of(outcome.session_id, 1)]
    assert (await harness.prompt_of(outcome.session_id)).status is PromptStatus.DELIVERED


async def test_a_fixer_that_is_over_before_anybody_looked_was_started(harness: "SessionsHarness") -> None:
    """A quick agent is no failed start, whatever its exit code."""
    workspace = await harness.workspace()
    harness.processes.outcomes.append(Exited(exit_code=3))
    outcome = await with_runner(harness, workspace.id)
    assert isinstance(outcome, Started)
    assert not outcome.pending


async def test_a_fixer_that_was_stopped_before_it_started_failed(harness: "SessionsHarness") -> None:
    """The caller learns that its prompt was not delivered."""
    workspace = await harness.workspace()

    async def stop_it() -> None:
        while not (found := await harness.sessions.list(workspace.id)):
            await anyio.lowlevel.checkpoint()
        await harness.sessions.stop(found[0].id)
        await harness.executor.round()

    async with anyio.create_task_group() as group:
        group.start_soon(stop_it)
        outcome = await harness.fixers.acquire_and_dispatch(harness.request(workspace.id))
    assert outcome == FixerFailed(reason="it was stopped before it started")
    assert harness.processes.executed == []


async def test_without_a_runner_the_start_is_pending(harness: "SessionsHarness") -> None:
    """The intent is stored; whoever runs the host carries it out."""
    workspace = await harness.workspace()
    outcome = await harness.fixers.acquire_and_dispatch(harness.request(workspace.id), wait_s=0.01)
    assert isinstance(outcome, Started)
    assert outcome.pending
    assert harness.processes.executed == []


async def test_bad_input_is_an_error_that_names_it(harness: "SessionsHarness") -> None:
    """An unknown workspace and a prompt that is empty or no Unicode are no outcomes of a fixer."""
    workspace = await harness.workspace()
    with pytest.raises(NotFound, match="workspace 'nowhere'"):
        await acquire(harness, "nowhere")
    for prompt in ("", "a\0", "a\ud800"):
        with pytest.raises(InvalidInput, match="prompt"):
            await acquire(harness, workspace.id, prompt=prompt)
    assert await harness.sessions.list(workspace.id) == []


@pytest.mark.lesson("F3", "F7", "R8")
async def test_any_number_of_callers_get_one_fixer(harness: "SessionsHarness") -> None:
    """Twenty callers of three labels in two processes: one Started, the rest AlreadyActive (I3)."""
    workspace = await harness.workspace()
    other = harness.again()
    outcomes: list[FixerOutcome] = []

    async def call(number: int) -> None:
        process = (harness, other)[number % 2]
        outcomes.append(await acquire(process, workspace.id, label=("ratchet", "fix-ci", "x")[number % 3]))

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(call, number)
    (started,) = [outcome for outcome in outcomes if isinstance(outcome, Started)]
    rest = AlreadyActive(session_id=started.session_id, which=SessionState.STARTING)
    assert [outcome for outcome in outcomes if not isinstance(outcome, Started)] == [rest] * 19
    await harness.executor.round()
    assert len(harness.processes.executed) == 1


@pytest.mark.lesson("R9")
async def test_an_idle_chat_takes_no_part_in_the_choice_of_a_fixer(harness: "SessionsHarness") -> None:
    """Only fixers are looked at: an open chat neither blocks nor is used."""
    workspace = await harness.workspace()
    chat = await harness.idle(workspace.id, prompt=None)
    outcome = await acquire(harness, workspace.id)
    assert isinstance(outcome, Started)
    assert outcome.session_id != chat.id
