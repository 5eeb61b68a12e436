"""Finding the pull request of a branch."""

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from headway_core.pull_requests import NoPullRequest, PullRequestAttached, Refreshed, RefreshFailed, Unchanged
from headway_core.pull_requests.model import FailureKind, GitHubState
from headway_core.pull_requests.ports import FetchFailed
from headway_core.workspaces.model import ResumeBranchSource, WorkspaceStatus
from headway_testing.clock import EPOCH
from headway_testing.observations import a_candidate, an_observation

if TYPE_CHECKING:
    from .conftest import Room

pytestmark = pytest.mark.anyio

BRANCH = "headway/fix-login"


async def test_the_pull_request_of_a_branch_is_found_and_stored_in_one_write(room: "Room") -> None:
    """Identity and facts come together: one event, and the state is known at once (S6)."""
    await room.add()
    room.forge.candidates[BRANCH] = (a_candidate(7),)
    room.forge.observations["PR_7"] = an_observation("PR_7")
    assert isinstance(await room.service.refresh_workspace("w1"), Refreshed)
    (event,) = await room.events()
    assert isinstance(event, PullRequestAttached)
    assert event.now is not None
    assert event.now.number == 7


@pytest.mark.lesson("S15")
async def test_a_repository_is_asked_once_for_all_its_branches(room: "Room") -> None:
    """Three workspaces that look, one query; those found are read in one more."""
    for n in (1, 2, 3):
        await room.add(f"w{n}", branch=f"b{n}")
        room.forge.candidates[f"b{n}"] = (a_candidate(n),)
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n)
    outcomes = await room.service.refresh_due()
    assert all(isinstance(outcome, Refreshed) for outcome in outcomes.values())
    assert room.asked("of_branches") == [("b1", "b2", "b3")]
    assert room.asked("observe") == [("PR_1", "PR_2", "PR_3")]


@pytest.mark.lesson("S15")
async def test_it_is_looked_for_after_a_hint_and_then_with_growing_pauses(room: "Room") -> None:
    """0, 5, 15 and 45 s after the hint, then from 3 min to six hours, with jitter."""
    await room.add()
    await room.hint()
    hinted = room.clock.now()
    looked = []
    for _ in range(14):
        assert await room.service.refresh_due() == {"w1": NoPullRequest()}
        looked.append((room.clock.now() - hinted).total_seconds())
        room.clock.advance(await room.due_in() or 0)
    assert looked[:4] == [0, 5, 15, 45]
    pauses = [after - before for before, after in pairwise(looked[3:])]
    for n, pause in enumerate(pauses):
        assert 0.9 <= pause / min(180 * 2**n, 6 * 3600) <= 1.1
    await room.hint()
    assert await room.due_in() == 0
    await room.service.refresh_due()
    assert await room.due_in() == 5


@pytest.mark.lesson("S15")
async def test_workspaces_that_began_together_do_not_look_together(room: "Room") -> None:
    """Each has a jitter of its own: after the same backoff they are due at many moments."""
    for n in range(40):
        await room.add(f"w{n}", branch=f"b{n}")
        await room.hint(f"w{n}")
    for _ in range(5):
        await room.service.refresh_due()
        room.clock.advance(max([await room.due_in(f"w{n}") or 0 for n in range(40)]))
    await room.service.refresh_due()
    dues = [await room.due_in(f"w{n}") or 0 for n in range(40)]
    assert len({round(due) for due in dues}) > 15
    assert max(dues) / min(dues) <= 1.1 / 0.9


async def test_looks_whose_time_has_passed_are_not_made_up_for(room: "Room") -> None:
    """A minute after the hint the first look is followed by the backoff, not by three at once."""
    await room.add()
    await room.hint()
    room.clock.advance(60)
    await room.service.refresh_due()
    assert 162 <= (await room.due_in() or 0) <= 198


async def test_a_workspace_that_is_not_ready_asks_nothing(room: "Room") -> None:
    """While it is provisioned it is looked at again soon; the day it is READY, it asks."""
    await room.add(status=WorkspaceStatus.PROVISIONING)
    assert await room.service.refresh_due() == {"w1": NoPullRequest()}
    assert room.forge.asked == []
    await room.change_workspace(status=WorkspaceStatus.READY)
    room.clock.advance(5)
    await room.service.refresh_due()
    assert room.asked("of_branches") == [(BRANCH,)]


async def test_a_pull_request_that_is_older_than_the_workspace_is_not_its_own(room: "Room") -> None:
    """A branch name that was used before; a resumed branch brings its old pull request along."""
    old = a_candidate(7, created_at=EPOCH - timedelta(hours=1))
    room.forge.candidates[BRANCH] = (old,)
    room.forge.observations["PR_7"] = an_observation("PR_7")
    await room.add("w1")
    await room.add("w2", source=ResumeBranchSource(branch=BRANCH))
    outcomes = await room.service.refresh_due()
    assert outcomes["w1"] == NoPullRequest()
    assert isinstance(outcomes["w2"], Refreshed)


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ((a_candidate(1, base_ref="next"), a_candidate(2)), "PR_2"),
        ((a_candidate(1), a_candidate(2, created_at=EPOCH + timedelta(seconds=1))), "PR_2"),
        (
            (a_candidate(1), a_candidate(2, base_ref="next", created_at=EPOCH + timedelta(days=1))),
            "PR_1",
        ),
        (
            (a_candidate(1), a_candidate(2, head_repository="eve/demo", created_at=EPOCH + timedelta(1))),
            "PR_1",
        ),
        ((a_candidate(1, head_repository="eve/demo"),), None),
        ((a_candidate(1, head_repository=None),), None),
        ((a_candidate(1, head_repository=None), a_candidate(2, head_repository="Octo/Demo")), "PR_2"),
    ],
)
async def test_of_several_the_default_base_goes_first_then_the_newest(
    room: "Room", candidates: tuple[object, ...], chosen: str | None
) -> None:
    """And a fork's, which anybody can name, is none, alone or beside those of the repository."""
    await room.add()
    room.forge.candidates[BRANCH] = candidates  # type: ignore[assignment]  # a list of a narrower kind
    for n in (1, 2):
        room.forge.observations[f"PR_{n}"] = an_observation(f"PR_{n}", number=n)
    await room.service.refresh_workspace("w1")
    assert (await room.snapshot()).node_id == chosen


@pytest.mark.lesson("S10")
async def test_a_finished_pull_request_gives_way_to_a_new_one_of_the_branch(room: "Room") -> None:
    """After a push the branch is looked at soon, though what is attached is merged; then less and less."""
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.MERGED)
    await room.service.refresh_workspace("w1")
    await room.hint()
    pauses = []
    for _ in range(5):
        assert await room.service.refresh_due() == {"w1": Unchanged()}
        pauses.append(await room.due_in() or 0)
        room.clock.advance(pauses[-1])
    assert pauses[:3] == [5, 10, 30]
    assert 162 <= pauses[3] <= 198 < pauses[4]
    assert len(room.asked("observe")) == 1
    room.forge.candidates[BRANCH] = (a_candidate(8),)
    room.forge.observations["PR_8"] = an_observation("PR_8", number=8)
    await room.hint()
    await room.service.refresh_due()
    snapshot = await room.snapshot()
    assert snapshot.facts is not None
    assert (snapshot.node_id, snapshot.facts.state) == ("PR_8", GitHubState.OPEN)


@pytest.mark.lesson("R30")
async def test_a_closed_one_is_read_hourly_for_a_week(room: "Room") -> None:
    """It may be reopened; after a week nobody waits for that."""
    await room.set(quiet_time_s=0)
    await room.add()
    await room.attach()
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.CLOSED)
    await room.service.refresh_workspace("w1")
    for _ in range(8):  # another of the branch is looked for meanwhile, with growing pauses
        room.clock.advance(3600)
        await room.service.refresh_due()
    assert await room.due_in() == 3600
    room.forge.observations["PR_1"] = an_observation()
    room.clock.advance(3600)
    assert await room.service.refresh_due() == {"w1": Refreshed(changed=("state",))}
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.CLOSED)
    room.clock.advance(8 * 24 * 3600)
    for _ in range(12):
        room.clock.advance(max(await room.due_in() or 0, 0))
        await room.service.refresh_due()
    assert (await room.due_in() or 0) > 5 * 3600


async def test_a_branch_that_can_not_be_looked_for_is_a_failure(room: "Room") -> None:
    """Nothing is concluded from it; a closed pull request is still read."""
    failed = FetchFailed(kind=FailureKind.UNAVAILABLE, problem="because")
    room.forge.candidates[BRANCH] = failed
    await room.add()
    assert await room.service.refresh_workspace("w1") == RefreshFailed(
        kind=FailureKind.UNAVAILABLE, problem="because", retry_after_s=None
    )
    await room.attach()
    room.forge.observations["PR_1"] = an_observation(state=GitHubState.CLOSED)
    await room.service.refresh_workspace("w1")
    assert await room.service.refresh_workspace("w1") == Unchanged()


async def test_a_found_pull_request_that_can_not_be_read_is_not_attached(room: "Room") -> None:
    """Identity and facts come together or not at all."""
    await room.add()
    room.forge.candidates[BRANCH] = (a_candidate(7),)
    outcome = await room.service.refresh_workspace("w1")
    assert isinstance(outcome, RefreshFailed)
    assert (await room.snapshot()).node_id is None
