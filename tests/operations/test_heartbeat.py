"""A host says that it is there while its runner lives, and ends what it runs when it was retired."""

from datetime import timedelta
from typing import Any

import anyio
import pytest

from headway_core.hosts import LOST_AFTER, Retired
from headway_core.kernel.duties import Duty, DutyRunner
from headway_core.operations import HostDuty
from headway_core.sessions import EndReason, FixerRequest, SessionStatus, WhenLive, run_of

pytestmark = pytest.mark.anyio
LIMIT_S = LOST_AFTER.total_seconds()


class Forever(Duty):
    name = "forever"

    async def run(self) -> float | None:
        await anyio.sleep_forever()
        return None


@pytest.fixture
async def other(world: Any, host: Any) -> Any:
    second = world.host("host-2")
    await host.core.operations.heartbeat().report()
    await second.core.operations.heartbeat().report()
    return second


def duty_of(host: Any) -> HostDuty:
    return next(duty for duty in host.core.duties() if isinstance(duty, HostDuty))


async def retire(world: Any, survivor: Any, host_id: str) -> None:
    """It slept, and was retired meanwhile."""
    world.clock.advance(LIMIT_S)
    await survivor.core.operations.heartbeat().report()
    await survivor.core.hosts.service().retire(host_id)


async def with_fixer(host: Any, name: str) -> Any:
    """A READY workspace of the host in which a fixer runs."""
    ready = await host.ready(name)
    request = FixerRequest(
        workspace_id=ready.id, label="fix-ci", causes=("CI",), prompt="Fix", when_live=WhenLive.RESTART
    )
    await host.core.sessions.fixers().acquire_and_dispatch(request, wait_s=0)
    await host.executor.round()
    return ready


async def test_the_duty_reports_before_it_judges(world: Any, host: Any, other: Any) -> None:
    """A runner that slept does not find itself lost; often enough that one report may be late."""
    world.clock.advance(LIMIT_S * 10)
    await duty_of(host).run()
    lost = {known.host.id: known.host.lost_at is not None for known in await host.core.hosts.service().list()}
    assert lost == {"host-1": False, "host-2": True}
    assert timedelta(seconds=duty_of(host).interval_s) * 4 <= LOST_AFTER


async def test_a_runner_whose_host_was_retired_ends(world: Any, host: Any, other: Any) -> None:
    """Its other duties end with the one that learns of it."""
    await retire(world, host, "host-2")
    runner = DutyRunner(world.store.ledger, [Forever(), duty_of(other)])
    with anyio.fail_after(5), pytest.raises(ExceptionGroup) as raised:
        await runner.run()
    assert raised.group_contains(Retired)
    assert len(raised.value.exceptions) == 1


@pytest.mark.recovers("retired-alive")
async def test_nothing_runs_on_where_a_host_was_retired(world: Any, host: Any, other: Any) -> None:
    """Never two agents for one cause: what was moved has another one by now, what was not is stopped.

    What runs on the other hosts is left alone.
    """
    stays, moves, elsewhere = [
        await with_fixer(each, name) for each, name in ((other, "Stays"), (other, "Moves"), (host, "Else"))
    ]
    await retire(world, host, "host-2")
    world.git.worktrees.pop(moves.worktree_path)
    await host.core.operations.moving().move_here(moves.id)
    assert len(world.processes.running) == 3
    with pytest.raises(Retired):
        await other.core.operations.heartbeat().report()
    (mine,) = await host.sessions.list(elsewhere.id)
    assert world.processes.running == [run_of(mine.id, 1)]
    (stopped,), (lost,) = [await host.sessions.list(each.id) for each in (stays, moves)]
    assert (stopped.status, stopped.end_reason) == (SessionStatus.COMPLETED, EndReason.STOPPED_BY_HEADWAY)
    assert (lost.status, lost.end_reason) == (SessionStatus.FAILED, EndReason.LOST)
    with pytest.raises(Retired):
        await other.core.operations.heartbeat().report()  # safe to repeat
