"""Actions at GitHub are done once, whatever is lost on the way."""

from typing import Any

import pytest

from headway_core.forge_actions.model import (
    ACTION_LIMIT,
    ACTIONS_OF,
    ActionStatus,
    ForgeAction,
    OpenPullRequest,
    Order,
    Reply,
)
from headway_core.forge_actions.service import READ_LAG
from headway_core.kernel.errors import InvalidInput, PermissionDenied, Unavailable
from headway_core.operations import Manual
from headway_core.testing.house import FakeHouse
from headway_core.workspaces import Workspace

pytestmark = pytest.mark.anyio

REPLY = Reply(thread_id="T1", body="Done.")
OPEN = OpenPullRequest(head="headway/fix", base="main", title="Fix", body="", draft=False)


class Crash(BaseException):
    """The process dies here."""


class Desk:
    """A house with one provisioned workspace, and its action duty."""

    def __init__(self) -> None:
        self.house = FakeHouse()
        self.core: Any = self.house.core
        self.crash_at: str | None = None
        self.house.writer.point = self._point

    async def _point(self, name: str) -> None:
        if name == self.crash_at:
            self.crash_at = None
            raise Crash(name)

    async def begin(self) -> "Desk":
        self.house.git.add_repository("/repo")
        project = await self.core.projects().register("/repo")
        self.workspace: Workspace = await self.core.creation().create(
            Manual(project_id=project.id, name="Fix", branch="headway/fix")
        )
        await self.core.provisioning().provision(self.workspace.id)
        return self

    async def ask(self, order: Order) -> None:
        def work(tx: Any) -> None:
            tx.lock(self.workspace.id)
            self.core.forge_actions().ask(tx, workspace_id=self.workspace.id, session_id="s", order=order)

        await self.house.store.ledger.transact(work)

    async def act(self) -> None:
        """One run of the duty, dead or alive."""
        (duty,) = [duty for duty in self.core.duties() if duty.name == "forge actions"]
        try:
            await duty.run()
        except Crash:
            return

    async def action(self) -> ForgeAction:
        (found,) = await self.house.store.ledger.read(
            lambda tx: self.core.read_actions().query(tx, ACTIONS_OF, workspace_id=self.workspace.id)
        )
        return found  # type: ignore[no-any-return]  # read through an untyped container


@pytest.fixture
async def desk() -> Desk:
    return await Desk().begin()


@pytest.mark.parametrize("order", [REPLY, OPEN], ids=["reply", "pull request"])
async def test_an_action_is_done(desk: Desk, order: Order) -> None:
    """It exists once, with its mark, and a second look does nothing."""
    await desk.ask(order)
    await desk.act()
    await desk.act()
    action = await desk.action()
    assert action.status is ActionStatus.DONE
    assert desk.house.writer.effects == [(order, action.mark)]


@pytest.mark.parametrize("crash_at", ["before find", "before write", "after write"])
@pytest.mark.parametrize("order", [REPLY, OPEN], ids=["reply", "pull request"])
async def test_a_crash_does_not_repeat_it(desk: Desk, order: Order, crash_at: str) -> None:
    """Wherever the process died: after the read lag its effect is looked for, and exists once."""
    await desk.ask(order)
    desk.crash_at = crash_at
    await desk.act()
    desk.house.clock.advance(READ_LAG)
    await desk.act()
    assert (await desk.action()).status is ActionStatus.DONE
    assert len(desk.house.writer.effects) == 1


async def test_nothing_is_written_again_within_the_read_lag(desk: Desk) -> None:
    """What GitHub does not show yet may exist: not before the lag has passed."""
    await desk.ask(REPLY)
    desk.crash_at = "after write"
    await desk.act()
    desk.house.writer.lag = 1
    await desk.act()
    assert len(desk.house.writer.effects) == 1
    desk.house.writer.lag = 0
    desk.house.clock.advance(READ_LAG)
    await desk.act()
    assert len(desk.house.writer.effects) == 1


async def test_a_refusal_that_may_pass_is_tried_again_a_few_times(desk: Desk) -> None:
    """Unavailable and permission: with growing pauses, then given up with the reason."""
    await desk.ask(REPLY)
    desk.house.writer.refusals = [Unavailable("github", "is down"), PermissionDenied("github", "no")] * 5
    for _ in range(ACTION_LIMIT + 2):
        await desk.act()
        desk.house.clock.advance(1000)
    action = await desk.action()
    assert (action.status, action.attempts) == (ActionStatus.FAILED, ACTION_LIMIT)
    assert action.problem
    assert desk.house.writer.effects == []


async def test_a_refusal_of_the_content_is_final(desk: Desk) -> None:
    """What GitHub will never take is not tried again."""
    await desk.ask(REPLY)
    desk.house.writer.refusals = [InvalidInput("body", "is too long")]
    await desk.act()
    assert (await desk.action()).status is ActionStatus.FAILED
