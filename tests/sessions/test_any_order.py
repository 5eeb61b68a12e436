"""Steps in any order, with stale attempts and late outcomes among them: what holds all the same."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from headway_core.kernel.errors import Conflict, IllegalTransition
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.processes import Ended, Exited, NeverStarted, Vanished
from headway_core.sessions import (
    SESSION_TRANSITIONS,
    Activity,
    EndReason,
    Prompt,
    PromptStatus,
    PromptStatusChanged,
    Purpose,
    Session,
    SessionAttemptRenewed,
    SessionCreated,
    SessionEnded,
    SessionStatus,
    SessionStatusChanged,
    WhenLive,
)
from headway_core.sessions.model import SESSIONS_OF, StopReason
from headway_core.workspaces import WorkspaceStatus

if TYPE_CHECKING:
    from tests.sessions.conftest import SessionsHarness

T = TypeVar("T")
S = SessionStatus
FOUND: list[Ended] = [
    Exited(exit_code=0),
    Exited(exit_code=1),
    Exited(signal=9),
    Exited(failed_to_start="no such file"),
    Vanished(),
    NeverStarted(),
]
REASONS: list[StopReason] = [EndReason.STOPPED_BY_PERSON, EndReason.STOPPED_BY_HEADWAY, EndReason.TIMED_OUT]
LIMIT = 3

which = st.integers(0, 9)
age = st.sampled_from([0, 0, 0, 1])
"""How many attempts late a report comes."""


class AnyOrder(RuleBasedStateMachine):
    """One workspace. A refused step is one of the two errors that the contract names, and writes nothing."""

    new_harness: Callable[[], "SessionsHarness"]

    def __init__(self) -> None:
        super().__init__()
        self.harness = self.new_harness()
        self.runner = asyncio.Runner()
        self.workspace_id = self.runner.run(self.harness.workspace()).id
        self.runner.run(self.harness.settings.change(session_limit=LIMIT))

    def teardown(self) -> None:
        self.runner.close()

    def step(self, work: Callable[[Transaction], object]) -> None:
        self.harness.clock.advance(1)
        with suppress(Conflict, IllegalTransition):
            self.runner.run(self.harness.step(self.workspace_id, work))

    def look(self, query: Callable[[ReadTransaction], T]) -> T:
        async def read() -> T:
            return await self.harness.store.ledger.read(query)

        return self.runner.run(read())

    def sessions(self) -> list[Session]:
        return self.look(
            lambda tx: self.harness.session_rows.query(tx, SESSIONS_OF, workspace_id=self.workspace_id)
        )

    def any_session(self) -> bool:
        return bool(self.sessions())

    def one(self, which: int) -> Session:
        """Some session; the newest ones are the likeliest."""
        return self.sessions()[-1 - which % len(self.sessions())]

    @rule(prompt=st.booleans())
    def chat(self, prompt: bool) -> None:
        def work(tx: Transaction) -> None:
            steps = self.harness.steps
            workspace = steps.workspace(tx, self.workspace_id)
            made = steps.create(tx, workspace=workspace, purpose=Purpose.CHAT, label="chat")
            if prompt and isinstance(made, Session):
                steps.enqueue(tx, made, "go")

        self.step(work)

    @rule(when_live=st.sampled_from(WhenLive), agent=st.sampled_from([None, "claude", "codex"]))
    def fixer(self, when_live: WhenLive, agent: str | None) -> None:
        request = self.harness.request(self.workspace_id, when_live=when_live, agent=agent)
        self.step(lambda tx: self.harness.fixer_steps.acquire(tx, request))

    @precondition(any_session)
    @rule(which=which)
    def enqueue(self, which: int) -> None:
        self.step(lambda tx: self.harness.steps.enqueue(tx, self.one_in(tx, which), "more"))

    @precondition(any_session)
    @rule(which=which)
    def begin_start(self, which: int) -> None:
        self.step(lambda tx: self.harness.steps.begin_start(tx, self.one_in(tx, which)))

    @precondition(any_session)
    @rule(which=which, age=age)
    def started(self, which: int, age: int) -> None:
        session = self.one(which)
        self.step(lambda tx: self.harness.steps.started(tx, session.id, session.attempt - age))

    @precondition(any_session)
    @rule(which=which, age=age, found=st.sampled_from(FOUND))
    def ended(self, which: int, age: int, found: Ended) -> None:
        session = self.one(which)
        self.step(lambda tx: self.harness.steps.ended(tx, session.id, session.attempt - age, found))

    @precondition(any_session)
    @rule(which=which, age=age)
    def start_failed(self, which: int, age: int) -> None:
        session = self.one(which)
        self.step(lambda tx: self.harness.steps.start_failed(tx, session.id, session.attempt - age, "gone"))

    @precondition(any_session)
    @rule(which=which, reason=st.sampled_from(REASONS))
    def request_stop(self, which: int, reason: StopReason) -> None:
        self.step(lambda tx: self.harness.steps.request_stop(tx, self.one_in(tx, which), reason))

    @precondition(any_session)
    @rule(which=which)
    def restart(self, which: int) -> None:
        self.step(lambda tx: self.harness.steps.restart(tx, self.one_in(tx, which), "again"))

    @precondition(any_session)
    @rule(which=which, activity=st.sampled_from(Activity))
    def note_activity(self, which: int, activity: Activity) -> None:
        session = self.one(which)
        self.step(lambda tx: self.harness.steps.note_activity(tx, session, activity))

    @rule()
    def archive_or_come_back(self) -> None:
        def work(tx: Transaction) -> None:
            if self.harness.steps.not_ready(tx, self.workspace_id) is None:
                self.harness.workspaces.begin_archive(tx, self.workspace_id)
            else:
                self.harness.workspaces.archive_failed(tx, self.workspace_id, "disk full")

        self.step(work)

    def one_in(self, tx: Transaction, which: int) -> Session:
        found = self.harness.session_rows.query(tx, SESSIONS_OF, workspace_id=self.workspace_id)
        return found[-1 - which % len(found)]

    @invariant()
    def at_most_one_fixer_and_the_limit(self) -> None:
        live = [session for session in self.sessions() if session.is_live]
        assert len(live) <= LIMIT
        assert sum(session.purpose is Purpose.FIXER for session in live) <= 1

    @invariant()
    def a_row_says_what_its_status_means(self) -> None:
        for session in self.sessions():
            over = session.status in {S.COMPLETED, S.FAILED}
            assert over == (session.end_reason is not None) == (session.ended_at is not None)
            assert (session.status is S.STOPPING) <= (session.stop_reason is not None)
            assert (session.status is S.RUNNING) <= (session.started_at is not None)
            assert (session.status is S.IDLE) <= (session.attempt == 0)

    @invariant()
    def no_prompt_waits_where_nobody_comes(self) -> None:
        def prompts(tx: ReadTransaction) -> list[tuple[Session, Prompt]]:
            found = self.harness.session_rows.query(tx, SESSIONS_OF, workspace_id=self.workspace_id)
            return [(s, prompt) for s in found for prompt in self.harness.prompts.of(tx, s.id)]

        pairs = self.look(prompts)
        for session, prompt in pairs:
            if prompt.status is PromptStatus.QUEUED:
                assert session.status in {S.IDLE, S.STOPPING}
            if prompt.status is PromptStatus.DELIVERING:
                assert session.status in {S.STARTING, S.STOPPING}
                assert prompt.attempt == session.attempt
        told = {s.id for s, prompt in pairs if prompt.attempt == s.attempt}
        assert all(s.id in told for s in self.sessions() if s.attempt), "no start without a prompt"

    @invariant()
    def the_log_tells_the_whole_story(self) -> None:
        """Replayed, the events give each session's status and attempt, and each step is on the table."""
        told: dict[str, tuple[SessionStatus, int]] = {}
        ready = True
        for event in self.look(lambda tx: self.harness.store.events.after(tx, 0, limit=10_000)):
            match event.payload:
                case SessionCreated(session_id=key):
                    told[key] = (S.IDLE, 0)
                case SessionStatusChanged() | SessionEnded() as moved:
                    assert moved.from_status is told[moved.session_id][0]
                    assert moved.status in SESSION_TRANSITIONS[moved.from_status]
                    assert ready or moved.status not in {S.STARTING, S.RUNNING}, "L6"
                    told[moved.session_id] = (moved.status, moved.attempt)
                case SessionAttemptRenewed(session_id=key, attempt=attempt):
                    assert ready, "L6"
                    assert told[key] == (S.STARTING, attempt - 1)
                    told[key] = (S.STARTING, attempt)
                case PromptStatusChanged(from_status=before):
                    assert before in {PromptStatus.QUEUED, PromptStatus.DELIVERING}, "an outcome is final"
                case other if other.event == "workspace.status_changed":
                    ready = getattr(other, "status", None) is WorkspaceStatus.READY
        assert told == {s.id: (s.status, s.attempt) for s in self.sessions()}


@pytest.mark.lesson("F3", "F5", "F8", "F9", "L6", "R21")
def test_steps_in_any_order_keep_the_rules(new_harness: Callable[[], "SessionsHarness"]) -> None:
    """Table, limit, one fixer, prompts and log hold after every step of any history."""

    class Machine(AnyOrder):
        pass

    Machine.new_harness = staticmethod(new_harness)
    run_state_machine_as_test(
        Machine, settings=hypothesis_settings(max_examples=60, stateful_step_count=30, deadline=None)
    )
