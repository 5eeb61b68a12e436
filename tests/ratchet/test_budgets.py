"""A budget belongs to the workspace and the day, whatever is attached to it, and whoever attaches it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headway_core.processes import Exited
from headway_core.pull_requests.model import CheckOutcome, GitHubState
from headway_core.ratchet.decision import Decision, Dispatch, Stalled, StallReason
from headway_testing.observations import a_check, an_observation

pytestmark = pytest.mark.anyio
HouseT = Any
WELL = Exited(exit_code=0)
HOUR_S = 3600


async def _attach(harness: HouseT, node_id: str) -> None:
    steps = harness.core.pull_requests.steps()
    await harness.store.ledger.transact(lambda tx: steps.attach(tx, "w1", node_id))


async def _detach(harness: HouseT) -> None:
    steps = harness.core.pull_requests.steps()
    await harness.store.ledger.transact(lambda tx: steps.detach(tx, "w1"))


async def _red(harness: HouseT, node_id: str, run: int, **changes: Any) -> Decision:
    """The pull request that is attached is red by a new run, and its head has rested."""
    checks = (a_check(outcome=CheckOutcome.FAILED, run_id=str(run)),)
    for _ in range(2):
        seen = an_observation(node_id, checks=checks, **changes)
        harness.forge.observations[node_id] = seen
        await harness.core.pull_requests.service().refresh_workspace("w1")
        await harness.git_says(head=seen.state.head.commit)
        harness.clock.advance(100)
    found: Decision = await harness.check()
    return found


async def _fixed_for_nothing(harness: HouseT) -> None:
    await harness.end(WELL)
    await harness.check()


def _another_each_time(turn: int) -> str:
    return f"PR_{turn}"


def _two_by_turns(turn: int) -> str:
    return f"PR_{turn % 2}"


def _a_new_one_between_returns(turn: int) -> str:
    return "PR_own" if turn % 2 else f"PR_{turn}"


@pytest.mark.parametrize("node_of", [_another_each_time, _two_by_turns, _a_new_one_between_returns])
async def test_whoever_opens_and_closes_pull_requests_refills_no_budget(
    harness: HouseT, node_of: Callable[[int], str]
) -> None:
    """Five fixers without progress are all, however many pull requests come and go in eight hours."""
    await harness.workspace()
    decisions = []
    for turn in range(60):
        node_id = node_of(turn)
        await _attach(harness, node_id)
        decisions.append(await _red(harness, node_id, turn))
        if isinstance(decisions[-1], Dispatch):
            await _fixed_for_nothing(harness)
        seen = an_observation(node_id, state=GitHubState.CLOSED)
        harness.forge.observations[node_id] = seen
        await harness.core.pull_requests.service().refresh_workspace("w1")
        harness.clock.advance(280)
    assert [type(d) for d in decisions[:5]] == [Dispatch] * 5
    assert {d.reason for d in decisions[5:] if isinstance(d, Stalled)} == {StallReason.BUDGET}
    assert len(await harness.dispatches()) == 5


async def test_a_detached_pull_request_takes_no_budget_with_it(harness: HouseT) -> None:
    """Letting go of a pull request and attaching it again is no progress either."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_between_progress=1)
    assert isinstance(await _red(harness, "PR_w1", 1), Dispatch)
    await _fixed_for_nothing(harness)
    await _detach(harness)
    await harness.check()
    await _attach(harness, "PR_2")
    spent = await _red(harness, "PR_2", 2)
    assert isinstance(spent, Stalled)
    assert spent.reason is StallReason.BUDGET


async def test_a_day_counts_the_fixers_of_all_pull_requests_though_each_makes_progress(
    harness: HouseT,
) -> None:
    """Twenty a day are all, also when every pull request goes from red to green by somebody's push."""
    await harness.workspace()
    for turn in range(40):
        await _attach(harness, f"PR_{turn}")
        decision = await _red(harness, f"PR_{turn}", turn, commit=f"{2 * turn:040x}")
        if isinstance(decision, Dispatch):
            await _fixed_for_nothing(harness)
        green = an_observation(
            f"PR_{turn}", commit=f"{2 * turn + 1:040x}", checks=(a_check(run_id=f"{turn}g"),)
        )
        harness.forge.observations[f"PR_{turn}"] = green
        for _ in range(2):
            await harness.core.pull_requests.service().refresh_workspace("w1")
            await harness.git_says(head=green.state.head.commit)
            harness.clock.advance(100)
        await harness.check()
        harness.clock.advance(600)
    assert len(await harness.dispatches()) == 20
    began = (await harness.dispatches())[0].created_at
    harness.clock.advance(began + timedelta(days=1, seconds=1) - harness.clock.now())
    await _attach(harness, "PR_later")
    assert isinstance(await _red(harness, "PR_later", 99), Dispatch)


async def test_a_person_who_switches_it_off_and_on_may_try_again(harness: HouseT) -> None:
    """That is what on again means: within one enabled period alone the budget is kept."""
    await harness.workspace()
    await harness.core.settings.service().change(budget_between_progress=1)
    assert isinstance(await _red(harness, "PR_w1", 1), Dispatch)
    await _fixed_for_nothing(harness)
    for enabled in (False, True):
        await harness.core.ratchet.service().switch("w1", enabled=enabled)
    harness.clock.advance(HOUR_S)
    assert isinstance(await _red(harness, "PR_w1", 2), Dispatch)
