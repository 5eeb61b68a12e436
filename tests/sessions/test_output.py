"""What an agent printed, as callers read it, and how long it is kept."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import anyio
import pytest

from headway_core.kernel.errors import InvalidInput, NotFound, Unavailable
from headway_core.kernel.transactions import Transaction
from headway_core.processes import Exited, OutputPart
from headway_core.projects.model import PROJECTS
from headway_core.sessions import Session, SessionStatus
from headway_core.sessions.duty import KEPT_AFTER_ARCHIVE
from headway_core.sessions.output import SessionOutput
from headway_core.workspaces.model import WORKSPACES
from headway_testing.harness import Harness
from headway_testing.records import a_project, a_workspace

pytestmark = pytest.mark.anyio


class OutputHarness(Harness):
    """A READY workspace `w1` of this host, and agents that print what a test says."""

    async def put_workspace(self, workspace_id: str = "w1", **changes: Any) -> None:
        workspace = a_workspace(
            workspace_id, **{"host_id": "host-1", "worktree_path": f"/trees/{workspace_id}"} | changes
        )

        def work(tx: Transaction) -> None:
            self.store.writer(WORKSPACES).add(tx, workspace)

        await self.store.ledger.transact(work)

    async def chat(self, workspace_id: str = "w1", prompt: str | None = "go") -> Session:
        made = await self.core.sessions.service().start_chat(workspace_id, prompt)
        assert isinstance(made, Session)
        return made

    async def begun(self, printed: str = "") -> Session:
        """A session whose agent runs, and printed this."""
        session = await self.chat()
        await self.core.sessions.executor().round()
        self.prints(session, printed)
        return await self.core.sessions.service().get(session.id)

    def prints(self, session: Session, text: str) -> None:
        run = next(run for run in self.processes.found if run.subject == session.id)
        known = self.processes.files.get((run, "output"), b"")
        self.processes.files[run, "output"] = known + text.encode()

    async def ends(self, session: Session, code: int = 0) -> None:
        self.processes.end(session.id, Exited(exit_code=code))
        await self.core.sessions.executor().round()

    @property
    def output(self) -> SessionOutput:
        return self.core.sessions.output(follow_interval_s=0.0)

    def meanwhile(self, *acts: Callable[[], Awaitable[None]]) -> None:
        """After each reading one of these happens."""
        rest = list(acts)

        async def point(name: str) -> None:
            if name == "after read_output" and rest:
                await rest.pop(0)()

        supervisor: Any = self.core.sessions.supervisor()
        supervisor.point = point


@pytest.fixture
async def harness() -> OutputHarness:
    made = OutputHarness()
    await made.store.ledger.transact(lambda tx: made.store.writer(PROJECTS).add(tx, a_project()))
    await made.put_workspace()
    return made


@pytest.mark.parametrize("code", [0, 3])
async def test_what_was_printed_is_read_in_parts(harness: OutputHarness, code: int) -> None:
    """While the agent runs and after its end, well or badly, from any offset that was told."""
    session = await harness.begun("hello, wörld\n")
    for _ in range(2):
        part = await harness.output.read(session.id, limit=9)
        assert part == OutputPart(text="hello, w", offset=0, next_offset=8, left_out=0)
        rest = await harness.output.read(session.id, part.next_offset)
        assert rest == OutputPart(text="örld\n", offset=8, next_offset=14, left_out=0)
        assert (await harness.output.read(session.id, 14)).text == ""
        if session.is_live:
            await harness.ends(session, code)
            session = await harness.core.sessions.service().get(session.id)
            assert not session.is_live


async def test_a_session_that_printed_nothing_has_an_empty_output(harness: OutputHarness) -> None:
    """Not begun, begun without a word, and not started because its program is missing."""
    waiting = await harness.chat(prompt=None)
    running = await harness.begun()
    missing = await harness.core.sessions.service().start_chat("w1", "go", "not-there")
    assert isinstance(missing, Session)
    await harness.core.sessions.executor().round()
    failed = await harness.core.sessions.service().get(missing.id)
    assert failed.status is SessionStatus.FAILED
    for session in (waiting, running, failed):
        assert await harness.output.read(session.id) == OutputPart(
            text="", offset=0, next_offset=0, left_out=0
        )


async def test_another_hosts_output_is_told_to_be_there(harness: OutputHarness) -> None:
    """Nothing is read here; the error names the host."""
    await harness.put_workspace("w2", host_id="host-2", branch="other")
    session = await harness.chat("w2")
    with pytest.raises(Unavailable, match="printed is kept on host host-2: ask there"):
        await harness.output.read(session.id)
    with pytest.raises(Unavailable, match="host-2"):
        await anext(harness.output.follow(session.id))


async def test_what_is_not_there_is_told(harness: OutputHarness) -> None:
    """An unknown session, and one whose files are gone."""
    with pytest.raises(NotFound, match="no session 'nobody'"):
        await harness.output.read("nobody")
    session = await harness.begun("hello")
    await harness.ends(session)
    await harness.core.sessions.supervisor().remove("sessions", session.id)
    with pytest.raises(NotFound, match="no kept output of session"):
        await harness.output.read(session.id)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"offset": -1}, "offset"), ({"limit": 3}, "limit"), ({"limit": 1_000_001}, "limit")],
)
async def test_a_part_has_bounds(harness: OutputHarness, given: dict[str, int], field: str) -> None:
    """No part is so large that it would fill the memory."""
    session = await harness.begun("hello")
    with pytest.raises(InvalidInput) as refused:
        await harness.output.read(session.id, **given)
    assert refused.value.field == field


async def test_output_is_followed_to_the_end(harness: OutputHarness) -> None:
    """From the first word of a session that waits to the last one before its end, and nothing twice."""
    session = await harness.chat()

    async def start() -> None:
        await harness.core.sessions.executor().round()
        harness.prints(session, "one\n")

    async def nothing() -> None:
        pass

    async def last_words() -> None:
        harness.prints(session, "two\n")
        await harness.ends(session)

    harness.meanwhile(nothing, start, nothing, last_words)
    with anyio.fail_after(5):
        assert [part.text async for part in harness.output.follow(session.id)] == ["one\n", "two\n"]


async def test_following_ends_also_where_no_runner_writes_the_end_down(harness: OutputHarness) -> None:
    """The files of the process say that it is over: nobody waits for ever."""
    session = await harness.begun("one\n")
    harness.processes.end(session.id, Exited(exit_code=0))
    with anyio.fail_after(5):
        assert [part.text async for part in harness.output.follow(session.id)] == ["one\n"]
    assert (await harness.core.sessions.service().get(session.id)).status is SessionStatus.RUNNING


async def test_following_begins_where_it_is_told(harness: OutputHarness) -> None:
    """Who was interrupted goes on after the last part."""
    session = await harness.begun("one\ntwo\n")
    await harness.ends(session)
    assert [part.text async for part in harness.output.follow(session.id, 4)] == ["two\n"]
    with pytest.raises(InvalidInput, match="offset"):
        await anext(harness.output.follow(session.id, -1))


async def test_files_go_long_after_the_archive(harness: OutputHarness) -> None:
    """Of a workspace that was archived 30 days ago; not before, and not of one that lives."""
    await harness.put_workspace("w2", branch="other")
    session = await harness.begun("hello")
    other = await harness.chat("w2")
    await harness.core.sessions.executor().round()
    for each in (session, other):
        await harness.ends(each)
    duty = harness.core.sessions.files_duty()

    async def kept() -> tuple[str, ...]:
        await duty.run()
        return await harness.core.sessions.supervisor().kept("sessions")

    harness.clock.advance(KEPT_AFTER_ARCHIVE * 2)
    assert await kept() == tuple(sorted((session.id, other.id)))
    await harness.store.ledger.transact(
        lambda tx: harness.core.workspaces.steps().begin_archive(tx, "w1", host_id="host-1")
    )
    await harness.store.ledger.transact(lambda tx: harness.core.workspaces.steps().archived(tx, "w1"))
    harness.clock.advance(KEPT_AFTER_ARCHIVE - timedelta(seconds=1))
    assert await kept() == tuple(sorted((session.id, other.id)))
    assert (await harness.output.read(session.id)).text == "hello"
    harness.clock.advance(1)
    assert await kept() == (other.id,)


async def test_files_of_nobodys_session_and_of_one_that_runs_stay(
    harness: OutputHarness, caplog: pytest.LogCaptureFixture
) -> None:
    """A session of another database is left alone; one that can't be removed is told and kept."""
    session = await harness.begun("hello")
    await harness.store.ledger.transact(
        lambda tx: harness.core.workspaces.steps().begin_archive(tx, "w1", host_id="host-1")
    )
    await harness.store.ledger.transact(lambda tx: harness.core.workspaces.steps().archived(tx, "w1"))
    harness.clock.advance(KEPT_AFTER_ARCHIVE)
    run = session.run
    harness.processes.found[type(run)(kind="sessions", subject="strange", attempt=1)] = Exited(exit_code=0)
    await harness.core.sessions.files_duty().run()
    assert await harness.core.sessions.supervisor().kept("sessions") == tuple(sorted((session.id, "strange")))
    assert f"the files of session {session.id} are kept" in caplog.text
