"""One process of the product, as far as sessions go, over a store and a world that outlive it."""

from collections.abc import Callable
from typing import TypeVar

import attrs
import pytest

from headway_core import hosts, sessions, settings, workspaces
from headway_core.kernel.events import UnknownPayload
from headway_core.kernel.transactions import Payload, Transaction
from headway_core.projects.model import PROJECTS
from headway_core.sessions import (
    FixerRequest,
    FixerSessionService,
    FixerSteps,
    Prompt,
    PromptSteps,
    Purpose,
    Session,
    SessionExecutor,
    SessionService,
    SessionStatus,
    SessionSteps,
    WhenLive,
)
from headway_core.settings import SettingsService, SettingsSteps
from headway_core.workspaces import ManualSource, SessionPolicy, Workspace, WorkspaceClaims, WorkspaceSteps
from headway_testing.crash_points import Point, no_point
from headway_testing.harness import Harness, World

T = TypeVar("T")
HOST = "host-1"


class SessionsHarness(Harness):
    """The services of one process. `again` is the next process on the same store and world.

    They are joined by hand, and not by the container: some tests make thousands of processes.
    """

    def __init__(self, world: World | None = None, *, host_id: str = HOST, point: Point = no_point) -> None:
        super().__init__(world, host_id=host_id, point=point)
        store = self.own_store
        self.ledger = store.ledger
        self.session_rows = store.reader(sessions.SESSIONS)
        settings_steps = SettingsSteps(store.writer(settings.SETTINGS))
        self.settings = SettingsService(self.ledger, settings_steps)
        self.workspaces = WorkspaceSteps(
            store.writer(workspaces.WORKSPACES),
            store.writer(workspaces.GIT_FACTS),
            WorkspaceClaims(store.reader(workspaces.WORKSPACES), store.reader(PROJECTS)),
        )
        self.prompts = PromptSteps(store.writer(sessions.PROMPTS))
        self.steps = SessionSteps(
            sessions=store.writer(sessions.SESSIONS),
            prompts=self.prompts,
            activity=store.writer(sessions.SESSION_ACTIVITY),
            workspaces=self.workspaces,
            settings=settings_steps,
        )
        self.sessions = SessionService(self.ledger, self.steps, self.prompts)
        self.fixer_steps = FixerSteps(self.steps, store.reader(hosts.HOSTS))
        self.fixers = FixerSessionService(self.ledger, self.fixer_steps, self.steps)
        self.executor = SessionExecutor(
            ledger=self.ledger,
            sessions=self.steps,
            session_rows=self.session_rows,
            prompts=self.prompts,
            supervisor=self.supervisor,
            agents=self.agents,
            locks=self.locks,
        )

    async def new_workspace(self, name: str = "fix") -> Workspace:
        """A workspace in NEW."""
        return await self.store.ledger.transact(
            lambda tx: self.workspaces.create(
                tx,
                project_id="project",
                name=name,
                description=None,
                source=ManualSource(initial_prompt=None),
                session_policy=SessionPolicy.NONE,
                branch=f"headway/{name}",
                branch_is_generated=True,
                base_branch="main",
                claims_issue=None,
                idempotency_key=None,
            )
        )

    async def make_ready(self, workspace_id: str) -> Workspace:
        def work(tx: Transaction) -> Workspace:
            self.workspaces.begin_provisioning(tx, workspace_id, HOST)
            return self.workspaces.provisioned(tx, workspace_id, f"/trees/{workspace_id}", None)

        return await self.store.ledger.transact(work)

    async def workspace(self, name: str = "fix") -> Workspace:
        """A READY workspace of the host."""
        return await self.make_ready((await self.new_workspace(name)).id)

    async def archiving(self, workspace_id: str) -> None:
        """ARCHIVING, and nothing was stopped."""
        await self.store.ledger.transact(lambda tx: self.workspaces.begin_archive(tx, workspace_id))

    async def step(self, workspace_id: str, work: Callable[[Transaction], T]) -> T:
        """One transaction that holds the workspace."""

        def locked(tx: Transaction) -> T:
            tx.lock(workspace_id)
            return work(tx)

        return await self.store.ledger.transact(locked)

    async def idle(
        self,
        workspace_id: str,
        purpose: Purpose = Purpose.CHAT,
        agent: str = "claude",
        prompt: str | None = "go",
    ) -> Session:
        """An IDLE session whose prompt, if any, waits."""

        def work(tx: Transaction) -> Session:
            known = self.steps.workspace(tx, workspace_id)
            session = self.steps.create(tx, workspace=known, purpose=purpose, label="made", agent=agent)
            assert isinstance(session, Session)
            if prompt is not None:
                self.steps.enqueue(tx, session, prompt)
            return session

        return await self.step(workspace_id, work)

    async def starting(self, workspace_id: str, purpose: Purpose = Purpose.CHAT) -> Session:
        session = await self.idle(workspace_id, purpose)
        begun = await self.step(workspace_id, lambda tx: self.steps.begin_start(tx, session))
        assert isinstance(begun, Session)
        return begun

    async def running(self, workspace_id: str, purpose: Purpose = Purpose.CHAT) -> Session:
        begun = await self.starting(workspace_id, purpose)
        return await self.step(workspace_id, lambda tx: self.steps.started(tx, begun.id, begun.attempt))

    async def prompt_of(self, session_id: str) -> Prompt:
        (prompt,) = await self.sessions.prompts(session_id)
        return prompt

    async def events(self, *kinds: type[Payload]) -> list[Payload | UnknownPayload]:
        found = [event.payload for event in await self.log()]
        return [payload for payload in found if not kinds or isinstance(payload, kinds)]

    def request(self, workspace_id: str, **changes: object) -> FixerRequest:
        asked = FixerRequest(
            workspace_id=workspace_id,
            label="ratchet",
            causes=("ci",),
            prompt="Fix the tests",
            when_live=WhenLive.RESTART,
        )
        return attrs.evolve(asked, **changes)  # type: ignore[arg-type]  # by its own names

    async def until(self, session_id: str, status: SessionStatus) -> None:
        """Wait until the session has this status, while somebody else makes the rounds."""
        while True:
            changed = self.ledger.changed()
            if (await self.sessions.get(session_id)).status is status:
                return
            await changed.wait()

    async def settle_down(self) -> None:
        """Rounds until nothing is busy; at most twenty."""
        for _ in range(20):
            if not await self.executor.round():
                return
        raise AssertionError("the sessions do not come to rest")


@pytest.fixture
def new_harness() -> type[SessionsHarness]:
    """Worlds without end, for those who try every point."""
    return SessionsHarness


@pytest.fixture
def harness() -> SessionsHarness:
    return SessionsHarness()
