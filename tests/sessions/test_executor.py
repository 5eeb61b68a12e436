"""What the executor does in the world, and how it closes what a dead runner left."""

import logging
from typing import TYPE_CHECKING

import anyio
import attrs
import pytest

from headway_core.kernel.errors import InvalidInput, Unavailable
from headway_core.processes import Exited, NeverStarted, Probe, Running, Vanished
from headway_core.sessions import (
    Activity,
    EndReason,
    PromptStatus,
    Purpose,
    Session,
    SessionDuty,
    SessionState,
    SessionStatus,
    run_of,
)

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

pytestmark = pytest.mark.anyio
S = SessionStatus


# Rounds


async def test_a_chat_goes_from_its_prompt_to_its_end(harness: "SessionsHarness") -> None:
    """Launched in the worktree with the prompt and three variables; the exit is noticed."""
    workspace = await harness.workspace()
    chat = await harness.sessions.start_chat(workspace.id, "Say hello", "codex", "big")
    assert isinstance(chat, Session)
    assert await harness.executor.round()
    assert (await harness.sessions.get(chat.id)).status is S.RUNNING
    (launch,) = harness.processes.executed
    assert (launch.run, launch.standard_input) == (run_of(chat.id, 1), "Say hello")
    assert launch.argv == ("codex", "--model", "big")
    assert launch.cwd == f"/trees/{workspace.id}"
    assert launch.environment == {
        "HEADWAY_WORKSPACE": workspace.id,
        "HEADWAY_SESSION": chat.id,
        "HEADWAY_BRANCH": workspace.branch,
    }
    harness.processes.end(chat.id, Exited(exit_code=0))
    await harness.settle_down()
    assert (await harness.sessions.get(chat.id)).ended_well


async def test_an_agents_own_variables_reach_its_process_and_nothing_else(
    harness: "SessionsHarness", caplog: pytest.LogCaptureFixture
) -> None:
    """What its configuration gives is in its launch, below Headway's own; no event, log or `repr` has it."""
    caplog.set_level(logging.DEBUG)
    workspace = await harness.workspace()
    harness.agents.variables["codex"] = {"OPENAI_API_KEY": "hush-hush", "HEADWAY_SESSION": "another"}
    chat = await harness.sessions.start_chat(workspace.id, "go", "codex")
    assert isinstance(chat, Session)
    await harness.executor.round()
    (launch,) = harness.processes.executed
    assert launch.environment["OPENAI_API_KEY"] == "hush-hush"
    assert launch.environment["HEADWAY_SESSION"] == chat.id
    told = f"{launch!r} {await harness.events()} {await harness.sessions.get(chat.id)} {caplog.text}"
    assert "hush-hush" not in told


@pytest.mark.lesson("L15")
async def test_a_prompt_waits_for_its_workspace(harness: "SessionsHarness") -> None:
    """Queued before the worktree exists, started at READY, also when that took a retry."""
    workspace = await harness.new_workspace()
    chat = await harness.sessions.start_chat(workspace.id, "go")
    assert isinstance(chat, Session)
    assert not await harness.executor.round()

    def fail(tx: object) -> None:
        harness.workspaces.begin_provisioning(tx, workspace.id, harness.locks.host_id)  # type: ignore[arg-type]  # the fake keeps the real one
        harness.workspaces.provisioning_failed(tx, workspace.id, "no network")  # type: ignore[arg-type]  # the fake keeps the real one

    await harness.step(workspace.id, fail)
    assert not await harness.executor.round()
    await harness.step(workspace.id, lambda tx: harness.workspaces.retry(tx, workspace.id))
    await harness.make_ready(workspace.id)
    await harness.executor.round()
    assert [launch.standard_input for launch in harness.processes.executed] == ["go"]


@pytest.mark.lesson("F7")
async def test_overlapping_rounds_execute_once(harness: "SessionsHarness") -> None:
    """Rounds of one process and of two on one host: whoever finds the lock held passes on."""
    workspace = await harness.workspace()
    await harness.sessions.start_chat(workspace.id, "go")
    other = harness.again()
    async with anyio.create_task_group() as group:
        for executor in (harness.executor, other.executor) * 3:
            group.start_soon(executor.round)
    assert len(harness.processes.executed) == 1
    assert harness.supervisor.calls.count("start") + other.supervisor.calls.count("start") == 1


async def test_another_hosts_sessions_are_not_touched(harness: "SessionsHarness") -> None:
    """A workspace is pinned: only its own host starts, stops and recovers."""
    workspace = await harness.workspace()
    await harness.starting(workspace.id)
    stranger = harness.again(host_id="host-2")
    await stranger.executor.recover()
    assert not await stranger.executor.round()
    assert stranger.supervisor.calls == []


async def test_a_round_that_finds_all_well_takes_no_lock(harness: "SessionsHarness") -> None:
    """Watching keeps nobody from the workspace: not an archive, not a provisioning."""
    workspace = await harness.workspace()
    run = await harness.sessions.start_chat(workspace.id, "go")
    assert isinstance(run, Session)
    await harness.executor.round()
    before = await harness.events()
    async with harness.locks.workspace(workspace.id) as mine:
        assert mine
        assert await harness.executor.round()
        assert await harness.events() == before
        harness.processes.end(run.id, Exited(exit_code=0))
        await harness.executor.round()
        assert (await harness.sessions.get(run.id)).status is S.RUNNING
    await harness.executor.round()
    assert (await harness.sessions.get(run.id)).status is S.COMPLETED


async def test_a_stop_ends_the_process(harness: "SessionsHarness") -> None:
    """A person's stop: the group is ended, the signal is kept, the reason is the person's."""
    workspace = await harness.workspace()
    chat = await harness.sessions.start_chat(workspace.id, "go")
    assert isinstance(chat, Session)
    await harness.executor.round()
    await harness.sessions.stop(chat.id)
    await harness.executor.round()
    over = await harness.sessions.get(chat.id)
    assert (over.status, over.end_reason, over.signal) == (S.COMPLETED, EndReason.STOPPED_BY_PERSON, 15)
    assert harness.processes.running == []


@pytest.mark.lesson("R14", "R20", "L6")
@pytest.mark.parametrize("why", ["stopped", "archived"])
async def test_what_becomes_unwanted_while_it_starts_is_stopped(harness: "SessionsHarness", why: str) -> None:
    """The outcome transaction finds the session stopping, or its workspace gone: the process is ended."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)

    async def meanwhile(name: str) -> None:
        if name == "after start":
            await (harness.sessions.stop(begun.id) if why == "stopped" else harness.archiving(workspace.id))

    process = harness.again()
    process.supervisor.point = meanwhile
    await process.executor.round()
    over = await harness.sessions.get(begun.id)
    reason = EndReason.STOPPED_BY_PERSON if why == "stopped" else EndReason.STOPPED_BY_HEADWAY
    assert (over.status, over.end_reason) == (S.COMPLETED, reason)
    assert over.started_at is not None
    assert harness.processes.running == []
    assert (await harness.prompt_of(begun.id)).status is PromptStatus.DELIVERED


@pytest.mark.lesson("R14")
async def test_a_stop_between_the_intent_and_the_effect_launches_nothing(harness: "SessionsHarness") -> None:
    """The last transaction before the effect looks again."""
    workspace = await harness.workspace()
    chat = await harness.sessions.start_chat(workspace.id, "go")
    assert isinstance(chat, Session)
    transactions = 0

    async def meanwhile(name: str) -> None:
        nonlocal transactions
        transactions += name == "before transact"
        if (name, transactions) == ("before transact", 2):
            await harness.sessions.stop(chat.id)

    await harness.again(point=meanwhile).executor.round()
    over = await harness.sessions.get(chat.id)
    assert (over.status, over.end_reason) == (S.COMPLETED, EndReason.STOPPED_BY_PERSON)
    assert harness.processes.executed == []


@pytest.mark.recovers("orphans")
@pytest.mark.parametrize("seen", ["at the start", "while it runs"])
async def test_what_a_dead_supervisor_left_behind_is_ended(harness: "SessionsHarness", seen: str) -> None:
    """Lost is recorded after its process group was killed."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    if seen == "at the start":
        harness.processes.outcomes.append(Vanished())
    await harness.executor.round()
    if seen == "while it runs":
        harness.processes.end(begun.id, Vanished())
        await harness.executor.round()
    over = await harness.sessions.get(begun.id)
    assert (over.status, over.end_reason) == (S.FAILED, EndReason.LOST)
    assert not harness.processes.orphans


@pytest.mark.lesson("L6")
async def test_a_start_whose_workspace_is_gone_already_launches_nothing(harness: "SessionsHarness") -> None:
    """The attempt is closed for good before the session ends."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    await harness.archiving(workspace.id)
    await harness.executor.round()
    over = await harness.sessions.get(begun.id)
    assert (over.status, over.end_reason) == (S.COMPLETED, EndReason.STOPPED_BY_HEADWAY)
    assert harness.processes.executed == []
    assert harness.processes.found == {run_of(begun.id, 1): NeverStarted()}


async def test_a_fixer_that_runs_too_long_is_timed_out(harness: "SessionsHarness") -> None:
    """At the limit of the settings it is stopped and FAILED; a chat may run for ever."""
    workspace = await harness.workspace()
    await harness.settings.change(fixer_limit_s=60)
    chat = await harness.starting(workspace.id)
    fixer = await harness.starting(workspace.id, Purpose.FIXER)
    await harness.executor.round()
    harness.clock.advance(59)
    await harness.executor.round()
    assert len(harness.processes.running) == 2
    harness.clock.advance(1)
    await harness.executor.round()
    over = await harness.sessions.get(fixer.id)
    assert (over.status, over.end_reason) == (S.FAILED, EndReason.TIMED_OUT)
    assert harness.processes.running == [run_of(chat.id, 1)]


async def test_a_fixer_that_ended_in_time_is_not_timed_out_by_a_late_look(harness: "SessionsHarness") -> None:
    """The runner slept past the limit; the agent had done its work."""
    workspace = await harness.workspace()
    await harness.settings.change(fixer_limit_s=60)
    fixer = await harness.starting(workspace.id, Purpose.FIXER)
    await harness.executor.round()
    harness.processes.end(fixer.id, Exited(exit_code=0))
    harness.clock.advance(3600)
    await harness.executor.round()
    over = await harness.sessions.get(fixer.id)
    assert (over.status, over.end_reason) == (S.COMPLETED, EndReason.EXITED)


# Failures


@pytest.mark.parametrize(
    ("agent", "missing", "detail"),
    [
        ("ghost", (), "agent: 'ghost' is not configured"),
        ("claude", ("claude",), "claude: its program is not installed"),
    ],
)
async def test_an_agent_that_is_not_there_fails_the_start_with_its_cause(
    harness: "SessionsHarness", agent: str, missing: tuple[str, ...], detail: str
) -> None:
    """The session is FAILED at once and is not tried again by itself."""
    workspace = await harness.workspace()
    harness.agents.missing.update(missing)
    chat = await harness.sessions.start_chat(workspace.id, "go", agent)
    assert isinstance(chat, Session)
    await harness.settle_down()
    over = await harness.sessions.get(chat.id)
    assert (over.status, over.end_reason, over.end_detail) == (S.FAILED, EndReason.START_FAILED, detail)
    assert (await harness.prompt_of(chat.id)).status is PromptStatus.CANCELLED


async def test_a_start_that_failed_in_spite_of_which_the_agent_runs_is_kept(
    harness: "SessionsHarness",
) -> None:
    """An error of the port proves nothing: the attempt is settled, and what runs is RUNNING."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    harness.supervisor.refusals["start"] = Unavailable("supervisor", "timed out")
    harness.processes.found[run_of(begun.id, 1)] = Running()
    await harness.executor.round()
    assert (await harness.sessions.get(begun.id)).status is S.RUNNING


@pytest.mark.lesson("F12")
@pytest.mark.parametrize("error", [Unavailable("disk", "full"), RuntimeError("a bug")])
async def test_a_failing_agent_delays_itself_and_nobody_else(
    harness: "SessionsHarness", error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Its session is backed off, with the cause in the log; the agent beside it runs."""
    caplog.set_level(logging.ERROR)
    workspace = await harness.workspace()
    bad = await harness.starting(workspace.id)
    harness.supervisor.broken[bad.id] = error
    good = await harness.starting(workspace.id)
    assert await harness.executor.round()
    assert (await harness.sessions.get(good.id)).status is S.RUNNING
    assert (await harness.sessions.get(bad.id)).status is S.STARTING
    assert "again in 2 s" in caplog.text
    assert str(error) in caplog.text
    del harness.supervisor.broken[bad.id]
    calls = len(harness.supervisor.calls)
    await harness.executor.round()
    assert harness.supervisor.calls[calls:] == ["probe"], "it waits for its time, and holds no lock"
    harness.processes.end(good.id, Exited(exit_code=0))
    await harness.executor.round()
    assert (await harness.sessions.get(good.id)).status is S.COMPLETED
    assert (await harness.sessions.get(bad.id)).status is S.STARTING
    harness.executor._failures.clear()
    await harness.executor.round()
    assert (await harness.sessions.get(bad.id)).status is S.RUNNING


async def test_a_probe_that_fails_ends_no_session(
    harness: "SessionsHarness", caplog: pytest.LogCaptureFixture
) -> None:
    """What can't be seen is not gone."""
    caplog.set_level(logging.CRITICAL)
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    await harness.executor.round()
    harness.supervisor.refusals["probe"] = Unavailable("supervisor", "unreadable")
    await harness.executor.round()
    assert (await harness.sessions.get(begun.id)).status is S.RUNNING


# Recovery


@attrs.frozen(kw_only=True)
class Left:
    """What a dead runner left, and how it is closed."""

    stored: SessionStatus
    found: Probe | None
    to: SessionStatus
    reason: EndReason | None = None
    attempt: int = 1


PERSON = EndReason.STOPPED_BY_PERSON
TABLE = [
    Left(stored=S.STARTING, found=Running(), to=S.RUNNING),
    Left(stored=S.STARTING, found=Exited(exit_code=0), to=S.COMPLETED, reason=EndReason.EXITED),
    Left(stored=S.STARTING, found=Exited(exit_code=1), to=S.FAILED, reason=EndReason.EXITED),
    Left(stored=S.STARTING, found=Vanished(), to=S.FAILED, reason=EndReason.LOST),
    Left(stored=S.STARTING, found=None, to=S.STARTING, attempt=2),
    Left(stored=S.RUNNING, found=Running(), to=S.RUNNING),
    Left(stored=S.RUNNING, found=Exited(signal=9), to=S.FAILED, reason=EndReason.EXITED),
    Left(stored=S.RUNNING, found=Vanished(), to=S.FAILED, reason=EndReason.LOST),
    Left(stored=S.RUNNING, found=None, to=S.FAILED, reason=EndReason.LOST),
    Left(stored=S.STOPPING, found=Running(), to=S.COMPLETED, reason=PERSON),
    Left(stored=S.STOPPING, found=Exited(exit_code=0), to=S.COMPLETED, reason=PERSON),
    Left(stored=S.STOPPING, found=Vanished(), to=S.COMPLETED, reason=PERSON),
    Left(stored=S.STOPPING, found=None, to=S.COMPLETED, reason=PERSON),
]


async def leave(harness: "SessionsHarness", left: Left) -> Session:
    workspace = await harness.workspace()
    session = await (harness.running if left.stored is S.RUNNING else harness.starting)(workspace.id)
    if left.stored is S.STOPPING:
        await harness.sessions.stop(session.id)
    if left.found is not None:
        harness.processes.found[run_of(session.id, 1)] = left.found
    return session


@pytest.mark.recovers("starting", "running", "stopping")
@pytest.mark.lesson("F6", "R10")
@pytest.mark.parametrize("left", TABLE, ids=str)
async def test_recovery_closes_by_the_evidence(harness: "SessionsHarness", left: Left) -> None:
    """Every pair of what is stored and what is found, as the executor's table says."""
    session = await leave(harness, left)
    await harness.again().executor.recover()
    now = await harness.sessions.get(session.id)
    assert (now.status, now.end_reason, now.attempt) == (left.to, left.reason, left.attempt)
    assert harness.processes.running == ([run_of(session.id, 1)] if left.to is S.RUNNING else [])


@pytest.mark.parametrize("left", TABLE, ids=str)
async def test_a_round_closes_what_recovery_passed_over(harness: "SessionsHarness", left: Left) -> None:
    """The same table without recovery; a start without a sign is simply carried out."""
    session = await leave(harness, left)
    await harness.again().executor.round()
    now = await harness.sessions.get(session.id)
    if (left.stored, left.found) == (S.STARTING, None):
        assert (now.status, now.attempt) == (S.RUNNING, 1)
    else:
        assert (now.status, now.end_reason, now.attempt) == (left.to, left.reason, left.attempt)


@pytest.mark.lesson("F6")
async def test_what_a_dead_runner_knew_of_a_turn_is_not_believed(harness: "SessionsHarness") -> None:
    """QUIET before the restart: UNKNOWN until adopted, then WORKING, as a one-shot agent is."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id)
    await harness.step(workspace.id, lambda tx: harness.steps.note_activity(tx, run, Activity.QUIET))
    harness.processes.found[run_of(run.id, 1)] = Running()
    fresh = harness.again()
    fresh.supervisor.refusals["settle"] = Unavailable("supervisor", "not yet")
    logging.disable(logging.CRITICAL)
    await fresh.executor.recover()
    logging.disable(logging.NOTSET)
    seen = await harness.store.ledger.read(lambda tx: harness.steps.state(tx, run))
    assert seen is SessionState.UNKNOWN
    await harness.again().executor.recover()
    seen = await harness.store.ledger.read(lambda tx: harness.steps.state(tx, run))
    assert seen is SessionState.WORKING


async def test_recovery_passes_over_a_workspace_that_somebody_acts_on(harness: "SessionsHarness") -> None:
    """The lock says who acts; a later round sees to the session, and to the idle one with a prompt."""
    workspace = await harness.workspace()
    await harness.idle(workspace.id)
    begun = await harness.starting(workspace.id)
    async with harness.locks.workspace(workspace.id):
        await harness.executor.recover()
    assert harness.supervisor.calls == []
    await harness.executor.round()
    assert (await harness.sessions.get(begun.id)).status is S.RUNNING


@pytest.mark.recovers("late-start")
async def test_a_late_supervisor_finds_its_attempt_closed(harness: "SessionsHarness") -> None:
    """Spawned by a runner that died at once: recovery closed the attempt, so only the next one executes."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    launched = await harness.store.ledger.transact(lambda tx: harness.executor._still_wanted(tx, begun))
    assert launched is not None
    harness.processes.spawned[run_of(begun.id, 1)] = launched
    await harness.again().executor.recover()
    harness.processes.wake()
    assert harness.processes.executed == []
    await harness.again().executor.round()
    assert [launch.run.attempt for launch in harness.processes.executed] == [2]


# For archives and for those who read what was said


@pytest.mark.lesson("L6")
async def test_an_archive_ends_everything_under_its_own_lock(harness: "SessionsHarness") -> None:
    """Idle, starting, running: all over when it returns, and no process is left."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id)
    await harness.executor.round()
    await harness.idle(workspace.id)
    await harness.starting(workspace.id, Purpose.FIXER)
    async with harness.locks.workspace(workspace.id) as mine:
        assert mine
        await harness.executor.settle_all(workspace.id)
    assert {s.status for s in await harness.sessions.list(workspace.id)} == {S.COMPLETED}
    assert (await harness.sessions.get(run.id)).end_reason is EndReason.STOPPED_BY_HEADWAY
    assert harness.processes.running == []
    await harness.executor.settle_all(workspace.id)


async def test_an_archive_learns_of_a_process_that_will_not_end(
    harness: "SessionsHarness", caplog: pytest.LogCaptureFixture
) -> None:
    """Fail closed: the session stays STOPPING, and the archive goes back."""
    caplog.set_level(logging.CRITICAL)
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id)
    await harness.executor.round()
    harness.processes.unkillable.add(run.id)
    with pytest.raises(Unavailable, match="1 sessions could not be ended"):
        await harness.executor.settle_all(workspace.id)
    assert (await harness.sessions.get(run.id)).status is S.STOPPING
    harness.processes.unkillable.clear()
    await harness.executor.settle_all(workspace.id)
    assert (await harness.sessions.get(run.id)).status is S.COMPLETED


@pytest.mark.lesson("S14")
async def test_what_an_agent_said_is_read_whatever_its_exit(harness: "SessionsHarness") -> None:
    """A failed agent may have left a reply all the same; a file too large is refused."""
    workspace = await harness.workspace()
    run = await harness.starting(workspace.id)
    harness.processes.outcomes.append(Exited(exit_code=1))
    harness.processes.files[run_of(run.id, 1), "replies.json"] = b"[]"
    harness.processes.files[run_of(run.id, 1), "output"] = b"done\n"
    harness.processes.files[run_of(run.id, 1), "huge"] = b"x" * 1_000_001
    await harness.settle_down()
    assert await harness.executor.said(run.id, "replies.json") == b"[]"
    assert await harness.executor.said(run.id, "nothing") is None
    assert await harness.executor.output(run.id) == "done\n"
    with pytest.raises(InvalidInput, match="name"):
        await harness.executor.said(run.id, "huge")


async def test_the_duty_comes_back_soon_while_something_is_busy(harness: "SessionsHarness") -> None:
    """Half a second then, else its own interval; an event wakes it."""
    workspace = await harness.workspace()
    duty = SessionDuty(harness.executor)
    assert duty.wakes_on_events
    assert await duty.run() is None
    await harness.sessions.start_chat(workspace.id, "go")
    assert await duty.run() == 0.5


async def test_the_duty_watches_while_something_is_busy(harness: "SessionsHarness") -> None:
    """An event begins a round at once; what no event tells is found by the next one, half a second later."""
    workspace = await harness.workspace()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(SessionDuty(harness.executor).attend)
            await anyio.lowlevel.checkpoint()
            chat = await harness.sessions.start_chat(workspace.id, "go")
            assert isinstance(chat, Session)
            await harness.until(chat.id, S.RUNNING)
            harness.processes.end(chat.id, Exited(exit_code=0))
            await harness.until(chat.id, S.COMPLETED)
            group.cancel_scope.cancel()


@pytest.mark.lesson("F12")
@pytest.mark.parametrize("status", [S.STARTING, S.RUNNING, S.STOPPING])
async def test_a_session_that_hangs_keeps_no_other_waiting(harness: "SessionsHarness", status: S) -> None:
    """A port that never answers of one session: those of other workspaces go on, and the duty ends when
    told.
    """
    first, second = await harness.workspace("one"), await harness.workspace("two")
    hung = await harness.starting(first.id)
    if status is not S.STARTING:
        await harness.executor.round()
    if status is S.STOPPING:
        await harness.sessions.stop(hung.id)
    harness.supervisor.hung.add(hung.id)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(SessionDuty(harness.executor).attend)
            for _ in range(2):
                chat = await harness.sessions.start_chat(second.id, "go")
                assert isinstance(chat, Session)
                await harness.until(chat.id, S.RUNNING)
                harness.processes.end(chat.id, Exited(exit_code=0))
                await harness.until(chat.id, S.COMPLETED)
            group.cancel_scope.cancel()
    assert (await harness.sessions.get(hung.id)).status is status


async def test_a_session_that_hangs_is_given_up_for_a_while(
    harness: "SessionsHarness", monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its action has a limit: then it is backed off like any other that fails, and its workspace is free."""
    monkeypatch.setattr("headway_core.sessions.executor.ACTION_LIMIT_S", 0.01)
    workspace = await harness.workspace()
    hung = await harness.starting(workspace.id)
    harness.supervisor.hung.add(hung.id)
    with anyio.fail_after(10):
        await harness.executor.round()
    assert "again in 2 s" in caplog.text
    async with harness.locks.workspace(workspace.id) as free:
        assert free
