"""Defects that are planted in the product, each as somebody could have written it: the simulator's teeth.

A defect replaces one step by a broken one, for the length of a `with` block, from outside.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import attrs
from simulator.forge import WorldForgeWriter
from simulator.local import WorldWorktrees
from simulator.machine import Machine

from headway_core.forge_actions import ForgeActionDuty
from headway_core.forge_actions.model import OpenPullRequest
from headway_core.kernel import memory, memory_rows
from headway_core.kernel.claims import Claim
from headway_core.kernel.consumers import ConsumerPosition, EventReader
from headway_core.kernel.duties import DutyRunner
from headway_core.kernel.errors import Unavailable
from headway_core.operations import (
    ArchiveService,
    Busy,
    ProvisioningService,
    RecoveryService,
    WorkspaceCreationService,
)
from headway_core.processes import Exited, Running, Vanished
from headway_core.projects import ProjectService
from headway_core.pull_requests import (
    PRSnapshotService,
    PullRequestRepository,
    checks,
    discovery,
    fetches,
    reconciliation,
)
from headway_core.pull_requests.model import GitHubState
from headway_core.pull_requests.ports import Observation
from headway_core.pull_requests.single_flight import SingleFlight
from headway_core.ratchet import causes as ratchet_causes
from headway_core.ratchet import feedback as ratchet_feedback
from headway_core.ratchet import steps as ratchet_steps
from headway_core.ratchet.causes import remember
from headway_core.ratchet.decision import Dispatch
from headway_core.ratchet.dispatches import DispatchSteps
from headway_core.ratchet.duty import RatchetDuty
from headway_core.ratchet.slots import FixerSlots
from headway_core.ratchet.steps import RatchetSteps
from headway_core.ratchet.trust import Trust
from headway_core.sessions import (
    LimitReached,
    Purpose,
    SessionExecutor,
    SessionService,
    SessionStatus,
    SessionSteps,
)
from headway_core.sessions import executor as sessions_executor
from headway_core.sessions.fixer_steps import FixerSteps
from headway_core.workspaces import WorkspaceClaims
from headway_core.workspaces.model import WorkspaceStatus
from headway_core.workspaces.steps import WorkspaceSteps

Planted = Iterator[None]
SURPRISE = "no surprise"
"""What is violated by a defect that is planted wrongly."""

_ratchet_steps: Any = ratchet_steps


@contextmanager
def replaced(owner: Any, **broken: Any) -> Planted:
    """Give `owner` these attributes instead of its own."""
    before = {name: getattr(owner, name) for name in broken}
    for name, value in broken.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def no_claim() -> Planted:
    """The one-live-fixer index is gone, and nobody looks for a live fixer before making one."""

    def acquire(self: Any, tx: Any, request: Any, *, actor: str = "headway") -> Any:
        if (blocked := self._sessions.not_ready(tx, request.workspace_id)) is not None:
            return blocked
        created = self._sessions.create(
            tx,
            workspace=self._sessions.workspace(tx, request.workspace_id),
            purpose=Purpose.FIXER,
            label=request.label,
            agent=request.agent,
            model=request.model,
            actor=actor,
        )
        return created if not hasattr(created, "id") else self._start(tx, created, request, actor)

    def put(self: Any, key: Any, record: Any) -> None:
        before = self.rows.get(key)
        self._apply(key, before, record)
        self._journal.append(lambda: self._apply(key, record, before))

    with replaced(FixerSteps, acquire=acquire), replaced(memory_rows.MemoryRows, set=put):
        yield


@contextmanager
def intent_after_effect() -> Planted:
    """The worktree is made before the workspace is PROVISIONING."""
    provision = ProvisioningService.provision

    async def eager(self: Any, workspace_id: str) -> Any:
        workspace = await self._workspace(workspace_id)
        if workspace.status is WorkspaceStatus.NEW:
            project = await self._ledger.read(lambda tx: self._projects.get(tx, workspace.project_id))
            async with self._locks.workspace(workspace_id) as mine:
                if mine:
                    await self._worktrees.create(
                        self._order(workspace, project, self._worktree_paths.worktree(project, workspace))
                    )
        return await provision(self, workspace_id)

    with replaced(ProvisioningService, provision=eager):
        yield


@contextmanager
def posting_without_an_intent() -> Planted:
    """The reply is written first, and that it was begun is stored afterwards."""

    async def carry_out(self: Any, action: Any, project: Any) -> None:
        try:
            found = await self._writer.find(project, action.order, action.mark)
            if found is None:
                found = await self._writer.write(project, action.order, action.mark)
            await self._begin(action)
            await self._done(action, found)
        except Unavailable as error:
            await self._failed(action, error.problem)

    with replaced(ForgeActionDuty, _carry_out=carry_out):
        yield


@contextmanager
def no_compare_and_swap() -> Planted:
    """A record replaces whatever is there, and an outcome is written on what was read before the effect."""

    def replace(self: Any, tx: Any, record: Any) -> Any:
        scope = memory._scope(tx, self._store)
        scope.written(self.spec, record)
        if self.spec.versioned:
            record = attrs.evolve(record, version=record.version + 1)
        return self._set(scope, self.spec.key_of(record), record)

    record_outcome = SessionExecutor._record

    async def record(self: Any, session: Any, found: Any) -> None:
        if not isinstance(found, Running) or session.status is not SessionStatus.STARTING:
            await record_outcome(self, session, found)
            return

        def outcome(tx: Any) -> None:
            tx.lock(session.workspace_id)
            self._sessions._prompts.settle(tx, session.id, "DELIVERED")
            self._sessions._move(tx, session, SessionStatus.RUNNING, started_at=session.last_active_at)

        await self._ledger.transact(outcome)

    with replaced(memory._MemoryWriter, replace=replace), replaced(SessionExecutor, _record=record):
        yield


@contextmanager
def outcome_lost() -> Planted:
    """How an agent ended is looked at, and not stored when it failed."""
    ended = SessionSteps.ended

    def forgetful(self: Any, tx: Any, session_id: str, attempt: int, found: Any) -> Any:
        if isinstance(found, Exited) and found.exit_code:
            return self.known(tx, session_id)
        return ended(self, tx, session_id, attempt, found)

    with replaced(SessionSteps, ended=forgetful):
        yield


@contextmanager
def event_outside_the_transaction() -> Planted:
    """A dispatch is stored by one transaction, and told by none of it."""
    with replaced(DispatchSteps, _tell=lambda *_: None):
        yield


@contextmanager
def stale_observation_accepted() -> Planted:
    """Whatever GitHub says is believed, in the order in which answers arrive."""
    with replaced(reconciliation, _refusal=lambda *_: None):
        yield


@contextmanager
def limit_before_the_transaction() -> Planted:
    """The limit of sessions is looked at, and then a session is created."""
    start_chat, create = SessionService.start_chat, SessionSteps.create

    async def counted_before(self: Any, workspace_id: str, *args: Any, **more: Any) -> Any:
        live = await self._ledger.read(lambda tx: self._steps.live(tx, workspace_id))
        settings = await self._ledger.read(self._steps._settings.current)
        if len(live) >= settings.session_limit:
            return LimitReached(limit=settings.session_limit)
        return await start_chat(self, workspace_id, *args, **more)

    def unchecked(self: Any, tx: Any, **more: Any) -> Any:
        settings = self._settings
        roomy = attrs.evolve(settings.current(tx), session_limit=10_000)
        self._settings = type("Roomy", (), {"current": lambda _, __: roomy})()
        try:
            return create(self, tx, **more)
        finally:
            self._settings = settings

    with replaced(SessionService, start_chat=counted_before), replaced(SessionSteps, create=unchecked):
        yield


@contextmanager
def lock_not_taken() -> Planted:
    """Sessions are tended without the lock of their workspace."""

    async def tend(self: Any, workspace_id: str, due: Any) -> None:
        busy = await self._ledger.transact(lambda tx: self._begin_waiting(tx, workspace_id))
        await self._together(self._advance, busy)

    with replaced(SessionExecutor, _tend_workspace=tend):
        yield


@contextmanager
def handled_at_dispatch() -> Planted:
    """Causes are remembered as handled when their fixer is sent off."""
    dispatch = RatchetSteps._dispatch

    def hasty(self: Any, tx: Any, record: Any, view: Any, decision: Any) -> Any:
        record, decision = dispatch(self, tx, record, view, decision)
        if isinstance(decision, Dispatch):
            causes = [cause for cause in view.causes if cause.id in decision.cause_ids]
            record = attrs.evolve(record, handled=remember(record.handled, causes, died=False))
        return record, decision

    with replaced(RatchetSteps, _dispatch=hasty):
        yield


@contextmanager
def reply_without_looking() -> Planted:
    """An attempt whose outcome is unknown is repeated, and nobody looks for its mark."""

    async def carry_out(self: Any, action: Any, project: Any) -> None:
        try:
            if isinstance(action.order, OpenPullRequest):
                found = await self._writer.find(project, action.order, action.mark)
                if found is not None:
                    await self._done(action, found)
                    return
            if await self._begin(action) is not None:
                await self._done(action, await self._writer.write(project, action.order, action.mark))
        except Unavailable as error:
            await self._failed(action, error.problem)

    with replaced(ForgeActionDuty, _carry_out=carry_out):
        yield


@contextmanager
def only_open_ones_are_evidence() -> Planted:
    """A pull request that somebody closed is not looked at when its opening had no answer."""
    find = WorldForgeWriter._find

    def narrow(self: Any, order: Any, mark: str, lag: timedelta) -> Any:
        found = find(self, order, mark, lag)
        pull = self._world.github.pulls.get(found.node_id) if found is not None else None
        return None if pull is not None and pull.now.state is not GitHubState.OPEN else found

    with replaced(WorldForgeWriter, _find=narrow):
        yield


@contextmanager
def started_not_exclusive() -> Planted:
    """A supervisor does not mind that its attempt was closed."""
    with replaced(Machine, create_started=lambda *_: True):
        yield


@contextmanager
def disable_not_checked() -> Planted:
    """A check that was on its way goes on when the ratchet is switched off."""
    check, decision_inputs = RatchetSteps.check, _ratchet_steps.decision_inputs

    def unaware(self: Any, tx: Any, workspace_id: str) -> Any:
        record = self._record
        self._record = lambda tx, key: attrs.evolve(record(tx, key), enabled=True)
        try:
            return check(self, tx, workspace_id)
        finally:
            del self._record

    with (
        replaced(RatchetSteps, check=unaware),
        replaced(
            _ratchet_steps,
            decision_inputs=lambda view, record: attrs.evolve(decision_inputs(view, record), enabled=True),
        ),
    ):
        yield


@contextmanager
def partial_answer_clears() -> Planted:
    """What a fetch did not read is taken for empty."""
    merged = reconciliation._merged

    def emptied(known: Any, observation: Observation) -> Any:
        facts = merged(known, observation)
        if observation.checks is None:
            facts = attrs.evolve(facts, checks=(), checks_complete=False)
        if observation.conversation is None:
            facts = attrs.evolve(facts, reviews=(), threads=(), conversation_complete=False)
        return facts

    with replaced(reconciliation, _merged=emptied):
        yield


@contextmanager
def archive_without_preserving() -> Planted:
    """A worktree is removed by force, whatever lies in it."""
    put_away = WorldWorktrees.put_away

    async def force(self: Any, order: Any) -> Any:
        if order.path in self._machine.worktrees:
            self._machine.worktrees[order.path].dirty.clear()
        return await put_away(self, order)

    with replaced(WorldWorktrees, put_away=force):
        yield


@contextmanager
def archive_judged_by_status() -> Planted:
    """A worktree goes when git's status shows nothing: not what is hidden, nor where `.git` is gone."""
    put_away = WorldWorktrees.put_away

    async def blind(self: Any, order: Any) -> Any:
        tree = self._machine.worktrees.get(order.path)
        if tree is not None:
            tree.hidden.clear()
            if tree.broken:
                tree.dirty.clear()
                tree.broken = False
        return await put_away(self, order)

    with replaced(WorldWorktrees, put_away=blind):
        yield


@contextmanager
def strays_of_anybody() -> Planted:
    """Recovery removes every clean worktree that no workspace is known for, whoever made it."""

    async def clear_away(self: Any, project: Any, base: str, stray: Any, found: Any) -> None:
        if not stray.holds_work:
            await self._worktrees.remove(project.repo_path, base, stray.path, lose_ignored=False)

    with replaced(RecoveryService, _clear_away=clear_away):
        yield


@contextmanager
def prompt_again_after_a_loss() -> Planted:
    """An attempt whose supervisor died is started once more, though the agent may have read its prompt."""
    ended = SessionSteps.ended

    def renewing(self: Any, tx: Any, session_id: str, attempt: int, found: Any) -> Any:
        session = self.known(tx, session_id)
        if isinstance(found, Vanished) and session.attempt == attempt:
            if session.status is SessionStatus.STARTING:
                return self._renew(tx, session)
            prompts = self._prompts.of(tx, session_id)
            over = ended(self, tx, session_id, attempt, found)
            idle = self._sessions.replace(tx, attrs.evolve(over, status=SessionStatus.IDLE))
            for prompt in prompts:
                self._prompts.queue(tx, idle, prompt.text, causes=prompt.causes, actor="headway")
            return idle
        return ended(self, tx, session_id, attempt, found)

    with replaced(SessionSteps, ended=renewing):
        yield


@contextmanager
def merged_is_overlooked() -> Planted:
    """A dispatch goes on when its pull request is merged or closed."""
    with replaced(DispatchSteps, _obsolete=lambda *_: None):
        yield


@contextmanager
def fetch_never_expires() -> Planted:
    """A fetch that died with its process keeps the workspace from ever being read again."""

    async def nothing(_self: Any) -> None:
        return None

    with (
        replaced(fetches, LEASE=timedelta(days=1)),
        replaced(PRSnapshotService, recover=nothing),
    ):
        yield


@contextmanager
def archives_not_recovered() -> Planted:
    """An archive that died with its process stays ARCHIVING."""

    async def nothing(self: Any, workspace_id: str) -> Busy:
        return Busy(workspace_id=workspace_id)

    with replaced(ArchiveService, resume=nothing):
        yield


@contextmanager
def a_word_outlives_its_process() -> Planted:
    """An archive that died is gone on with as if a person had just said that ignored files may be lost."""
    carry_out = ArchiveService._carry_out

    async def careless(self: Any, workspace: Any, project: Any, *, lose_ignored: bool) -> Any:
        return await carry_out(self, workspace, project, lose_ignored=True)

    with replaced(ArchiveService, _carry_out=careless):
        yield


@contextmanager
def deaths_not_counted() -> Planted:
    """A cause whose fixers die is dispatched for ever."""
    with replaced(ratchet_causes, DEATH_LIMIT=1_000):
        yield


@contextmanager
def everybody_is_trusted() -> Planted:
    """Whoever says something is heard."""
    with replaced(Trust, hears=lambda *_: True):
        yield


@contextmanager
def position_in_a_transaction_of_its_own() -> Planted:
    """A consumer reacts, and then stores that it did."""

    async def hand_over(self: Any, consumer: Any, events: Any) -> bool:
        for event in events:
            if consumer.wants(event):
                prepared = await consumer.prepare(event)
                await self._ledger.transact(partial(react, consumer, event, prepared))
        await self._ledger.transact(partial(store, self._positions, consumer.name, events[-1].position))
        return True

    def store(positions: Any, name: str, position: int, tx: Any) -> None:
        stored = positions.lock_row(tx, name)
        if stored is None:
            positions.add(tx, ConsumerPosition(name=name, position=position))
        else:
            positions.replace(tx, attrs.evolve(stored, position=position))

    def react(consumer: Any, event: Any, prepared: Any, tx: Any) -> None:
        if event.workspace_id is not None:
            tx.lock(event.workspace_id)
        consumer.handle(tx, event, prepared)

    with replaced(EventReader, _hand_over=hand_over):
        yield


@contextmanager
def handled_is_forgotten() -> Planted:
    """What fixers have had is not remembered."""
    with replaced(ratchet_steps, remember=lambda handled, causes, **_: handled):
        yield


@contextmanager
def fetches_are_not_shared() -> Planted:
    """Whoever wants to know asks the forge, whether somebody is asking already or not."""

    async def alone(*_: Any, **__: Any) -> None:
        return None

    def acquire(self: Any, tx: Any, keys: Any, *, holder: str, lease: timedelta) -> Any:
        scope = memory._scope(tx, self._store)
        wanted = sorted(set(keys))
        tokens = {key: stored.token if (stored := self._stored(key)) else 0 for key in wanted}
        until = tx.now() + lease
        return {
            key: self._set(
                scope,
                Claim(kind=self.kind, key=key, holder=holder, token=token + 1, expires_at=until),
            )
            for key, token in tokens.items()
        }

    with (
        replaced(SingleFlight, wait=alone, free=lambda _, workspace_ids: list(workspace_ids)),
        replaced(memory._MemoryClaims, acquire=acquire),
    ):
        yield


@contextmanager
def late_facts_of_another_pull_request() -> Planted:
    """What a slow fetch brings is stored, though the workspace has another pull request by now."""
    refusal = reconciliation._refusal

    def unguarded(snapshot: Any, watch: Any, state: Any, number: int) -> Any:
        return refusal(attrs.evolve(snapshot, node_id=state.node_id), watch, state, number)

    with replaced(reconciliation, _refusal=unguarded):
        yield


@contextmanager
def told_twice() -> Planted:
    """A dispatch that changes is told by who changes it, and by who stores it."""
    tell = DispatchSteps._tell

    def twice(self: Any, tx: Any, dispatch: Any) -> None:
        tell(self, tx, dispatch)
        tell(self, tx, dispatch)

    with replaced(DispatchSteps, _tell=twice):
        yield


@contextmanager
def a_stop_is_not_heard() -> Planted:
    """A runner that is to end goes on with its duties."""
    run = DutyRunner.run

    async def deaf(self: Any) -> None:
        with anyio.move_on_after(600, shield=True):
            await run(self)

    with replaced(DutyRunner, run=deaf):
        yield


@contextmanager
def an_abandoned_check_goes_on() -> Planted:
    """Who stops waiting for a check of the ratchet has not stopped it."""
    look = RatchetDuty.look

    async def detached(self: Any, workspace_id: str) -> None:
        await asyncio.shield(asyncio.get_running_loop().create_task(look(self, workspace_id)))

    with replaced(RatchetDuty, look=detached):
        yield


@contextmanager
def more_fixers_than_slots() -> Planted:
    """Everybody who waits for a slot is next in line."""

    def next_in_line(self: Any, _settings: Any, *newcomers: tuple[str, str]) -> tuple[str, ...]:
        return tuple(workspace_id for workspace_id, _ in (*self.waiting, *newcomers))

    with replaced(FixerSlots, next_in_line=next_in_line):
        yield


@contextmanager
def a_key_that_is_not_looked_at() -> Planted:
    """A call that is repeated makes another workspace."""
    store = WorkspaceCreationService._store

    def unkeyed(self: Any, *args: Any, idempotency_key: str | None, **more: Any) -> Any:
        return store(self, *args, idempotency_key=None, **more)

    with replaced(WorkspaceCreationService, _store=unkeyed):
        yield


@contextmanager
def the_remote_as_it_is_written() -> Planted:
    """A project is named after its remote, with the token that somebody left in it."""
    register = ProjectService.register

    async def named(self: Any, path: str, **more: Any) -> Any:
        repository = await self._repositories.repository(path)
        return await register(self, path, name=repository.origin_url, **more)

    with replaced(ProjectService, register=named):
        yield


@contextmanager
def another_hosts_sessions() -> Planted:
    """A runner recovers and tends the sessions of every host."""
    due = SessionExecutor._due

    def everybodys(self: Any, tx: Any) -> Any:
        sessions, locks = self._sessions, self._locks
        self._sessions = _Anywhere(sessions, locks.host_id)
        try:
            return due(self, tx)
        finally:
            self._sessions = sessions

    with replaced(SessionExecutor, _due=everybodys):
        yield


class _Anywhere:
    """A session service that says of every workspace that it is on this host."""

    def __init__(self, sessions: Any, host_id: str) -> None:
        self._sessions = sessions
        self._host_id = host_id

    def workspace(self, tx: Any, workspace_id: str) -> Any:
        return attrs.evolve(self._sessions.workspace(tx, workspace_id), host_id=self._host_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)


@contextmanager
def archive_forgets_sessions() -> Planted:
    """An archive removes the worktree under agents that run."""

    async def nothing(_self: Any, _workspace_id: str) -> None:
        return None

    with (
        replaced(SessionExecutor, settle_all=nothing),
        replaced(ArchiveService, _stop_sessions=lambda *_: None),
    ):
        yield


@contextmanager
def a_new_pull_request_refills_the_budget() -> Planted:
    """What a workspace has spent is forgotten when another pull request is attached to it."""
    progressed = _ratchet_steps.progressed

    def generous(record: Any, view: Any) -> Any:
        facts, seen = view.facts, record.seen
        if facts is not None and seen is not None and seen.node_id != facts.node_id:
            record = attrs.evolve(record, dispatch_times=(), since_progress=0)
        return progressed(record, view)

    with replaced(_ratchet_steps, progressed=generous):
        yield


@contextmanager
def a_newer_suite_wins_whole() -> Planted:
    """What an older run of a workflow said is dropped, also of a job that the newer one does not have."""
    standing = checks._standing

    def of_the_newest(runs: Any) -> Any:
        newest: dict[Any, int] = {}
        for run in runs:
            newest[run.of] = max(newest.get(run.of, 0), run.run or 0)
        return standing([run for run in runs if run.run == newest[run.of]])

    with replaced(checks, _standing=of_the_newest):
        yield


@contextmanager
def absence_is_success() -> Planted:
    """Nobody expects of a head what the one before it had."""
    with replaced(reconciliation, expected_of_next_head=lambda _snapshot: ()):
        yield


@contextmanager
def a_glance_is_believed() -> Planted:
    """An attempt is over when its files say so: nobody looks who lives."""

    async def settle(self: Any, session: Any) -> Any:
        found = await self._supervisor.probe(session.run)
        return await self._supervisor.settle(session.run) if found is None else found

    with replaced(SessionExecutor, _settle=settle):
        yield


@contextmanager
def nobody_looks_who_lives() -> Planted:
    """An attempt is over when its files say so, and the next one starts whoever lives."""
    with a_glance_is_believed(), replaced(SessionSteps, runs_over=lambda *_: ()):
        yield


@contextmanager
def a_contradiction_stops_nothing() -> Planted:
    """An agent that wrote its own evidence is started again like any other that failed."""
    with replaced(WorkspaceSteps, stop=lambda self, tx, workspace_id, _why: self.known(tx, workspace_id)):
        yield


@contextmanager
def one_after_the_other() -> Planted:
    """A round waits for everybody, however long it takes."""

    async def watch(self: Any) -> None:
        while True:
            busy = await self.round()
            await anyio.sleep(0.5 if busy else 2.0)

    with replaced(SessionExecutor, watch=watch), replaced(sessions_executor, ACTION_LIMIT_S=100_000.0):
        yield


@contextmanager
def a_branch_of_that_name_is_ours() -> Planted:
    """A fork's pull request is attached when its branch has our branch's name."""
    with replaced(discovery, _is_made_here=lambda *_: True):
        yield


@contextmanager
def claims_of_clones() -> Planted:
    """A branch and a pull request are claimed in a project, and not in its repository."""
    claim = PullRequestRepository._claim

    def of_project(self: Any, tx: Any, workspace_id: str, node_id: str) -> str | None:
        found = self.workspace_and_project(tx, workspace_id)
        return claim(self, tx, workspace_id, f"{node_id} in {found[1].id}" if found else node_id)

    with (
        replaced(WorkspaceClaims, _repository=lambda _self, _tx, project_id: project_id),
        replaced(PullRequestRepository, _claim=of_project),
    ):
        yield


@contextmanager
def thanks_are_feedback() -> Planted:
    """What a bot says to a reply of ours asks for something."""
    with replaced(ratchet_feedback, _asked=ratchet_feedback.heard):
        yield


@contextmanager
def ticks_are_news() -> Planted:
    """A bot that edits its remark has said something new."""
    with replaced(ratchet_feedback, _changed_at=lambda _, written, edited: max(written, edited or written)):
        yield


@contextmanager
def rounds_without_end() -> Planted:
    """A thread that a bot alone keeps open gets a fixer for each remark."""
    with replaced(ratchet_causes, _rounds=lambda *_: 0):
        yield


@contextmanager
def every_post_is_a_build() -> Planted:
    """A status is known by its id, which is new each time that it is posted."""
    with replaced(checks, _said=lambda _, row: row.id):
        yield


DEFECTS: dict[str, Callable[[], Any]] = {
    plant.__name__.replace("_", " "): plant
    for plant in (
        no_claim,
        intent_after_effect,
        posting_without_an_intent,
        no_compare_and_swap,
        outcome_lost,
        event_outside_the_transaction,
        stale_observation_accepted,
        limit_before_the_transaction,
        lock_not_taken,
        handled_at_dispatch,
        reply_without_looking,
        only_open_ones_are_evidence,
        started_not_exclusive,
        disable_not_checked,
        partial_answer_clears,
        archive_without_preserving,
        archive_judged_by_status,
        strays_of_anybody,
        prompt_again_after_a_loss,
        merged_is_overlooked,
        fetch_never_expires,
        archives_not_recovered,
        a_word_outlives_its_process,
        deaths_not_counted,
        everybody_is_trusted,
        position_in_a_transaction_of_its_own,
        handled_is_forgotten,
        fetches_are_not_shared,
        late_facts_of_another_pull_request,
        told_twice,
        a_stop_is_not_heard,
        an_abandoned_check_goes_on,
        more_fixers_than_slots,
        a_key_that_is_not_looked_at,
        the_remote_as_it_is_written,
        another_hosts_sessions,
        archive_forgets_sessions,
        a_glance_is_believed,
        nobody_looks_who_lives,
        a_contradiction_stops_nothing,
        one_after_the_other,
        a_new_pull_request_refills_the_budget,
        a_branch_of_that_name_is_ours,
        claims_of_clones,
        a_newer_suite_wins_whole,
        absence_is_success,
        thanks_are_feedback,
        ticks_are_news,
        rounds_without_end,
        every_post_is_a_build,
    )
}
"""By name."""
