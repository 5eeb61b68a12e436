"""Carries out, on one host, what sessions intend: starts, stops, and the watch over what runs.

Every effect stands between two transactions, and whoever acts on a workspace holds its lock (law 4).
What was found after a crash, and how it is closed:

| stored    | evidence on the host           | closure                                                |
|-----------|--------------------------------|--------------------------------------------------------|
| STARTING  | the attempt's lock is held     | RUNNING                                                |
| STARTING  | no sign of a start             | closed for good; the next attempt of the same session  |
| RUNNING   | the attempt's lock is held     | adopted: WORKING again                                 |
| STOPPING  | the attempt's lock is held     | stopped, then ended with the reason of the stop        |
| any       | an exit file                   | ended by it                                            |
| any       | started, and nobody is there   | its group is killed; FAILED, lost                      |
| any       | an exit that can't be read     | FAILED, unreadable                                     |
| any       | what can't all be true         | ended; FAILED, contradictory; its workspace is stopped |
"""

import logging
from collections.abc import Awaitable, Callable, Iterable

import anyio
import attrs

from headway_core.kernel.errors import HeadwayError, Unavailable
from headway_core.kernel.failures import log_failure
from headway_core.kernel.hosts import HostLocks
from headway_core.kernel.ledger import Ledger
from headway_core.kernel.tables import ReadTable
from headway_core.kernel.transactions import ReadTransaction, Transaction
from headway_core.processes import Contradictory, Launch, NeverStarted, Probe, Running, Supervisor
from headway_core.sessions.model import (
    BUSY,
    BUSY_SESSIONS,
    LOST_SESSIONS,
    Activity,
    EndReason,
    Session,
    SessionStatus,
)
from headway_core.sessions.ports import Agents
from headway_core.sessions.prompts import PromptSteps
from headway_core.sessions.steps import SessionSteps

logger = logging.getLogger(__name__)

PARALLEL = 8
"""Workspaces that are acted on at the same time."""
LONGEST_BACKOFF_S = 60.0
ACTION_LIMIT_S = 120.0
"""How long acting on a session may take: a port that answers no more is a failure, and of this session
alone."""
BUSY_INTERVAL_S = 0.5
IDLE_INTERVAL_S = 30.0


@attrs.frozen(kw_only=True)
class _Due:
    """A session that may need something, as the view of a round saw it."""

    session: Session
    overdue: bool


class SessionExecutor:
    """Acts on the sessions of this host's workspaces. Holds no table: it reports to `SessionSteps`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        sessions: SessionSteps,
        session_rows: ReadTable[Session],
        prompts: PromptSteps,
        supervisor: Supervisor,
        agents: Agents,
        locks: HostLocks,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._session_rows = session_rows
        self._prompts = prompts
        self._supervisor = supervisor
        self._agents = agents
        self._locks = locks
        self._actions = {
            SessionStatus.STARTING: self._start,
            SessionStatus.RUNNING: self._watch,
            SessionStatus.STOPPING: self._stop,
        }
        self._failures: dict[str, tuple[int, float]] = {}
        """By session, while its port fails: how often in a row, and when to try again. Pacing only."""

    async def recover(self) -> None:
        """Close every intent that a dead runner of this host left, by the table above.

        A workspace whose lock is held is passed over: somebody acts on it, and rounds come to it later.
        """
        await self._each_workspace(await self._ledger.read(self._due), self._recover_workspace)

    async def round(self) -> bool:
        """See to every session of this host once; whether any was busy.

        Starts what waits, carries out starts and stops, notices ends, stops overdue fixers.
        """
        due = await self._ledger.read(self._due)
        await self._each_workspace(due, self._tend_workspace)
        return bool(due)

    async def watch(self) -> None:
        """Make rounds until cancelled: soon after every event, and twice a second while anything is busy.

        A workspace that takes its time keeps no other waiting: the next rounds pass it over meanwhile.
        """
        limiter = anyio.CapacityLimiter(PARALLEL)
        tended: set[str] = set()

        async def tend(workspace_id: str, due: list[_Due]) -> None:
            try:
                async with limiter:
                    await self._tend_workspace(workspace_id, due)
            finally:
                tended.discard(workspace_id)

        async with anyio.create_task_group() as group:
            while True:
                changed = self._ledger.changed()
                found = await self._ledger.read(self._due)
                for workspace_id, due in found.items():
                    if workspace_id not in tended:
                        tended.add(workspace_id)
                        group.start_soon(tend, workspace_id, due)
                with anyio.move_on_after(BUSY_INTERVAL_S if found else IDLE_INTERVAL_S):
                    await changed.wait()

    async def settle_all(self, workspace_id: str) -> None:
        """End every session of a workspace, processes included, and record it.

        For an archive, which holds the workspace's lock itself. `Unavailable` when a process could not
        be ended.
        """

        def stop(tx: Transaction) -> tuple[Session, ...]:
            tx.lock(workspace_id)
            return self._sessions.request_stop_all(tx, workspace_id, EndReason.STOPPED_BY_HEADWAY)

        stopping = await self._ledger.transact(stop)
        async with anyio.create_task_group() as group:
            for session in stopping:
                group.start_soon(self._guarded, self._stop, session)
        left = await self._ledger.read(lambda tx: self._sessions.live(tx, workspace_id))
        if left:
            raise Unavailable("supervisor", f"{len(left)} sessions could not be ended")

    async def end_everything(self) -> None:
        """End whatever runs on this host: it was retired, and its workspaces go on elsewhere.

        Those that are still pinned here are recorded as stopped. Those that were moved count as lost
        already; what still runs of them, because this host only slept, is found by its evidence.
        """
        pinned, lost = await self._ledger.read(self._left_here)
        for workspace_id in pinned:
            async with self._locks.workspace(workspace_id) as mine:
                if mine:
                    await self.settle_all(workspace_id)
        for session in lost:
            if isinstance(await self._supervisor.probe(session.run), Running | Contradictory):
                await self._supervisor.stop(session.run)

    def _left_here(self, tx: ReadTransaction) -> tuple[list[str], list[Session]]:
        pinned = [
            session.workspace_id
            for session in self._session_rows.query(tx, BUSY_SESSIONS)
            if self._sessions.workspace(tx, session.workspace_id).host_id == self._locks.host_id
        ]
        return list(dict.fromkeys(pinned)), self._session_rows.query(tx, LOST_SESSIONS)

    async def said(self, session_id: str, name: str) -> bytes | None:
        """What the newest attempt of a session left in `$HEADWAY_OUT` under this name, or None.

        `InvalidInput("name")` as `Supervisor.said`.
        """
        session = await self._session(session_id)
        return await self._supervisor.said(session.run, name)

    async def output(self, session_id: str) -> str:
        """The end of what the newest attempt of a session printed."""
        session = await self._session(session_id)
        return await self._supervisor.output(session.run)

    async def _session(self, session_id: str) -> Session:
        return await self._ledger.read(lambda tx: self._sessions.known(tx, session_id))

    # Rounds over the workspaces

    def _due(self, tx: ReadTransaction) -> dict[str, list[_Due]]:
        """What may need something, by workspace of this host: the busy, and the idle with a prompt."""
        waiting = self._prompts.waited_for(tx)
        idle = [session for key in sorted(waiting) if (session := self._session_rows.get(tx, key))]
        due: dict[str, list[_Due]] = {}
        for session in [*self._session_rows.query(tx, BUSY_SESSIONS), *idle]:
            if self._sessions.workspace(tx, session.workspace_id).host_id != self._locks.host_id:
                continue
            if session.status in BUSY or self._may_start(tx, session):
                found = _Due(session=session, overdue=self._sessions.is_overdue(tx, session))
                due.setdefault(session.workspace_id, []).append(found)
        return due

    def _may_start(self, tx: ReadTransaction, session: Session) -> bool:
        return (
            session.status is SessionStatus.IDLE
            and self._sessions.not_ready(tx, session.workspace_id) is None
            and bool(self._prompts.queued(tx, session.id))
        )

    async def _each_workspace(
        self,
        due: dict[str, list[_Due]],
        act: Callable[[str, list[_Due]], Awaitable[None]],
    ) -> None:
        limiter = anyio.CapacityLimiter(PARALLEL)

        async def one(workspace_id: str, sessions: list[_Due]) -> None:
            async with limiter:
                await act(workspace_id, sessions)

        async with anyio.create_task_group() as group:
            for workspace_id, sessions in due.items():
                group.start_soon(one, workspace_id, sessions)

    async def _recover_workspace(self, workspace_id: str, due: list[_Due]) -> None:
        async with self._locks.workspace(workspace_id) as mine:
            if mine:
                busy = [found.session for found in due if found.session.status in BUSY]
                await self._together(self._recover, busy)

    async def _tend_workspace(self, workspace_id: str, due: list[_Due]) -> None:
        if all([self._backs_off(found.session) or await self._is_fine(found) for found in due]):
            return  # most rounds: nobody is kept from the workspace's lock
        async with self._locks.workspace(workspace_id) as mine:
            if mine:
                busy = await self._ledger.transact(lambda tx: self._begin_waiting(tx, workspace_id))
                await self._together(self._advance, busy)

    def _begin_waiting(self, tx: Transaction, workspace_id: str) -> tuple[Session, ...]:
        """Store the intent of a start for each idle session with a prompt (L15), and return what is busy
        then.
        """
        tx.lock(workspace_id)
        for session in self._sessions.live(tx, workspace_id):
            if self._may_start(tx, session):
                self._sessions.begin_start(tx, session)
        return tuple(s for s in self._sessions.live(tx, workspace_id) if s.status in BUSY)

    async def _together(self, act: Callable[[Session], Awaitable[None]], sessions: Iterable[Session]) -> None:
        async with anyio.create_task_group() as group:
            for session in sessions:
                if not self._backs_off(session):
                    group.start_soon(self._guarded, act, session)

    def _backs_off(self, session: Session) -> bool:
        _, until = self._failures.get(session.id, (0, 0.0))
        return until > anyio.current_time()

    async def _guarded(self, act: Callable[[Session], Awaitable[None]], session: Session) -> None:
        """Act, so that a session whose port fails delays itself and nobody else (F12)."""
        try:
            with anyio.fail_after(ACTION_LIMIT_S):
                await act(session)
        except Exception as error:  # noqa: BLE001  logged, with its traceback when it is a defect
            times = self._failures.get(session.id, (0, 0.0))[0] + 1
            delay = min(2.0**times, LONGEST_BACKOFF_S)
            self._failures[session.id] = (times, anyio.current_time() + delay)
            log_failure(logger, f"session {session.id}: an effect failed; again in {delay:.0f} s", error)
        else:
            self._failures.pop(session.id, None)

    # One session; the workspace's lock is held

    async def _advance(self, session: Session) -> None:
        await self._actions[session.status](session)

    async def _recover(self, session: Session) -> None:
        if session.status is SessionStatus.STOPPING:
            await self._stop(session)
            return
        if session.status is SessionStatus.RUNNING:
            # F6: what a dead runner last knew of a turn is worth nothing.
            await self._ledger.transact(
                lambda tx: self._sessions.note_activity(tx, session, Activity.UNKNOWN)
            )
        await self._record(session, await self._settle(session))

    async def _start(self, session: Session) -> None:
        launch = await self._ledger.transact(lambda tx: self._still_wanted(tx, session))
        if launch is None:
            await self._stop(session)
            return
        try:
            launch = attrs.evolve(
                launch,
                argv=self._agents.command(session.agent, session.model),
                environment={**self._agents.environment(session.agent), **launch.environment},
            )
            found = await self._supervisor.start(launch)
        except HeadwayError as error:
            # It may have started before (a repeated start), or in spite of the error: close it, then know.
            found = await self._settle(session)
            if isinstance(found, NeverStarted):
                detail = str(error)
                await self._ledger.transact(lambda tx: self._failed(tx, session, detail))
                return
        if not isinstance(found, Running):
            found = await self._settle(session)
        await self._record(session, found)

    def _still_wanted(self, tx: Transaction, session: Session) -> Launch | None:
        """What to launch, without its program; None when it is not to be started any more (R14, L6)."""
        tx.lock(session.workspace_id)
        present = self._sessions.known(tx, session.id)
        if present.status is not SessionStatus.STARTING or present.attempt != session.attempt:
            return None
        if self._sessions.not_ready(tx, session.workspace_id) is not None:
            self._sessions.request_stop(tx, present, EndReason.STOPPED_BY_HEADWAY)
            return None
        workspace = self._sessions.workspace(tx, session.workspace_id)
        return Launch(
            run=session.run,
            argv=(),
            cwd=workspace.worktree_path or "",
            environment={
                "HEADWAY_WORKSPACE": workspace.id,
                "HEADWAY_SESSION": session.id,
                "HEADWAY_BRANCH": workspace.branch,
            },
            standard_input=self._prompts.handed(tx, present),
            after=self._sessions.runs_over(tx, workspace.id),
        )

    def _failed(self, tx: Transaction, session: Session, detail: str) -> None:
        tx.lock(session.workspace_id)
        self._sessions.start_failed(tx, session.id, session.attempt, detail)

    async def _is_fine(self, found: _Due) -> bool:
        """Whether it runs and may go on."""
        session = found.session
        if session.status is not SessionStatus.RUNNING or found.overdue:
            return False
        try:
            return isinstance(await self._supervisor.probe(session.run), Running)
        except Exception:  # noqa: BLE001  the look under the lock meets it again, and tells it
            return False

    async def _watch(self, session: Session) -> None:
        found = await self._supervisor.probe(session.run)
        if not isinstance(found, Running):
            await self._record(session, await self._settle(session))
            return
        # After the probe: an agent that ended in time is not timed out by a runner that looks late.
        present = await self._ledger.transact(lambda tx: self._in_time(tx, session))
        if present.status is SessionStatus.STOPPING:
            await self._stop(session)

    def _in_time(self, tx: Transaction, session: Session) -> Session:
        tx.lock(session.workspace_id)
        present = self._sessions.known(tx, session.id)
        if self._sessions.is_overdue(tx, present):
            return self._sessions.request_stop(tx, present, EndReason.TIMED_OUT)
        return present

    async def _settle(self, session: Session) -> Probe:
        return await self._supervisor.settle(session.run)

    async def _stop(self, session: Session) -> None:
        """End the attempt itself, whatever its row says, and record how it ended."""
        found = await self._settle(session)
        if isinstance(found, Running):
            found = await self._supervisor.stop(session.run)
        if isinstance(found, Running):
            raise Unavailable("supervisor", "the process group could not be ended")
        await self._record(session, found)

    async def _record(self, session: Session, found: Probe) -> None:
        """Store the outcome; stop what runs and is not wanted any more (R14, R17)."""

        def outcome(tx: Transaction) -> Session:
            tx.lock(session.workspace_id)
            if isinstance(found, Running):
                return self._sessions.started(tx, session.id, session.attempt)
            return self._sessions.ended(tx, session.id, session.attempt, found)

        stored = await self._ledger.transact(outcome)
        wanted = stored.status is SessionStatus.RUNNING and stored.attempt == session.attempt
        if isinstance(found, Running) and not wanted:
            await self._stop(session)
