"""GitHub's clock and ours differ: what is believed, how old it is said to be, and what waits for what."""

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from headway_core.pull_requests import Refreshed, Superseded
from headway_core.pull_requests.model import WATCHES, CheckOutcome, PullRequestWatch
from headway_core.pull_requests.reconciliation import RefusalReason
from headway_core.settings.model import SettingsRecord
from headway_testing.observations import a_candidate, a_check, an_observation

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

A_DAY = 86_400
SKEWS = pytest.mark.parametrize("skew_s", [-A_DAY, -600, 0, 600, A_DAY])
"""How far GitHub's clock is ahead of ours, seconds."""


async def attached(room: "Room") -> None:
    await room.set(quiet_time_s=0)
    await room.add()
    await room.attach()


@SKEWS
async def test_facts_are_ordered_by_githubs_clock_and_aged_by_ours(room: "Room", skew_s: float) -> None:
    """What GitHub changed later is newer, whatever our clock says; each part is as old as its fetch."""
    await attached(room)

    async def see(second: float, **more: Any) -> Any:
        there = room.clock.now() + timedelta(seconds=skew_s)
        told = an_observation(updated_at=there - timedelta(seconds=second), **more)
        room.forge.observations["PR_1"] = told
        return await room.service.refresh_workspace("w1")

    assert isinstance(await see(30, title="first"), Refreshed)
    assert isinstance(await see(10, title="second"), Refreshed)
    assert await see(20, title="late") == Superseded(reason=RefusalReason.OLDER_UPDATED_AT)
    watch, facts = await room.watch(), (await room.snapshot()).facts
    assert facts is not None
    assert facts.title == "second"
    assert {watch.state_at, watch.checks_at, watch.conversation_at} == {room.clock.now()}
    due = await room.due_in()
    assert due is not None
    assert 0 < due <= SettingsRecord().cadence_quiet_s


@SKEWS
async def test_pending_checks_are_overdue_at_the_latest_by_the_skew(room: "Room", skew_s: float) -> None:
    """A start in our future counts from there, one in our past from when the head was seen here."""
    await attached(room)
    limit = SettingsRecord().ci_limit_s
    check = a_check("slow", CheckOutcome.PENDING, started_at=room.clock.now() + timedelta(seconds=skew_s))
    room.forge.observations["PR_1"] = an_observation(checks=(check,))
    await room.service.refresh_workspace("w1")
    room.clock.advance(limit + max(skew_s, 0) - 1)
    await room.service.refresh_workspace("w1")
    assert not (await room.snapshot()).ci_overdue
    room.clock.advance(1)
    await room.service.refresh_workspace("w1")
    assert (await room.snapshot()).ci_overdue


@pytest.mark.parametrize("skew_s", [-590, 0, A_DAY])
async def test_a_pull_request_is_found_though_it_seems_older_than_its_workspace(
    room: "Room", skew_s: float
) -> None:
    """Opened just after the workspace was made, by a clock that is behind ours."""
    await room.add()
    made = room.clock.now() + timedelta(seconds=skew_s)
    room.forge.candidates["headway/fix-login"] = (a_candidate(7, created_at=made),)
    room.forge.observations["PR_7"] = an_observation("PR_7", updated_at=made)
    assert isinstance(await room.service.refresh_workspace("w1"), Refreshed)


async def test_what_is_never_due_hides_nothing_that_was_planned_while_our_clock_was_ahead(
    room: "Room",
) -> None:
    """However many have no time at all, as archived ones do: one that was put off for hours is found."""
    watches, ahead = room.store.writer(WATCHES), room.clock.now() + timedelta(hours=2)
    planned = [PullRequestWatch(workspace_id=f"a{n:02d}", planned_at=ahead) for n in range(60)]
    planned.append(PullRequestWatch(workspace_id="w1", planned_at=ahead, due_at=ahead))
    await room.add()
    for watch in planned:
        await room.store.ledger.transact(partial(watches.put, record=watch))
    assert await room.service.next_due_in_s() == 0
    await room.service.refresh_due()
    assert room.asked("of_branches") == [("headway/fix-login",)]
