"""Absence is no success: what the head before had, and this one lacks."""

from typing import Any

import attrs
import pytest

from headway_core.pull_requests import ci_of, counted_of
from headway_core.pull_requests.expected_checks import expected_of_next_head
from headway_core.pull_requests.model import Check, CheckOutcome, CIStatus, PullRequestSnapshot
from headway_core.pull_requests.ports import ChecksPart
from headway_core.settings.model import CIScope
from headway_testing.conversations import some_facts
from headway_testing.observations import a_check, an_observation

A, B, C = "a" * 40, "c" * 40, "d" * 40
FOREIGN = a_check("cla", identity="status:license/cla", run_id="x")
RoomT = Any


async def _sees(room: RoomT, commit: str, *checks: Check, **more: Any) -> PullRequestSnapshot:
    part = ChecksPart(commit=commit, checks=checks, required=more.pop("required", ()))
    observation = an_observation(commit=commit, checks=part, updated_at=room.clock.now(), **more)
    room.forge.observations["PR_1"] = observation
    await room.service.refresh_workspace("w1")
    found: PullRequestSnapshot = await room.snapshot()
    return found


async def _rests(room: RoomT, commit: str, *checks: Check, **more: Any) -> PullRequestSnapshot:
    """The same, after its quiet time."""
    await _sees(room, commit, *checks, **more)
    room.clock.advance(100)
    return await _sees(room, commit, *checks, **more)


@pytest.fixture
async def attached(room: RoomT) -> RoomT:
    await room.add()
    await room.attach()
    return room


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("after", [(), (FOREIGN,), (a_check("lint"),)], ids=["none", "a status", "another"])
async def test_a_head_without_the_checks_of_the_one_before_is_not_green(
    attached: RoomT, after: tuple[Check, ...]
) -> None:
    """Whatever else is green: what was red did not become green by not running."""
    await _rests(attached, A, a_check("test", CheckOutcome.FAILED), FOREIGN, a_check("lint"))
    snapshot = await _rests(attached, B, *after)
    assert ci_of(snapshot, CIScope.ALL) is CIStatus.UNKNOWN
    missing = {each.name for each in counted_of(snapshot, CIScope.ALL).lacking}
    assert missing == {"test", "lint", "cla"} - {check.name for check in after}


async def test_with_the_checks_it_is_judged_by_them(attached: RoomT) -> None:
    """They may come late, and one at a time."""
    await _rests(attached, A, a_check("test", CheckOutcome.FAILED), a_check("lint"))
    late = await _rests(attached, B, a_check("lint", run_id="3"))
    assert ci_of(late, CIScope.ALL) is CIStatus.UNKNOWN
    whole = await _sees(attached, B, a_check("lint", run_id="3"), a_check("test", run_id="4"))
    assert ci_of(whole, CIScope.ALL) is CIStatus.SUCCESS


async def test_what_two_heads_lack_in_a_row_is_still_expected(attached: RoomT) -> None:
    """A second push on top of the broken workflow does not make it green."""
    await _rests(attached, A, a_check("test", CheckOutcome.FAILED))
    await _rests(attached, B, FOREIGN)
    snapshot = await _rests(attached, C, FOREIGN)
    assert ci_of(snapshot, CIScope.ALL) is CIStatus.UNKNOWN


async def test_what_was_waited_for_until_the_limit_is_not_expected_of_the_next_head(attached: RoomT) -> None:
    """People were told that it is missing, and pushed on: the job is gone for good."""
    await _rests(attached, A, a_check("test"), a_check("lint"))
    await _rests(attached, B, a_check("lint", run_id="3"))
    attached.clock.advance(3600)
    told = await _sees(attached, B, a_check("lint", run_id="3"))
    assert told.ci_overdue
    snapshot = await _rests(attached, C, a_check("lint", run_id="5"))
    assert ci_of(snapshot, CIScope.ALL) is CIStatus.SUCCESS


async def test_a_head_that_was_never_read_keeps_what_was_expected_of_it(attached: RoomT) -> None:
    """Two pushes within one look: what the last known head had is what the next should have."""
    await _rests(attached, A, a_check("test"))
    attached.forge.observations["PR_1"] = an_observation(
        commit=B, checks=None, updated_at=attached.clock.now()
    )
    await attached.service.refresh_workspace("w1")
    snapshot = await _rests(attached, C, FOREIGN)
    assert [each.name for each in counted_of(snapshot, CIScope.ALL).lacking] == ["test"]


async def test_another_pull_request_is_expected_to_have_nothing(attached: RoomT) -> None:
    """A switch forgets all facts."""
    await _rests(attached, A, a_check("test"))
    await _rests(attached, B)
    await attached.attach(node_id="PR_2")
    assert (await attached.snapshot()).expected == ()


async def test_where_some_are_required_their_absence_is_what_counts(attached: RoomT) -> None:
    """Of the others nothing is expected in the scope `required`: they would not count either."""
    await _rests(attached, A, a_check("test"), a_check("lint"))
    snapshot = await _rests(attached, B, a_check("test", run_id="2"), required=("test",))
    assert ci_of(snapshot, CIScope.REQUIRED) is CIStatus.SUCCESS
    assert ci_of(snapshot, CIScope.ALL) is CIStatus.UNKNOWN


def _identity(event: str, name: str = "test") -> str:
    return f"run:github-actions/9/{event}/{name}"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (a_check(identity=_identity("push")), True),
        (a_check(identity=_identity("pull_request"), word="CANCELLED", outcome=CheckOutcome.FAILED), True),
        (a_check(identity=_identity("dynamic")), True),
        (a_check(identity="run:codecov///patch"), True),
        (FOREIGN, True),
        (a_check(identity=_identity("workflow_dispatch")), False),
        (a_check(identity=_identity("issue_comment")), False),
        (a_check(identity=_identity("pull_request_review")), False),
        (a_check(identity=_identity("pull_request"), word="SKIPPED"), False),
        (a_check("build (${{ matrix.os }})", identity=_identity("push", "x")), False),
        (a_check(identity="suite:github-actions/9/push", outcome=CheckOutcome.FAILED), False),
    ],
    ids=lambda value: f"{value.identity} {value.word}" if isinstance(value, Check) else str(value),
)
def test_only_what_every_push_starts_is_expected(check: Check, *, expected: bool) -> None:
    """A run that a person started, a job that stood aside, a workflow that was broken: none comes again."""
    facts = some_facts(checks=(check,), checks_complete=True)
    snapshot = PullRequestSnapshot(workspace_id="w1", facts=facts)
    assert bool(expected_of_next_head(snapshot)) is expected


def test_the_list_has_a_bound() -> None:
    """A repository with thousands of statuses fills no row without end."""
    checks = tuple(a_check(f"c{n}", identity=f"status:c{n}", run_id=str(n)) for n in range(2000))
    snapshot = PullRequestSnapshot(workspace_id="w1", facts=some_facts(checks=checks, checks_complete=True))
    assert len(expected_of_next_head(snapshot)) == 500


def test_the_facts_alone_decide() -> None:
    """Without facts nothing is expected, and an unread list lacks nothing."""
    assert expected_of_next_head(PullRequestSnapshot(workspace_id="w1")) == ()
    unread = PullRequestSnapshot(workspace_id="w1", facts=some_facts(checks_complete=False))
    assert counted_of(attrs.evolve(unread, quiet_passed=True), CIScope.ALL).lacking == ()
