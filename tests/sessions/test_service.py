"""The steps of `SessionService`: creation, limits, the outbox, starts, stops and late outcomes."""

from functools import partial
from typing import TYPE_CHECKING

import anyio
import attrs
import pytest

from headway_core.kernel.errors import Conflict, InvalidInput, NotFound, UniqueClash
from headway_core.kernel.transactions import Transaction
from headway_core.processes import Ended, Exited, NeverStarted, Vanished
from headway_core.sessions import (
    Activity,
    EndReason,
    LimitReached,
    NotReady,
    NotReadyReason,
    PromptQueued,
    PromptStatus,
    PromptStatusChanged,
    Purpose,
    Session,
    SessionAttemptRenewed,
    SessionCreated,
    SessionEnded,
    SessionState,
    SessionStatus,
    SessionStatusChanged,
)
from headway_core.sessions.model import START_LIMIT
from headway_core.workspaces import WorkspaceStatus

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

pytestmark = pytest.mark.anyio
S = SessionStatus
P = PromptStatus


# Creation


async def test_a_created_session_is_idle_counted_and_known_to_its_workspace(
    harness: "SessionsHarness",
) -> None:
    """One row, one event with its fields, and the workspace has had a session."""
    workspace = await harness.workspace()
    session = await harness.sessions.start_chat(workspace.id, None, "codex", "big", actor="ann")
    assert isinstance(session, Session)
    assert (session.status, session.agent, session.model) == (S.IDLE, "codex", "big")
    assert (session.purpose, session.label, session.attempt) == (Purpose.CHAT, "chat", 0)
    assert await harness.sessions.list(workspace.id) == [session]
    stored = await harness.step(workspace.id, lambda tx: harness.workspaces.known(tx, workspace.id))
    assert stored.has_had_sessions
    (created,) = await harness.events(SessionCreated)
    assert isinstance(created, SessionCreated)
    assert (created.session_id, created.agent, created.model) == (session.id, "codex", "big")


async def test_the_model_is_the_explicit_one_else_the_last_of_the_agent_else_the_settings(
    harness: "SessionsHarness",
) -> None:
    """Each source in its turn; another agent's model is never inherited."""
    workspace = await harness.workspace()
    await harness.settings.change(models={"claude": "from-settings"}, session_limit=10)

    async def model(agent: str | None, explicit: str | None) -> str | None:
        harness.clock.advance(1)
        session = await harness.sessions.start_chat(workspace.id, "go", agent, explicit)
        assert isinstance(session, Session)
        return session.model

    assert await model("codex", None) is None
    assert await model("claude", None) == "from-settings"
    assert await model("claude", "explicit") == "explicit"
    assert await model(None, None) == "explicit"
    assert await model("codex", None) is None
    # most recently active, not newest: the first of claude moves last
    harness.clock.advance(1)
    oldest = (await harness.sessions.list(workspace.id))[1]
    await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, oldest))
    assert await model("claude", None) == "from-settings"


@pytest.mark.lesson("F3")
async def test_the_limit_holds_for_any_number_of_callers_at_once(harness: "SessionsHarness") -> None:
    """Counted in the transaction that creates: twenty callers make exactly five sessions (I4)."""
    workspace = await harness.workspace()
    made: list[Session | LimitReached] = []

    async def create() -> None:
        made.append(await harness.sessions.start_chat(workspace.id, "go"))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(create)
    assert sum(isinstance(one, Session) for one in made) == 5
    assert [one for one in made if isinstance(one, LimitReached)] == [LimitReached(limit=5)] * 15
    assert len(await harness.sessions.list(workspace.id)) == 5


async def test_a_limit_of_zero_creates_nothing(harness: "SessionsHarness") -> None:
    """The setting means no sessions at all."""
    workspace = await harness.workspace()
    await harness.settings.change(session_limit=0)
    assert await harness.sessions.start_chat(workspace.id, "go") == LimitReached(limit=0)


@pytest.mark.lesson("F2")
async def test_failed_starts_leave_the_capacity_as_it_was(harness: "SessionsHarness") -> None:
    """Ten starts fail, and the eleventh session still fits."""
    workspace = await harness.workspace()
    for _ in range(10):
        begun = await harness.starting(workspace.id)
        fail = partial(
            harness.steps.start_failed, session_id=begun.id, attempt=begun.attempt, detail="no program"
        )
        failed = await harness.step(workspace.id, fail)
        assert (failed.status, failed.end_reason) == (S.FAILED, EndReason.START_FAILED)
        assert failed.end_detail == "no program"
        assert (await harness.prompt_of(begun.id)).status is P.CANCELLED
    assert isinstance(await harness.sessions.start_chat(workspace.id, "go"), Session)


@pytest.mark.lesson("L6")
async def test_nothing_is_created_in_a_workspace_that_is_being_archived(harness: "SessionsHarness") -> None:
    """A session there would outlive its worktree."""
    workspace = await harness.workspace()
    await harness.archiving(workspace.id)
    with pytest.raises(Conflict, match="ARCHIVING"):
        await harness.sessions.start_chat(workspace.id, "go")
    assert await harness.sessions.list(workspace.id) == []


async def test_what_does_not_exist_is_not_found(harness: "SessionsHarness") -> None:
    """A workspace or a session that nobody knows is named in the error."""
    with pytest.raises(NotFound, match="workspace 'nowhere'"):
        await harness.sessions.start_chat("nowhere", "go")
    for ask in (harness.sessions.get, harness.sessions.stop):
        with pytest.raises(NotFound, match="session 'nobody'"):
            await ask("nobody")


async def test_the_index_refuses_a_second_live_fixer_whoever_writes_it(harness: "SessionsHarness") -> None:
    """The backstop behind the table: even a step that does not look can't make two."""
    workspace = await harness.workspace()
    await harness.idle(workspace.id, Purpose.FIXER)
    with pytest.raises(UniqueClash):
        await harness.idle(workspace.id, Purpose.FIXER)


# The outbox


async def test_an_empty_prompt_is_refused_and_nothing_is_created(harness: "SessionsHarness") -> None:
    """The session and its prompt are one transaction."""
    workspace = await harness.workspace()
    with pytest.raises(InvalidInput, match="prompt"):
        await harness.sessions.start_chat(workspace.id, " \n")
    assert await harness.sessions.list(workspace.id) == []


async def test_a_start_takes_every_waiting_prompt_in_order(harness: "SessionsHarness") -> None:
    """Two prompts before the start are one text for the one turn of a command agent."""
    workspace = await harness.workspace()
    session = await harness.idle(workspace.id, prompt="first")
    harness.clock.advance(1)
    await harness.step(workspace.id, lambda tx: harness.steps.enqueue(tx, session, "second", causes=("ci",)))
    begun = await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, session))
    assert isinstance(begun, Session)
    assert (begun.status, begun.attempt, begun.causes) == (S.STARTING, 1, ("ci",))
    assert await harness.store.ledger.read(lambda tx: harness.prompts.handed(tx, begun)) == "first\n\nsecond"
    assert [(p.status, p.attempt) for p in await harness.sessions.prompts(session.id)] == [
        (P.DELIVERING, 1)
    ] * 2


async def test_a_session_without_a_prompt_gets_no_start(harness: "SessionsHarness") -> None:
    """A command agent without a prompt would do something that nobody asked for."""
    workspace = await harness.workspace()
    session = await harness.idle(workspace.id, prompt=None)
    with pytest.raises(Conflict, match="no prompt"):
        await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, session))


@pytest.mark.lesson("F10")
@pytest.mark.parametrize("status", [S.STARTING, S.RUNNING, S.STOPPING, S.COMPLETED])
async def test_a_prompt_that_could_not_arrive_is_refused(
    harness: "SessionsHarness", status: SessionStatus
) -> None:
    """Nothing is put into the queue of a session that will not read it."""
    workspace = await harness.workspace()
    session = await (harness.starting if status is S.STARTING else harness.running)(workspace.id)
    if status in {S.STOPPING, S.COMPLETED}:
        session = await harness.sessions.stop(session.id)
    if status is S.COMPLETED:
        session = await harness.step(
            workspace.id, lambda tx: harness.steps.ended(tx, session.id, 1, Exited(signal=15))
        )
    assert session.status is status
    with pytest.raises(Conflict, match=status):
        await harness.step(workspace.id, lambda tx: harness.steps.enqueue(tx, session, "more"))
    assert len(await harness.sessions.prompts(session.id)) == 1


async def test_the_text_of_a_prompt_is_in_no_event_and_no_repr(harness: "SessionsHarness") -> None:
    """A prompt may hold anything; events and logs travel further than the row."""
    workspace = await harness.workspace()
    session = await harness.idle(workspace.id, prompt="hunter2")
    assert "hunter2" not in repr(await harness.events())
    assert "hunter2" not in repr(await harness.prompt_of(session.id))
    assert "hunter2" not in repr(harness.request(workspace.id, prompt="hunter2"))


# Starts


@pytest.mark.lesson("L6")
@pytest.mark.parametrize("status", [WorkspaceStatus.NEW, WorkspaceStatus.ARCHIVING])
async def test_no_start_in_a_workspace_that_is_not_ready(
    harness: "SessionsHarness", status: WorkspaceStatus
) -> None:
    """The intent is refused with a typed reason, and the prompt goes on waiting."""
    workspace = await harness.new_workspace()
    session = await harness.idle(workspace.id)
    if status is WorkspaceStatus.ARCHIVING:
        await harness.make_ready(workspace.id)
        await harness.archiving(workspace.id)
    refused = await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, session))
    assert refused == NotReady(reason=NotReadyReason.STATUS, status=status)
    assert await harness.sessions.get(session.id) == session
    assert (await harness.prompt_of(session.id)).status is P.QUEUED


async def test_no_start_without_a_worktree(harness: "SessionsHarness") -> None:
    """READY alone does not say that there is a place to work in."""
    workspace = await harness.workspace()
    writer = harness.workspaces._workspaces

    def lose(tx: Transaction) -> None:
        writer.replace(tx, attrs.evolve(harness.steps.workspace(tx, workspace.id), worktree_path=None))

    await harness.step(workspace.id, lose)
    session = await harness.idle(workspace.id)
    refused = await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, session))
    assert refused == NotReady(reason=NotReadyReason.NO_WORKTREE, status=WorkspaceStatus.READY)


async def test_a_seen_start_delivers_the_prompt_and_the_turn_is_in_flight(harness: "SessionsHarness") -> None:
    """RUNNING, WORKING, DELIVERED; the time of the start is when it was asked for."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    harness.clock.advance(3)
    run = await harness.step(workspace.id, lambda tx: harness.steps.started(tx, begun.id, 1))
    assert (run.status, run.started_at) == (S.RUNNING, begun.last_active_at)
    assert (await harness.prompt_of(run.id)).status is P.DELIVERED
    assert await harness.store.ledger.read(lambda tx: harness.steps.state(tx, run)) is SessionState.WORKING
    again = await harness.step(workspace.id, lambda tx: harness.steps.started(tx, begun.id, 1))
    assert again == run, "an adoption writes no session and emits nothing"
    assert len(await harness.events(SessionStatusChanged)) == 2


@pytest.mark.lesson("L6", "R14")
async def test_a_start_that_lost_its_workspace_is_to_be_stopped(harness: "SessionsHarness") -> None:
    """The outcome looks again: the caller learns STOPPING, and the intent to stop is stored with it."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    await harness.archiving(workspace.id)
    unwanted = await harness.step(workspace.id, lambda tx: harness.steps.started(tx, begun.id, 1))
    assert (unwanted.status, unwanted.stop_reason) == (S.STOPPING, EndReason.STOPPED_BY_HEADWAY)


@pytest.mark.lesson("R17")
async def test_a_start_that_was_stopped_meanwhile_stays_stopping(harness: "SessionsHarness") -> None:
    """The late outcome of a start revives nothing, and tells that the prompt arrived."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    stopping = await harness.sessions.stop(begun.id)
    assert await harness.step(workspace.id, lambda tx: harness.steps.started(tx, begun.id, 1)) == stopping
    assert (await harness.prompt_of(begun.id)).status is P.DELIVERED


# Ends


@pytest.mark.lesson("F8", "F9")
@pytest.mark.parametrize("found", [Exited(exit_code=0), Vanished(), NeverStarted()])
async def test_what_is_said_of_another_attempt_changes_nothing(
    harness: "SessionsHarness", found: Ended
) -> None:
    """An outcome carries its attempt; a stale one is dropped."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    renewed = await harness.step(
        workspace.id, lambda tx: harness.steps.ended(tx, begun.id, 1, NeverStarted())
    )
    assert (renewed.status, renewed.attempt) == (S.STARTING, 2)
    before = await harness.events()
    for late in (
        lambda tx: harness.steps.ended(tx, begun.id, 1, found),
        lambda tx: harness.steps.started(tx, begun.id, 1),
        lambda tx: harness.steps.start_failed(tx, begun.id, 1, "late"),
    ):
        assert await harness.step(workspace.id, late) == renewed
    assert await harness.events() == before


@pytest.mark.lesson("F5")
async def test_a_late_stop_never_overwrites_an_end(harness: "SessionsHarness") -> None:
    """COMPLETED stays COMPLETED, with its reason, whoever stops or reports afterwards."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id)
    over = await harness.step(
        workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Exited(exit_code=0))
    )
    assert (over.status, over.end_reason, over.exit_code) == (S.COMPLETED, EndReason.EXITED, 0)
    assert await harness.sessions.stop(run.id) == over
    assert await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Vanished())) == over
    assert await harness.step(workspace.id, lambda tx: harness.steps.started(tx, run.id, 1)) == over
    assert len(await harness.events(SessionEnded)) == 1


@pytest.mark.lesson("R32")
async def test_the_first_reason_of_a_stop_is_the_reason_of_the_end(harness: "SessionsHarness") -> None:
    """Deliberateness is stored when the stop is asked for, and nothing later rewrites it."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id)
    await harness.sessions.stop(run.id, actor="ann")
    await harness.step(
        workspace.id,
        lambda tx: harness.steps.request_stop(
            tx, harness.steps.known(tx, run.id), EndReason.STOPPED_BY_HEADWAY
        ),
    )
    over = await harness.step(
        workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Exited(exit_code=1))
    )
    assert (over.status, over.end_reason, over.exit_code) == (S.COMPLETED, EndReason.STOPPED_BY_PERSON, 1)


async def test_an_end_before_anybody_saw_the_start_still_counts_as_a_turn(harness: "SessionsHarness") -> None:
    """An agent that is quicker than its runner ran: its prompt was delivered, its time is known."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    harness.clock.advance(5)
    over = await harness.step(
        workspace.id, lambda tx: harness.steps.ended(tx, begun.id, 1, Exited(exit_code=0))
    )
    assert (over.status, over.started_at) == (S.COMPLETED, begun.last_active_at)
    assert (await harness.prompt_of(begun.id)).status is P.DELIVERED


async def test_a_start_that_vanished_leaves_the_delivery_unknown(harness: "SessionsHarness") -> None:
    """An unknown delivery is a stored fact, and is not resolved by sending again."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    over = await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, begun.id, 1, Vanished()))
    assert (over.status, over.end_reason) == (S.FAILED, EndReason.LOST)
    assert (await harness.prompt_of(begun.id)).status is P.UNKNOWN


async def test_an_attempt_that_never_started_is_renewed_with_its_prompt(harness: "SessionsHarness") -> None:
    """Same session, next number, one event: the start goes on as itself."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    renewed = await harness.step(
        workspace.id, lambda tx: harness.steps.ended(tx, begun.id, 1, NeverStarted())
    )
    assert (renewed.status, renewed.attempt) == (S.STARTING, 2)
    prompt = await harness.prompt_of(begun.id)
    assert (prompt.status, prompt.attempt) == (P.DELIVERING, 2)
    (event,) = await harness.events(SessionAttemptRenewed)
    assert isinstance(event, SessionAttemptRenewed)
    assert event.attempt == 2


@pytest.mark.lesson("F12")
async def test_a_start_that_never_comes_to_be_is_given_up(harness: "SessionsHarness") -> None:
    """Renewals are counted, and the last one fails the session."""
    workspace = await harness.workspace()
    session = await harness.starting(workspace.id)
    for attempt in range(1, START_LIMIT + 1):
        assert session.status is S.STARTING
        never = partial(harness.steps.ended, session_id=session.id, attempt=attempt, found=NeverStarted())
        session = await harness.step(workspace.id, never)
    assert (session.status, session.end_reason) == (S.FAILED, EndReason.START_FAILED)
    assert session.attempt == START_LIMIT
    assert (await harness.prompt_of(session.id)).status is P.CANCELLED


@pytest.mark.parametrize("why", ["stopped", "archived"])
async def test_an_attempt_that_never_started_and_is_not_wanted_any_more_ends(
    harness: "SessionsHarness", why: str
) -> None:
    """Nothing is renewed for a person who stopped it, or in a workspace that is not READY."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    if why == "stopped":
        await harness.sessions.stop(begun.id)
    else:
        await harness.archiving(workspace.id)
    over = await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, begun.id, 1, NeverStarted()))
    reason = EndReason.STOPPED_BY_PERSON if why == "stopped" else EndReason.STOPPED_BY_HEADWAY
    assert (over.status, over.end_reason, over.started_at) == (S.COMPLETED, reason, None)
    assert (await harness.prompt_of(begun.id)).status is P.CANCELLED


async def test_a_failed_start_of_a_session_that_is_stopping_is_a_stop(harness: "SessionsHarness") -> None:
    """Who asked for the end gets it, though the agent could not have been started anyway."""
    workspace = await harness.workspace()
    begun = await harness.starting(workspace.id)
    await harness.sessions.stop(begun.id)
    over = await harness.step(
        workspace.id, lambda tx: harness.steps.start_failed(tx, begun.id, 1, "no program")
    )
    assert (over.status, over.end_reason) == (S.COMPLETED, EndReason.STOPPED_BY_PERSON)


# Stops


async def test_stopping_everything_closes_the_idle_and_names_what_must_be_ended(
    harness: "SessionsHarness",
) -> None:
    """Archive: idle ones are COMPLETED at once and their prompts cancelled, the rest is STOPPING."""
    workspace = await harness.workspace()
    idle, begun, run = (
        await harness.idle(workspace.id),
        await harness.starting(workspace.id),
        await harness.running(workspace.id),
    )
    stopping = await harness.step(
        workspace.id,
        lambda tx: harness.steps.request_stop_all(tx, workspace.id, EndReason.STOPPED_BY_HEADWAY),
    )
    assert {session.id for session in stopping} == {begun.id, run.id}
    closed = await harness.sessions.get(idle.id)
    assert (closed.status, closed.end_reason) == (S.COMPLETED, EndReason.CLOSED)
    assert (await harness.prompt_of(idle.id)).status is P.CANCELLED


async def test_a_person_who_stops_an_idle_session_is_its_reason(harness: "SessionsHarness") -> None:
    """CLOSED is for what Headway did by itself."""
    workspace = await harness.workspace()
    idle = await harness.idle(workspace.id)
    assert (await harness.sessions.stop(idle.id)).end_reason is EndReason.STOPPED_BY_PERSON


# Restart


@pytest.mark.lesson("F1")
async def test_a_restart_is_a_stop_and_a_start_that_nobody_can_step_between(
    harness: "SessionsHarness",
) -> None:
    """The step that records the end begins the start: the session is live in every committed state."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id, Purpose.FIXER)
    stopping = await harness.step(
        workspace.id, lambda tx: harness.steps.restart(tx, run, "again", causes=("conflict",))
    )
    assert (stopping.status, stopping.attempt) == (S.STOPPING, 1)
    begun = await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Exited(signal=15)))
    assert (begun.status, begun.attempt, begun.causes) == (S.STARTING, 2, ("conflict",))
    assert (begun.stop_reason, begun.end_reason, begun.signal) == (None, None, None)
    assert await harness.store.ledger.read(lambda tx: harness.prompts.handed(tx, begun)) == "again"


@pytest.mark.parametrize("why", ["stopped", "archived"])
async def test_a_restart_that_is_not_wanted_any_more_is_a_stop(harness: "SessionsHarness", why: str) -> None:
    """A person's stop, or the end of the workspace, takes the waiting prompt with it."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id, Purpose.FIXER)
    await harness.step(workspace.id, lambda tx: harness.steps.restart(tx, run, "again"))
    if why == "stopped":
        await harness.sessions.stop(run.id)
    else:
        await harness.archiving(workspace.id)
    over = await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Exited(signal=15)))
    assert (over.status, over.end_reason) == (S.COMPLETED, EndReason.STOPPED_BY_HEADWAY)
    assert [p.status for p in await harness.sessions.prompts(run.id)] == [P.DELIVERED, P.CANCELLED]


# Events


@pytest.mark.lesson("R21", "S7")
async def test_every_change_emits_one_event_with_what_the_write_changed(harness: "SessionsHarness") -> None:
    """A whole life: creation, prompt, start, run, stop, end; each once, in order, with the actor."""
    workspace = await harness.workspace()
    session = await harness.sessions.start_chat(workspace.id, "go", actor="ann")
    assert isinstance(session, Session)
    await harness.step(workspace.id, lambda tx: harness.steps.begin_start(tx, session))
    await harness.step(workspace.id, lambda tx: harness.steps.started(tx, session.id, 1))
    await harness.sessions.stop(session.id, actor="bob")
    await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, session.id, 1, Exited(signal=15)))
    log = await harness.store.ledger.read(lambda tx: harness.store.events.after(tx, 0, limit=100))
    ours = [
        e for e in log if e.workspace_id == workspace.id and e.payload.event.startswith(("session", "prompt"))
    ]
    assert [(type(e.payload), e.actor) for e in ours] == [
        (SessionCreated, "ann"),
        (PromptQueued, "ann"),
        (SessionStatusChanged, "headway"),
        (PromptStatusChanged, "headway"),
        (PromptStatusChanged, "headway"),
        (SessionStatusChanged, "headway"),
        (SessionStatusChanged, "bob"),
        (SessionEnded, "headway"),
    ]
    stored = await harness.sessions.get(session.id)
    ended = ours[-1].payload
    assert isinstance(ended, SessionEnded)
    assert (ended.status, ended.from_status, ended.end_reason) == (S.COMPLETED, S.STOPPING, stored.end_reason)
    assert (ended.signal, ended.ended_at, ended.started_at) == (15, stored.ended_at, stored.started_at)


async def test_activity_is_a_side_row_and_emits_nothing(harness: "SessionsHarness") -> None:
    """High-frequency facts disturb neither the session's version nor the log; the end removes the row."""
    workspace = await harness.workspace()
    run = await harness.running(workspace.id)
    before = await harness.events()
    await harness.step(workspace.id, lambda tx: harness.steps.note_activity(tx, run, Activity.AWAITS_ANSWER))
    assert await harness.store.ledger.read(lambda tx: harness.steps.state(tx, run)) is SessionState.WAITING
    assert await harness.sessions.get(run.id) == run
    assert await harness.events() == before
    await harness.step(workspace.id, lambda tx: harness.steps.ended(tx, run.id, 1, Exited(exit_code=0)))
    assert await harness.store.ledger.read(lambda tx: harness.steps.state(tx, run)) is SessionState.UNKNOWN
